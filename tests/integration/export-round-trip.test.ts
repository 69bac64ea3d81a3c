/** An import of an export gives the same rows, to the last bit of every double. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatDay, isWeekend, parseDay } from '../../src/platform/dates.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import {
  digests,
  emptyTables,
  Files,
  IMPORTED,
  PRICE_HEADER,
  priceRow,
  rowsOf,
  runExport,
  runImport,
} from './import-support.ts';

let source: TestDatabases;
let copy: TestDatabases;
let files: Files;

beforeAll(async () => {
  source = await createTestDatabases();
  copy = await createTestDatabases();
});

beforeEach(async () => {
  await emptyTables(source);
  await emptyTables(copy);
  files = new Files();
});

afterAll(async () => {
  await source.drop();
  await copy.drop();
});

/** Exports the source, imports that into the copy, and compares the digests of all tables. */
async function roundTrip(gzip: boolean, market?: string): Promise<void> {
  const output = path.join(new Files().folder, 'out');
  await runExport(source, output, { gzip, market });
  const has = (name: string) => readdirSync(path.join(output, name)).length > 0;
  const { data, exitCode } = await runImport(copy, {
    instruments: path.join(output, 'instruments.csv'),
    holidays: path.join(output, 'market_holidays.csv'),
    prices: has('prices_daily') ? [path.join(output, 'prices_daily')] : [],
    news: has('news') ? [path.join(output, 'news')] : [],
    market,
  });
  expect(data.findings.filter((finding) => finding.level === 'rejected')).toEqual([]);
  expect(exitCode).toBe(0);
  expect(await digests(copy, ...IMPORTED)).toEqual(await digests(source, ...IMPORTED));
}

describe('a round trip', () => {
  const FIRST = parseDay('2009-12-28');
  const price = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
  const row = fc.record({
    id: fc.constantFrom('AAPL.US', 'BRK-B.US'),
    day: fc.integer({ min: FIRST, max: FIRST + 800 }).filter((day) => !isWeekend(day)),
    prices: fc.array(price, { minLength: 4, maxLength: 4 }).map((values) => values.sort((a, b) => a - b)),
    adjusted: fc.double({ min: 1e-12, max: 1e12, noNaN: true }),
    volume: fc.oneof(fc.integer({ min: 1, max: 2 ** 50 }), fc.double({ min: 1e-3, max: 1e18, noNaN: true })),
  });
  const table = fc.uniqueArray(row, { minLength: 1, maxLength: 40, selector: ({ id, day }) => `${id} ${day}` });

  it('keeps every bit of every price', async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.boolean(), async (rows, gzip) => {
        await emptyTables(source);
        await emptyTables(copy);
        const lines = rows.map(({ id, day, prices: [low, open, close, high], adjusted, volume }) =>
          [id, formatDay(day), open, high, low, close, adjusted, volume].join(','),
        );
        const prices = [files.write('p.csv', [PRICE_HEADER, ...lines])];
        await runImport(source, { instruments: files.instruments('AAPL.US', 'BRK-B.US'), prices });
        const [[count]] = await rowsOf(source.databases.historical, 'SELECT count(*) FROM prices_daily');
        expect(count).toBe(rows.length);
        await roundTrip(gzip);
      }),
      { numRuns: 8 },
    );
  });

  const word = fc.string({
    unit: fc.constantFrom('a', 'Ü', '漢', '😀', ' ', ',', '"', '\n', '\r', "'", '\\', ';'),
    maxLength: 20,
  });
  const headline = word.map((text) => `x${text}`);
  const article = fc.record({
    headline,
    body: fc.option(headline, { nil: '' }),
    at: fc.integer({ min: Date.UTC(2012, 0, 1), max: Date.UTC(2015, 0, 1) }),
    micros: fc.integer({ min: 0, max: 999 }),
    companies: fc.subarray(['AAPL.US', 'BRK-B.US']),
    metadata: fc.option(
      fc.dictionary(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 5 }), fc.jsonValue({ maxDepth: 1 }), {
        maxKeys: 2,
      }),
      { nil: null },
    ),
  });

  it('keeps every character of every article', async () => {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(fc.array(article, { minLength: 1, maxLength: 12 }), async (articles) => {
        await emptyTables(source);
        await emptyTables(copy);
        const lines = articles.flatMap(({ headline, body, at, micros, companies, metadata }, i) => {
          const time = new Date(at).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
          const json = metadata ? quoted(JSON.stringify(metadata)) : '';
          const names = companies.length > 0 ? companies : [''];
          return names.map((name) => [`A${i}`, time, name, quoted(headline), quoted(body), json].join(','));
        });
        const news = [files.write('n.csv', ['article_id,published_at,instrument_id,headline,body,metadata', ...lines])];
        const { data } = await runImport(source, { instruments: files.instruments('AAPL.US', 'BRK-B.US'), news });
        expect(data.tables.news_articles).toMatchObject({ inserted: articles.length, rejected: 0 });
        await roundTrip(true);
      }),
      { numRuns: 8 },
    );
  });

  it('keeps what instruments, issuers, markets and holidays hold beyond the usual', async () => {
    const instruments = files.write('i.csv', [
      'instrument_id,issuer_id,symbol,name,sector,industry,country,issuer_type,issuer_metadata,market_id,market_name,market_region,market_timezone,currency,asset_class,exchange,multiplier,maturity_date,underlying_instrument_id,status,first_date,last_date,delisting_value,metadata',
      'A.XX,ONE,A,"One, ""Inc""",Energy,Oil,DE,FUND,"{""lei"":""5299""}",XX_EQ,Exchange of X,EU,Europe/Berlin,EUR,EQUITY,XETRA,,,,ACTIVE,2010-01-04,,,"{""note"":{""a"":[1,2.50]}}"',
      'F.XX,ONE,F,,,,,,,XX_EQ,,,,EUR,FUTURE,EUREX,10,2026-12-18,A.XX,INACTIVE,,2020-01-03,0.125,{}',
    ]);
    const holidays = files.write('h.csv', [
      'market_id,holiday_date,holiday_name,source',
      'XX_EQ,2014-05-01,"Labour, day",dbag',
    ]);
    const prices = files.write('p.csv', [
      `${PRICE_HEADER},currency,metadata`,
      `${priceRow('A.XX', '2014-01-02', 10)},EUR,`,
      `${priceRow('F.XX', '2014-01-02', 10)},USD,"{""source"":""x""}"`,
    ]);
    await runImport(source, { instruments, holidays, prices: [prices], market: 'XX_EQ' });
    expect(await rowsOf(source.databases.runtime, 'SELECT multiplier FROM instruments ORDER BY instrument_id')).toEqual(
      [[null], [10]],
    );
    await roundTrip(false, 'XX_EQ');
  });
});

describe('an export', () => {
  const fill = () =>
    runImport(source, {
      instruments: files.instruments('AAPL.US', 'MSFT.US'),
      holidays: files.holidays('2014-01-01'),
      prices: [
        files.write('p.csv', [
          PRICE_HEADER,
          priceRow('MSFT.US', '2014-12-31', 30.1),
          priceRow('MSFT.US', '2015-01-02', 31),
          priceRow('AAPL.US', '2015-01-02', 0.1 + 0.2),
        ]),
      ],
      news: [files.write('n.csv', ['id,time,symbol,title,source', 'N1,2014-06-01T10:00:00Z,AAPL,Hello,wire'])],
    });

  it('writes the files that an import reads, sorted, and tells their rows on stdout', async () => {
    await fill();
    const output = files.path('out');
    const { stdout, result } = await runExport(source, output);
    expect(stdout).toBe(
      'file,rows\ninstruments.csv,2\nmarket_holidays.csv,1\nprices_daily/2014.csv,1\nprices_daily/2015.csv,2\nnews/news_2014.csv,1\n',
    );
    expect(result.exitCode).toBe(0);
    const text = (name: string) => readFileSync(path.join(output, name), 'utf8');
    expect(text('instruments.csv')).toBe(
      'instrument_id,issuer_id,symbol,name,sector,market_id,currency,first_date,last_date\n' +
        'AAPL.US,AAPL,AAPL,AAPL Inc.,Energy,US_EQ,USD,,\nMSFT.US,MSFT,MSFT,MSFT Inc.,Energy,US_EQ,USD,,\n',
    );
    expect(text('market_holidays.csv')).toBe(
      'market_id,holiday_date,holiday_name,source\nUS_EQ,2014-01-01,Holiday,import\n',
    );
    const close = 0.1 + 0.2;
    expect(text('prices_daily/2015.csv')).toBe(
      `${PRICE_HEADER}\nAAPL.US,2015-01-02,${close},${close * 1.01},${close * 0.99},${close},${close},1000\n${priceRow('MSFT.US', '2015-01-02', 31)}\n`,
    );
    expect(text('news/news_2014.csv')).toBe(
      'article_id,published_at,instrument_id,headline,source,section\nN1,2014-06-01T10:00:00Z,AAPL.US,Hello,wire,\n',
    );
  });

  it('packs prices and news with --gzip, and can be repeated in place', async () => {
    await fill();
    const output = files.path('out');
    await runExport(source, output, { gzip: true });
    const first = readFileSync(path.join(output, 'prices_daily', '2015.csv.gz'));
    expect(gunzipSync(first).toString()).toContain('MSFT.US,2015-01-02,31,');
    await runExport(source, output, { gzip: true });
    expect(readFileSync(path.join(output, 'prices_daily', '2015.csv.gz')).equals(first)).toBe(true);
    expect(readdirSync(output, { recursive: true }).filter((name) => String(name).endsWith('.part'))).toEqual([]);
  });

  it('does not stand beside files that an import would take for its own', async () => {
    await fill();
    const output = files.path('out');
    await runExport(source, output);
    await expect(runExport(source, output, { gzip: true })).rejects.toMatchObject({
      message: `${path.join(output, 'prices_daily', '2014.csv')} is not part of this export and would stand beside it`,
      exitCode: 2,
    });
    expect(existsSync(path.join(output, 'prices_daily', '2015.csv.gz'))).toBe(false);
  });

  it('of a market without instruments, or to a place that is no folder, says so in one line', async () => {
    await expect(runExport(source, files.path('out'), { market: 'NONE' })).rejects.toThrow(
      /^market NONE has no instruments/,
    );
    expect(existsSync(files.path('out'))).toBe(false);
    await fill();
    writeFileSync(files.path('plain'), '');
    await expect(runExport(source, files.path('plain'))).rejects.toThrow(/plain cannot be written: E(EXIST|NOTDIR)/);
    mkdirSync(files.path('half/prices_daily'), { recursive: true });
    mkdirSync(files.path('half/prices_daily/2014.csv.part'));
    await expect(runExport(source, files.path('half'))).rejects.toThrow(/2014\.csv cannot be written: EISDIR/);
  });

  it('tells of prices that no instrument stands for', async () => {
    await fill();
    await source.databases.historical.client((client) =>
      client.query(`INSERT INTO prices_daily SELECT 'GHOST.US', trade_date, open, high, low, close, adjusted_close, volume, currency
                    FROM prices_daily WHERE instrument_id = 'MSFT.US'`),
    );
    const { events } = await runExport(source, files.path('out'));
    expect(events.filter((event) => event.type === 'log')).toMatchObject([
      { level: 'warn', message: '2 price rows belong to 1 id without an instrument (GHOST.US): not exported' },
    ]);
  });
});
