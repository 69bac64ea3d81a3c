/** How many rows a table or model should have, from the calendar and the prices. Pure. */
import { type TradingDays, yearEnd, yearOf, yearStart } from './calendar.ts';
import type { PriceCell, VectorCell, VectorDays } from './evidence.ts';

/** Counts by calendar year. */
export type ByYear = ReadonlyMap<number, number>;

/** Smallest share of a window's rows with which a vector is made (`contracts.md` §5: 54 of 63). */
const WINDOW_SHARE = 0.87;

/** The rows that a window must have for a vector. */
export const leastRows = (windowDays: number): number => Math.floor(WINDOW_SHARE * windowDays);

/** Each instrument's own range in cells: first and last day of all its years. */
export function ownRanges(cells: readonly PriceCell[]): Map<string, { first: number; last: number; days: number }> {
  const ranges = new Map<string, { first: number; last: number; days: number }>();
  for (const cell of cells) {
    const own = ranges.get(cell.instrument);
    if (!own) ranges.set(cell.instrument, { first: cell.first, last: cell.last, days: cell.days });
    else {
      own.first = Math.min(own.first, cell.first);
      own.last = Math.max(own.last, cell.last);
      own.days += cell.days;
    }
  }
  return ranges;
}

/** Some of a model's vectors (a figure of each of `days`) within `[first, last]`, by year. */
export function daysByYear(
  { days }: Pick<VectorDays, 'days'>,
  figures: readonly number[],
  first: number,
  last: number,
): ByYear {
  const byYear = new Map<number, number>();
  let [year, end] = [0, Number.NEGATIVE_INFINITY];
  days.forEach((day, k) => {
    if (figures[k] === 0 || day < first || day > last) return;
    if (day > end) [year, end] = [yearOf(day), yearEnd(yearOf(day))];
    add(byYear, year, figures[k]);
  });
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

/** Both together. */
export function addYears(a: ByYear, b: ByYear): ByYear {
  const sums = new Map(a);
  for (const [year, value] of b) add(sums, year, value);
  return sums;
}

function add(byYear: Map<number, number>, year: number, value: number): void {
  byYear.set(year, (byYear.get(year) ?? 0) + value);
}
