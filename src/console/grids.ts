/** Grids: panes with a cursor that moves both ways. The coverage screen has two: table × year, and month × trading day. */
import type { CoverageDay } from '../phases/types.ts';
import { answerTo } from './answers.ts';
import { coverageCursor, coverageYears, selectedRow } from './lists.ts';
import type { ConsoleState } from './store.ts';

/** The days of the year under the cursor; null until they were read. */
export function coverageDays(state: ConsoleState): readonly CoverageDay[] | null {
  const cursor = coverageCursor(state);
  if (!cursor) return null;
  return answerTo(state, 'coverageYear', { row: cursor.row.name, year: cursor.year }).value?.days ?? null;
}

/** The position of the day under the cursor: chosen by hand, else the first day of the selected gap, else the last day. */
export function dayCursor(state: ConsoleState): number | null {
  const days = coverageDays(state);
  if (!days || days.length === 0) return null;
  const gap = selectedRow(state, 'gaps');
  const preferred = gap ? days.findIndex(({ date }) => date === gap.first) : days.length - 1;
  return Math.max(0, Math.min(days.length - 1, state.cursors.days ?? preferred));
}

const monthOf = ({ date }: CoverageDay): string => date.slice(0, 7);

/** The same n-th trading day so many months further on; null at the ends of the year. */
function monthsOn(days: readonly CoverageDay[], at: number, months: number): number | null {
  const all = [...new Set(days.map(monthOf))];
  const month = all.indexOf(monthOf(days[at])) + months;
  if (month < 0 || month >= all.length) return null;
  const first = (name: string) => days.findIndex((day) => monthOf(day) === name);
  const nth = at - first(monthOf(days[at]));
  const start = first(all[month]);
  const length = days.filter((day) => monthOf(day) === all[month]).length;
  return start + Math.min(nth, length - 1);
}

/** The state with the cursor of the focused grid moved; null when it does not move. */
export function moveGrid(state: ConsoleState, right: number, down: number): Pick<ConsoleState, 'cursors'> | null {
  if (state.focus === 'heat' && right !== 0) {
    const years = coverageYears(state.snapshot.board?.coverage.rows ?? []);
    const cursor = coverageCursor(state);
    if (!years || !cursor) return null;
    const heat = Math.max(years.first, Math.min(years.last, cursor.year + right));
    // Another year begins at its own first gap.
    return { cursors: { ...state.cursors, heat, days: undefined } };
  }
  if (state.focus !== 'days') return null;
  const days = coverageDays(state);
  const at = dayCursor(state);
  if (!days || at === null) return null;
  const next = down !== 0 ? monthsOn(days, at, Math.sign(down)) : at + right;
  return next === null ? null : { cursors: { ...state.cursors, days: Math.max(0, Math.min(days.length - 1, next)) } };
}
