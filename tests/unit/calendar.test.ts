import { describe, expect, it } from 'vitest';
import { indexOnOrAfter, makeCalendar, requireHolidays, tradingDaysBefore } from '../../engines/market/calendar.ts';
import { formatDay, parseDay } from '../../src/platform/dates.ts';

const days = (...texts: string[]) => texts.map(parseDay);

describe('calendar', () => {
  it('leaves out weekends and holidays', () => {
    const calendar = makeCalendar('X', parseDay('2013-12-30'), parseDay('2014-01-06'), days('2014-01-01'));
    expect([...calendar.days].map(formatDay)).toEqual([
      '2013-12-30',
      '2013-12-31',
      '2014-01-02',
      '2014-01-03',
      '2014-01-06',
    ]);
    expect(indexOnOrAfter(calendar, parseDay('2014-01-01'))).toBe(2);
    expect(indexOnOrAfter(calendar, parseDay('2014-01-04'))).toBe(4);
    expect(indexOnOrAfter(calendar, parseDay('2014-02-01'))).toBe(5);
  });

  it('counts trading days backwards', () => {
    const holidays = days('2014-01-01');
    expect(formatDay(tradingDaysBefore(parseDay('2014-01-02'), 1, holidays))).toBe('2013-12-31');
    expect(formatDay(tradingDaysBefore(parseDay('2014-01-06'), 3, holidays))).toBe('2013-12-31');
    expect(tradingDaysBefore(parseDay('2014-01-02'), 0, holidays)).toBe(parseDay('2014-01-02'));
  });

  it('demands a holiday within 400 days of every day, and names the first one without', () => {
    const holidays = days('2013-01-01');
    expect(() => requireHolidays('X', parseDay('2013-02-01'), parseDay('2014-02-05'), holidays)).not.toThrow();
    expect(() => requireHolidays('X', parseDay('2013-02-01'), parseDay('2014-02-06'), holidays)).toThrow(/2014-02-06/);
    expect(() => requireHolidays('X', parseDay('2013-02-01'), parseDay('2013-02-02'), [])).toThrow(/2013-02-01/);
    // A hole in the middle of the table, too far from both of its sides.
    const sparse = days('2010-01-01', '2013-01-01');
    expect(() => requireHolidays('X', parseDay('2010-01-04'), parseDay('2013-01-02'), sparse)).toThrow(/2011-02-06/);
  });
});
