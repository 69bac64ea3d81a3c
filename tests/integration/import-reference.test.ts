/** Instruments with issuers and markets, holidays, news. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Reject, Warn } from '../../engines/data/import/reasons.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { digests, emptyTables, Files, IMPORTED, rowsOf, runImport } from './import-support.ts';

let pair: TestDatabases;
let files: Files;
let runtime: Database;
let historical: Database;

beforeAll(async () => {
  pair = await createTestDatabases();
  runtime = pair.databases.runtime;
  historical = pair.databases.historical;
});

beforeEach(async () => {
  await emptyTables(pair);
  files = new Files();
});

afterAll(async () => {
  await pair.drop();
});

const versions = async () => [
  await rowsOf(runtime, 'SELECT instrument_id, ctid::text, xmin::text, updated_at::text FROM instruments ORDER BY 1'),
  await rowsOf(runtime, 'SELECT issuer_id, ctid::text, xmin::text, updated_at::text FROM issuers ORDER BY 1'),
  await rowsOf(runtime, 'SELECT market_id, ctid::text, xmin::text, updated_at::text FROM markets ORDER BY 1'),
  await rowsOf(historical, 'SELECT holiday_date, ctid::text, xmin::text FROM market_holidays ORDER BY 1'),
  await rowsOf(historical, 'SELECT ctid::text, xmin::text FROM news_articles ORDER BY 1'),
  await rowsOf(historical, 'SELECT ctid::text, xmin::text FROM news_links ORDER BY 1'),
];

describe('instruments', () => {
  const HEADER = 'instrument_id,issuer_id,symbol,name,sector,market_id,currency,first_date,last_date';

  it('fill markets, issuers and instruments, with what they carry and the defaults', async () => {
    const file = files.write('i.csv', [
      `${HEADER},delisting_value,status`,
      'AAPL.US,AAPL,AAPL,Apple Inc.,Information Technology,US_EQ,USD,2005-01-03,2024-08-26,,',
      'KSU.US,KSU,KSU,"Kansas City, Southern",Industrials,US_EQ,USD,2005-01-03,2020-10-28,300.5,inactive',
    ]);
    const { exitCode, data } = await runImport(pair, { instruments: file });
    expect(exitCode).toBe(0);
    expect(data.tables).toMatchObject({
      instruments: { inserted: 2 },
      issuers: { inserted: 2 },
      markets: { inserted: 1 },
    });
    expect(await rowsOf(runtime, 'SELECT market_id, name, region, timezone FROM markets')).toEqual([
      ['US_EQ', 'US equities', 'US', 'America/New_York'],
    ]);
    expect(await rowsOf(runtime, 'SELECT issuer_id, issuer_type, name, sector FROM issuers ORDER BY 1')).toEqual([
      ['AAPL', 'CORPORATION', 'Apple Inc.', 'Information Technology'],
      ['KSU', 'CORPORATION', 'Kansas City, Southern', 'Industrials'],
    ]);
    expect(
      await rowsOf(
        runtime,
        `SELECT instrument_id, issuer_id, market_id, asset_class, symbol, exchange, currency, multiplier, status, metadata
         FROM instruments ORDER BY 1`,
      ),
    ).toEqual([
      [
        'AAPL.US',
        'AAPL',
        'US_EQ',
        'EQUITY',
        'AAPL',
        null,
        'USD',
        1,
        'ACTIVE',
        { first_date: '2005-01-03', last_date: '2024-08-26' },
      ],
      [
        'KSU.US',
        'KSU',
        'US_EQ',
        'EQUITY',
        'KSU',
        null,
        'USD',
        1,
        'INACTIVE',
        { first_date: '2005-01-03', last_date: '2020-10-28', delisting_value: 300.5 },
      ],
    ]);
  });

  it('imported again keep the columns that the new file does not carry', async () => {
    const full = files.write('full.csv', [
      `${HEADER},exchange,industry,country,issuer_type,status,metadata`,
      'A.US,ISS,A,Agilent,Health Care,US_EQ,USD,2005-01-03,2024-08-26,NYSE,Tools,US,trust,HALTED,"{""note"":1}"',
    ]);
    await runImport(pair, { instruments: full });
    const before = await versions();
    const same = files.write('bare.csv', ['id,symbol', 'A.US,A']);
    expect((await runImport(pair, { instruments: same })).data.tables).toMatchObject({
      instruments: { updated: 0, unchanged: 1 },
      issuers: { updated: 0, unchanged: 1 },
    });
    expect(await versions()).toEqual(before);

    const changed = files.write('changed.csv', ['id,sector,last_date,status', 'A.US,Energy,2025-01-03,']);
    expect((await runImport(pair, { instruments: changed })).data.tables).toMatchObject({
      instruments: { updated: 1 },
      issuers: { updated: 1 },
      markets: { unchanged: 1 },
    });
    expect(
      await rowsOf(
        runtime,
        `SELECT i.issuer_id, i.exchange, i.status, i.metadata, s.name, s.issuer_type, s.sector, s.industry, s.country
         FROM instruments i JOIN issuers s USING (issuer_id)`,
      ),
    ).toEqual([
      [
        'ISS',
        'NYSE',
        'HALTED',
        { first_date: '2005-01-03', last_date: '2025-01-03', note: 1 },
        'Agilent',
        'TRUST',
        'Energy',
        'Tools',
        'US',
      ],
    ]);
  });

  it('need an id alone: symbol and issuer come from it, the market from --market', async () => {
    const { data } = await runImport(pair, {
      instruments: files.write('ids.csv', ['id', 'BRK-B.US']),
      market: 'XX_EQ',
    });
    expect(await rowsOf(runtime, 'SELECT instrument_id, symbol, issuer_id, market_id FROM instruments')).toEqual([
      ['BRK-B.US', 'BRK-B', 'BRK-B', 'XX_EQ'],
    ]);
    expect(await rowsOf(runtime, 'SELECT name, region, timezone FROM markets')).toEqual([['XX_EQ', 'XX_EQ', 'UTC']]);
    expect(data.findings).toMatchObject([{ reason: Warn.unknownMarket, detail: 'XX_EQ' }]);
  });

  it('that repeat collapse, that contradict each other are all rejected, and bad rows are named', async () => {
    const file = files.write('i.csv', [
      'instrument_id,symbol,issuer_id,name,first_date,delisting_value,metadata',
      'A.US,A,A,Agilent,2005-01-03,,',
      'A.US,A,A,Agilent,2005-01-03,,',
      'B.US,B,B,One,,,',
      'B.US,B,B,Two,,,',
      'C.US,C,A,Another name,,,',
      'D.US,D,D,D,2005-13-03,,',
      'E.US,E,E,E,,minus,',
      'F.US,F,F,F,,,[1]',
      ',G,G,G,,,',
      'H|H,H,H,H,,,',
      `I.US,I,I,${'x'.repeat(201)},,,`,
      'J.US,J,J',
    ]);
    const { data, exitCode } = await runImport(pair, { instruments: file });
    expect(exitCode).toBe(3);
    expect(data.tables.instruments).toMatchObject({ read: 12, inserted: 2, collapsed: 1, rejected: 9 });
    expect(data.findings.filter((f) => f.level === 'rejected').map(({ line, reason }) => [line, reason])).toEqual([
      [7, Reject.notADate],
      [8, Reject.notANumber],
      [9, Reject.notJson],
      [10, Reject.missingValue],
      [11, 'id holds a |'],
      [12, Reject.tooLong],
      [13, Reject.columnCount],
      [4, Reject.conflict],
      [5, Reject.conflict],
    ]);
    expect(data.findings.filter((f) => f.level === 'warning')).toMatchObject([
      { line: 6, reason: Warn.issuerConflict, detail: "A name: 'Agilent' and 'Another name'" },
    ]);
  });

  it('in bytes that are no UTF-8 are rejected row by row', async () => {
    const latin = Buffer.concat([
      Buffer.from('id,name\nA.US,Nestl'),
      Buffer.from([0xe9]),
      Buffer.from('\nB.US,Nestlé\n'),
    ]);
    const { data } = await runImport(pair, { instruments: files.write('latin.csv', latin) });
    expect(data.findings).toMatchObject([{ line: 2, reason: Reject.notUtf8, detail: 'name' }]);
    expect(await rowsOf(runtime, 'SELECT name FROM issuers')).toEqual([['Nestlé']]);
  });
});

describe('holidays', () => {
  it('are named when the file names them, and are the import’s otherwise', async () => {
    await runImport(pair, {
      holidays: files.write('h.csv', ['market_id,holiday_date', 'US_EQ,2014-01-01', 'US_EQ,2014-12-25']),
    });
    const second = files.write('h2.csv', [
      'date,holiday_name,source',
      '2014-12-25,Christmas,nyse',
      '2014-07-04,,',
      '2014-02-30,x,y',
    ]);
    const { data } = await runImport(pair, { holidays: second });
    expect(data.tables.market_holidays).toMatchObject({ read: 3, inserted: 1, updated: 1, rejected: 1 });
    expect(
      await rowsOf(historical, 'SELECT market_id, holiday_date, holiday_name, source FROM market_holidays ORDER BY 2'),
    ).toEqual([
      ['US_EQ', '2014-01-01', 'Holiday', 'import'],
      ['US_EQ', '2014-07-04', 'Holiday', 'import'],
      ['US_EQ', '2014-12-25', 'Christmas', 'nyse'],
    ]);
  });

  it('may be none, which is said', async () => {
    const { data, exitCode } = await runImport(pair, { holidays: files.write('h.csv', ['market_id,holiday_date']) });
    expect(exitCode).toBe(0);
    expect(data.findings).toMatchObject([{ level: 'warning', reason: Warn.noRows }]);
  });
});

describe('news', () => {
  const HEADER = 'article_id,published_at,instrument_id,headline,source,section';
  const rows = [
    'N1,2014-01-02T10:00:00Z,AAPL.US,"Apple, Microsoft sue",reuters,tech',
    'N2,2014-01-02T11:00:00+01:00,AAPL,Apple rises,reuters,',
    'N1,2014-01-02T10:00:00Z,MSFT.US,"Apple, Microsoft sue",reuters,tech',
    'N3,2014-01-03,,Markets closed,reuters,',
  ];
  const news = () => files.write('n.csv.gz', [HEADER, ...rows]);

  beforeEach(async () => {
    const file = files.write('i.csv', ['id,issuer_id', 'AAPL.US,APPLE', 'MSFT.US,MSFT']);
    await runImport(pair, { instruments: file });
  });

  const articles = () =>
    rowsOf(
      historical,
      `SELECT "timestamp" AT TIME ZONE 'UTC', source, language, headline, body, metadata FROM news_articles ORDER BY metadata ->> 'external_id'`,
    );

  it('are one article a file id and one link a company', async () => {
    const { data, exitCode } = await runImport(pair, { news: [news()] });
    expect(exitCode).toBe(0);
    expect(data.tables).toMatchObject({
      news_articles: { read: 4, inserted: 3 },
      news_links: { read: 3, inserted: 3 },
    });
    expect(await articles()).toEqual([
      ['2014-01-02 10:00:00', 'reuters', null, 'Apple, Microsoft sue', null, { external_id: 'N1', section: 'tech' }],
      ['2014-01-02 10:00:00', 'reuters', null, 'Apple rises', null, { external_id: 'N2' }],
      ['2014-01-03 00:00:00', 'reuters', null, 'Markets closed', null, { external_id: 'N3' }],
    ]);
    expect(
      await rowsOf(
        historical,
        `SELECT a.metadata ->> 'external_id', l.issuer_id, l.instrument_id FROM news_links l JOIN news_articles a USING (article_id) ORDER BY 1, 3`,
      ),
    ).toEqual([
      ['N1', 'APPLE', 'AAPL.US'],
      ['N1', 'MSFT', 'MSFT.US'],
      ['N2', 'APPLE', 'AAPL.US'],
    ]);
  });

  it('imported again write nothing; what changed is updated, what is new is added', async () => {
    await runImport(pair, { news: [news()] });
    const before = await versions();
    expect((await runImport(pair, { news: [news()] })).data.tables).toMatchObject({
      news_articles: { inserted: 0, updated: 0, unchanged: 3 },
      news_links: { inserted: 0, updated: 0, unchanged: 3 },
    });
    expect(await versions()).toEqual(before);
    const more = files.write('more.csv', [
      `${HEADER},language,body`,
      'N2,2014-01-02T10:00:00Z,MSFT.US,Apple rises again,reuters,markets,en,"Two\nlines"',
    ]);
    const planned = await runImport(pair, { news: [more], dryRun: true });
    expect(await versions()).toEqual(before);
    const done = await runImport(pair, { news: [more] });
    expect(done.data.tables).toEqual(planned.data.tables);
    expect(done.data.tables).toMatchObject({ news_articles: { updated: 1 }, news_links: { inserted: 1 } });
    expect((await articles())[1]).toEqual([
      '2014-01-02 10:00:00',
      'reuters',
      'en',
      'Apple rises again',
      'Two\nlines',
      { external_id: 'N2', section: 'markets' },
    ]);
  });

  it('that contradict each other, repeat, or are of another source', async () => {
    await runImport(pair, { news: [news()] });
    const file = files.write('bad.csv', [
      HEADER,
      'X1,2014-01-02T10:00:00Z,AAPL.US,One,reuters,',
      'X1,2014-01-02T10:00:00Z,MSFT.US,Another,reuters,',
      'N1,2014-01-02T10:00:00Z,AAPL.US,Not the same article,bloomberg,',
      'X2,2014-01-02T10:00:00Z,AAPL.US,Twice,reuters,',
      'X2,2014-01-02T10:00:00Z,AAPL.US,Twice,reuters,',
      'X3,yesterday,AAPL.US,When,reuters,',
      'X4,2014-01-02T10:00:00Z,NOPE,Who,reuters,',
      'X5,2014-01-02T10:00:00Z,AAPL.US,,reuters,',
    ]);
    const { data } = await runImport(pair, { news: [file] });
    expect(data.tables.news_articles).toMatchObject({ read: 8, inserted: 1, collapsed: 1, rejected: 6 });
    expect(data.findings.map(({ line, reason, detail }) => [line, reason, detail])).toEqual([
      [7, Reject.notATime, "published_at 'yesterday'"],
      [8, Reject.unknownInstrument, 'NOPE'],
      [9, Reject.missingValue, 'headline'],
      [2, Reject.conflict, 'article X1: lines 2, 3'],
      [3, Reject.conflict, 'article X1: lines 2, 3'],
      [4, Reject.otherSource, "N1 of 'reuters'"],
    ]);
  });

  it('as tweets have a text in place of a headline', async () => {
    const file = files.write('tweets.csv', [
      'article_id,published_at,instrument_id,text,source',
      'T1,2013-12-31T23:10:08Z,AAPL.US,rt $aapl \ufffd,twitter',
    ]);
    const { exitCode } = await runImport(pair, { news: [file] });
    expect(exitCode).toBe(0);
    expect((await articles())[0].slice(0, 4)).toEqual(['2013-12-31 23:10:08', 'twitter', null, 'rt $aapl \ufffd']);
  });
});

describe('everything at once', () => {
  it('twice gives the same digests, and none of the tables is written the second time', async () => {
    const flags = {
      instruments: files.instruments('AAPL.US', 'MSFT.US'),
      holidays: files.holidays('2014-01-01'),
      prices: [files.write('p.csv', ['ticker,date,open,high,low,close,volume', 'AAPL,2014-01-02,1,1,1,1,1'])],
      news: [files.write('n.csv', ['id,time,symbol,title', '1,2014-01-02 10:00,MSFT,Hello'])],
    };
    await runImport(pair, flags);
    const before = [await digests(pair, ...IMPORTED), await versions()];
    const { data } = await runImport(pair, flags);
    expect([await digests(pair, ...IMPORTED), await versions()]).toEqual(before);
    for (const counts of Object.values(data.tables)) expect(counts).toMatchObject({ inserted: 0, updated: 0 });
  });
});
