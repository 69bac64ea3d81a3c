/** The synthetic market in real databases and as files: filled once, refused elsewhere, the same after a kill at any point. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeMarketFiles } from '../../engines/data/generate/csv.ts';
import { generateMarket, type MarketOptions } from '../../engines/data/generate/market.ts';
import { DEFAULT_MARKET } from '../../engines/data/generate/spec.ts';
import { storeMarket } from '../../engines/data/generate/storage.ts';
import { program as importProgram } from '../../engines/data/import/program.ts';
import { importSpec } from '../../engines/data/import/spec.ts';
import type { Databases } from '../../src/platform/db/databases.ts';
import { Exit, InterruptedError, UserError } from '../../src/platform/errors.ts';
import { collectedEvents, type Events } from '../../src/platform/events.ts';
import { homeAt } from '../../src/platform/home.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';

const OPTIONS: MarketOptions = {
  seed: 5,
  instruments: 20,
  start: '2012-01-03',
  end: '2013-12-31',
  newsStart: '2012-06-01',
};
const TABLES = {
  historical: ['prices_daily', 'market_holidays', 'news_articles', 'news_links'],
  runtime: ['markets', 'issuers', 'instruments'],
} as const;
const ROOT = path.resolve(import.meta.dirname, '../..');

const never = () => new AbortController().signal;
const store = (databases: Databases, options = OPTIONS, events: Events = collectedEvents(), signal = never()) =>
  storeMarket(generateMarket(options), databases, events, signal);

/** Content of every table that a fill writes, without the times of writing. */
async function contents(databases: Databases): Promise<Record<string, { rows: number; digest: string | null }>> {
  const result: Record<string, { rows: number; digest: string | null }> = {};
  for (const name of ['historical', 'runtime'] as const) {
    for (const table of TABLES[name]) {
      const { rows } = await databases[name].client((client) =>
        client.query(
          `SELECT count(*) AS rows, md5(string_agg(r, E'\\n' ORDER BY r COLLATE "C")) AS digest
           FROM (SELECT (to_jsonb(t) - 'created_at' - 'updated_at')::text AS r FROM ${table} t) x`,
        ),
      );
      result[table] = rows[0];
    }
  }
  return result;
}

let pair: TestDatabases;
let folder: string;

beforeEach(async () => {
  pair = await createTestDatabases();
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-generate-'));
});

afterEach(async () => {
  await pair.drop();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Runs code in a process of its own that kills itself (SIGKILL) at the first event for which `when` holds, an expression
 * over `event`. @returns whether it was killed, and did not end by itself.
 */
function killWhen(when: string, imports: string, call: string): boolean {
  const script = `
    import { openDatabases } from ${JSON.stringify(`${ROOT}/src/platform/db/databases.ts`)};
    import { targetFromUrl } from ${JSON.stringify(`${ROOT}/src/platform/db/targets.ts`)};
    import { generateMarket } from ${JSON.stringify(`${ROOT}/engines/data/generate/market.ts`)};
    ${imports}
    const events = { emit: (event) => { if (${when}) process.kill(process.pid, 'SIGKILL'); } };
    const signal = new AbortController().signal;
    const open = () => openDatabases({
      historical: targetFromUrl('historical', ${JSON.stringify(pair.urls.historical)}, 'test'),
      runtime: targetFromUrl('runtime', ${JSON.stringify(pair.urls.runtime)}, 'test'),
    }, { application: 'killed' });
    ${call}
    process.exit(0);`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  if (child.signal !== 'SIGKILL' && child.status !== 0) throw new Error(child.stderr);
  return child.signal === 'SIGKILL';
}

const killFillWhen = (when: string) =>
  killWhen(
    when,
    `import { storeMarket } from ${JSON.stringify(`${ROOT}/engines/data/generate/storage.ts`)};`,
    `await storeMarket(generateMarket(${JSON.stringify(OPTIONS)}), open(), events, signal);`,
  );

const begins = (stage: string) => `event.type === 'stage' && event.name === '${stage}'`;
const PAST_HALF = `event.type === 'progress' && event.done > event.total / 2`;

describe('a fill', () => {
  it('writes what the market says and counts it', async () => {
    const market = generateMarket(OPTIONS);
    const { rows } = await store(pair.databases);
    const found = await contents(pair.databases);
    for (const [table, { rows: count }] of Object.entries(found)) expect(rows[table], table).toBe(count);
    expect(rows.prices_daily).toBe(market.companies.reduce((n, c) => n + c.last - c.first + 1, 0));
    expect(rows.market_holidays).toBe(market.holidays.length);

    const series = market.prices(market.companies[3]);
    const { company } = series;
    const stored = await pair.databases.historical.client((client) =>
      client.query(
        `SELECT open, high, low, close, adjusted_close, volume FROM prices_daily WHERE instrument_id = $1 ORDER BY trade_date`,
        [company.instrumentId],
      ),
    );
    expect(stored.rows.map((row) => row.close)).toEqual([...series.close]);
    expect(stored.rows[7]).toEqual({
      open: series.open[7],
      high: series.high[7],
      low: series.low[7],
      close: series.close[7],
      adjusted_close: series.adjustedClose[7],
      volume: series.volume[7],
    });
    const { rows: instruments } = await pair.databases.runtime.client((client) =>
      client.query(`SELECT status, asset_class, market_id, metadata FROM instruments ORDER BY instrument_id`),
    );
    expect(instruments.every((row) => row.status === 'ACTIVE' && row.asset_class === 'EQUITY')).toBe(true);
    expect(instruments.filter((row) => typeof row.metadata.delisting_value === 'number')).toHaveLength(2);
    const { rows: markets } = await pair.databases.runtime.client((client) => client.query('SELECT * FROM markets'));
    expect(markets[0]).toMatchObject({
      market_id: 'US_EQ',
      timezone: 'America/New_York',
      metadata: { synthetic: { seed: 5, instruments: 20, start: '2012-01-03', end: '2013-12-31', version: 1, rows } },
    });
  });

  it('numbers new articles after the synthetic ones', async () => {
    const { rows } = await store(pair.databases);
    const { rows: added } = await pair.databases.historical.client((client) =>
      client.query(
        `INSERT INTO news_articles ("timestamp", source, headline) VALUES (now(), 'other', 'x') RETURNING article_id`,
      ),
    );
    expect(added[0].article_id).toBe(rows.news_articles + 1);
  });

  it('does nothing when the same market is there', async () => {
    await store(pair.databases);
    const before = await contents(pair.databases);
    const events = collectedEvents();
    expect(await store(pair.databases, OPTIONS, events)).toEqual({ rows: {} });
    expect(events.list).toEqual([]);
    expect(await contents(pair.databases)).toEqual(before);
  });

  it('is done once by two callers at the same time', async () => {
    const outcomes = await Promise.all([store(pair.databases), store(pair.databases)]);
    expect(outcomes.map(({ rows }) => Object.keys(rows).length).sort()).toEqual([0, 7]);
  });

  it('refuses a pair that holds another synthetic market, naming its options', async () => {
    await store(pair.databases);
    const before = await contents(pair.databases);
    await expect(store(pair.databases, { ...OPTIONS, seed: 6 })).rejects.toThrow(/another synthetic market \(--seed 5/);
    expect(await contents(pair.databases)).toEqual(before);
  });

  it('refuses a market that was changed since', async () => {
    await store(pair.databases);
    await pair.databases.historical.client((client) =>
      client.query(`DELETE FROM prices_daily WHERE trade_date = '2013-05-02'`),
    );
    await expect(store(pair.databases)).rejects.toThrow(/prices_daily has [\d,]+ rows, not [\d,]+/);
  });

  it.each([
    [
      'historical',
      `INSERT INTO market_holidays VALUES ('US_EQ', '2012-07-04', 'Independence Day', 'import', now())`,
      /market_holidays/,
    ],
    [
      'runtime',
      `INSERT INTO markets (market_id, name, region, timezone, updated_at) VALUES ('US_EQ', 'US equities', 'US', 'America/New_York', now())`,
      /markets/,
    ],
    [
      'runtime',
      `INSERT INTO issuers (issuer_id, issuer_type, name, updated_at) VALUES ('X', 'CORPORATION', 'X', now())`,
      /issuers/,
    ],
  ] as const)('refuses rows of others in the %s database and leaves them', async (database, insert, message) => {
    await pair.databases[database].client((client) => client.query(insert));
    const before = await contents(pair.databases);
    const failure = await store(pair.databases).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as UserError).message).toMatch(message);
    expect((failure as UserError).message).not.toContain('\n');
    expect(await contents(pair.databases)).toEqual(before);
  });

  it('stops on a signal with nothing half-written, and can be begun again', async () => {
    const stop = new AbortController();
    const events: Events = { emit: (event) => void (event.type === 'progress' && stop.abort()) };
    await expect(store(pair.databases, OPTIONS, events, stop.signal)).rejects.toThrow(InterruptedError);
    expect((await contents(pair.databases)).prices_daily.rows).toBe(0);
    expect((await store(pair.databases)).rows.instruments).toBe(20);
  });
});

describe('a fill that was killed', () => {
  it('gives the same tables when it is begun again, wherever it was cut off', async () => {
    await store(pair.databases);
    const whole = await contents(pair.databases);
    await pair.drop();
    pair = await createTestDatabases();
    // One after the other in one pair: each fill also clears away what the one before it left.
    for (const when of [
      begins('synthetic prices'),
      PAST_HALF,
      begins('synthetic news'),
      begins('synthetic instruments'),
    ]) {
      expect(killFillWhen(when), when).toBe(true);
    }
    const left = await contents(pair.databases);
    expect(left.prices_daily.rows).toBe(whole.prices_daily.rows); // committed, and known to be ours
    expect(left.instruments.rows).toBe(0);
    await store(pair.databases);
    expect(await contents(pair.databases)).toEqual(whole);
  });

  it('makes room for another market', async () => {
    expect(killFillWhen(begins('synthetic instruments'))).toBe(true);
    const { rows } = await store(pair.databases, { ...OPTIONS, seed: 6, instruments: 5 });
    expect(rows.instruments).toBe(5);
    const found = await contents(pair.databases);
    expect(found.prices_daily.rows).toBe(rows.prices_daily);
    expect(found.news_articles.rows).toBe(rows.news_articles);
  });

  it('keeps what others have written meanwhile, and says so', async () => {
    expect(killFillWhen(begins('synthetic instruments'))).toBe(true);
    await pair.databases.historical.client((client) =>
      client.query(`INSERT INTO prices_daily VALUES ('MINE.US', '2013-01-02', 1, 1, 1, 1, 1, 1, 'USD')`),
    );
    await expect(store(pair.databases)).rejects.toThrow(/rows in prices_daily/);
    expect((await contents(pair.databases)).prices_daily.rows).toBe(1);
  });
});

describe('files', () => {
  const write = (target: string, options = OPTIONS, signal = never()) =>
    writeMarketFiles(generateMarket(options), target, collectedEvents(), signal);
  const listed = (target: string) =>
    readdirSync(target, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(target, path.join(entry.parentPath, entry.name)))
      .sort();
  const digests = (target: string) =>
    listed(target).map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(path.join(target, file)))
        .digest('hex'),
    ]);

  it('are the same bytes each time, and hold what they say', async () => {
    const [one, two] = [path.join(folder, 'one'), path.join(folder, 'two')];
    const files = await write(one);
    await write(two);
    expect(digests(two)).toEqual(digests(one));
    await write(one);
    expect(digests(one)).toEqual(digests(two));
    expect(listed(one)).toEqual([
      'instruments.csv',
      'market_holidays.csv',
      'news/news_2012.csv.gz',
      'news/news_2013.csv.gz',
      'prices_daily/2012.csv.gz',
      'prices_daily/2013.csv.gz',
      'synthetic-market.json',
    ]);
    for (const { file, rows } of files) {
      const bytes = readFileSync(path.join(one, file));
      const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
      expect(text.split('\n').length - 2, file).toBe(rows);
    }
    expect([...readFileSync(path.join(one, 'prices_daily/2012.csv.gz')).subarray(4, 10)]).toEqual([0, 0, 0, 0, 0, 255]);
  });

  it('give the tables of a fill when they are imported', async () => {
    await store(pair.databases);
    const filled = await contents(pair.databases);
    await pair.drop();
    pair = await createTestDatabases();
    const market = path.join(folder, 'market');
    await write(market);
    const home = homeAt(path.join(folder, 'home'));
    mkdirSync(home.logs, { recursive: true });
    const args = importSpec.args.parse({
      instruments: path.join(market, 'instruments.csv'),
      holidays: path.join(market, 'market_holidays.csv'),
      prices: [path.join(market, 'prices_daily')],
      news: [path.join(market, 'news')],
    });
    const { exitCode } = await importProgram(args, {
      home,
      databases: pair.databases,
      events: collectedEvents(),
      signal: never(),
      now: () => 0,
      newId: () => 'import-test',
      stdout: () => {},
      provenance: { version: '', build: null, gitSha: null, gitDirty: null },
    });
    expect(exitCode).toBe(Exit.done);
    const imported = await contents(pair.databases);
    // The mark of a fill is the one difference.
    expect({ ...imported, markets: null }).toEqual({ ...filled, markets: null });
    expect(imported.markets.rows).toBe(1);
  });

  it('that were cut off by a kill are made whole by the next run', async () => {
    const [whole, cut] = [path.join(folder, 'whole'), path.join(folder, 'cut')];
    await write(whole);
    for (const when of [begins('synthetic prices'), PAST_HALF, begins('synthetic news')]) {
      const killed = killWhen(
        when,
        `import { writeMarketFiles } from ${JSON.stringify(`${ROOT}/engines/data/generate/csv.ts`)};`,
        `await writeMarketFiles(generateMarket(${JSON.stringify(OPTIONS)}), ${JSON.stringify(cut)}, events, signal);`,
      );
      expect(killed).toBe(true);
      for (const file of listed(cut).filter((name) => name.endsWith('.gz'))) {
        expect(() => gunzipSync(readFileSync(path.join(cut, file)))).not.toThrow();
      }
    }
    await write(cut);
    expect(digests(cut)).toEqual(digests(whole));
  });

  it('go into a folder of their own only', async () => {
    writeFileSync(path.join(folder, 'notes.txt'), 'mine');
    await expect(write(folder)).rejects.toThrow(/already holds files \(notes.txt\)/);
    expect(readFileSync(path.join(folder, 'notes.txt'), 'utf8')).toBe('mine');
    const market = path.join(folder, 'market');
    await write(market);
    await expect(write(market, { ...OPTIONS, seed: 6 })).rejects.toThrow(/another synthetic market/);
    await expect(write(path.join(folder, 'notes.txt', 'below'))).rejects.toThrow(UserError);
  });

  it('stop on a signal and leave no part behind', async () => {
    const stopped = path.join(folder, 'stopped');
    await expect(write(stopped, OPTIONS, AbortSignal.abort())).rejects.toThrow(InterruptedError);
    expect(listed(stopped)).toEqual(['synthetic-market.json']);
  });
});

it('fills the market of the demo in full', async () => {
  const { rows } = await store(pair.databases, DEFAULT_MARKET);
  expect(rows.prices_daily).toBeGreaterThan(250_000);
  const { rows: span } = await pair.databases.historical.client((client) =>
    client.query('SELECT min(trade_date) AS first, max(trade_date) AS last FROM prices_daily'),
  );
  expect(span[0]).toEqual({ first: '2010-01-04', last: '2024-12-31' });
  expect(rows.news_articles).toBeGreaterThan(8_000);
  expect(rows.news_links).toBeGreaterThan(rows.news_articles);
});
