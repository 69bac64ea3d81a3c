/**
 * Which trading day an article belongs to: the one whose close follows it. What is stamped at or after a close can never
 * have moved that day's orders, which fill at the close; news of a weekend belongs to Monday.
 */
import { MS_PER_DAY } from '../../../src/platform/dates.ts';

/** When a market closes, by its own clocks. Days that close early are taken to close as usual: an hour or three too late. */
export interface MarketClose {
  /** IANA name: `America/New_York`. */
  readonly timeZone: string;
  /** Minutes after midnight. */
  readonly minute: number;
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
    const local = day * MS_PER_DAY + minute * 60_000;
    // The second look counts where clocks are changed between the first guess and the close.
    const guess = local - ahead(local);
    return local - ahead(guess);
  });
}
