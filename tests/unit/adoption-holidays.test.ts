import { describe, expect, test } from 'vitest';
import { coverOf } from '../../src/adoption/holidays.ts';
import { parseDay } from '../../src/platform/dates.ts';

const US = ['01-01', '01-21', '02-18', '03-29', '05-27', '07-04', '09-02', '11-28', '12-25'];
const XETRA = ['01-01', '03-29', '04-01', '05-01', '12-24', '12-25', '12-26', '12-31'];
const holidays = (of: readonly string[], from = 2008, to = 2018) =>
  Array.from({ length: to - from + 1 }, (_, k) => of.map((day) => parseDay(`${from + k}-${day}`))).flat();
const cover = (days: number[], first = '2008-01-02', last = '2018-12-31') =>
  coverOf(days, parseDay(first), parseDay(last));
const without = (days: number[], from: string, to: string) =>
  days.filter((day) => day < parseDay(from) || day > parseDay(to));
const nothing = { yearsWithout: [], yearsWithFew: [], longestGap: null };

describe('holidays against the span of the prices', () => {
  test('complete ones, also of a market whose every summer has none, and of years in part', () => {
    expect(cover(holidays(US))).toEqual(nothing);
    expect(cover(holidays(XETRA))).toEqual(nothing);
    expect(cover(holidays(US), '2008-10-06', '2018-02-05')).toEqual(nothing);
    // A market gains a holiday.
    expect(cover([...holidays(US, 2008, 2014), ...holidays([...US, '06-19'], 2015)].sort((a, b) => a - b))).toEqual(
      nothing,
    );
  });

  test('a year of which most are gone is named, and the stretch', () => {
    expect(cover(without(holidays(US), '2013-02-01', '2013-12-31'))).toEqual({
      yearsWithout: [],
      yearsWithFew: [2013],
      longestGap: { from: '2013-01-22', to: '2013-12-31', days: 344 },
    });
    expect(cover(without(holidays(US), '2013-06-01', '2014-03-31'))).toMatchObject({
      yearsWithFew: [2013, 2014],
      longestGap: { from: '2013-05-28', to: '2014-05-26' },
    });
  });

  test('a year without any, and the end of the table before the end of the prices', () => {
    const ended = cover(without(holidays(US), '2017-01-01', '2018-12-31'));
    expect(ended).toMatchObject({ yearsWithout: [2017, 2018], yearsWithFew: [], longestGap: { from: '2016-12-26' } });
  });

  test('a single year is judged by its stretch alone', () => {
    expect(cover([parseDay('2013-01-01')], '2013-01-02', '2013-12-31')).toMatchObject({
      yearsWithFew: [],
      longestGap: { from: '2013-01-02', to: '2013-12-31', days: 364 },
    });
    expect(cover([], '2013-01-02', '2013-02-28')).toMatchObject({ yearsWithout: [2013], longestGap: null });
  });
});
