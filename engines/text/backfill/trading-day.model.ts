/**
 * Which trading day an article belongs to: the one whose close follows it. What is stamped at or after a close can never
 * have moved that day's orders, which fill at the close; news of a weekend belongs to Monday.
 */
import { civilFromDay, MS_PER_DAY, weekday } from '../../../src/platform/dates.ts';

/** When a market closes, by its own clocks. */
export interface MarketClose {
  /** IANA name: `America/New_York`. */
  readonly timeZone: string;
  /** Minutes after midnight. */
  readonly minute: number;
}

/** Where the New York exchanges close early, they do so at this minute. */
const EARLY_MINUTE = 13 * 60;
const NEW_YORK = 'America/New_York';
const THURSDAY = 4;

/**
 * Whether New York may close early: on 3 July, on the day after Thanksgiving (the fourth Thursday of November) and on
 * 24 December. In some years it does not on the first or last: then that afternoon's news only comes a day late.
 * Source: New York Stock Exchange, "Holidays & Trading Hours".
 */
function mayCloseEarly(day: number): boolean {
  const { month, day: date } = civilFromDay(day);
  if (month === 11) return weekday(day - 1) === THURSDAY && date - 1 >= 22 && date - 1 <= 28;
  return (month === 7 && date === 3) || (month === 12 && date === 24);
}

/** Closing instants of days (day numbers), in milliseconds since 1970 UTC. @throws RangeError for an unknown time zone. */
export function closingInstants(days: ArrayLike<number>, { timeZone, minute }: MarketClose): Float64Array {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  /** How far the market's clocks are ahead of UTC at an instant. */
  const ahead = (instant: number) => {
    const parts = Object.fromEntries(clock.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
    return local - instant;
  };
  return Float64Array.from(days, (day) => {
    const early = timeZone === NEW_YORK && mayCloseEarly(day);
    const local = day * MS_PER_DAY + (early ? Math.min(EARLY_MINUTE, minute) : minute) * 60_000;
    // The second look counts where clocks are changed between the first guess and the close.
    const guess = local - ahead(local);
    return local - ahead(guess);
  });
}
