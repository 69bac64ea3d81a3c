/** The palette: commands typed after `:`. Verbs are those of the command line; a program is launched after asking. */
import { splitCommand, splitWords } from '../format/command.ts';
import type { PhaseResult } from '../phases/types.ts';
import { tryParseDay } from '../platform/dates.ts';
import { THEMES } from '../platform/themes.ts';
import type { ReadArgs } from '../supervisor/reads.ts';
import type { ActionContext } from './action.ts';
import { chooseProgram, editJob, editProgram } from './actions/form.ts';
import { openScreen } from './actions/navigation.ts';
import { noSkip, noUnskip } from './actions/phases.ts';
import { notReady } from './actions/reasons.ts';
import { prompt } from './actions/view.ts';
import {
  chainDialog,
  commandDialog,
  killDialog,
  removeDialog,
  rerunDialog,
  shutdownDialog,
  stopDialog,
} from './dialogs.ts';
import { knownPrograms } from './form/status.ts';
import { isRunning, select } from './lists.ts';
import { SCREENS } from './screens.ts';
import { phasesOf, selectedJob } from './selectors.ts';
import type { ConsoleState, Dialog, PhaseWords } from './store.ts';

type SimilarKey = keyof ReadArgs<'similar'>;

const SIMILAR_FLAGS: Readonly<Record<SimilarKey, string>> = {
  model: '--model',
  instrument: '--instrument',
  asOf: '--as-of',
  topK: '--top-k',
  entityType: '--entity-type',
  startDate: '--start-date',
  endDate: '--end-date',
};

const SIMILAR_KEYS = Object.keys(SIMILAR_FLAGS) as SimilarKey[];
const ENTITY_TYPES = ['INSTRUMENT', 'MARKET', 'SECTOR', 'PORTFOLIO'] satisfies ReadArgs<'similar'>['entityType'][];

const SIMILAR_USAGE =
  'similar --model ID --instrument ID --as-of YYYY-MM-DD [--top-k N] [--entity-type TYPE] [--start-date DATE --end-date DATE]';

interface Verb {
  readonly name: string;
  /** What follows it, for completion. */
  readonly words?: (state: ConsoleState) => readonly string[];
  readonly help: string;
  /** False for what costs or destroys. */
  readonly safe: boolean;
  run(context: ActionContext, words: readonly string[]): void;
}

const running = ({ snapshot }: ConsoleState) => snapshot.jobs.filter(isRunning).map((job) => job.id);
const ended = ({ snapshot }: ConsoleState) => snapshot.jobs.filter((job) => !isRunning(job)).map((job) => job.id);
const all = ({ snapshot }: ConsoleState) => snapshot.jobs.map((job) => job.id);
const phaseIds = (state: ConsoleState) => phasesOf(state).map(({ phase }) => phase as string);

/** A verb on one job, named or the selected one; the number alone is enough. */
function onJob(
  name: string,
  words: Verb['words'],
  help: string,
  make: (state: ConsoleState, key: string, job?: ConsoleState['snapshot']['jobs'][number]) => Dialog | null,
): Verb {
  return {
    name,
    words,
    help,
    safe: false,
    run({ state, store, host, toast }, [id]) {
      const job = id === undefined ? undefined : jobCalled(state, id);
      if (id !== undefined && !job) return toast(`there is no job ${id}`, 'warn');
      store.setState({ overlay: make(state, host.newId(), job) });
    },
  };
}

/** A verb that opens the line for words on a phase, with those that were typed already. */
function onPhase(
  name: string,
  help: string,
  purpose: PhaseWords,
  refusal: (phase: PhaseResult) => string | null,
): Verb {
  return {
    name,
    words: phaseIds,
    help,
    safe: false,
    run({ state, store, toast }, [id, ...words]) {
      const phase = phasesOf(state).find((one) => one.phase === id?.toUpperCase());
      const reason = phase ? refusal(phase) : `which phase? ${phaseIds(state).join(', ')}`;
      if (!phase || reason !== null) return toast(reason ?? '', 'warn');
      const text = words.filter((word) => word !== '--text').join(' ');
      store.setState({ overlay: prompt(purpose, text, phase.phase) });
    },
  };
}

const jobCalled = ({ snapshot }: ConsoleState, id: string) =>
  snapshot.jobs.find((job) => job.id === id || Number.parseInt(job.id, 10) === Number(id));

async function setMode({ host, store, toast }: ActionContext, readOnly: boolean): Promise<void> {
  try {
    await host.supervisor()?.setReadOnly(readOnly);
    store.setState({ readOnly });
    toast(readOnly ? 'read-only: nothing can be started or stopped from here' : 'read and write again', 'info');
  } catch (error) {
    toast(`the mode could not be changed: ${(error as Error).message}`, 'bad');
  }
}

const VERBS: readonly Verb[] = [
  {
    name: 'phases run',
    words: phaseIds,
    help: "a phase's whole plan as one chain; --override why, where it is blocked",
    safe: false,
    run({ state, store, host, toast }, [id, flag, ...why]) {
      const phase = phasesOf(state).find((one) => one.phase === id);
      if (!phase) return toast(`which phase? ${phaseIds(state).join(', ')}`, 'warn');
      if (flag !== undefined && flag !== '--override') return toast(`phases run has no '${flag}' here`, 'warn');
      const override = why.join(' ');
      if (flag !== undefined && override === '')
        return toast('--override: say why it is run though it is blocked', 'warn');
      store.setState({ overlay: chainDialog(state, phase, host.newId(), override || undefined) });
    },
  },
  onPhase('phases skip', 'leave an optional phase out: phases skip P3 [--text WHY]', 'skip', noSkip),
  onPhase('phases unskip', 'take a skipped phase in again: phases unskip P3 [--text WHY]', 'unskip', noUnskip),
  onPhase('note', 'a note on a phase: note P3 [TEXT]', 'note', () => null),
  {
    name: 'why',
    words: phaseIds,
    help: 'a phase with its checks',
    safe: true,
    run({ state, store, toast }, [id]) {
      if (!phaseIds(state).includes(id)) return toast(`which phase? ${phaseIds(state).join(', ')}`, 'warn');
      openScreen({ store }, 'phases');
      store.setState((now) => select(now, 'phases', id));
    },
  },
  {
    name: 'job show',
    words: all,
    help: 'select a job',
    safe: true,
    run({ state, store, toast }, [id]) {
      const job = jobCalled(state, id ?? '');
      if (!job) return toast(id ? `there is no job ${id}` : 'which job?', 'warn');
      store.setState((now) => select(now, 'jobs', job.id));
    },
  },
  {
    name: 'job start',
    help: 'any program as a job: job start PROGRAM [--flags]',
    safe: false,
    run: (context, words) => launch(context, words),
  },
  {
    name: 'job new',
    words: (state) => programNames(state),
    help: 'the form of a program, empty or as it was left; without one the list of all',
    safe: false,
    run: (context, words) => (words.length > 0 ? editProgram(context, words.join(' ')) : chooseProgram(context)),
  },
  {
    name: 'job edit',
    words: all,
    help: 'the form filled with the arguments of a job, to run it again',
    safe: false,
    run(context, [id]) {
      const job = id === undefined ? selectedJob(context.state) : jobCalled(context.state, id);
      if (job) editJob(context, job);
      else context.toast(id ? `there is no job ${id}` : 'which job?', 'warn');
    },
  },
  onJob('job rerun', ended, 'a job again, exactly as it was', rerunDialog),
  onJob('job stop', running, 'TERM to a job', stopDialog),
  onJob('job kill', running, 'KILL to a job', killDialog),
  onJob('job rm', ended, "delete a job's record", removeDialog),
  {
    name: 'supervisor stop',
    help: 'end the supervisor; jobs run on',
    safe: false,
    run: ({ state, store }) => store.setState({ overlay: shutdownDialog(state) }),
  },
  {
    name: 'similar',
    help: `the nearest vectors: ${SIMILAR_USAGE}`,
    safe: true,
    run({ store, toast }, words) {
      const query = similarQuery(words);
      if (typeof query === 'string') return toast(`${query} · ${SIMILAR_USAGE}`, 'warn');
      openScreen({ store }, 'research');
      store.setState({ similar: query, focus: 'similar' });
    },
  },
  { name: 'check', help: 'read all evidence again', safe: true, run: ({ host }) => void host.supervisor()?.recheck() },
  { name: 'ro', help: 'read-only from now on', safe: true, run: (context) => void setMode(context, true) },
  { name: 'rw', help: 'read and write again', safe: true, run: (context) => void setMode(context, false) },
  {
    name: 'mouse',
    words: () => ['on', 'off'],
    help: 'on: clicks choose screens, panes and rows, the wheel moves; off: the terminal selects text',
    safe: true,
    run({ state, store, toast }, [word]) {
      if (word !== undefined && word !== 'on' && word !== 'off') return toast('mouse on, or mouse off?', 'warn');
      const mouse = word === undefined ? !state.mouse : word === 'on';
      store.setState({ mouse });
      toast(
        mouse ? 'the mouse is used here; Shift selects text in most terminals' : 'the mouse is the terminal’s',
        'info',
      );
    },
  },
  {
    name: 'theme',
    words: () => THEMES,
    help: 'colours: dark, light, high-contrast, mono; auto: the palette of the terminal',
    safe: true,
    run({ store, toast }, [name]) {
      const theme = THEMES.find((one) => one === name);
      if (!theme) return toast(`which theme? ${THEMES.join(', ')}`, 'warn');
      store.setState({ theme: theme === 'auto' ? null : theme });
      toast(`colours: ${theme}`, 'info');
    },
  },
  {
    name: 'pause',
    help: 'hold the screen still, and go on',
    safe: true,
    run: ({ store }) => store.setState((state) => ({ paused: !state.paused })),
  },
  { name: 'redraw', help: 'draw the whole screen again', safe: true, run: ({ host }) => host.redraw() },
  {
    name: 'help',
    help: 'all keys',
    safe: true,
    run: ({ store }) => store.setState({ overlay: { kind: 'help', top: 0, query: '' } }),
  },
  { name: 'quit', help: 'detach; jobs keep running', safe: true, run: ({ host }) => host.detach() },
  ...SCREENS.map(
    ({ id, title }): Verb => ({
      name: id,
      help: `the screen ${title}`,
      safe: true,
      run: ({ store }) => openScreen({ store }, id),
    }),
  ),
];

/** The flags of `prometheus similar`, `--flag value` or `--flag=value`; a sentence when one is unknown, missing or wrong. */
function similarQuery(words: readonly string[]): ReadArgs<'similar'> | string {
  const given: Partial<Record<SimilarKey, string>> = {};
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const [, flag, inline] = /^([^=]*)(?:=(.*))?$/s.exec(word)!;
    const key = SIMILAR_KEYS.find((one) => SIMILAR_FLAGS[one] === flag);
    if (!key) return `similar has no ${flag} here`;
    const value = inline ?? left.shift();
    if (value === undefined) return `${flag} needs a value`;
    given[key] = value;
  }
  const { model, instrument, asOf, topK = '10', entityType, startDate, endDate } = given;
  const wrongDay = (['asOf', 'startDate', 'endDate'] as const).find(
    (key) => given[key] && tryParseDay(given[key]) === null,
  );
  if (wrongDay) return `${SIMILAR_FLAGS[wrongDay]} must be a date, YYYY-MM-DD`;
  if (!model || !instrument || !asOf) {
    const missing = (['model', 'instrument', 'asOf'] as const).find((key) => !given[key])!;
    return `${SIMILAR_FLAGS[missing]} is missing`;
  }
  if (!/^[1-9]\d{0,3}$/.test(topK) || Number(topK) > 1000) return '--top-k must be a whole number from 1 to 1,000';
  const type = ENTITY_TYPES.find((one) => one === entityType);
  if (entityType && !type) return `--entity-type must be one of ${ENTITY_TYPES.join(', ')}`;
  return {
    ...{ model, instrument, asOf, topK: Number(topK) },
    ...(type && { entityType: type }),
    ...(startDate && { startDate }),
    ...(endDate && { endDate }),
  };
}

/** What can be a job, by name; empty before it was read. */
const programNames = (state: ConsoleState): readonly string[] =>
  knownPrograms(state)?.programs.map((program) => program.name) ?? [];

/** Whether words begin with those of a name. */
const beginsWith = (words: readonly string[], name: string): boolean =>
  name.split(' ').every((word, i) => words[i] === word);

/** The longest of the names that the words begin with. */
const longestOf = (names: readonly string[], words: readonly string[]): string | undefined =>
  names.filter((name) => beginsWith(words, name)).sort((a, b) => b.length - a.length)[0];

function launch({ state, store, host, toast }: ActionContext, words: readonly string[]): void {
  const known = longestOf(programNames(state), words);
  // Arguments need not begin with a flag: `data digest prices_daily`.
  const { program, args } = known
    ? { program: known, args: words.slice(known.split(' ').length) }
    : splitCommand(words);
  if (!program) toast('which program? job start PROGRAM [--flags]', 'warn');
  else store.setState({ overlay: commandDialog(state, program, { program, args }, host.newId()) });
}

/** Runs one line of the palette. */
export function runCommand(context: ActionContext, line: string): void {
  const words = splitWords(line.replace(/^\s*(:|prometheus\s)/, '')).filter(Boolean);
  const verbs = VERBS.map(({ name }) => name);
  const found = longestOf([...verbs, ...programNames(context.state)], words);
  if (!found) {
    const unread = knownPrograms(context.state) ? '' : '; the programs have not been read yet';
    context.toast(`no such command: ${words.slice(0, 2).join(' ')} (Tab shows what there is${unread})`, 'warn');
    return;
  }
  const verb = VERBS.find(({ name }) => name === found);
  if (!verb?.safe) {
    const reason = context.state.readOnly ? 'this console is read-only (:rw ends that)' : notReady(context.state);
    if (reason) {
      context.toast(`${words.slice(0, 2).join(' ')}: ${reason}`, 'warn');
      return;
    }
  }
  if (verb) verb.run(context, words.slice(verb.name.split(' ').length));
  else launch(context, words);
}

/** Whole lines that the text may become, in the table's order. */
export function completions(state: ConsoleState, text: string): string[] {
  // A verb's objects are offered once the verb stands there.
  const verb = VERBS.find(({ name, words }) => words && text.startsWith(`${name} `));
  const lines = verb?.words?.(state).map((word) => `${verb.name} ${word}`) ?? [
    ...VERBS.map(({ name }) => name),
    ...programNames(state),
  ];
  return [...new Set(lines.filter((line) => line.startsWith(text)))];
}

/** What a verb of the palette does, for the line below the prompt. */
export const verbHelp = (line: string): string | null =>
  VERBS.find(({ name }) => line === name || line.startsWith(`${name} `))?.help ?? null;
