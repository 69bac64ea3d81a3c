/** What the synthetic market is made of: numbers that are equal everywhere, and the real exchange's calendar. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exchangeHolidays } from '../../engines/data/generate/exchange-calendar.ts';
import { formatDay, isWeekend, parseDay } from '../../src/platform/dates.ts';
import { exp, log, normalQuantile, Random } from '../../src/platform/random.ts';
import { haveShared, SKIP_REASON, sharedCsv } from '../helpers/shared-data.ts';

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const deviation = (values: readonly number[]) => {
  const centre = mean(values);
  return Math.sqrt(sum(values.map((v) => (v - centre) ** 2)) / (values.length - 1));
};

describe('random numbers', () => {
  it('exp and log agree with Math to the last bits', () => {
    fc.assert(
      fc.property(fc.double({ min: -600, max: 600, noNaN: true }), (x) => {
        expect(exp(x) / Math.exp(x)).toBeCloseTo(1, 14);
        const y = Math.exp(x);
        expect(Math.abs(log(y) - Math.log(y))).toBeLessThanOrEqual(4e-16 * Math.max(1, Math.abs(Math.log(y))));
      }),
    );
  });

  it('has the normal quantiles of the tables', () => {
    const table = [
      [1e-9, -5.9978070150076865],
      [1e-4, -3.71901648545568],
      [0.025, -1.9599639845400538],
      [0.5, 0],
      [0.8, 0.8416212335729144],
      [0.999, 3.090232306167813],
    ];
    for (const [p, x] of table) expect(normalQuantile(p)).toBeCloseTo(x, 13);
  });

  it('draws standard normals, and fat tails of the same variance', () => {
    const random = new Random(3, 1);
    const normals = Array.from({ length: 100_000 }, () => random.normal());
    const fat = Array.from({ length: 100_000 }, () => random.fatTailed());
    expect(mean(normals)).toBeCloseTo(0, 1);
    expect(deviation(normals)).toBeCloseTo(1, 1);
    expect(deviation(fat)).toBeCloseTo(1, 1);
    expect(mean(fat.map((v) => v ** 4))).toBeGreaterThan(4.5);
    expect(mean(normals.map((v) => v ** 4))).toBeLessThan(3.3);
  });

  it('gives each named stream its own numbers', () => {
    const first = new Set(
      Array.from({ length: 40 }, (_, i) => i).flatMap((i) => [new Random(1, i).bits(), new Random(i + 2, 0).bits()]),
    );
    expect(first.size).toBe(80);
    expect(new Random(2 ** 40 + 1, 5).bits()).not.toBe(new Random(1, 5).bits());
  });
});

describe('exchange calendar', () => {
  it.skipIf(!haveShared)(
    `has the trading days of the real exchange (${haveShared ? 'shared data' : SKIP_REASON})`,
    () => {
      const from = parseDay('2005-01-03');
      const to = parseDay('2024-08-26');
      const ours = exchangeHolidays(from, to).filter(({ day }) => from <= day && day <= to);
      const real = sharedCsv('data/market_holidays.csv').map((row) => row.holiday_date);
      expect(ours.map(({ day }) => formatDay(day))).toEqual(real);
    },
  );

  it('keeps the rules where weekends meet holidays', () => {
    const holidays = new Map(
      exchangeHolidays(parseDay('1996-01-02'), parseDay('2027-12-31')).map((h) => [h.day, h.name]),
    );
    const named = (date: string) => holidays.get(parseDay(date));
    expect(named('2010-12-31')).toBeUndefined(); // New Year's Day 2011 was a Saturday
    expect(named('2021-12-31')).toBeUndefined();
    expect(named('2023-01-02')).toBe("New Year's Day");
    expect(named('2020-07-03')).toBe('Independence Day');
    expect(named('2021-06-18')).toBeUndefined(); // the exchange first closed for Juneteenth in 2022
    expect(named('2022-06-20')).toBe('Juneteenth National Independence Day');
    expect(named('1997-01-20')).toBeUndefined();
    expect(named('1998-01-19')).toBe('Martin Luther King Jr. Day');
    expect(named('2001-09-14')).toBe('Terrorist attacks');
    expect(named('2019-04-19')).toBe('Good Friday');
    expect(named('2025-01-09')).toContain('Carter');
    expect([...holidays.keys()].some(isWeekend)).toBe(false);
  });

  it('reaches a year beyond the span on either side', () => {
    const holidays = exchangeHolidays(parseDay('2010-01-04'), parseDay('2024-12-31'));
    const days = holidays.map((holiday) => formatDay(holiday.day));
    expect(days[0]).toBe('2009-01-01');
    expect(days.at(-1)).toBe('2025-12-25');
    expect(new Set(days).size).toBe(days.length);
  });
});
