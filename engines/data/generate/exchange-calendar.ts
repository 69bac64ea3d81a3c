/** Full-day closures of the New York Stock Exchange, by rule. */
import { civilFromDay, dayFromCivil, parseDay, weekday } from '../../../src/platform/dates.ts';

/** Dates for which the rules below hold. */
export const FIRST_YEAR = 1990;
export const LAST_YEAR = 2049;

export interface Holiday {
  /** Day number of a weekday without trading. */
  readonly day: number;
  readonly name: string;
}

/** Closures that follow no rule. */
const SPECIAL_CLOSURES: readonly (readonly [date: string, name: string])[] = [
  ['1994-04-27', 'National day of mourning (Richard Nixon)'],
  ['2001-09-11', 'Terrorist attacks'],
  ['2001-09-12', 'Terrorist attacks'],
  ['2001-09-13', 'Terrorist attacks'],
  ['2001-09-14', 'Terrorist attacks'],
  ['2004-06-11', 'National day of mourning (Ronald Reagan)'],
  ['2007-01-02', 'National day of mourning (Gerald Ford)'],
  ['2012-10-29', 'Hurricane Sandy'],
  ['2012-10-30', 'Hurricane Sandy'],
  ['2018-12-05', 'National day of mourning (George H. W. Bush)'],
  ['2025-01-09', 'National day of mourning (Jimmy Carter)'],
];

const SUNDAY = 0;
const MONDAY = 1;
const THURSDAY = 4;
const SATURDAY = 6;

/**
 * Holidays from 1 January of the year before `firstDay` to 31 December of the year after `lastDay`, ascending.
 * Rules: NYSE Rule 7.2. A holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after; New
 * Year's Day on a Saturday is not kept at all, because the Friday before ends the accounting year.
 */
export function exchangeHolidays(firstDay: number, lastDay: number): Holiday[] {
  const holidays: Holiday[] = [];
  const lastYear = civilFromDay(lastDay).year + 1;
  for (let year = civilFromDay(firstDay).year - 1; year <= lastYear; year++) holidays.push(...holidaysOf(year));
  return holidays.sort((a, b) => a.day - b.day);
}

function holidaysOf(year: number): Holiday[] {
  const holidays: Holiday[] = [];
  const add = (day: number, name: string) => holidays.push({ day, name });
  const newYear = dayFromCivil(year, 1, 1);
  if (weekday(newYear) !== SATURDAY) add(observed(newYear), "New Year's Day");
  // Kept by the exchange from 1998 on.
  if (year >= 1998) add(nthWeekday(year, 1, MONDAY, 3), 'Martin Luther King Jr. Day');
  add(nthWeekday(year, 2, MONDAY, 3), "Washington's Birthday");
  add(easterSunday(year) - 2, 'Good Friday');
  add(nthWeekday(year, 6, MONDAY, 1) - 7, 'Memorial Day'); // the last Monday of May
  if (year >= 2022) add(observed(dayFromCivil(year, 6, 19)), 'Juneteenth National Independence Day');
  add(observed(dayFromCivil(year, 7, 4)), 'Independence Day');
  add(nthWeekday(year, 9, MONDAY, 1), 'Labor Day');
  add(nthWeekday(year, 11, THURSDAY, 4), 'Thanksgiving Day');
  add(observed(dayFromCivil(year, 12, 25)), 'Christmas Day');
  for (const [date, name] of SPECIAL_CLOSURES) if (date.startsWith(String(year))) add(parseDay(date), name);
  return holidays;
}

function observed(day: number): number {
  const w = weekday(day);
  return w === SATURDAY ? day - 1 : w === SUNDAY ? day + 1 : day;
}

/** Day number of the n-th given weekday of a month. */
function nthWeekday(year: number, month: number, wanted: number, n: number): number {
  const first = dayFromCivil(year, month, 1);
  return first + ((wanted - weekday(first) + 7) % 7) + 7 * (n - 1);
}

/** Easter Sunday of the Gregorian calendar (the "anonymous" algorithm; J. Meeus, "Astronomical Algorithms", chapter 8). */
function easterSunday(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const f = Math.floor((b + 8) / 25);
  const g = Math.floor((b - f + 1) / 3);
  const h = (19 * a + b - d - g + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const month = Math.floor((h + l - 7 * m + 114) / 31);
  return dayFromCivil(year, month, ((h + l - 7 * m + 114) % 31) + 1);
}
