/** The board's words for figures, dates and commands. */
import { formatCount } from '../format/numbers.ts';
import { formatDay, MS_PER_DAY } from '../platform/dates.ts';

/** `1533609` → `1,533,609`. */
export const count = (value: number): string => formatCount(Math.round(value));

/** `count` and a noun that agrees: `1 row`, `2 rows`. */
export const counted = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** A share as a percentage that never rounds up to 100 or down to 0: `99.97 %`, `> 99.99 %`. */
export function percent(share: number): string {
  const digits = (share * 100).toFixed(2);
  if (digits === '100.00') return share < 1 ? '> 99.99 %' : '100 %';
  if (digits === '0.00') return share > 0 ? '< 0.01 %' : '0 %';
  return `${digits} %`;
}

/** `2010-01-04 → 2024-08-26`. */
export const range = (first: number, last: number): string => `${formatDay(first)} → ${formatDay(last)}`;

/** Whole days between two instants, for people: `today`, `1 day`, `12 days`. */
export function ageInDays(at: number, now: number): string {
  const days = Math.floor((now - at) / MS_PER_DAY);
  return days <= 0 ? 'today' : `${counted(days, 'day')} ago`;
}

/** The first few of a list, and how many more there are. */
export function some(items: readonly string[], limit = 3): string {
  const rest = items.length - limit;
  return rest > 0 ? `${items.slice(0, limit).join(', ')} and ${rest} more` : items.join(', ');
}

/** Flags of `data import` for what is to be brought; prices come with their instruments and holidays. */
const IMPORT_FLAGS = {
  prices: '--instruments FILE --holidays FILE --prices PATH',
  holidays: '--holidays FILE',
  news: '--news PATH',
};

/** The import of these, without the leading `prometheus`. */
export const importing = (...what: readonly (keyof typeof IMPORT_FLAGS)[]): string =>
  [
    'data import',
    ...what.filter((one) => one !== 'holidays' || !what.includes('prices')).map((one) => IMPORT_FLAGS[one]),
  ].join(' ');
