/** Trading days: weekdays that are not in `market_holidays`. Inside engines a date is an index into `days`. */
import { formatDay, isWeekend } from '../../src/platform/dates.ts';
import { UserError } from '../../src/platform/errors.ts';

/** A holiday row this many calendar days away still vouches for a day; further away the table does not cover it. */
const HOLIDAY_REACH_DAYS = 400;

export interface Calendar {
  readonly marketId: string;
  /** Trading days as day numbers, ascending. */
  readonly days: Int32Array;
}

/** Trading days of `[first, last]` (day numbers, inclusive) given the market's holidays. */
export function makeCalendar(marketId: string, first: number, last: number, holidays: Iterable<number>): Calendar {
  const closed = new Set(holidays);
  const days: number[] = [];
  for (let day = first; day <= last; day++) if (!isWeekend(day) && !closed.has(day)) days.push(day);
  return { marketId, days: Int32Array.from(days) };
}

/** The trading day that lies `count` trading days before the first one on or after `day` (its day number). */
export function tradingDaysBefore(day: number, count: number, holidays: Iterable<number>): number {
  const closed = new Set(holidays);
  let at = day;
  for (let left = count; left > 0; ) {
    at--;
    if (!isWeekend(at) && !closed.has(at)) left--;
  }
  return at;
}

/** Index of the first trading day ≥ `day`; `days.length` when there is none. */
export function indexOnOrAfter(calendar: Calendar, day: number): number {
  let low = 0;
  let high = calendar.days.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (calendar.days[middle] < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Checks that the holiday table covers `[first, last]`: each day needs a holiday row within 400 days, else the table is
 * missing for that span and every holiday would count as a trading day without prices.
 * @throws UserError naming the first day that is not covered.
 */
export function requireHolidays(marketId: string, first: number, last: number, holidays: readonly number[]): void {
  const sorted = [...holidays].sort((a, b) => a - b);
  let next = 0;
  for (let day = first; day <= last; day++) {
    while (next < sorted.length && sorted[next] < day) next++;
    const after = next < sorted.length ? sorted[next] - day : Number.POSITIVE_INFINITY;
    const before = next > 0 ? day - sorted[next - 1] : Number.POSITIVE_INFINITY;
    if (Math.min(after, before) > HOLIDAY_REACH_DAYS) {
      throw new UserError(
        `market_holidays has no row of ${marketId} within ${HOLIDAY_REACH_DAYS} days of ${formatDay(day)}`,
        'Import the holidays of that span: prometheus data import --holidays FILE',
      );
    }
  }
}
