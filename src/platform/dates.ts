/**
 * Calendar dates as day numbers: whole days since 1970-01-01 (int32), without time zone.
 * ISO strings exist only at the edges; a JS `Date` in local time is never used.
 */
import { UsageError } from './errors.ts';

/** Days from 1970-01-01 to 2000-01-01, the epoch of PostgreSQL's binary `date`. */
export const PG_EPOCH_DAY = 10957;
export const MS_PER_DAY = 86_400_000;

const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Day number of a proleptic Gregorian date (algorithm of H. Hinnant, "chrono-compatible low-level date algorithms"). */
export function dayFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

/** Year, month (1–12) and day of month of a day number. */
export function civilFromDay(dayNumber: number): { year: number; month: number; day: number } {
  const z = dayNumber + 719468;
  const era = Math.floor(z / 146097);
  const dayOfEra = z - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted + (shifted < 10 ? 3 : -9);
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** Day number of `YYYY-MM-DD`, or null when the text is not a real calendar date. */
export function tryParseDay(text: string): number | null {
  const match = ISO_DATE.exec(text);
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12 || day < 1 || day > 31) return null;
  const dayNumber = dayFromCivil(year, month, day);
  // 2014-02-30 maps to 2 March: only a round trip proves that the date exists.
  const back = civilFromDay(dayNumber);
  return back.month === month && back.day === day ? dayNumber : null;
}

/** Day number of `YYYY-MM-DD`. @throws UsageError when it is not a real calendar date. */
export function parseDay(text: string): number {
  const dayNumber = tryParseDay(text);
  if (dayNumber === null) throw new UsageError(`'${text}' is not a date`, 'Write dates as YYYY-MM-DD.');
  return dayNumber;
}

/** `YYYY-MM-DD` of a day number. */
export function formatDay(dayNumber: number): string {
  const { year, month, day } = civilFromDay(dayNumber);
  return `${String(year).padStart(4, '0')}-${month < 10 ? '0' : ''}${month}-${day < 10 ? '0' : ''}${day}`;
}

/** 0 = Sunday … 6 = Saturday. */
export function weekday(dayNumber: number): number {
  return (((dayNumber + 4) % 7) + 7) % 7;
}

export function isWeekend(dayNumber: number): boolean {
  const w = weekday(dayNumber);
  return w === 0 || w === 6;
}

/** Day number of the UTC day that holds an instant given in milliseconds since 1970. */
export function dayOfInstant(epochMs: number): number {
  return Math.floor(epochMs / MS_PER_DAY);
}
