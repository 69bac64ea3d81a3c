/** Holidays by market against the days that have prices: years without, years with too few, the longest stretch without. */
import { formatDay, parseDay } from '../platform/dates.ts';
import { type Looker, look } from './look.ts';
import type { HolidayCover } from './types.ts';

/** Less than this share of what the market's other years let expect is far fewer. */
const FEW = 0.6;
/** Nor is one that lacks fewer than these: markets gain and lose a holiday now and then. */
const LACKING = 3;
/** Days without a holiday from which on a stretch is told; some markets have longer ones every year. */
const LONG = 100;
const LONGER_THAN_OTHERS = 1.5;

/** Reads the holidays and judges them by the span of the prices. */
export async function readHolidays(looker: Looker): Promise<HolidayCover[]> {
  const { client } = looker;
  const needs = { market_holidays: ['market_id', 'holiday_date'], prices_daily: ['trade_date'] };
  const covers = await look(looker, 'holidays against the days with prices', needs, async () => {
    const { rows: span } = await client.query<{ first: string | null; last: string | null }>(
      'SELECT min(trade_date)::date::text AS first, max(trade_date)::date::text AS last FROM prices_daily',
    );
    const { rows } = await client.query<{ market: string; rows: number; days: string[] }>(
      `SELECT market_id::text AS market, count(*) AS rows,
              array_agg(DISTINCT holiday_date::date::text ORDER BY holiday_date::date::text) AS days
         FROM market_holidays WHERE holiday_date IS NOT NULL GROUP BY 1 ORDER BY market_id::text COLLATE "C"`,
    );
    const { first, last } = span[0];
    return rows.map(({ market, rows, days }) => ({
      market,
      rows,
      first: days[0],
      last: days[days.length - 1],
      ...(first && last
        ? coverOf(days.map(parseDay), parseDay(first), parseDay(last))
        : { yearsWithout: [], yearsWithFew: [], longestGap: null }),
    }));
  });
  return covers ?? [];
}

/** Judges the holidays of one market (ascending day numbers) by the first and last day with a price. */
export function coverOf(
  days: readonly number[],
  first: number,
  last: number,
): Pick<HolidayCover, 'yearsWithout' | 'yearsWithFew' | 'longestGap'> {
  const years = Array.from({ length: yearOf(last) - yearOf(first) + 1 }, (_, k) => yearOf(first) + k);
  const inside = days.filter((day) => day >= first && day <= last);
  const all = new Map(years.map((year) => [year, days.filter((day) => yearOf(day) === year).length]));
  const yearsWithFew = years.filter((year) => {
    const usual = median(years.filter((other) => other !== year && all.get(other)!).map((other) => all.get(other)!));
    // A year that the prices cover in part is asked for as much of it.
    const from = Math.max(first, parseDay(`${year}-01-01`));
    const to = Math.min(last, parseDay(`${year}-12-31`));
    const expected = (usual * (to - from + 1)) / 365;
    const there = inside.filter((day) => yearOf(day) === year).length;
    return all.get(year)! > 0 && there < FEW * expected && expected - there >= LACKING;
  });
  return {
    yearsWithout: years.filter((year) => !all.get(year)),
    yearsWithFew,
    longestGap: longestGap(inside, first, last),
  };
}

function longestGap(holidays: readonly number[], first: number, last: number): HolidayCover['longestGap'] {
  const ends = [first - 1, ...holidays, last + 1];
  const gaps = ends.slice(1).map((to, k) => ({ from: ends[k] + 1, to: to - 1, days: to - ends[k] - 1 }));
  const longest = gaps.reduce((a, b) => (b.days > a.days ? b : a));
  const yearly = new Map<number, number>();
  for (const { from, days } of gaps) {
    const year = yearOf(from);
    if (year !== yearOf(longest.from)) yearly.set(year, Math.max(days, yearly.get(year) ?? 0));
  }
  if (longest.days <= Math.max(LONG, LONGER_THAN_OTHERS * median([...yearly.values()]))) return null;
  return { from: formatDay(longest.from), to: formatDay(longest.to), days: longest.days };
}

const yearOf = (day: number): number => Number(formatDay(day).slice(0, 4));

/** The lower middle; 0 of none. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;
}
