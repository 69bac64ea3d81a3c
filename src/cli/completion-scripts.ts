/** Completion scripts of three shells from what can be completed; pure. */
import type { Place, Values } from './completion-model.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

export function completionScript(shell: Shell, places: readonly Place[]): string {
  if (shell === 'fish') return fishScript(places);
  return `${shell === 'zsh' ? '#compdef prometheus\n' : ''}${HEADER}${tables(places)}${shell === 'bash' ? BASH : ZSH}`;
}

const HEADER = '# Made by `prometheus completion`; make it anew after an update.\n';

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** A list of values in one word or several; kinds of values that are asked for later begin with @. */
const listed = (values: Values) => (typeof values === 'string' ? `@${values}` : values.join(' '));

/** Lookups that bash and zsh read alike. Places are looked up with their words, flags behind these, positionals by number. */
function tables(places: readonly Place[]): string {
  const words = places.filter(({ next }) => next.length > 0);
  const table = (name: string, entries: readonly (readonly [string, string])[]) =>
    [
      `_prometheus_${name}() {`,
      '  case "$1" in',
      ...entries.map(([key, value]) => `    ${quote(key)}) printf '%s\\n' ${quote(value)} ;;`),
      '    *) return 1 ;;',
      '  esac',
      '}',
      '',
    ].join('\n');
  return [
    table(
      'words',
      words.map((place) => [place.words, place.next.map(({ word }) => word).join(' ')]),
    ),
    table(
      'flags',
      places.map((place) => [place.words, place.flags.map(({ name }) => name).join(' ')]),
    ),
    table(
      'values',
      places.flatMap((place) => [
        ...place.flags.flatMap(({ name, short, values }): [string, string][] =>
          values === null
            ? []
            : [name, ...(short ? [`-${short}`] : [])].map((flag) => [`${place.words} ${flag}`, listed(values)]),
        ),
        ...place.positionals.map((values, i): [string, string] => [`${place.words} #${i}`, listed(values)]),
        ...place.positionals.slice(-1).map((values): [string, string] => [`${place.words} #last`, listed(values)]),
      ]),
    ),
  ].join('\n');
}

/**
 * Walks the words before the cursor: as long as they lead on they make the place; a flag that takes a value expects one;
 * whatever else there is counts as a positional. Behind `--` the arguments of a job's program follow: at a place of their own,
 * or at that of the command of the same name; of a program that is not known nothing is.
 */
const WALK = `
_prometheus_has() {
  case " $(_prometheus_words "$1") " in *" $2 "*) return 0 ;; *) return 1 ;; esac
}

_prometheus_walk() {
  place='' expects='' position=0
  while [ $# -gt 0 ]; do
    if [ "$1" = = ]; then :
    elif [ -n "$expects" ]; then expects=''
    else
      case "$1" in
        --)
          if _prometheus_flags "$place --" >/dev/null; then place="$place --" position=0
          else
            case "$place" in
              'job start '*) place="\${place#job start }" position=0 ;;
              'job start') place='job start --' ;;
            esac
          fi
          ;;
        -*=*) ;;
        -*) if _prometheus_values "$place $1" >/dev/null; then expects="$1"; fi ;;
        *)
          if [ "$position" -eq 0 ] && _prometheus_has "$place" "$1"; then place="\${place:+$place }$1"
          else position=$((position + 1)); fi
          ;;
      esac
    fi
    shift
  done
}

_prometheus_found() {
  if [ -n "$expects" ]; then _prometheus_values "$place $expects"
  else
    case "$1" in
      -*) _prometheus_flags "$place" ;;
      *)
        if [ "$position" -eq 0 ]; then _prometheus_words "$place"; fi
        _prometheus_values "$place #$position" || _prometheus_values "$place #last"
        ;;
    esac
  fi
}
`;

const BASH = `${WALK}
_prometheus() {
  local place expects position found current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  _prometheus_walk "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  # Bash takes --flag=value apart.
  if [ "$current" = = ]; then current=''; fi
  found=$(_prometheus_found "$current")
  case "$found" in
    *@files*) compopt -o default 2>/dev/null ;;
    *@jobs*) found="\${found/@jobs/} $("\${COMP_WORDS[0]}" completion jobs 2>/dev/null)" ;;
  esac
  found="\${found/@files/}"
  COMPREPLY=($(compgen -W "\${found/@none/}" -- "$current"))
}
complete -F _prometheus prometheus
`;

const ZSH = `${WALK}
_prometheus() {
  local place expects position found current="\${words[CURRENT]}"
  _prometheus_walk "\${(@)words[2,CURRENT-1]}"
  case "$current" in
    --*=*) expects="\${current%%=*}"; compset -P '*=' ;;
  esac
  found=$(_prometheus_found "$current")
  case "$found" in
    *@files*) _files ;;
    *@jobs*) found="\${found/@jobs/} $("\${words[1]}" completion jobs 2>/dev/null)" ;;
  esac
  found="\${found/@files/}"
  compadd -- \${=found/@none/}
}
if [ "\${funcstack[1]-}" = _prometheus ]; then _prometheus "$@"; else compdef _prometheus prometheus; fi
`;

function fishScript(places: readonly Place[]): string {
  const text = (words: string) => `'${words.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const at = (place: Place) => `complete -c prometheus -n ${text(`__prometheus_at ${text(place.words)}`)}`;
  const choices = (values: Values) => {
    if (values === 'files') return '-r -F';
    if (values === 'none') return '-x';
    return `-x -a ${text(values === 'jobs' ? FISH_JOBS : values.join(' '))}`;
  };
  const lines = places.flatMap((place) => [
    ...place.next.map(({ word, help }) => `${at(place)} -a ${text(word)} -d ${text(help)}`),
    ...place.flags.map(({ name, short, values, help }) =>
      [
        `${at(place)} -l ${name.slice(2)}`,
        short ? `-s ${short}` : '',
        values ? choices(values) : '',
        `-d ${text(help)}`,
      ]
        .filter(Boolean)
        .join(' '),
    ),
    ...place.positionals.map((values) =>
      values === 'files' ? `${at(place)} -F` : values === 'none' ? '' : `${at(place)} ${choices(values).slice(3)}`,
    ),
  ]);
  const known = places.map((place) => place.words).filter(Boolean);
  // Behind -- fish takes flags for plain words, and completes none by itself.
  const behind = places
    .filter(({ words }) => words.endsWith(' --') || known.includes(`job start ${words}`))
    .flatMap(({ words, flags }) =>
      flags.flatMap(({ name, values, help }) => {
        const when = (...more: string[]) =>
          `complete -c prometheus -n ${text(['__prometheus_behind', ...[words, ...more].map(text)].join(' '))}`;
        const value =
          values === null || values === 'none'
            ? []
            : `${when(name)} ${values === 'files' ? '-F' : choices(values).slice(3)}`;
        return [`${when()} -a ${text(name)} -d ${text(help)}`, value].flat();
      }),
    );
  return `${HEADER}set -g __prometheus_places ${known.map(text).join(' ')}
function __prometheus_place
    set -l place ''
    for word in (commandline -opc)[2..-1]
        if test "$word" = --; and string match -q 'job start*' -- "$place"
            if contains -- "$place --" $__prometheus_places
                set place "$place --"
            else if test "$place" = 'job start'
                set place 'job start --'
            else
                set place (string replace 'job start ' '' -- "$place")
            end
            continue
        end
        set -l next (string trim -- "$place $word")
        contains -- "$next" $__prometheus_places; and set place "$next"
    end
    echo "$place"
end
function __prometheus_at
    set -l place (__prometheus_place)
    test "$place" = "$argv[1]"
end
function __prometheus_behind
    set -l before (commandline -opc)
    contains -- -- $before; and __prometheus_at "$argv[1]"; or return 1
    test (count $argv) -eq 1; or test "$before[-1]" = "$argv[2]"
end
complete -c prometheus -e
complete -c prometheus -f
${[...lines.filter(Boolean), ...behind].join('\n')}
`;
}

const FISH_JOBS = '(prometheus completion jobs 2>/dev/null)';
