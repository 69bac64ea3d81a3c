/** Trading days as the checks count them: weekdays that are not in `market_holidays`. Pure, over day numbers. */
import { civilFromDay, dayFromCivil, isWeekend } from '../platform/dates.ts';

/** A holiday row this many calendar days away still vouches for a day (`contracts.md` §1). */
const HOLIDAY_REACH_DAYS = 400;

/** The trading days of a span, with the look-ups the checks need. */
export class TradingDays {
  readonly days: Int32Array;

  constructor(first: number, last: number, holidays: Iterable<number>) {
    const closed = new Set(holidays);
    const days: number[] = [];
    for (let day = first; day <= last; day++) if (!isWeekend(day) && !closed.has(day)) days.push(day);
    this.days = Int32Array.from(days);
  }

  /** Position of the first trading day ≥ `day`; the length when there is none. */
  indexOnOrAfter(day: number): number {
    let low = 0;
    let high = this.days.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.days[middle] < day) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Number of trading days of `[first, last]`. */
  count(first: number, last: number): number {
    return Math.max(0, this.indexOnOrAfter(last + 1) - this.indexOnOrAfter(first));
  }

  /** Trading days of `[first, last]`. */
  between(first: number, last: number): Int32Array {
    return this.days.subarray(
      this.indexOnOrAfter(first),
      Math.max(this.indexOnOrAfter(first), this.indexOnOrAfter(last + 1)),
    );
  }
}

export const yearOf = (day: number): number => civilFromDay(day).year;
export const yearStart = (year: number): number => dayFromCivil(year, 1, 1);
export const yearEnd = (year: number): number => dayFromCivil(year, 12, 31);

/** Days of `[first, last]` on which the market is closed: weekends and holidays. */
export function closedDays(first: number, last: number, holidays: Iterable<number>): number[] {
  const closed: number[] = [];
  for (let day = first; day <= last; day++) if (isWeekend(day)) closed.push(day);
  for (const day of holidays) if (day >= first && day <= last && !isWeekend(day)) closed.push(day);
  return closed;
}

/** First and last day of `[first, last]` that no holiday row vouches for (none within 400 days); null when all are covered. */
export function uncoveredByHolidays(
  first: number,
  last: number,
  holidays: readonly number[],
): { first: number; last: number; days: number } | null {
  const sorted = [...holidays].sort((a, b) => a - b);
  let next = 0;
  let from: number | null = null;
  let to = 0;
  let days = 0;
  for (let day = first; day <= last; day++) {
    while (next < sorted.length && sorted[next] < day) next++;
    const after = next < sorted.length ? sorted[next] - day : Number.POSITIVE_INFINITY;
    const before = next > 0 ? day - sorted[next - 1] : Number.POSITIVE_INFINITY;
    if (Math.min(after, before) <= HOLIDAY_REACH_DAYS) continue;
    from ??= day;
    to = day;
    days++;
  }
  return from === null ? null : { first: from, last: to, days };
}

/** Days in a row that lack something. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly days: number;
}

/** The stretches of more than `allowed` of these days (ascending) in a row that are not `there`; all of them are always too many. */
export function stretchesWithout(days: Iterable<number>, there: (day: number) => boolean, allowed: number): Stretch[] {
  const found: Stretch[] = [];
  let inside = false;
  let all = 0;
  for (const day of days) {
    all++;
    const lacks = !there(day);
    if (lacks && inside) {
      const open = found[found.length - 1];
      found[found.length - 1] = { ...open, to: day, days: open.days + 1 };
    } else if (lacks) found.push({ from: day, to: day, days: 1 });
    inside = lacks;
  }
  return found.filter((one) => one.days > allowed || one.days === all);
}

/** The longest run of neighbours among missing trading days, given their positions in the calendar, ascending. */
export function longestRun(positions: readonly number[]): { start: number; length: number } | null {
  let best: { start: number; length: number } | null = null;
  let start = 0;
  for (let i = 0; i < positions.length; i++) {
    if (i > 0 && positions[i] !== positions[i - 1] + 1) start = i;
    const length = i - start + 1;
    if (!best || length > best.length) best = { start: positions[start], length };
  }
  return best;
}
