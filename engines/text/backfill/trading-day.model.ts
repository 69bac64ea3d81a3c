/**
 * Which trading day an article belongs to: the one whose close follows it. What is stamped at or after a close can never
 * have moved that day's orders, which fill at the close; news of a weekend belongs to Monday.
 */
import { civilFromDay, MS_PER_DAY, parseDay, weekday } from '../../../src/platform/dates.ts';

/** When a market closes, by its own clocks. */
export interface MarketClose {
  /** IANA name: `America/New_York`. */
  readonly timeZone: string;
  /** Minutes after midnight. */
  readonly minute: number;
}

const NEW_YORK = 'America/New_York';
const THURSDAY = 4;
/** Minutes after midnight at which the New York exchanges close on the days of every year on which they may close early. */
const EARLY_MINUTE = 13 * 60;

/**
 * Other early closes of New York since 1993: Fridays after Independence Day and Christmas, the end of 1999, snow, the fall of
 * 27 October 1997, a failure of systems. Source: the holiday tables of the Python packages exchange_calendars (XNYS) and
 * pandas_market_calendars (NYSE).
 */
const EARLY_ONCE: ReadonlyMap<number, number> = new Map(
  Object.entries({
    '1994-02-11': 14 * 60 + 30,
    '1996-01-08': 14 * 60,
    '1996-07-05': EARLY_MINUTE,
    '1997-10-27': 15 * 60 + 30,
    '1997-12-26': EARLY_MINUTE,
    '1999-12-31': EARLY_MINUTE,
    '2002-07-05': EARLY_MINUTE,
    '2003-12-26': EARLY_MINUTE,
    '2005-06-01': 15 * 60 + 56,
  }).map(([date, minute]) => [parseDay(date), minute]),
);

/**
 * When New York may close early, in minutes after midnight; undefined on other days. Every year on 3 July, on the day after
 * Thanksgiving (the fourth Thursday of November) and on 24 December: in some it does not on the first or last, and then that
 * afternoon's news only comes a day late. Source: New York Stock Exchange, "Holidays & Trading Hours".
 */
function earlyMinute(day: number): number | undefined {
  const { month, day: date } = civilFromDay(day);
  const yearly =
    month === 11
      ? weekday(day - 1) === THURSDAY && date - 1 >= 22 && date - 1 <= 28
      : (month === 7 && date === 3) || (month === 12 && date === 24);
  return yearly ? EARLY_MINUTE : EARLY_ONCE.get(day);
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
    const early = timeZone === NEW_YORK ? earlyMinute(day) : undefined;
    const local = day * MS_PER_DAY + Math.min(early ?? minute, minute) * 60_000;
    // The second look counts where clocks are changed between the first guess and the close.
    const guess = local - ahead(local);
    return local - ahead(guess);
  });
}
