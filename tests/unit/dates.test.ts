import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  civilFromDay,
  dayFromCivil,
  formatDay,
  isWeekend,
  parseDay,
  tryParseDay,
  weekday,
} from '../../src/platform/dates.ts';

describe('day numbers', () => {
  it('agree with UTC dates over four centuries', () => {
    fc.assert(
      fc.property(fc.integer({ min: -80_000, max: 80_000 }), (day) => {
        const date = new Date(day * 86_400_000);
        expect(formatDay(day)).toBe(date.toISOString().slice(0, 10));
        expect(weekday(day)).toBe(date.getUTCDay());
        const { year, month, day: dayOfMonth } = civilFromDay(day);
        expect(dayFromCivil(year, month, dayOfMonth)).toBe(day);
        expect(parseDay(formatDay(day))).toBe(day);
      }),
    );
  });

  it.each([
    '2014-02-30',
    '2014-13-01',
    '2013-02-29',
    '2014-00-10',
    '2014-1-2',
    '01/09/2014',
    '',
    '2014-01-02T00:00:00Z',
  ])('rejects %s', (text) => {
    expect(tryParseDay(text)).toBeNull();
    expect(() => parseDay(text)).toThrow(/is not a date/);
  });

  it('knows leap days and weekends', () => {
    expect(formatDay(parseDay('2012-02-29') + 1)).toBe('2012-03-01');
    expect(isWeekend(parseDay('2014-01-04'))).toBe(true);
    expect(isWeekend(parseDay('2014-01-06'))).toBe(false);
  });
});
