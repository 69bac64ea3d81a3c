/** How many rows a table or model should have, from the calendar and the prices. Pure. */
import { type TradingDays, yearEnd, yearOf, yearStart } from './calendar.ts';
import type { PriceCell, PriceGaps, VectorCell } from './evidence.ts';

/** Counts by calendar year. */
export type ByYear = ReadonlyMap<number, number>;

/** Smallest share of a window's rows with which a vector is made (`contracts.md` §5: 54 of 63). */
const WINDOW_SHARE = 0.87;

/** The rows that a window must have for a vector. */
export const leastRows = (windowDays: number): number => Math.floor(WINDOW_SHARE * windowDays);

/** What of the prices numeric models embed: rows of these instruments, but for those on closed days. */
export interface Embedded {
  readonly instruments: readonly string[];
  readonly closedDayRows: PriceGaps['closedDayRows'];
}

/**
 * Vectors that a numeric model has to have at the least, by year: a price row with enough rows of its instrument up to it. What
 * is due on days without a price of their own (`coverage-days.ts` counts those too) is not asked for.
 */
export function expectedVectors(
  cells: readonly PriceCell[],
  windowDays: number,
  { instruments, closedDayRows }: Embedded,
): ByYear {
  const least = leastRows(windowDays);
  const embedded = new Set(instruments);
  const ordered = cells
    .filter((cell) => embedded.has(cell.instrument))
    .map((cell) => ({ ...cell, days: cell.days - (closedDayRows.get(`${cell.instrument}|${cell.year}`) ?? 0) }))
    .sort((a, b) => (a.instrument === b.instrument ? a.year - b.year : a.instrument < b.instrument ? -1 : 1));
  const byYear = new Map<number, number>();
  let instrument = '';
  let before = 0;
  for (const cell of ordered) {
    if (cell.instrument !== instrument) [instrument, before] = [cell.instrument, 0];
    const after = before + cell.days;
    add(byYear, cell.year, Math.max(0, after - Math.max(before, least - 1)));
    before = after;
  }
  return byYear;
}

/** Those of these days (day numbers) that are trading days of `[first, last]`, by year. */
export function tradingDaysAmong(calendar: TradingDays, days: Iterable<number>, first: number, last: number): ByYear {
  const trading = new Set(calendar.between(first, last));
  const byYear = new Map<number, number>();
  for (const day of new Set(days)) if (trading.has(day)) add(byYear, yearOf(day), 1);
  return byYear;
}

/** Trading days of `[first, last]` by year. */
export function tradingDaysByYear(calendar: TradingDays, first: number, last: number): ByYear {
  const byYear = new Map<number, number>();
  for (let year = yearOf(first); year <= yearOf(last); year++) {
    const days = calendar.count(Math.max(first, yearStart(year)), Math.min(last, yearEnd(year)));
    if (days) byYear.set(year, days);
  }
  return byYear;
}

/** Vectors of a model by year. */
export function vectorsByYear(cells: readonly VectorCell[], model: string): ByYear {
  const byYear = new Map<number, number>();
  for (const cell of cells) if (cell.model === model) add(byYear, cell.year, cell.vectors);
  return byYear;
}

/** Sum of the years of `[first, last]` (day numbers). */
export function sumYears(byYear: ByYear, first: number, last: number): number {
  let sum = 0;
  for (const [year, value] of byYear) if (year >= yearOf(first) && year <= yearOf(last)) sum += value;
  return sum;
}

/** What is there of what is expected, year by year, so that a surplus in one year never hides a lack in another. */
export function sumPresent(seen: ByYear, expected: ByYear, first: number, last: number): number {
  let sum = 0;
  for (const [year, due] of expected) {
    if (year >= yearOf(first) && year <= yearOf(last)) sum += Math.min(due, seen.get(year) ?? 0);
  }
  return sum;
}

function add(byYear: Map<number, number>, year: number, value: number): void {
  byYear.set(year, (byYear.get(year) ?? 0) + value);
}
