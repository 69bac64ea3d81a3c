/** `db adopt` on a pair as the user's own system leaves it: the report, each repair, a kill in the middle, equal figures. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { campaign } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignSpec } from '../../engines/backtest/spec.ts';
import { program as digest } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import type { Panel } from '../../engines/market/panel.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { readCatalogue } from '../../src/adoption/catalogue.ts';
import { EXPECTED } from '../../src/adoption/expected.ts';
import { applyStep } from '../../src/adoption/repair.ts';
import { readAdoption } from '../../src/adoption/report.ts';
import type { AdoptionReport } from '../../src/adoption/types.ts';
import { MIGRATIONS } from '../../src/cli/schema.ts';
import { formatDay } from '../../src/platform/dates.ts';
import type { Databases } from '../../src/platform/db/databases.ts';
import { DATABASE_NAMES, type DatabaseName } from '../../src/platform/db/targets.ts';
import { createAlembicPair } from '../helpers/alembic-pair.ts';
import { createTestDatabases, majorVersion, type TestDatabases } from '../helpers/databases.ts';
import { bareEnvironment, MAIN } from '../helpers/processes.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

let folder: string;
let panel: Panel;
let pair: TestDatabases;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-adopt-'));
  panel = smallMarket({ seed: 31, instruments: 12, days: 150 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  pair = await createAlembicPair();
});
afterEach(() => pair.drop());

const run = (name: DatabaseName, sql: string) => pair.databases[name].client((client) => client.query(sql));
const words = (urls: Record<DatabaseName, string>, argv: string[]) => [
  MAIN,
  ...['db', 'adopt', ...argv, '--historical', urls.historical, '--runtime', urls.runtime],
];
const environment = () => bareEnvironment(folder, path.join(folder, 'home'));

function adopt(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, words(pair.urls, argv), { cwd: folder, env: environment() }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

const VECTOR = (id: string, day: string, byte: string) =>
  `('INSTRUMENT', '${id}', '{"window_days": 63}', '${day}', 'num-old-v1', '\\x${byte}')`;

/** Rows as they come from years of repeated backfills: copies, two vectors that differ, runs that broke off. */
async function fill(): Promise<void> {
  await storePanel(pair.databases, panel);
  await run('historical', `INSERT INTO prices_daily SELECT * FROM prices_daily WHERE instrument_id = 'I001.T'`);
  await run('historical', `DELETE FROM market_holidays WHERE holiday_date > '2013-06-30'`);
  await run(
    'historical',
    `INSERT INTO prices_daily SELECT 'GHOST.T', trade_date + 300, open, high, low, close, adjusted_close, volume, currency, metadata
    FROM prices_daily WHERE instrument_id = 'I000.T' ORDER BY trade_date LIMIT 1`,
  );
  await run(
    'historical',
    `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector) VALUES
      ${[VECTOR('A', '2013-05-02', '01'), VECTOR('A', '2013-05-02', '01'), VECTOR('A', '2013-05-02', '01'), VECTOR('B', '2013-05-02', '01'), VECTOR('B', '2013-05-02', '02')].join(', ')}`,
  );
  await run(
    'runtime',
    `INSERT INTO backtest_runs (run_id, strategy_id, config_json, start_date, end_date, metrics_json) VALUES
      ('broken', 'S', '{}', '2013-01-02', '2013-03-01', NULL), ('whole', 'S', '{}', '2013-01-02', '2013-03-01', '{"cumulative_return": 0.1}');
     INSERT INTO backtest_daily_equity VALUES ('whole', '2013-01-02', 1e6, 0, NULL)`,
  );
  await run(
    'historical',
    `INSERT INTO strategies (strategy_id, name, updated_at) VALUES ('S', 'in the wrong database', now())`,
  );
}

const read = (): Promise<AdoptionReport> => readAdoption(pair.databases, MIGRATIONS);
const apply = async (id: string, keep: 'newest' | 'oldest' | null = null) => {
  const step = (await read()).steps.find((one) => one.id === id);
  const database = step?.database ?? (id.includes('runtime') ? 'runtime' : 'historical');
  return applyStep(pair.databases[database], { id }, keep, MIGRATIONS[database]);
};

test('what is relied on is what the migrations make, and a pair of ours lacks nothing', async () => {
  const own = await createTestDatabases();
  try {
    for (const name of DATABASE_NAMES) {
      const { tables } = await own.databases[name].client(readCatalogue);
      for (const [table, columns] of Object.entries(EXPECTED[name])) {
        const found = tables
          .get(table)!
          .columns.map(({ name: column, type, notNull }) => ({ name: column, type, notNull }));
        expect({ table, columns: found }).toEqual({ table, columns });
      }
    }
    const report = await readAdoption(own.databases, MIGRATIONS);
    expect(report.steps).toEqual([]);
    for (const one of report.databases)
      expect(one).toMatchObject({ origin: 'prometheus', columns: [], missingIndexes: [] });
  } finally {
    await own.drop();
  }
});

test('the report is exact', async () => {
  await fill();
  const { databases, steps, pricesWithoutInstrument } = await read();
  const [historical, runtime] = databases;
  const copies =
    Number(
      (await run('historical', `SELECT count(*) AS n FROM prices_daily WHERE instrument_id = 'I001.T'`)).rows[0].n,
    ) / 2;
  expect(historical).toMatchObject({
    origin: 'alembic',
    revision: '0031_probabilities',
    collation: (await pair.databases.historical.client(majorVersion)) < 15 ? 'libc C' : 'ICU en-US',
    columns: [],
    unreadable: [],
    orphans: [{ what: 'news_links without its row in news_articles', rows: 0 }],
    models: [
      { table: 'numeric_window_embeddings', model: 'num-old-v1', rows: 5, first: '2013-05-02', last: '2013-05-02' },
    ],
  });
  expect(historical.duplicates.filter(({ rows }) => rows)).toEqual([
    { table: 'prices_daily', key: ['instrument_id', 'trade_date'], keys: copies, rows: copies, conflicting: 0 },
    {
      table: 'numeric_window_embeddings',
      key: ['model_id', 'as_of_date', 'entity_type', 'entity_id'],
      keys: 2,
      rows: 3,
      conflicting: 1,
    },
  ]);
  expect(historical.missingIndexes.map(({ name }) => name)).toEqual([
    'ux_prices_daily',
    'ux_news_articles_external_id',
    'ux_numeric_window_embeddings',
    'ix_news_articles_timestamp',
    'ix_text_embeddings_issuer_day',
  ]);
  expect(historical.holidays).toEqual([
    {
      market: 'TEST',
      rows: 1,
      first: '2013-01-01',
      last: '2013-01-01',
      yearsWithout: [],
      yearsWithFew: [],
      longestGap: expect.objectContaining({ from: '2013-01-02' }),
    },
  ]);
  expect(historical.twins.filter(({ empty }) => !empty)).toEqual([{ table: 'strategies', empty: false }]);
  expect(historical.others).toContain('their_notes');
  expect(runtime.missingIndexes.map(({ name }) => name)).toEqual(['ix_fills_order']);
  expect(runtime.orphans.filter(({ rows }) => rows)).toEqual([
    { what: 'backtest_runs without metrics', rows: 1, examples: ['broken'] },
    { what: 'backtest_runs without equity', rows: 1, examples: ['broken'] },
  ]);
  expect(runtime.twins.every(({ empty }) => empty)).toBe(true);
  expect(pricesWithoutInstrument).toMatchObject({ rows: 1, examples: ['GHOST.T'] });
  expect(steps.map(({ id, blocked }) => [id, blocked])).toEqual([
    ['console:historical', null],
    ['dedupe:prices_daily', null],
    ['dedupe:numeric_window_embeddings', null],
    ['index:ux_prices_daily', `${copies} copies are in the way`],
    ['index:ux_news_articles_external_id', null],
    ['index:ux_numeric_window_embeddings', '3 copies are in the way'],
    ['index:ix_news_articles_timestamp', null],
    ['index:ix_text_embeddings_issuer_day', null],
    ['console:runtime', null],
    ['index:ix_fills_order', null],
  ]);
});

test('columns that are missing, of another kind, or in our way are named', async () => {
  await run(
    'historical',
    `ALTER TABLE prices_daily DROP COLUMN adjusted_close, ALTER COLUMN volume TYPE numeric, ADD COLUMN vendor text NOT NULL;
     ALTER TABLE prices_daily ALTER COLUMN instrument_id TYPE text; ALTER TABLE text_embeddings ALTER COLUMN model_id TYPE varchar(20);
     ALTER TABLE joint_embeddings ALTER COLUMN joint_id DROP DEFAULT; DROP TABLE factors_daily`,
  );
  expect((await read()).databases[0].columns).toEqual([
    { table: 'prices_daily', column: 'adjusted_close', problem: 'is missing' },
    { table: 'prices_daily', column: 'volume', problem: 'is numeric, not double precision' },
    {
      table: 'prices_daily',
      column: 'vendor',
      problem: 'is not ours, must not be null and has no default: no row can be written',
    },
    { table: 'factors_daily', column: null, problem: 'is missing' },
    { table: 'text_embeddings', column: 'model_id', problem: 'is character varying(20), not character varying(64)' },
    { table: 'joint_embeddings', column: 'joint_id', problem: 'has no default' },
  ]);
});

test('repairs remove copies only, leave rows that differ to the user, and do nothing twice', async () => {
  await fill();
  const rows = async (table: string) =>
    (await run('historical', `SELECT count(*) AS n FROM ${table}`)).rows[0].n as number;
  const before = await rows('prices_daily');
  expect(await apply('dedupe:prices_daily')).toMatch(/^removed [\d,]+ rows$/);
  const after = await rows('prices_daily');
  expect(after).toBeLessThan(before);
  expect(await apply('dedupe:prices_daily')).toBe('nothing to remove');

  expect(await apply('dedupe:numeric_window_embeddings')).toBe(
    'removed 2 rows; 1 keys have rows that do not say the same and are left alone: say --keep newest or --keep oldest',
  );
  await expect(apply('index:ux_numeric_window_embeddings')).rejects.toThrow('has rows of the same key');
  expect(await apply('dedupe:numeric_window_embeddings', 'newest')).toBe('removed 1 rows');
  const left = await run('historical', `SELECT entity_id, vector FROM numeric_window_embeddings ORDER BY entity_id`);
  expect(left.rows).toEqual([
    { entity_id: 'A', vector: Buffer.from([1]) },
    { entity_id: 'B', vector: Buffer.from([2]) },
  ]);

  for (const { id } of (await read()).steps) await apply(id);
  expect((await read()).steps).toEqual([]);
  expect(await apply('index:ux_prices_daily')).toBe('is there already');
  expect(await rows('prices_daily')).toBe(after);
});

test('the command: report, refusals, all steps, a role that may only read', async () => {
  await fill();
  const neither = await adopt();
  expect(neither).toMatchObject({ code: 2, out: '' });
  expect(await adopt('--apply', 'index:nonsense')).toMatchObject({ code: 2, out: '' });
  expect((await adopt('--apply', 'index:ux_prices_daily')).err).toContain('copies are in the way');
  const page = await adopt('--dry-run');
  expect(page).toMatchObject({ code: 3, err: '' });
  expect(page.out).toContain('backtest_runs without metrics: 1 (broken)');
  expect(page.out).toContain('dedupe:prices_daily: remove');

  const role = `reader_${Date.now()}`;
  await run('runtime', `CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  try {
    for (const name of DATABASE_NAMES) await run(name, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    await run('historical', `REVOKE SELECT ON text_embeddings FROM ${role}`);
    const owner = pair.urls;
    const asReader = (url: string) => url.replace('postgresql://', `postgresql://${role}:x@`);
    const seen = await new Promise<AdoptionReport>((resolve, reject) => {
      const argv = words({ historical: asReader(owner.historical), runtime: asReader(owner.runtime) }, [
        '--dry-run',
        '--json',
      ]);
      execFile(process.execPath, argv, { cwd: folder, env: environment() }, (_error, out, err) =>
        out ? resolve(JSON.parse(out)) : reject(new Error(err)),
      );
    });
    expect(seen.databases[0].unreadable).toEqual(['text_embeddings']);
    expect(seen.databases[0].unwritable).toContain('prices_daily');
    expect(seen.steps.map(({ blocked }) => blocked)).not.toContain(null);
  } finally {
    for (const name of DATABASE_NAMES) await run(name, `DROP OWNED BY ${role}`);
    await run('runtime', `DROP ROLE ${role}`);
  }

  const done = await adopt('--apply', 'all');
  expect(done).toMatchObject({ code: 3, err: '' });
  expect(done.out).toContain('index:ux_numeric_window_embeddings: not done: ');
  expect(done.out.trimEnd().split('\n').at(-1)).toBe(
    'open: dedupe:numeric_window_embeddings, index:ux_numeric_window_embeddings',
  );
  expect((await adopt('--apply', 'dedupe:numeric_window_embeddings', '--keep', 'newest')).out).toContain(
    'removed 1 rows',
  );
  expect(await adopt('--apply', 'all')).toMatchObject({ code: 0, out: expect.stringContaining('no step is open') });
  expect(await adopt('--dry-run')).toMatchObject({ code: 0 });
  // Done already, asked for again.
  expect(await adopt('--apply', 'index:ux_prices_daily', 'dedupe:prices_daily')).toMatchObject({ code: 0 });
});

describe('killed in the middle', () => {
  let child: ChildProcess;
  const start = (...argv: string[]) => {
    child = spawn(process.execPath, words(pair.urls, argv), { cwd: folder, env: environment(), stdio: 'ignore' });
    return new Promise<void>((resolve) => child.on('exit', () => resolve()));
  };
  /** Whether a repair waits for a lock that the test holds. */
  const waits = async (name: DatabaseName) =>
    (
      await run(
        name,
        `SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'prometheus db adopt'
          AND wait_event_type = 'Lock'`,
      )
    ).rows[0].n > 0;
  const noRepair = async (name: DatabaseName) =>
    (
      await run(
        name,
        `SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'prometheus db adopt'`,
      )
    ).rows[0].n === 0;

  test('removing copies: no row is gone; the next call does it', async () => {
    await fill();
    const before = (await run('historical', 'SELECT count(*) AS n FROM prices_daily')).rows[0].n;
    let ended: Promise<void>;
    await pair.databases.historical.transaction(async (client) => {
      await client.query(`SELECT * FROM prices_daily WHERE instrument_id = 'I001.T' FOR UPDATE`);
      ended = start('--apply', 'dedupe:prices_daily');
      await until(() => waits('historical'), 'the repair waits');
      child.kill('SIGKILL');
      await ended;
    });
    await until(() => noRepair('historical'), 'the repair has ended');
    expect((await run('historical', 'SELECT count(*) AS n FROM prices_daily')).rows[0].n).toBe(before);
    expect((await adopt('--apply', 'dedupe:prices_daily')).out).toContain('removed');
  });

  test('building an index: what is left of it is replaced', async () => {
    await fill();
    await apply('dedupe:prices_daily');
    const left = async () =>
      (await run('historical', `SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ux_prices_daily')`))
        .rows;
    await pair.databases.historical.transaction(async (client) => {
      // An index that is built beside others waits for every transaction that was there before it.
      await client.query('DELETE FROM prices_daily WHERE false');
      await client.query(`SELECT pg_current_xact_id()`);
      const ended = start('--apply', 'index:ux_prices_daily');
      // It may have waited for autovacuum before it began.
      await until(async () => (await left()).length > 0 && (await waits('historical')), 'the build waits');
      expect((await read()).steps.map(({ id }) => id)).toContain('index:ux_prices_daily');
      await expect(apply('index:ix_news_articles_timestamp')).rejects.toThrow('another repair');
      child.kill('SIGKILL');
      await ended;
      await run(
        'historical',
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'prometheus db adopt'`,
      );
    });
    await until(() => noRepair('historical'), 'the repair has ended');
    expect(await left()).toEqual([{ indisvalid: false }]);
    expect(await apply('index:ux_prices_daily')).toBe('made anew: a build had broken off');
    expect((await read()).databases[0].missingIndexes.map(({ name }) => name)).not.toContain('ux_prices_daily');
  });
});

test('a campaign and a backfill give the same figures as on a pair of our own, before and after the repairs', async () => {
  const own = await createTestDatabases();
  try {
    await storePanel(own.databases, panel);
    await storePanel(pair.databases, panel);
    for (const name of DATABASE_NAMES) await apply(`console:${name}`);
    const expected = await figures(own.databases);
    expect(await figures(pair.databases)).toEqual(expected);
    await run('historical', `INSERT INTO prices_daily SELECT * FROM prices_daily WHERE instrument_id = 'I001.T'`);
    for (const { id } of (await read()).steps) await apply(id);
    expect((await read()).steps).toEqual([]);
    expect(await figures(pair.databases)).toEqual(expected);
  } finally {
    await own.drop();
  }
});

/** Digests of everything that a campaign and a backfill write. */
async function figures(databases: Databases): Promise<string> {
  const date = (t: number) => formatDay(panel.calendar.days[t]);
  const sleeve = canonicalSleeves('S', 'TEST').map(formatSleeve);
  const range = { marketId: 'TEST', start: date(80), end: date(149) };
  const ran = await runProgram(campaignSpec, campaign, { ...range, sleeve, json: false }, databases);
  const embedding = { market: 'TEST', startDate: date(60), endDate: date(149), workers: 2, device: 'cpu' as const };
  const filled = await runProgram(numericBackfillSpec, backfillNumeric, embedding, databases);
  expect([ran.result.exitCode, filled.result.exitCode]).toEqual([0, 0]);
  const ids = ran.stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[0]);
  const tables = ['numeric_window_embeddings', 'universe_members', 'stability_vectors', 'positions_snapshots'];
  const digests = (await runProgram(digestSpec, digest, { table: tables }, databases)).stdout;
  const { rows } = await databases.runtime.client((client) =>
    client.query(
      `SELECT date, equity_curve_value, r.universe_id FROM backtest_daily_equity JOIN backtest_runs r USING (run_id)
        WHERE run_id = ANY ($1) ORDER BY r.universe_id COLLATE "C", date`,
      [ids],
    ),
  );
  return digests + JSON.stringify(rows) + ran.stdout.replace(/^[0-9a-f-]{36}/gm, '');
}
