/** Checks of price rows, and what is remarked about those that pass. */
import { describe, expect, it } from 'vitest';
import { CsvReader } from '../../engines/data/csv/reader.ts';
import { InstrumentDirectory } from '../../engines/data/import/directory.ts';
import { findGaps, findTwins, PriceWatch } from '../../engines/data/import/price-watch.ts';
import { PriceRows } from '../../engines/data/import/prices.ts';
import { Reject, Warn } from '../../engines/data/import/reasons.ts';
import { SeriesBook } from '../../engines/data/import/series.ts';
import { formatDay, isWeekend, parseDay } from '../../src/platform/dates.ts';

const HEADER = 'instrument_id,trade_date,open,high,low,close,adjusted_close,volume';
const HOLIDAYS = ['2014-01-01', '2014-01-20', '2015-01-01'].map(parseDay);
const TODAY = parseDay('2024-01-02');

function bookOf(...ids: string[]): SeriesBook {
  const instruments = ids.map((id) => ({
    id,
    symbol: id.split('.')[0],
    issuerId: id,
    marketId: 'US_EQ',
    currency: 'USD',
  }));
  return new SeriesBook(new InstrumentDirectory(instruments, 'US_EQ'), new Map([['US_EQ', new Set(HOLIDAYS)]]));
}

interface Outcome {
  readonly accepted: { id: string; day: string; close: number; adjusted: number; volume: number }[];
  readonly rejected: { line: number; reason: string; detail: string }[];
  readonly warnings: { line: number | null; reason: string; detail: string }[];
  readonly repeats: number[];
}

/** Reads one file's text as the import does, without a database. */
function readFile(
  text: string,
  { book = bookOf('A.US', 'B.US'), watch = new PriceWatch(TODAY), file = 'prices.csv', lands = true } = {},
): Outcome {
  const outcome: Outcome = { accepted: [], rejected: [], warnings: [], repeats: [] };
  let rows: PriceRows | null = null;
  watch.startFile();
  const reader = new CsvReader({
    record: (record) => {
      if (!rows) {
        const header = Array.from({ length: record.count }, (_, i) => record.text(i));
        rows = new PriceRows(file, header, book, (line, reason, detail) =>
          outcome.rejected.push({ line, reason, detail }),
        );
        return;
      }
      if (!rows.accept(record)) return;
      const warn = (line: number | null, reason: string, detail: string) =>
        void outcome.warnings.push({ line, reason, detail });
      if (watch.row(rows, record.line, warn)) outcome.repeats.push(record.line);
      const { series, day, close, adjustedClose: adjusted, volume } = rows;
      outcome.accepted.push({ id: series.instrument.id, day: formatDay(day), close, adjusted, volume });
    },
    bad: (line, problem) => void outcome.rejected.push({ line, reason: problem, detail: '' }),
  });
  reader.push(Buffer.from(text));
  reader.end();
  if (lands) watch.fileLanded();
  return outcome;
}

/** The outcome of one row of our own form, given as `date,open,high,low,close,adjusted_close,volume`. */
const readRow = (row: string) => readFile(`${HEADER}\nA.US,${row}\n`);

describe('a price row', () => {
  it('that is sound is accepted', () => {
    expect(readRow('2014-01-02,10,11,9,10.5,10.25,1000').accepted).toEqual([
      { id: 'A.US', day: '2014-01-02', close: 10.5, adjusted: 10.25, volume: 1000 },
    ]);
  });

  it.each([
    ['2014-02-30,10,11,9,10,10,5', Reject.notADate, "date '2014-02-30'"],
    [',10,11,9,10,10,5', Reject.missingValue, "date ''"],
    ['2014-01-04,10,11,9,10,10,5', Reject.weekend, '2014-01-04'],
    ['2014-01-20,10,11,9,10,10,5', Reject.holiday, '2014-01-20'],
    ['2014-01-02,10,11,9,,10,5', Reject.missingValue, 'close'],
    ['2014-01-02,10,NaN,9,10,10,5', Reject.missingValue, 'high'],
    ['2014-01-02,10,11,9,10,10,null', Reject.missingValue, 'volume'],
    ['2014-01-02,10,11,9,inf,10,5', Reject.notANumber, "close 'inf'"],
    ['2014-01-02,10,11,9,1e999,10,5', Reject.notANumber, "close '1e999'"],
    ['2014-01-02,10,11,9,10,10,"1,000"', Reject.notANumber, "volume '1,000'"],
    ['2014-01-02,10,11,9,0,10,5', Reject.notPositive, 'close 0'],
    ['2014-01-02,10,11,9,10,-1,5', Reject.notPositive, 'adjusted_close -1'],
    ['2014-01-02,10,11,9,10,10,-5', Reject.negativeVolume, '-5'],
    ['2014-01-02,10,10,10,10,10,0', Reject.noTrade, ''],
    ['2014-01-02,10,9,11,10,10,5', Reject.highBelowLow, 'high 9, low 11'],
    ['2014-01-02,10,11,9,12,10,5', Reject.outsideRange, 'close 12, low 9, high 11'],
    ['2014-01-02,8,11,9,10,10,5', Reject.outsideRange, 'open 8, low 9, high 11'],
    ['2014-01-02,10,11,9,10,10', Reject.columnCount, '7, the header has 8'],
  ])('%s is rejected: %s', (row, reason, detail) => {
    expect(readRow(row)).toMatchObject({ accepted: [], rejected: [{ line: 2, reason, detail }] });
  });

  it('of an unknown instrument is rejected', () => {
    expect(readFile(`${HEADER}\nNOPE,2014-01-02,10,11,9,10,10,5\n`).rejected).toEqual([
      { line: 2, reason: Reject.unknownInstrument, detail: 'NOPE' },
    ]);
  });

  it('may lie outside its range by the noise of float32, and no more', () => {
    expect(readRow('2014-01-02,10,11,9,11.00001,10,5').accepted).toHaveLength(1);
    expect(readRow('2014-01-02,8.999992,11,9,10,10,5').accepted).toHaveLength(1);
    expect(readRow('2014-01-02,10,11,9,11.00002,10,5').rejected).toHaveLength(1);
  });
});

describe('a file without an instrument column', () => {
  const text = 'Date,Open,High,Low,Close,Volume\n2014-01-02,10,11,9,10,5\n';

  it('takes the instrument from its name', () => {
    expect(readFile(text, { file: '/some/where/b.us.txt' }).accepted).toMatchObject([
      { id: 'B.US', adjusted: Number.NaN },
    ]);
  });

  it('whose name says nothing is refused as a whole', () => {
    expect(() => readFile(text, { file: 'prices_2014.csv' })).toThrow(
      "no instrument column, and the file name names no known instrument: tried 'prices_2014' and '2014'",
    );
  });
});

describe('bars of Stooq', () => {
  const header = '<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>';

  it('are daily, or rejected', () => {
    const text = `${header}\nA.US,D,20140102,000000,10,11,9,10,5,0\nA.US,5,20140103,000000,10,11,9,10,5,0\nA.US,D,20140103,153000,10,11,9,10,5,0\n`;
    expect(readFile(text)).toMatchObject({
      accepted: [{ id: 'A.US', day: '2014-01-02' }],
      rejected: [
        { line: 3, reason: Reject.notDaily, detail: "period '5'" },
        { line: 4, reason: Reject.notDaily, detail: "time '153000'" },
      ],
    });
  });
});

/** Rows of every trading day of January 2014 but those left out. */
function january(id: string, close: (i: number) => number, leftOut: readonly string[] = []): string[] {
  const rows: string[] = [];
  for (let day = parseDay('2014-01-01'), i = 0; day <= parseDay('2014-01-31'); day++) {
    if (isWeekend(day) || HOLIDAYS.includes(day) || leftOut.includes(formatDay(day))) continue;
    const price = close(i++);
    rows.push(`${id},${formatDay(day)},${price},${price},${price},${price},${price},1000`);
  }
  return rows;
}

describe('remarks', () => {
  it('name days that a file holds twice', () => {
    const rows = january('A.US', () => 10);
    expect(readFile([HEADER, ...rows, rows[3]].join('\n')).repeats).toEqual([rows.length + 2]);
  });

  it('name a jump of the close that the adjusted close does not share', () => {
    const row = (date: string, close: number, adjusted: number) =>
      `A.US,${date},${close},${close},${close},${close},${adjusted},5`;
    const text = [HEADER, row('2014-01-02', 100, 50), row('2014-01-03', 20, 51), row('2014-01-06', 20, 51)].join('\n');
    expect(readFile(text).warnings).toEqual([
      { line: 3, reason: Warn.jump, detail: 'A.US 2014-01-03: close -80.0 %, adjusted close +2.0 %' },
    ]);
    const shared = [HEADER, row('2014-01-02', 100, 50), row('2014-01-03', 20, 10)].join('\n');
    expect(readFile(shared).warnings).toEqual([]);
  });

  it('name rows of the future', () => {
    expect(readRow('2024-01-03,10,11,9,10,10,5').warnings).toEqual([
      { line: 2, reason: Warn.future, detail: '2024-01-03' },
    ]);
  });

  it('name instruments with the same rows, in whatever order and files they come', () => {
    const book = bookOf('A.US', 'B.US', 'C.US');
    const watch = new PriceWatch(TODAY);
    const price = (i: number) => 10 + i / 7;
    readFile([HEADER, ...january('A.US', price)].join('\n'), { book, watch });
    const b = january('B.US', price);
    readFile([HEADER, ...b.slice(5).reverse()].join('\n'), { book, watch });
    readFile([HEADER, ...b.slice(0, 8)].join('\n'), { book, watch });
    readFile([HEADER, ...january('C.US', (i) => price(i) + 1)].join('\n'), { book, watch });
    expect(findTwins(book.all())).toEqual(['A.US and B.US: 21 rows of 2014–2014']);
  });

  it('count the trading days that are missing inside a series', () => {
    const book = bookOf('A.US', 'B.US');
    const watch = new PriceWatch(TODAY);
    const week = ['2014-01-06', '2014-01-07', '2014-01-08', '2014-01-09', '2014-01-10', '2014-01-13'];
    readFile([HEADER, ...january('A.US', () => 10, week)].join('\n'), { book, watch });
    readFile([HEADER, ...january('B.US', () => 11, week.slice(1))].join('\n'), { book, watch });
    expect(findGaps(book.all())).toEqual({
      gaps: ['A.US: 6 of 21 trading days in 2014-01-02 … 2014-01-31'],
      uncheckedYears: [],
    });
  });

  it('leave years without holidays alone, and say so', () => {
    const book = bookOf('A.US');
    const watch = new PriceWatch(TODAY);
    const text = `${HEADER}\nA.US,2016-01-04,10,11,9,10,10,5\nA.US,2016-12-05,10,11,9,10,10,5\n`;
    readFile(text, { book, watch });
    expect(findGaps(book.all())).toEqual({ gaps: [], uncheckedYears: ['US_EQ 2016'] });
  });

  it('do not count files that were rejected', () => {
    const book = bookOf('A.US', 'B.US');
    const watch = new PriceWatch(TODAY);
    const text = (id: string) => [HEADER, ...january(id, () => 10)].join('\n');
    readFile(text('A.US'), { book, watch });
    readFile(text('B.US'), { book, watch, lands: false });
    expect(findTwins(book.all())).toEqual([]);
    expect(findGaps(book.all()).gaps).toEqual([]);
  });
});
