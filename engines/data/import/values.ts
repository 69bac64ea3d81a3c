/** Dates and times as vendors write them. */
import { dayFromCivil, MS_PER_DAY } from '../../../src/platform/dates.ts';

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Years outside are misprints, not markets. */
const FIRST_YEAR = 1800;
const LAST_YEAR = 2199;

const TIMESTAMP =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?$/i;
const MIDNIGHT = /^[T ]00:00(:00(\.0+)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/** Day number of a date that exists, or NaN. */
function dayOfDate(year: number, month: number, day: number): number {
  if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1 || day > DAYS_IN_MONTH[month - 1]) {
    return Number.NaN;
  }
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (month === 2 && day === 29 && !leap) return Number.NaN;
  return dayFromCivil(year, month, day);
}

/**
 * Day number of a daily bar's date: `YYYY-MM-DD`, `YYYY/MM/DD` or `YYYYMMDD`, with nothing after it but a midnight
 * (`2024-01-02 00:00:00-05:00`, as pandas prints it: the date is the exchange's own). NaN for anything else: `01/09/2014`
 * may be two dates, and a time of day means that the row is no daily bar.
 */
export function dayAt(buffer: Buffer, start: number, end: number): number {
  while (start < end && buffer[start] === 32) start++;
  while (end > start && buffer[end - 1] === 32) end--;
  const length = end - start;
  if (length === 8) {
    return dayOfDate(digits(buffer, start, 4), digits(buffer, start + 4, 2), digits(buffer, start + 6, 2));
  }
  if (length < 10) return Number.NaN;
  const separator = buffer[start + 4];
  if ((separator !== 45 && separator !== 47) || buffer[start + 7] !== separator) return Number.NaN;
  if (length > 10 && !MIDNIGHT.test(buffer.toString('latin1', start + 10, end))) return Number.NaN;
  return dayOfDate(digits(buffer, start, 4), digits(buffer, start + 5, 2), digits(buffer, start + 8, 2));
}

/** `dayAt` of a text. */
export function dayOfText(text: string): number {
  const bytes = Buffer.from(text);
  return dayAt(bytes, 0, bytes.length);
}

/** The number that `count` digits write, NaN when one of the bytes is no digit. */
function digits(buffer: Buffer, from: number, count: number): number {
  let number = 0;
  for (let i = from; i < from + count; i++) {
    const digit = buffer[i] - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/**
 * Milliseconds since 1970 of an ISO 8601 time, NaN when it is none. A time without a zone is UTC; a date alone is its
 * midnight in UTC. Fractions are kept to the microsecond, which is what PostgreSQL holds.
 */
export function instantOfText(text: string): number {
  const match = TIMESTAMP.exec(text.trim());
  if (!match) return Number.NaN;
  const [year, month, dayOfMonth, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  if (hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const microseconds = Number((match[7] ?? '').padEnd(6, '0').slice(0, 6));
  const ofDay = ((hour * 60 + minute) * 60 + second) * 1000 + microseconds / 1000;
  return dayOfDate(year, month, dayOfMonth) * MS_PER_DAY + ofDay - offsetMs(match[8] ?? 'Z');
}

function offsetMs(zone: string): number {
  if (!/^[+-]/.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
