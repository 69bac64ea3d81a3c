/** Price files: vendors' forms, repeats, overlaps, dry runs, odd files. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { program as importProgram } from '../../engines/data/import/program.ts';
import { Reject, Warn } from '../../engines/data/import/reasons.ts';
import { importSpec } from '../../engines/data/import/spec.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';
import { digests, emptyTables, Files, PRICE_HEADER, priceRow, rowsOf, runImport, scalarOf } from './import-support.ts';

let pair: TestDatabases;
let files: Files;

beforeAll(async () => {
  pair = await createTestDatabases();
});

beforeEach(async () => {
  await emptyTables(pair);
  files = new Files();
  const { exitCode } = await runImport(pair, {
    instruments: files.instruments('AAPL.US', 'BRK-B.US', 'MSFT.US'),
    holidays: files.holidays('2014-01-01', '2014-01-20'),
  });
  expect(exitCode).toBe(0);
});

afterAll(async () => {
  await pair.drop();
});

const stored = () =>
  rowsOf(
    pair.databases.historical,
    `SELECT instrument_id, trade_date, open, high, low, close, adjusted_close, volume, currency FROM prices_daily
     ORDER BY instrument_id, trade_date`,
  );

/** Changes whenever a row is written again, even with the same values. */
const rowVersions = (table: string) =>
  rowsOf(pair.databases.historical, `SELECT ctid::text, xmin::text FROM ${table} ORDER BY 1`);

describe('the forms of the vendors', () => {
  const ROWS = [
    ['AAPL.US', '2014-01-02', 10, 12, 9, 11, 5.5, 1000, 'USD'],
    ['AAPL.US', '2014-01-03', 11, 13, 10, 12, 6, 2000, 'USD'],
  ];

  it.each([
    [
      'own',
      'any.csv',
      [PRICE_HEADER, 'AAPL.US,2014-01-02,10,12,9,11,5.5,1000', 'AAPL.US,2014-01-03,11,13,10,12,6,2000'],
    ],
    [
      'Yahoo',
      'AAPL.csv',
      ['Date,Open,High,Low,Close,Adj Close,Volume', '2014-01-02,10,12,9,11,5.5,1000', '2014-01-03,11,13,10,12,6,2000'],
    ],
    [
      'EODHD',
      'AAPL.US.csv',
      [
        'Date,Open,High,Low,Close,Adjusted_close,Volume',
        '2014-01-02,10,12,9,11,5.5,1000',
        '2014-01-03,11,13,10,12,6,2000',
      ],
    ],
    [
      'tidyquant',
      'stocks.csv',
      [
        'symbol,date,open,high,low,close,volume,adjusted',
        'AAPL,2014-01-02,10,12,9,11,1000,5.5',
        'AAPL,2014-01-03,11,13,10,12,2000,6',
      ],
    ],
    [
      'pandas',
      'x_AAPL.csv.gz',
      [
        ',Date,High,Low,Open,Close,Volume,Adj Close',
        '0,2014-01-02 00:00:00-05:00,12,9,10,11,1000.0,5.5',
        '1,2014-01-03 00:00:00-05:00,13.0,10,11,12,2000,6',
      ],
    ],
  ])('%s', async (_name, file, lines) => {
    const { exitCode, data } = await runImport(pair, { prices: [files.write(file, lines)] });
    expect(exitCode).toBe(0);
    expect(data.findings).toEqual([]);
    expect(await stored()).toEqual(ROWS);
  });

  it.each([
    [
      'Stooq',
      'aapl.us.txt',
      [
        '<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>',
        'AAPL.US,D,20140102,000000,10,12,9,11,1000,0',
        'AAPL.US,D,20140103,000000,11,13,10,12,2000,0',
      ],
    ],
    [
      'Stooq, one company',
      'aapl.us.csv',
      ['Date,Open,High,Low,Close,Volume', '2014-01-02,10,12,9,11,1000', '2014-01-03,11,13,10,12,2000'],
    ],
    [
      'Kaggle',
      'all_stocks_5yr.csv',
      ['date,open,high,low,close,volume,Name', '2014-01-02,10,12,9,11,1000,AAPL', '2014-01-03,11,13,10,12,2000,AAPL'],
    ],
  ])('%s, without an adjusted close', async (_name, file, lines) => {
    const { exitCode, data } = await runImport(pair, { prices: [files.write(file, lines)] });
    expect(exitCode).toBe(0);
    expect(data.findings).toMatchObject([{ level: 'warning', line: null, reason: Warn.noAdjustedClose }]);
    expect(await stored()).toEqual(ROWS.map((row) => row.with(6, row[5])));
  });
});

describe('importing again', () => {
  const first = ['2014-01-02', '2014-01-03', '2014-01-06'].map((date, i) => priceRow('AAPL.US', date, 10 + i, 5 + i));

  it('writes nothing', async () => {
    const file = files.write('a.csv', [PRICE_HEADER, ...first]);
    await runImport(pair, { prices: [file] });
    const before = await rowVersions('prices_daily');
    const { data } = await runImport(pair, { prices: [file] });
    expect(data.tables.prices_daily).toMatchObject({ inserted: 0, updated: 0, unchanged: 3 });
    expect(await rowVersions('prices_daily')).toEqual(before);
  });

  it('updates what an overlapping file says otherwise, and adds what it has more', async () => {
    await runImport(pair, { prices: [files.write('a.csv', [PRICE_HEADER, ...first])] });
    const overlap = [first[1], priceRow('AAPL.US', '2014-01-06', 13, 7.5), priceRow('AAPL.US', '2014-01-07', 14, 8)];
    const { data } = await runImport(pair, { prices: [files.write('b.csv', [PRICE_HEADER, ...overlap])] });
    expect(data.tables.prices_daily).toMatchObject({ read: 3, inserted: 1, updated: 1, unchanged: 1 });
    expect((await stored()).map((row) => [row[1], row[5], row[6]])).toEqual([
      ['2014-01-02', 10, 5],
      ['2014-01-03', 11, 6],
      ['2014-01-06', 13, 7.5],
      ['2014-01-07', 14, 8],
    ]);
  });

  it('keeps the adjustment factor where the new file has no adjusted close', async () => {
    await runImport(pair, { prices: [files.write('a.csv', [PRICE_HEADER, ...first])] });
    const plain = files.write('AAPL.csv', [
      'Date,Open,High,Low,Close,Volume',
      '2014-01-02,10,10.1,9.9,10,1000',
      '2014-01-03,22,22.22,21.78,22,500',
    ]);
    const { data } = await runImport(pair, { prices: [plain] });
    expect(data.tables.prices_daily).toMatchObject({ updated: 1, unchanged: 1 });
    expect((await stored()).slice(0, 2).map((row) => [row[5], row[6]])).toEqual([
      [10, 5],
      [22, 12],
    ]);
    const again = await runImport(pair, { prices: [plain] });
    expect(again.data.tables.prices_daily).toMatchObject({ updated: 0, unchanged: 2 });
  });

  it('leaves metadata and currency alone that the file does not carry', async () => {
    const rich = files.write('a.csv', [
      `${PRICE_HEADER},currency,metadata`,
      'AAPL.US,2014-01-02,10,12,9,11,5.5,1000,EUR,"{""vendor"":""x""}"',
    ]);
    await runImport(pair, { prices: [rich] });
    const plain = files.write('b.csv', [PRICE_HEADER, 'AAPL.US,2014-01-02,10,12,9,11.5,5.5,1000']);
    await runImport(pair, { prices: [plain] });
    expect(await rowsOf(pair.databases.historical, 'SELECT close, currency, metadata FROM prices_daily')).toEqual([
      [11.5, 'EUR', { vendor: 'x' }],
    ]);
  });

  it('works on an adopted table without any index', async () => {
    const adopted = await createTestDatabases();
    try {
      await adopted.databases.historical.client((client) =>
        client.query(
          'ALTER TABLE prices_daily DROP CONSTRAINT prices_daily_pkey; DROP INDEX ix_prices_daily_trade_date',
        ),
      );
      const flags = {
        instruments: files.instruments('AAPL.US'),
        prices: [files.write('a.csv', [PRICE_HEADER, ...first])],
      };
      await runImport(adopted, flags);
      const { data } = await runImport(adopted, flags);
      expect(data.tables.prices_daily).toMatchObject({ inserted: 0, updated: 0, unchanged: 3 });
      expect(await scalarOf(adopted.databases.historical, 'SELECT count(*) FROM prices_daily')).toBe(3);
    } finally {
      await adopted.drop();
    }
  });
});

describe('repeats within a file', () => {
  it('collapse when equal and are all rejected when they differ', async () => {
    const file = files.write('a.csv', [
      PRICE_HEADER,
      priceRow('AAPL.US', '2014-01-02', 10),
      priceRow('AAPL.US', '2014-01-03', 11),
      priceRow('AAPL.US', '2014-01-02', 10),
      priceRow('AAPL.US', '2014-01-03', 11.05),
      priceRow('MSFT.US', '2014-01-03', 30),
    ]);
    const { data, exitCode } = await runImport(pair, { prices: [file] });
    expect(exitCode).toBe(3);
    expect(data.tables.prices_daily).toMatchObject({ read: 5, inserted: 2, collapsed: 1, rejected: 2 });
    const detail = 'AAPL.US 2014-01-03: lines 3, 5';
    expect(data.findings).toMatchObject([
      { line: 3, reason: Reject.conflict, detail },
      { line: 5, reason: Reject.conflict, detail },
    ]);
    expect((await stored()).map((row) => row.slice(0, 2))).toEqual([
      ['AAPL.US', '2014-01-02'],
      ['MSFT.US', '2014-01-03'],
    ]);
  });
});

describe('--dry-run', () => {
  it('reports what an import would do, across files that overlap, and writes nothing', async () => {
    const base = files.write('a.csv', [PRICE_HEADER, priceRow('AAPL.US', '2014-01-02', 10)]);
    await runImport(pair, { prices: [base] });
    const before = await digests(pair, 'prices_daily', 'instruments', 'issuers', 'market_holidays');
    const flags = {
      instruments: files.instruments('AAPL.US', 'NEW.US'),
      holidays: files.holidays('2014-01-01', '2014-02-17'),
      prices: [
        files.write('b.csv', [
          PRICE_HEADER,
          priceRow('AAPL.US', '2014-01-02', 11),
          priceRow('NEW.US', '2014-01-03', 5),
        ]),
        files.write('c.csv', [
          PRICE_HEADER,
          priceRow('AAPL.US', '2014-01-02', 11),
          priceRow('NEW.US', '2014-01-03', 6),
        ]),
        files.write('d.csv', [PRICE_HEADER, priceRow('NEW.US', '2014-02-17', 5)]),
      ],
    };
    const planned = await runImport(pair, { ...flags, dryRun: true });
    expect(await digests(pair, 'prices_daily', 'instruments', 'issuers', 'market_holidays')).toEqual(before);
    expect(planned.data.tables.prices_daily).toMatchObject({ inserted: 1, updated: 2, unchanged: 1, rejected: 1 });
    expect(planned.data.findings).toMatchObject([{ reason: Reject.holiday, detail: '2014-02-17' }]);
    const done = await runImport(pair, flags);
    expect(done.data.tables).toEqual(planned.data.tables);
    expect(done.data.files).toEqual(planned.data.files);
    expect(done.exitCode).toBe(planned.exitCode);
  });
});

describe('a file that cannot be used', () => {
  const good = () => files.write('good.csv', [PRICE_HEADER, priceRow('AAPL.US', '2014-01-02', 10)]);
  const broken: [string, Buffer | string[], string][] = [
    ['utf16.csv', Buffer.from(`\ufeff${PRICE_HEADER}\nAAPL.US,2014-01-02,1,1,1,1,1,1\n`, 'utf16le'), 'not UTF-8 text'],
    ['binary.csv', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0]), 'not UTF-8 text'],
    ['archive.csv', Buffer.from('PK\x03\x04rest'), 'not UTF-8 text'],
    ['empty.csv', Buffer.alloc(0), 'the file is empty'],
    ['blank.csv', ['', ''], 'the file is empty'],
    ['header.csv', [PRICE_HEADER], Reject.noRows],
    ['names.csv', ['date,price', '2014-01-02,1'], 'columns are missing'],
    ['nobody.csv', ['Date,Open,High,Low,Close,Volume', '2014-01-02,1,1,1,1,1'], Reject.noFileInstrument],
  ];

  it.each(broken)('%s is refused with its reason, and the others land', async (name, content, reason) => {
    const file = files.write(name, content);
    const { data, exitCode } = await runImport(pair, { prices: [file, good()] });
    expect(exitCode).toBe(3);
    expect(data.files).toMatchObject([
      { status: 'rejected', reason, inserted: 0 },
      { status: 'landed', inserted: 1 },
    ]);
    expect(data.findings.filter((finding) => finding.level === 'rejected')).toMatchObject([{ line: null, reason }]);
  });

  it('because its gzip stream is cut or broken leaves nothing of itself behind', async () => {
    const many = Array.from({ length: 400 }, (_, i) => `AAPL.US,${1700 + i},1,1,1,1,1,1`);
    const whole = readFileSync(
      files.write('whole.csv.gz', [PRICE_HEADER, priceRow('AAPL.US', '2014-01-02', 10), ...many]),
    );
    const cut = files.path('cut.csv.gz');
    writeFileSync(cut, whole.subarray(0, -20));
    const wrong = files.path('wrong.csv.gz');
    writeFileSync(wrong, Buffer.concat([whole.subarray(0, -8), Buffer.alloc(8)]));
    const { data } = await runImport(pair, { prices: [cut, wrong] });
    expect(data.files).toMatchObject([
      { status: 'rejected', reason: 'gzip stream is cut off' },
      { status: 'rejected', reason: 'gzip stream is broken' },
    ]);
    expect(await stored()).toEqual([]);
  });

  it('line by line keeps its good rows: a line of 10 MB, NUL bytes, an open quote, stray fields', async () => {
    const file = files.write(
      'odd.csv',
      Buffer.concat([
        Buffer.from(`${PRICE_HEADER}\n${priceRow('AAPL.US', '2014-01-02', 10)}\n`),
        Buffer.alloc(10 << 20, '9'),
        Buffer.from(`\nAAPL.US,2014-01-03,1,1,1,1,1,\0\n"AAPL.US,2014-01-03,1,1,1,1,1,1\n`),
        Buffer.from(`"AAPL.US","2014-01-06","10","10","10","10","10","5"\nAAPL.US,2014-01-07,1,1,1,1,1,1,1\n`),
      ]),
    );
    const { data } = await runImport(pair, { prices: [file] });
    expect(data.tables.prices_daily).toMatchObject({ read: 6, inserted: 2, rejected: 4 });
    expect(data.findings.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'line longer than 1 MiB'],
      [4, 'NUL byte'],
      [5, 'text after a closing quote'],
      [7, Reject.columnCount],
    ]);
  });

  it('because a link leads nowhere is one finding among the files of its folder', async () => {
    const folder = files.path('many');
    mkdirSync(folder);
    symlinkSync('/nowhere/at-all.csv', path.join(folder, 'a.csv'));
    writeFileSync(path.join(folder, 'b.CSV'), `${PRICE_HEADER}\n${priceRow('MSFT.US', '2014-01-02', 30)}\n`);
    writeFileSync(path.join(folder, '.hidden.csv'), 'x');
    writeFileSync(path.join(folder, 'notes.md'), 'x');
    mkdirSync(path.join(folder, 'sub.csv'));
    const { data } = await runImport(pair, { prices: [folder] });
    expect(data.files).toMatchObject([
      { file: path.join(folder, 'a.csv'), status: 'rejected', reason: 'the file cannot be read' },
      { file: path.join(folder, 'b.CSV'), status: 'landed', inserted: 1 },
    ]);
  });

  it('because it is not there, or the folder holds none, is a wrong command line: nothing is imported', async () => {
    mkdirSync(files.path('void'));
    await expect(runImport(pair, { prices: [good(), '/nowhere.csv'] })).rejects.toMatchObject({
      message: '--prices /nowhere.csv does not exist',
      exitCode: 2,
    });
    await expect(runImport(pair, { prices: [files.path('void')] })).rejects.toMatchObject({
      message: `--prices ${files.path('void')} holds no .csv, .csv.gz or .txt file`,
      exitCode: 2,
    });
    await expect(runImport(pair, {})).rejects.toMatchObject({ message: 'nothing to import', exitCode: 2 });
    expect(await stored()).toEqual([]);
  });

  it('given twice is read once', async () => {
    const file = good();
    const { data } = await runImport(pair, { prices: [file, file, path.dirname(file)] });
    expect(data.files.filter((outcome) => outcome.file === file)).toHaveLength(1);
  });
});

describe('the report', () => {
  const wrong = () =>
    files.write('AAPL.csv', [
      'Date,Open,High,Low,Close,Adj Close,Volume',
      ...['2014-01-04', '2014-01-05', '2014-01-11', '2014-01-12'].map((date) => `${date},1,1,1,1,1,1`),
      '2014-01-20,1,1,1,1,1,1',
      '2014-01-02,10,10,10,10,10,5',
    ]);

  it('goes to stderr by reason and to a CSV file in full, and stdout has the counts alone', async () => {
    const file = wrong();
    const run = await runProgram(importSpec, importProgram, { prices: [file] }, pair.databases);
    expect(run.result.exitCode).toBe(3);
    expect(run.stdout).toBe('table,read,inserted,updated,unchanged,collapsed,rejected\nprices_daily,6,1,0,0,0,5\n');
    expect(run.events.filter((event) => event.type === 'log' && event.level === 'warn')).toMatchObject([
      {
        message: `prices_daily: rejected 4 rows: on a weekend: ${file}:2 (2014-01-04), ${file}:3 (2014-01-05), ${file}:4 (2014-01-11) and 1 more`,
      },
      { message: `prices_daily: rejected 1 row: on a market holiday: ${file}:6 (2014-01-20)` },
    ]);
    const artifact = run.events.find((event) => event.type === 'artifact');
    const listed = parse(readFileSync(artifact!.path!), { columns: true });
    expect(listed).toHaveLength(5);
    expect(listed[4]).toEqual({
      level: 'rejected',
      table: 'prices_daily',
      file,
      line: '6',
      reason: 'on a market holiday',
      detail: '2014-01-20',
    });
    const progress = run.events.filter((event) => event.type === 'progress');
    expect(progress.at(-1)).toMatchObject({ unit: 'bytes', done: progress.at(-1)!.total });
  });

  it('that cannot be written does not cost the rows', async () => {
    const home = files.path('home');
    mkdirSync(home);
    writeFileSync(path.join(home, 'logs'), 'a file where a folder should be');
    const { collectedEvents } = await import('../../src/platform/events.ts');
    const { homeAt } = await import('../../src/platform/home.ts');
    const events = collectedEvents();
    const result = await importProgram(importSpec.args.parse({ prices: [wrong()] }), {
      home: homeAt(home),
      databases: pair.databases,
      events,
      signal: new AbortController().signal,
      now: Date.now,
      newId: () => 'an-id-of-the-test',
      stdout: () => {},
      provenance: { version: 'test', build: null, gitSha: null, gitDirty: null },
    });
    expect(result.exitCode).toBe(3);
    expect(await stored()).toHaveLength(1);
    const messages = events.list.flatMap((event) => (event.type === 'log' ? [event.message] : []));
    expect(messages.at(-1)).toMatch(/^the list of findings could not be written \(E(EXIST|NOTDIR)/);
  });
});

describe('without instruments', () => {
  it('prices are refused with the way out', async () => {
    await emptyTables(pair);
    await expect(
      runImport(pair, { prices: [files.write('a.csv', [PRICE_HEADER, priceRow('AAPL.US', '2014-01-02', 1)])] }),
    ).rejects.toThrow(/^there are no instruments in the runtime database/);
  });
});
