/** `--help` of the whole and of each command, from the schemas. */
import { type Flag, flagsOf } from './arguments.ts';
import type { Command } from './command.ts';
import { COMMANDS } from './commands.ts';

/** The list of commands; of one group (`db`) when that is named. */
export function overview(group = ''): string {
  const named = COMMANDS.filter((c) => c.name && (group === '' || c.name.split(' ')[0] === group));
  const width = Math.max(...named.map((c) => c.name.length));
  const lines = named.map((c) => `  ${c.name.padEnd(width)}  ${c.summary}`);
  return [
    `Usage: prometheus ${group ? `${group} COMMAND` : '[COMMAND]'} [FLAGS]`,
    '',
    ...(group ? [] : ['Without a command the full-screen console opens.', '']),
    ...lines,
    '',
    'Every command has --help. Common flags: --historical URL, --runtime URL (databases other than the embedded ones),',
    '--debug (stack traces). Exit codes: 0 done, 1 failed, 2 usage, 3 partial, 130 interrupted.',
    '',
  ].join('\n');
}

/** All that is said of one command, or of a program as a job. */
export function commandHelp(command: Omit<Command, 'run'>): string {
  const positionals = command.positionals ?? [];
  const flags = flagsOf(command.args).filter((f) => !positionals.includes(f.key));
  const usage = [
    'prometheus',
    command.name,
    ...positionals.map((key) => `<${key}>`),
    ...flags.filter((f) => f.required).map((f) => `${f.name} ${placeholder(f)}`),
    flags.some((f) => !f.required) ? '[FLAGS]' : '',
  ];
  const left = flags.map(
    (f) => `  ${f.name}${f.kind === 'boolean' ? '' : ` ${placeholder(f)}`}${f.repeatable ? ' …' : ''}`,
  );
  const width = Math.min(34, Math.max(0, ...left.map((l) => l.length)));
  return [
    `Usage: ${usage.filter(Boolean).join(' ')}`,
    '',
    command.summary,
    ...(command.description ? ['', command.description.trim()] : []),
    ...(positionals.length ? ['', 'Arguments:'] : []),
    ...flagsOf(command.args)
      .filter((f) => positionals.includes(f.key))
      .map((f) => `  ${f.choices ? f.choices.join('|') : `<${f.key}>`}${f.repeatable ? ' …' : ''}  ${f.help}`),
    ...(flags.length ? ['', 'Flags:'] : []),
    ...flags.map((f, i) => `${left[i].padEnd(width)}  ${flagHelp(f)}`),
    '',
  ].join('\n');
}

function placeholder(flag: Flag): string {
  if (flag.choices) return flag.choices.join('|');
  if (flag.kind === 'date') return 'DATE';
  return flag.kind === 'number' || flag.kind === 'integer'
    ? 'N'
    : flag.key.replace(/[A-Z]/g, (l) => `_${l}`).toUpperCase();
}

function flagHelp(flag: Flag): string {
  const defaults = [flag.defaultValue ?? []].flat().filter((value) => value !== false);
  const shown = defaults.length ? ` (default ${defaults.join(' ')})` : '';
  return `${flag.help}${flag.required ? ' (required)' : shown}`;
}
