/** What the screen of backtests shows together: the marked runs, or the selected one. */
import type { RunDetail, RunRow } from '../report/types.ts';
import { answerTo } from './answers.ts';
import { selectedRow, visibleRows } from './lists.ts';
import type { ConsoleState } from './store.ts';

/** Curves that can be told apart. */
export const MOST_CURVES = 4;

/** What a curve shows: the equity, the drawdown, or an exposure that days record of themselves, by its name. */
export type Curve = 'equity' | 'drawdown' | { readonly exposure: string };

/** The curves that there are of the shown runs, in the order of their key. */
export function curvesOf(state: ConsoleState): readonly Curve[] {
  const names = shownRuns(state).flatMap((run) => Object.keys(runDetail(state, run)?.exposures ?? {}));
  return ['equity', 'drawdown', ...[...new Set(names)].sort().map((exposure) => ({ exposure }))];
}

export function curveOf(state: ConsoleState): Curve {
  const curves = curvesOf(state);
  return curves[(state.cursors.backtests ?? 0) % curves.length];
}

/** As people say it: names of columns are written with blanks. */
export const curveName = (curve: Curve): string =>
  typeof curve === 'string' ? curve : curve.exposure.replaceAll('_', ' ');

/** The marked runs in the order of marking; without marks the selected one. */
export function shownRuns(state: ConsoleState): readonly RunRow[] {
  const rows = visibleRows(state, 'backtests');
  const marked = (state.marked.backtests ?? []).flatMap((id) => rows.find((run) => run.runId === id) ?? []);
  if (marked.length > 0) return marked;
  const selected = selectedRow(state, 'backtests');
  return selected ? [selected] : [];
}

/** The first two marked runs: A and B of a comparison; null without them. */
export function comparedRuns(state: ConsoleState): readonly [RunRow, RunRow] | null {
  if ((state.marked.backtests ?? []).length < 2) return null;
  const [a, b] = shownRuns(state);
  return a && b ? [a, b] : null;
}

/** A run's days, once they were read. */
export const runDetail = (state: ConsoleState, { runId }: RunRow): RunDetail | null =>
  answerTo(state, 'run', { id: runId }).value;

/** Curves laid over each other by date, never by position: every day of any run, null where a run has none. */
export function byDate(runs: readonly RunDetail[], curve: Curve): { days: string[]; series: (number | null)[][] } {
  const days = [...new Set(runs.flatMap((run) => run.days))].sort();
  const series = runs.map((run) => {
    const points = typeof curve === 'string' ? run[curve] : (run.exposures[curve.exposure] ?? []);
    const values = new Map(run.days.map((day, i) => [day, points[i] ?? null]));
    return days.map((day) => values.get(day) ?? null);
  });
  return { days, series };
}

/** The place among `days` that the cursor of the curve stands on; null while it was not moved. */
export const curveCursor = ({ cursors }: ConsoleState, days: number): number | null =>
  cursors.curve === undefined || days === 0 ? null : Math.max(0, Math.min(days - 1, cursors.curve));

/**
 * Several equity curves as if each had begun with 100 on the first day that all of them have; where there is none, each on its
 * own first day (`common` is false): money of different runs on one axis says nothing.
 */
export function indexed(series: readonly (number | null)[][]): { series: (number | null)[][]; common: boolean } {
  const counts = (value: number | null | undefined) => (value ?? 0) > 0;
  const shared = series[0]?.findIndex((_, i) => series.every((one) => counts(one[i]))) ?? -1;
  const common = shared >= 0;
  return {
    common,
    series: series.map((one) => {
      const start = one[common ? shared : one.findIndex(counts)] ?? null;
      return one.map((value) => (value === null || start === null ? null : (value / start) * 100));
    }),
  };
}
