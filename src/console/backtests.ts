/** What the screen of backtests shows together: the marked runs, or the selected one. */
import type { RunDetail, RunRow } from '../report/types.ts';
import { answerTo } from './answers.ts';
import { selectedRow, visibleRows } from './lists.ts';
import type { ConsoleState } from './store.ts';

/** Curves that can be told apart. */
export const MOST_CURVES = 4;

/** What a curve shows, in the order of its key. */
export const CURVES = ['equity', 'drawdown', 'universeSize'] as const;
export type Curve = (typeof CURVES)[number];
export const CURVE_NAMES: Readonly<Record<Curve, string>> = {
  equity: 'equity',
  drawdown: 'drawdown',
  universeSize: 'names in the universe',
};

export const curveOf = ({ cursors }: ConsoleState): Curve => CURVES[(cursors.curve ?? 0) % CURVES.length];

/** The marked runs in the order of marking; without marks the selected one. */
export function shownRuns(state: ConsoleState): readonly RunRow[] {
  const rows = visibleRows(state, 'backtests');
  const marked = (state.marked.backtests ?? []).flatMap((id) => rows.find((run) => run.runId === id) ?? []);
  if (marked.length > 0) return marked;
  const selected = selectedRow(state, 'backtests');
  return selected ? [selected] : [];
}

/** A run's days, once they were read. */
export const runDetail = (state: ConsoleState, { runId }: RunRow): RunDetail | null =>
  answerTo(state, 'run', { id: runId }).value;

/** Curves laid over each other by date, never by position: every day of any run, null where a run has none. */
export function byDate(runs: readonly RunDetail[], curve: Curve): { days: string[]; series: (number | null)[][] } {
  const days = [...new Set(runs.flatMap((run) => run.days))].sort();
  const series = runs.map((run) => {
    const values = new Map(run.days.map((day, i) => [day, run[curve][i]]));
    return days.map((day) => values.get(day) ?? null);
  });
  return { days, series };
}

/** Several equity curves as if each had begun with 100 on the first day that all of them have. */
export function indexed(series: readonly (number | null)[][]): (number | null)[][] {
  const start = series[0]?.findIndex((_, i) => series.every((one) => (one[i] ?? 0) > 0)) ?? -1;
  if (start < 0) return [...series];
  return series.map((one) => one.map((value) => (value === null ? null : (value / one[start]!) * 100)));
}
