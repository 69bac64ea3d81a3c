import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  closedDays,
  longestRun,
  stretchesWithout,
  TradingDays,
  uncoveredByHolidays,
  yearEnd,
  yearStart,
} from '../../src/phases/calendar.ts';
import { sumPresent, sumYears } from '../../src/phases/expectations.ts';
import { percent, some } from '../../src/phases/words.ts';
import { formatDay, isWeekend, parseDay } from '../../src/platform/dates.ts';

test('stretches without something are those of more days in a row than allowed, ends included', () => {
  const found = (there: number[], allowed: number) =>
    stretchesWithout([1, 2, 3, 6, 7, 8, 9], (day) => there.includes(day), allowed);
  expect(found([], 0)).toEqual([{ from: 1, to: 9, days: 7 }]);
  expect(found([3, 7], 1)).toEqual([
    { from: 1, to: 2, days: 2 },
    { from: 8, to: 9, days: 2 },
  ]);
  expect(found([3, 7], 2)).toEqual([]);
  expect(found([], 31)).toEqual([{ from: 1, to: 9, days: 7 }]);
  expect(found([2, 3, 6, 7, 8, 9], 0)).toEqual([{ from: 1, to: 1, days: 1 }]);
});

const someDay = fc.integer({ min: parseDay('1995-01-01'), max: parseDay('2026-12-31') });

describe('trading days', () => {
  test('are weekdays that are no holidays', () => {
    const week = new TradingDays(parseDay('2014-01-01'), parseDay('2014-01-07'), [parseDay('2014-01-01')]);
    expect([...week.days].map(formatDay)).toEqual(['2014-01-02', '2014-01-03', '2014-01-06', '2014-01-07']);
    expect(week.count(parseDay('2014-01-04'), parseDay('2014-01-05'))).toBe(0);
    expect([...week.between(parseDay('2014-01-05'), parseDay('2014-01-06'))].map(formatDay)).toEqual(['2014-01-06']);
  });

  test('and closed days make up every day of a span, none twice', () => {
    fc.assert(
      fc.property(
        someDay,
        fc.integer({ min: 0, max: 400 }),
        fc.array(someDay, { maxLength: 40 }),
        (first, length, holidays) => {
          const last = first + length;
          const open = new TradingDays(first, last, holidays).days;
          const closed = closedDays(first, last, new Set(holidays));
          expect([...open, ...closed].sort((a, b) => a - b)).toEqual(
            Array.from({ length: length + 1 }, (_, i) => first + i),
          );
          expect([...open].some(isWeekend)).toBe(false);
        },
      ),
    );
  });
});

test('a day is vouched for by a holiday row within 400 days on either side', () => {
  const holiday = parseDay('2010-06-01');
  expect(uncoveredByHolidays(holiday - 400, holiday + 400, [holiday])).toBeNull();
  expect(uncoveredByHolidays(holiday - 402, holiday + 401, [holiday])).toEqual({
    first: holiday - 402,
    last: holiday + 401,
    days: 3,
  });
  expect(uncoveredByHolidays(0, 9, [])).toEqual({ first: 0, last: 9, days: 10 });
});

test('the longest run of neighbours', () => {
  expect(longestRun([])).toBeNull();
  expect(longestRun([4])).toEqual({ start: 4, length: 1 });
  expect(longestRun([1, 2, 5, 6, 7, 9])).toEqual({ start: 5, length: 3 });
});

describe('expected vectors', () => {
  test('what is present never exceeds what is expected, year by year', () => {
    const counts = fc.dictionary(fc.constantFrom('2010', '2011', '2012'), fc.nat(1000));
    const asMap = (record: Record<string, number>) =>
      new Map(Object.entries(record).map(([year, n]) => [Number(year), n]));
    fc.assert(
      fc.property(counts, counts, (seen, expected) => {
        const [first, last] = [yearStart(2010), yearEnd(2012)];
        const present = sumPresent(asMap(seen), asMap(expected), first, last);
        expect(present).toBeLessThanOrEqual(sumYears(asMap(expected), first, last));
        expect(present).toBeLessThanOrEqual(sumYears(asMap(seen), first, last));
      }),
    );
  });
});

test('a share is shown as complete only when it is', () => {
  expect([0, 1e-9, 0.4567, 0.99999, 1].map(percent)).toEqual(['0 %', '< 0.01 %', '45.67 %', '> 99.99 %', '100 %']);
  expect(some(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
});
