/**
 * Lists: panes that have a selected row. Rows, filter, order and selection of each are answered here, so that every list
 * moves, filters and sorts alike.
 */
import type { CheckResult, CheckState, CoverageGap, CoverageRow, PhaseCommand, PhaseResult } from '../phases/types.ts';
import type { LambdaForecast, RunRow } from '../report/types.ts';
import type { JobView, JournalEntry } from '../supervisor/protocol.ts';
import type { KeptSeries, ModelSummary } from '../supervisor/reads.ts';
import { answerTo, glanceOf, JOURNAL, LAMBDA, RUNS } from './answers.ts';
import { readFilter } from './filter.ts';
import type { PaneId } from './screens.ts';
import type { ConsoleState } from './store.ts';

export interface Order<Row> {
  readonly name: string;
  compare(a: Row, b: Row): number;
}

interface List<Row> {
  rows(state: ConsoleState): readonly Row[];
  id(row: Row): string;
  /** What a filter looks at. */
  text(row: Row): string;
  /** The selected row while none was chosen by hand; the first one when absent or null. */
  preferred?(rows: readonly Row[]): Row | null | undefined;
  /** The first is the list's own order. */
  readonly orders?: readonly Order<Row>[];
  /** Panes that show the selected row: they begin anew with another one. */
  readonly details: readonly PaneId[];
  /** Panes that show the selected row too, but go on as they are with another one. */
  readonly shownIn?: readonly PaneId[];
}

/** States that want no attention. */
const QUIET: ReadonlySet<CheckState> = new Set(['OK', 'SKIP']);
const SEVERITY: readonly CheckState[] = ['FAIL', 'UNKN', 'BLKD', 'PART', 'STALE', 'WAIT', 'RUN', 'SKIP', 'OK'];

/** Worst first; what nobody waits for comes after what holds the phase back. */
export function bySeverity(a: CheckResult, b: CheckResult): number {
  const rank = (check: CheckResult) => SEVERITY.indexOf(check.state) + (check.advisory ? SEVERITY.length : 0);
  return rank(a) - rank(b);
}

export const isRunning = (job: JobView): boolean => job.state === 'RUN' || job.state === 'QUEUE';

/** Hidden by hand; what runs is never hidden. */
export const isHidden = (job: JobView): boolean => job.archived && !isRunning(job);

const AS_GIVEN = { name: '', compare: () => 0 };

const phases: List<PhaseResult> = {
  rows: (state) => state.snapshot.board?.phases ?? [],
  id: (phase) => phase.phase,
  text: (phase) => `${phase.phase} ${phase.state} ${phase.title} ${phase.headline}`,
  preferred: (rows) => rows.find((phase) => !QUIET.has(phase.state)) ?? rows.at(-1),
  details: ['why', 'checks', 'check', 'commands', 'history'],
};

const checks: List<CheckResult> = {
  rows: (state) => selectedRow(state, 'phases')?.checks ?? [],
  id: (check) => check.id,
  text: (check) => `${check.id} ${check.state} ${check.title} ${check.observed} ${check.reason}`,
  preferred: (rows) => [...rows].sort(bySeverity)[0],
  orders: [
    { name: 'as in the plan', compare: () => 0 },
    { name: 'worst first', compare: bySeverity },
  ],
  details: ['check'],
};

const commands: List<PhaseCommand> = {
  rows: (state) => selectedRow(state, 'phases')?.commands ?? [],
  id: (command) => command.argv.join('\0'),
  text: (command) => `${command.label} ${command.argv.join(' ')}`,
  details: [],
};

const jobs: List<JobView> = {
  rows: ({ snapshot }) =>
    snapshot.jobs.some(isHidden) ? snapshot.jobs.filter((job) => !isHidden(job)) : snapshot.jobs,
  id: (job) => job.id,
  text: (job) => `${job.id} ${job.state} ${job.program} ${job.args.join(' ')} ${job.reason}`,
  preferred: (rows) => rows.find(isRunning),
  details: ['job', 'log', 'metrics', 'chart'],
  shownIn: ['output'],
};

const metrics: List<KeptSeries> = {
  rows: (state) => {
    const job = selectedRow(state, 'jobs');
    const { series = NO_SERIES } = (job && answerTo(state, 'jobSeries', glanceOf(job)).value) ?? {};
    return [
      ...series.filter(({ source }) => source === 'program'),
      ...series.filter(({ source }) => source !== 'program'),
    ];
  },
  id: ({ source, name, series }) => `${source}\0${name}\0${series}`,
  text: (series) => `${series.name} ${series.series} ${series.unit}`,
  orders: [
    { name: 'as reported', compare: () => 0 },
    { name: 'by name', compare: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.series < b.series ? -1 : 1) },
    { name: 'by series', compare: (a, b) => (a.series < b.series ? -1 : a.series > b.series ? 1 : 0) },
  ],
  details: ['chart'],
};
const NO_SERIES: readonly KeptSeries[] = [];

const backtests: List<RunRow> = {
  rows: (state) => answerTo(state, 'runs', RUNS).value ?? NO_RUNS,
  id: (run) => run.runId,
  text: (run) => `${run.runId} ${run.sleeveId} ${run.backend} ${run.start} ${run.end}`,
  orders: [
    AS_GIVEN,
    { name: 'by Sharpe', compare: (a, b) => (b.sharpe ?? -Infinity) - (a.sharpe ?? -Infinity) },
    { name: 'by return', compare: (a, b) => (b.cumulativeReturn ?? -Infinity) - (a.cumulativeReturn ?? -Infinity) },
    {
      name: 'by sleeve',
      compare: (a, b) => (a.sleeveId < b.sleeveId ? -1 : a.sleeveId > b.sleeveId ? 1 : b.createdAt - a.createdAt),
    },
  ],
  details: ['figures', 'origin'],
  // Of marked runs, whichever of them is selected.
  shownIn: ['curve', 'compare'],
};
const NO_RUNS: readonly RunRow[] = [];

const heat: List<CoverageRow> = {
  rows: (state) => state.snapshot.board?.coverage.rows ?? [],
  id: (row) => row.name,
  text: (row) => row.name,
  details: ['days', 'gaps', 'missing'],
};

const gaps: List<CoverageGap> = {
  rows: (state) => {
    const cursor = coverageCursor(state);
    if (!cursor) return NO_GAPS;
    return answerTo(state, 'coverageYear', { row: cursor.row.name, year: cursor.year }).value?.gaps ?? NO_GAPS;
  },
  id: (gap) => gap.first,
  text: (gap) => `${gap.first} ${gap.last}`,
  details: ['days', 'missing'],
};
const NO_GAPS: readonly CoverageGap[] = [];

const events: List<JournalEntry> = {
  rows: (state) => newestFirst(answerTo(state, 'events', JOURNAL).value),
  id: (entry) => `${entry.at} ${entry.kind} ${entry.subject} ${entry.what}`,
  text: (entry) => `${entry.kind} ${entry.subject} ${entry.what} ${entry.detail} ${entry.who ?? ''}`,
  details: ['event'],
};

const models: List<ModelSummary> = {
  rows: (state) => answerTo(state, 'models', {}).value ?? NO_MODELS,
  id: (model) => model.id,
  text: (model) => `${model.id} ${model.kind ?? ''} ${model.entities.join(' ')}`,
  details: ['model'],
};
const NO_MODELS: readonly ModelSummary[] = [];

const forecasts: List<LambdaForecast> = {
  rows: (state) => answerTo(state, 'lambda', LAMBDA).value?.forecasts ?? NO_FORECASTS,
  id: (forecast) => forecast.experimentId,
  text: (forecast) => forecast.experimentId,
  details: [],
};
const NO_FORECASTS: readonly LambdaForecast[] = [];

/** Reversed once an answer: rows must be the same ones from look to look. */
const reversed = new WeakMap<readonly JournalEntry[], readonly JournalEntry[]>();
function newestFirst(entries: readonly JournalEntry[] | null): readonly JournalEntry[] {
  if (!entries) return [];
  const known = reversed.get(entries) ?? entries.toReversed();
  reversed.set(entries, known);
  return known;
}

/** Every list by its pane. */
const LISTS = { phases, checks, commands, jobs, metrics, backtests, heat, gaps, events, models, forecasts } as const;
export type ListId = keyof typeof LISTS;
export type RowOf<Id extends ListId> = (typeof LISTS)[Id] extends List<infer Row> ? Row : never;

export const isList = (pane: PaneId): pane is ListId => pane in LISTS;

const listOf = <Id extends ListId>(id: Id): List<RowOf<Id>> => LISTS[id] as unknown as List<RowOf<Id>>;

/** The rows of a list that its filter lets through, in its order. */
export function visibleRows<Id extends ListId>(state: ConsoleState, id: Id): readonly RowOf<Id>[] {
  const list = listOf(id);
  const rows = list.rows(state);
  const pattern = state.filters[id];
  const { matches } = readFilter(pattern ?? '');
  const kept = pattern ? rows.filter((row) => matches(list.text(row))) : rows;
  const { compare } = orderOf(state, id);
  return state.order[id] ? [...kept].sort(compare) : kept;
}

/** The row chosen by hand, else the one that matters most; null when there is none. */
export function selectedRow<Id extends ListId>(state: ConsoleState, id: Id): RowOf<Id> | null {
  const list = listOf(id);
  const rows = visibleRows(state, id);
  const chosen = state.selected[id];
  return rows.find((row) => list.id(row) === chosen) ?? list.preferred?.(rows) ?? rows[0] ?? null;
}

/** Where the selected row stands among the visible ones; 0 when there is none. */
export function selectedIndex(state: ConsoleState, id: ListId): number {
  const row = selectedRow(state, id);
  return Math.max(0, (visibleRows(state, id) as readonly unknown[]).indexOf(row));
}

/** The ids of the visible rows. */
export const visibleIds = (state: ConsoleState, id: ListId): readonly string[] =>
  visibleRows(state, id).map((row) => listOf(id).id(row as never));

/** The change of state that selects a row. What belonged to the row before starts at its resting place for the new one. */
export function select(
  state: ConsoleState,
  id: ListId,
  row: string,
): Pick<ConsoleState, 'selected' | 'scroll' | 'cursors'> {
  const { details } = LISTS[id];
  const rest = <Value>(all: Readonly<Partial<Record<PaneId, Value>>>) =>
    Object.fromEntries(Object.entries(all).filter(([pane]) => !(details as readonly string[]).includes(pane)));
  return { selected: { ...rest(state.selected), [id]: row }, scroll: rest(state.scroll), cursors: rest(state.cursors) };
}

/**
 * The change of state by which what is being read stays: the rows whose details `pane` shows become the chosen ones, with the
 * year where the cursor stands; null when they are. What belongs to them stays as it is.
 * @param own whether the row of `pane` itself is meant as well, when it is a list
 * @param gone whether a chosen row that is not there any more gives way to the one in its place, for good
 */
export function held(
  state: ConsoleState,
  pane: PaneId,
  { own, gone }: { readonly own: boolean; readonly gone: boolean },
): Pick<ConsoleState, 'selected' | 'cursors'> | null {
  const isMeant = (id: ListId) => {
    const { details, shownIn = [] }: Pick<List<never>, 'details' | 'shownIn'> = LISTS[id];
    return details.includes(pane) || shownIn.includes(pane) || (own && id === pane);
  };
  const isChosen = (id: ListId, chosen: string | undefined) =>
    chosen !== undefined && (!gone || visibleIds(state, id).includes(chosen));
  const open = (Object.keys(LISTS) as ListId[]).filter((id) => isMeant(id) && !isChosen(id, state.selected[id]));
  const rows = open.flatMap((id): [ListId, string][] => {
    const row = selectedRow(state, id);
    return row ? [[id, listOf(id).id(row as never)]] : [];
  });
  if (rows.length === 0) return null;
  const year = open.includes('heat') ? coverageCursor(state)?.year : state.cursors.heat;
  return {
    selected: { ...state.selected, ...Object.fromEntries(rows) },
    cursors: { ...state.cursors, ...(year === undefined ? {} : { heat: year }) },
  };
}

/**
 * The change of state by which the Overview shows what runs: a job that has ended is let go of when others run. null where there
 * is nothing to change.
 */
export function followingWhatRuns({ selected, snapshot }: ConsoleState): Pick<ConsoleState, 'selected'> | null {
  const job = snapshot.jobs.find(({ id }) => id === selected.jobs);
  if (!job || isRunning(job) || !snapshot.jobs.some(isRunning)) return null;
  const { jobs: _, ...others } = selected;
  return { selected: others };
}

/** How many rows there are without the filter. */
export const rowCount = (state: ConsoleState, id: ListId): number => listOf(id).rows(state).length;

export const orderCount = (id: ListId): number => LISTS[id].orders?.length ?? 1;

function orderOf<Id extends ListId>(state: ConsoleState, id: Id): Order<RowOf<Id>> {
  return listOf(id).orders?.[state.order[id] ?? 0] ?? AS_GIVEN;
}

/** The name of the order of a list; empty for its own. */
export const orderName = (state: ConsoleState, id: ListId): string => (state.order[id] ? orderOf(state, id).name : '');

/** Below this share a year is worth a look. */
const COMPLETE = 0.99;

export interface CoverageCursor {
  readonly row: CoverageRow;
  readonly year: number;
}

/** The row and year that the cursor stands on: chosen by hand, else the newest year that is not complete. */
export function coverageCursor(state: ConsoleState): CoverageCursor | null {
  const row = selectedRow(state, 'heat');
  const years = coverageYears(state.snapshot.board?.coverage.rows ?? []);
  if (!row || !years) return null;
  const lacking = Object.entries(row.byYear).filter(([, share]) => share !== null && share < COMPLETE);
  const preferred = Number(lacking.at(-1)?.[0] ?? years.last);
  return { row, year: Math.max(years.first, Math.min(years.last, state.cursors.heat ?? preferred)) };
}

/** First and last calendar year that any row of the coverage table says something about. */
export function coverageYears(rows: readonly CoverageRow[]): { first: number; last: number } | null {
  const years = rows.flatMap((row) => Object.keys(row.byYear).map(Number));
  return years.length === 0 ? null : { first: Math.min(...years), last: Math.max(...years) };
}
