/** Dates, times, headers and names as vendors write them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileProblem } from '../../engines/data/csv/source.ts';
import { InstrumentDirectory } from '../../engines/data/import/directory.ts';
import { mapColumns, normaliseName, shorten } from '../../engines/data/import/header.ts';
import { dayOfText, instantOfText } from '../../engines/data/import/values.ts';
import { formatDay, MS_PER_DAY, parseDay } from '../../src/platform/dates.ts';

const FIRST = parseDay('1800-01-01');
const LAST = parseDay('2199-12-31');

describe('dates', () => {
  it('are read in every form that means one day only', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (day) => {
        const iso = formatDay(day);
        for (const text of [
          iso,
          iso.replaceAll('-', ''),
          iso.replaceAll('-', '/'),
          ` ${iso} `,
          `${iso} 00:00:00`,
          `${iso}T00:00:00.000Z`,
          `${iso} 00:00:00-05:00`,
        ]) {
          expect(dayOfText(text), text).toBe(day);
        }
      }),
    );
  });

  it('agree with the calendar about which days exist', () => {
    const part = (max: number) => fc.integer({ min: 0, max });
    fc.assert(
      fc.property(fc.integer({ min: 1800, max: 2199 }), part(13), part(32), (year, month, day) => {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        const utc = new Date(Date.UTC(year, month - 1, day));
        const exists = utc.getUTCMonth() === month - 1 && utc.getUTCDate() === day;
        expect(dayOfText(text)).toBe(exists ? utc.getTime() / MS_PER_DAY : Number.NaN);
      }),
    );
  });

  it('are nothing else', () => {
    for (const text of [
      '',
      '2014-02-30',
      '2015-02-29',
      '01/09/2014',
      '2014/01-09',
      '2014-1-9',
      '20140132',
      '201401',
      '2014-01-09 09:30',
      '2014-01-09x',
      '0001-01-01',
      '2014-00-10',
    ]) {
      expect(dayOfText(text), text).toBeNaN();
    }
  });
});

describe('times', () => {
  it('are UTC unless they carry a zone', () => {
    const noon = Date.UTC(2014, 0, 2, 12, 30, 0);
    for (const text of [
      '2014-01-02T12:30:00Z',
      '2014-01-02 12:30:00',
      '2014-01-02 12:30',
      '2014-01-02 12:30:00 UTC',
      '2014-01-02T07:30:00-05:00',
      '2014-01-02T14:30:00.000+0200',
      '2014-01-02T14:30+02',
    ]) {
      expect(instantOfText(text), text).toBe(noon);
    }
    expect(instantOfText('2014-01-02')).toBe(Date.UTC(2014, 0, 2));
    expect(instantOfText('2014-01-02T12:30:00.123456Z')).toBe(noon + 123.456);
    expect(instantOfText('2014-01-02T12:30:00.123456789Z')).toBe(noon + 123.456);
  });

  it('are nothing else', () => {
    for (const text of [
      '',
      'yesterday',
      '2014-02-30T10:00:00Z',
      '2014-01-02T24:00:00Z',
      '2014-01-02T10:61:00Z',
      '1388664000',
    ]) {
      expect(instantOfText(text), text).toBeNaN();
    }
  });
});

describe('headers', () => {
  const specs = {
    date: { aliases: ['trade_date', 'date'], required: true },
    close: { aliases: ['close'], required: true },
    adjusted: { aliases: ['adjusted_close', 'adj_close'] },
  };

  it('are matched whatever the case, the order and the signs between words', () => {
    expect(normaliseName(' Adj. Close ')).toBe('adj_close');
    expect(normaliseName('<TICKER>')).toBe('ticker');
    expect(mapColumns(['', 'CLOSE', 'Adj Close', 'Date', 'Colour'], specs)).toEqual({
      at: { date: 3, close: 1, adjusted: 2 },
      count: 5,
      others: [{ name: 'colour', index: 4 }],
    });
  });

  it('prefer the first alias when several are there, and leave the others alone', () => {
    expect(mapColumns(['date', 'trade_date', 'close'], specs)).toMatchObject({ at: { date: 1 }, others: [] });
  });

  it('that do not do say what is missing', () => {
    const problem = (names: string[]) => {
      try {
        mapColumns(names, specs);
      } catch (error) {
        return error as FileProblem;
      }
      throw new Error('was accepted');
    };
    expect(problem(['day', 'c'])).toMatchObject({ reason: 'columns are missing' });
    expect(problem(['day', 'c']).message).toBe("columns are missing: date, close; the header is 'day,c'");
    expect(problem(['AAPL', '2014-01-02', '19.1'])).toMatchObject({ reason: 'no header line' });
    expect(problem(['date', 'Date', 'close'])).toMatchObject({ reason: 'a column stands twice' });
    expect(problem(['date', 'Date', 'close'])).toBeInstanceOf(FileProblem);
  });

  it('are shown in one short line', () => {
    expect(shorten('a\nb\0c\x1b[2J')).toBe('a\\x0ab\\x00c\\x1b[2J');
    expect(shorten('x'.repeat(100), 10)).toBe(`${'x'.repeat(10)}…`);
  });
});

describe('instruments', () => {
  const instrument = (id: string, symbol: string, marketId = 'US_EQ') => ({
    id,
    symbol,
    issuerId: symbol,
    marketId,
    currency: 'USD',
  });
  const directory = new InstrumentDirectory(
    [
      instrument('AAPL.US', 'AAPL'),
      instrument('BRK-B.US', 'BRK-B'),
      instrument('A.US', 'A'),
      instrument('VOD.LSE', 'VOD', 'UK_EQ'),
      instrument('X1.US', 'TWIN'),
      instrument('X2.US', 'TWIN'),
    ],
    'US_EQ',
  );
  const find = (name: string) => directory.find(name)?.id ?? null;
  const byFile = (file: string) => directory.findByFileName(file).instrument?.id ?? null;

  it('are found by id, by symbol, and with dots for dashes', () => {
    expect(['AAPL.US', 'aapl', 'aapl.us', 'BRK.B', 'brk-b', 'BRK/B', 'brk.b.us'].map(find)).toEqual([
      'AAPL.US',
      'AAPL.US',
      'AAPL.US',
      'BRK-B.US',
      'BRK-B.US',
      'BRK-B.US',
      'BRK-B.US',
    ]);
  });

  it('of another market are found by id only, and a symbol of two by neither', () => {
    expect(find('VOD.LSE')).toBe('VOD.LSE');
    expect(find('VOD')).toBeNull();
    expect(find('TWIN')).toBeNull();
    expect(find('')).toBeNull();
  });

  it('are found by file name: the whole of it, else what follows the last underscore', () => {
    expect(byFile('/data/AAPL.csv')).toBe('AAPL.US');
    expect(byFile('aapl.us.txt')).toBe('AAPL.US');
    expect(byFile('BRK.B.csv.gz')).toBe('BRK-B.US');
    expect(byFile('real_header_only_BRK.B.csv')).toBe('BRK-B.US');
    expect(byFile('daily_A.CSV.GZ')).toBe('A.US');
    expect(byFile('AAPL_daily.csv')).toBeNull();
    expect(byFile('aapl_us_d.csv')).toBe('AAPL.US');
    expect(directory.findByFileName('x/AAPL_daily.csv').tried).toEqual(['AAPL_daily', 'daily']);
  });
});
