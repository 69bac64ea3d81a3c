/** Verbs that only show something: each opens the screen where the console shows it, at the object that is named. */
import type { ReadArgs, ReadName, ReadResult } from '../../supervisor/reads.ts';
import type { ActionContext } from '../action.ts';
import { openScreen } from '../actions/navigation.ts';
import { answerTo, RUNS } from '../answers.ts';
import { coverageYears } from '../lists.ts';
import type { ConsoleState } from '../store.ts';
import { SIMILAR_USAGE, similarQuery } from './similar.ts';
import { atMostOne, goTo, none, type Verb } from './verb.ts';

/** What was read already, else what the supervisor answers now; null, and told, when it does not. */
async function lookUp<Name extends ReadName>(
  { state, host, toast }: ActionContext,
  name: Name,
  args: ReadArgs<Name>,
): Promise<ReadResult<Name> | null> {
  const known = answerTo(state, name, args).value;
  if (known !== null) return known;
  try {
    const supervisor = host.supervisor();
    if (supervisor) return await supervisor.read(name, args);
    toast('the supervisor is not there yet', 'warn');
  } catch (error) {
    toast((error as Error).message, 'bad');
  }
  return null;
}

/** The run with this id, else the only one whose id begins like that. */
function runCalled(runs: ReadResult<'runs'>, id: string): ReadResult<'runs'>[number] | null {
  const like = runs.filter(({ runId }) => runId.startsWith(id));
  return like.find(({ runId }) => runId === id) ?? (like.length === 1 ? like[0] : null);
}

async function showRun(context: ActionContext, [id]: readonly string[]): Promise<void> {
  const runs = await lookUp(context, 'runs', RUNS);
  if (!runs) return;
  const run = runCalled(runs, id);
  if (run) goTo(context, 'backtests', 'backtests', { list: 'backtests', id: run.runId });
  // Older than the list, or none at all: the command knows.
  else await context.host.run(['backtests', 'show', id]);
}

async function compareRuns(context: ActionContext, ids: readonly string[]): Promise<void> {
  const runs = await lookUp(context, 'runs', RUNS);
  if (!runs) return;
  const found = ids.map((id) => runCalled(runs, id));
  const missing = ids.find((_, i) => found[i] === null);
  if (missing !== undefined)
    return context.toast(`no run, or more than one of the list, begins with ${missing}`, 'warn');
  goTo(context, 'backtests', 'compare');
  context.store.setState(({ marked, filters }) => ({
    marked: { ...marked, backtests: found.flatMap((run) => run?.runId ?? []) },
    filters: { ...filters, backtests: undefined },
    zoomed: true,
  }));
}

async function showModel(context: ActionContext, [id]: readonly string[]): Promise<void> {
  const models = await lookUp(context, 'models', {});
  if (!models) return;
  if (models.some((one) => one.id === id)) goTo(context, 'research', 'model', { list: 'models', id });
  else context.toast(`there is no model ${id}: ${models.map((one) => one.id).join(', ') || 'none is here'}`, 'warn');
}

interface CoveragePlace {
  readonly row: string;
  readonly year?: number;
}

/** `--row R`, and `--year Y` within the table; null where the words say more, or name what the table has not. */
function coveragePlace(words: readonly string[], state: ConsoleState): CoveragePlace | null {
  const values = new Map<string, string>();
  const left = words.flatMap((word) => /^(--[^=]+)=(.*)$/s.exec(word)?.slice(1) ?? word);
  while (left.length > 0) {
    const [flag, value] = left.splice(0, 2);
    if (!['--row', '--year'].includes(flag) || value === undefined) return null;
    values.set(flag, value);
  }
  const rows = state.snapshot.board?.coverage.rows ?? [];
  const years = coverageYears(rows);
  const [row, year] = [values.get('--row'), values.get('--year')];
  if (row === undefined || !years || !rows.some(({ name }) => name === row)) return null;
  if (year === undefined) return { row };
  return Number(year) >= years.first && Number(year) <= years.last ? { row, year: Number(year) } : null;
}

const READS_RUNS = { name: 'runs', args: RUNS, everyMs: null } as const;

export const PLACE_VERBS: readonly Verb[] = [
  { name: 'status', safe: true, fits: none, run: ({ store }) => openScreen({ store }, 'overview') },
  { name: 'top', safe: true, fits: none, run: ({ store }) => openScreen({ store }, 'machine') },
  { name: 'backtests ls', safe: true, fits: none, run: (context) => goTo(context, 'backtests', 'backtests') },
  {
    name: 'backtests show',
    words: runIds,
    reads: READS_RUNS,
    safe: true,
    fits: (words) => words.length === 1 && atMostOne(words),
    run: (context, words) => void showRun(context, words),
  },
  {
    name: 'compare',
    words: runIds,
    takes: 2,
    reads: READS_RUNS,
    safe: true,
    // With flags it is more than the screen shows: then it is a job.
    fits: (words) => words.length === 2 && words.every((word) => !word.startsWith('-')),
    run: (context, words) => void compareRuns(context, words),
  },
  {
    name: 'coverage',
    safe: true,
    fits: (words, state) => words.length > 0 && coveragePlace(words, state) !== null,
    run(context, words) {
      const { row, year } = coveragePlace(words, context.state)!;
      goTo(context, 'coverage', 'heat', { list: 'heat', id: row });
      context.store.setState(({ cursors }) => ({ cursors: { ...cursors, heat: year, days: undefined } }));
    },
  },
  { name: 'models ls', safe: true, fits: none, run: (context) => goTo(context, 'research', 'models') },
  {
    name: 'models show',
    words: (state) => answerTo(state, 'models', {}).value?.map(({ id }) => id) ?? [],
    reads: { name: 'models', args: {}, everyMs: null },
    safe: true,
    fits: (words) => words.length === 1 && atMostOne(words),
    run: (context, words) => void showModel(context, words),
  },
  { name: 'lambda show', safe: true, fits: none, run: (context) => goTo(context, 'research', 'lambda') },
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
];

function runIds(state: ConsoleState): readonly string[] {
  return (answerTo(state, 'runs', RUNS).value ?? state.snapshot.runs).map(({ runId }) => runId);
}
