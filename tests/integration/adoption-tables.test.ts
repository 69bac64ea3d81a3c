/** `db adopt` on tables of other shapes than ours: partitions, children, foreign keys, other columns and types. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadPanel } from '../../engines/market/storage.ts';
import { applyStep } from '../../src/adoption/repair.ts';
import { collationOf, readAdoption } from '../../src/adoption/report.ts';
import { adoptionPage, dbAdopt } from '../../src/cli/db-adopt.ts';
import { MIGRATIONS } from '../../src/cli/schema.ts';
import { withProber } from '../../src/phases/probes.ts';
import { probeSchema } from '../../src/phases/schema.ts';
import { DATABASE_NAMES, type DatabaseName } from '../../src/platform/db/targets.ts';
import { createAlembicPair } from '../helpers/alembic-pair.ts';
import type { TestDatabases } from '../helpers/databases.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

let pair: TestDatabases;
beforeEach(async () => {
  pair = await createAlembicPair();
});
afterEach(() => pair.drop());

const run = (name: DatabaseName, sql: string) => pair.databases[name].client((client) => client.query(sql));
const count = async (table: string, name: DatabaseName = 'historical') =>
  Number((await run(name, `SELECT count(*) AS n FROM ${table}`)).rows[0].n);
const read = () => readAdoption(pair.databases, MIGRATIONS);
const apply = (id: string, keep: 'newest' | 'oldest' | null = null, name: DatabaseName = 'historical') =>
  applyStep(pair.databases[name], { id }, keep, MIGRATIONS[name]);

/** The command with its two databases; what it printed and its exit code. */
async function adopt(...step: string[]): Promise<{ code: number; out: string }> {
  let out = '';
  const cli = { databases: async () => pair.databases, out: (text: string) => void (out += text) };
  const code = await dbAdopt.run({ dryRun: false, apply: true, step, json: false }, cli as never);
  return { code, out };
}

/** Fifty days of one name, the first ten of them twice, from a day on. */
const prices = (id: string, first: string) => {
  const days = (n: number) =>
    `SELECT '${id}', date '${first}' + g, 1, 1, 1, 1, 1, 100, 'USD' FROM generate_series(0, ${n - 1}) g`;
  return `INSERT INTO prices_daily (instrument_id, trade_date, open, high, low, close, adjusted_close, volume, currency)
            ${days(50)} UNION ALL ${days(10)};`;
};

test('partitions: only copies go, and each partition gets its part of an index', async () => {
  await run(
    'historical',
    `ALTER TABLE prices_daily RENAME TO old_prices;
     CREATE TABLE prices_daily (LIKE old_prices) PARTITION BY RANGE (trade_date);
     CREATE TABLE prices_2013 PARTITION OF prices_daily FOR VALUES FROM ('2013-01-01') TO ('2014-01-01');
     CREATE TABLE prices_2014 PARTITION OF prices_daily FOR VALUES FROM ('2014-01-01') TO ('2015-01-01') PARTITION BY LIST (instrument_id);
     CREATE TABLE prices_2014_a PARTITION OF prices_2014 FOR VALUES IN ('A');
     CREATE TABLE prices_2014_b PARTITION OF prices_2014 FOR VALUES IN ('B');
     DROP TABLE old_prices;
     ${prices('A', '2013-03-01')} ${prices('A', '2014-03-01')} ${prices('B', '2014-03-01')}`,
  );
  expect((await read()).databases[0].duplicates[0]).toMatchObject({ table: 'prices_daily', rows: 30 });
  expect(await apply('dedupe:prices_daily')).toBe('removed 30 rows');
  expect([await count('prices_2013'), await count('prices_2014_a'), await count('prices_2014_b')]).toEqual([
    50, 50, 50,
  ]);

  // As a build leaves it that was killed after its first partition.
  const oid = async (relation: string) =>
    (await run('historical', `SELECT '${relation}'::regclass::oid AS oid`)).rows[0].oid;
  await run(
    'historical',
    `CREATE UNIQUE INDEX ux_prices_daily ON ONLY prices_daily (instrument_id, trade_date);
     CREATE UNIQUE INDEX ux_prices_daily_${await oid('prices_2013')} ON prices_2013 (instrument_id, trade_date)`,
  );
  expect((await read()).steps.map(({ id }) => id)).toContain('index:ux_prices_daily');
  const { code, out } = await adopt('all');
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('no step is open') });
  const { rows } = await run(
    'historical',
    `SELECT count(*) AS n, bool_and(indisvalid) AS valid FROM pg_index
      WHERE indrelid IN (SELECT relid FROM pg_partition_tree('prices_daily')) AND indisunique`,
  );
  expect(rows).toEqual([{ n: 5, valid: true }]);
  await expect(run('historical', prices('A', '2013-03-01'))).rejects.toThrow('duplicate key');
});

test('a key that a partitioned table cannot have is told, and the other steps are done', async () => {
  await run(
    'historical',
    `ALTER TABLE prices_daily RENAME TO old_prices;
     CREATE TABLE prices_daily (LIKE old_prices) PARTITION BY LIST (currency);
     CREATE TABLE prices_usd PARTITION OF prices_daily FOR VALUES IN ('USD');
     DROP TABLE old_prices; ${prices('A', '2013-03-01')}`,
  );
  const { code, out } = await adopt('all');
  expect(code).toBe(3);
  expect(out).toContain('index:ux_prices_daily: not done: PostgreSQL does not allow index:ux_prices_daily: ');
  expect(out).toContain('index:ix_prices_daily_trade_date: made');
  expect(out.trimEnd().split('\n').at(-1)).toBe('open: index:ux_prices_daily');
});

test('children: rows that lie at the same place in another table stay', async () => {
  await run(
    'historical',
    `CREATE TABLE prices_old () INHERITS (prices_daily);
     ${prices('A', '2013-03-01')} ${prices('B', '2013-03-01').replace('prices_daily', 'prices_old')}
     INSERT INTO prices_old SELECT * FROM ONLY prices_daily WHERE trade_date = '2013-04-15'`,
  );
  expect((await read()).databases[0].duplicates[0]).toMatchObject({ rows: 21 });
  expect(await apply('dedupe:prices_daily')).toBe('removed 21 rows');
  expect([await count('ONLY prices_daily'), await count('prices_old')]).toEqual([50, 50]);
  expect(await adopt('all')).toMatchObject({ code: 0 });
  // No index spans the two: the rows are looked at anew.
  await run('historical', `INSERT INTO prices_old SELECT * FROM ONLY prices_daily WHERE trade_date = '2013-04-15'`);
  expect((await read()).databases[0].duplicates[0]).toMatchObject({ rows: 1 });
});

test.each(['', 'ON DELETE CASCADE', 'ON DELETE SET NULL'])(
  'a copy that another table points at stays (%s)',
  async (action) => {
    const vector = `('INSTRUMENT', 'A', '{}', '2013-05-02', 'num-old-v1', '\\x01')`;
    await run(
      'historical',
      `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector) VALUES ${vector}, ${vector};
       CREATE SCHEMA lab; CREATE TABLE lab.marks (embedding_id bigint REFERENCES public.numeric_window_embeddings ${action}, mark text);
       INSERT INTO lab.marks SELECT embedding_id, 'mine' FROM numeric_window_embeddings`,
    );
    const blocked = (await read()).steps.filter(({ id }) => id.endsWith('numeric_window_embeddings'));
    expect(blocked.map(({ id, blocked: why }) => [id, why])).toEqual([
      [
        'dedupe:numeric_window_embeddings',
        '1 rows of lab.marks point at copies in numeric_window_embeddings (foreign key marks_embedding_id_fkey)',
      ],
      ['index:ux_numeric_window_embeddings', '1 copies are in the way'],
    ]);
    await expect(adopt('dedupe:numeric_window_embeddings')).rejects.toThrow('cannot be done: 1 rows of lab.marks');
    await expect(apply('dedupe:numeric_window_embeddings')).rejects.toThrow('so that none was removed');
    const { code, out } = await adopt('all');
    expect(code).toBe(3);
    expect(out).toContain('index:ux_numeric_window_embeddings: not done: 1 copies are in the way');
    expect(out).toContain(
      'dedupe:numeric_window_embeddings: not done: 1 rows of lab.marks point at copies in numeric_window_embeddings (foreign key marks_embedding_id_fkey)',
    );
    expect(out).toContain('index:ix_news_articles_timestamp: made');
    expect([await count('lab.marks WHERE embedding_id IS NOT NULL'), await count('numeric_window_embeddings')]).toEqual(
      [2, 2],
    );

    await run(
      'historical',
      `UPDATE lab.marks SET embedding_id = (SELECT min(embedding_id) FROM numeric_window_embeddings)`,
    );
    expect(await adopt('all')).toMatchObject({ code: 0 });
    expect([await count('lab.marks'), await count('numeric_window_embeddings')]).toEqual([2, 1]);
  },
);

test('whether a copy is pointed at depends on which rows are to stay', async () => {
  const vector = (byte: string) => `('INSTRUMENT', 'A', '{}', '2013-05-02', 'num-old-v1', '\\x${byte}')`;
  await run(
    'historical',
    `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
       VALUES ${vector('01')}, ${vector('01')}, ${vector('02')};
     CREATE TABLE their_marks (embedding_id bigint REFERENCES numeric_window_embeddings);
     INSERT INTO their_marks SELECT max(embedding_id) FROM numeric_window_embeddings`,
  );
  const blocked = async (keep: 'newest' | 'oldest' | null) =>
    (await readAdoption(pair.databases, MIGRATIONS, keep)).steps.find(
      ({ id }) => id === 'dedupe:numeric_window_embeddings',
    )?.blocked;
  expect([await blocked(null), await blocked('newest')]).toEqual([null, null]);
  expect(await blocked('oldest')).toContain('1 rows of public.their_marks point at copies');
  expect(await apply('dedupe:numeric_window_embeddings', 'newest')).toBe('removed 2 rows');
});

test('what a trigger of theirs forbids is told, not called a failure of the program', async () => {
  await run(
    'historical',
    `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'prices are kept' USING HINT = 'Ask Ada.'; END $$;
     CREATE TRIGGER keep BEFORE DELETE ON prices_daily EXECUTE FUNCTION no(); ${prices('A', '2013-03-01')}`,
  );
  expect((await adopt('all')).out).toContain(
    'dedupe:prices_daily: not done: PostgreSQL does not allow dedupe:prices_daily: prices are kept. Ask Ada.',
  );
  await expect(apply('dedupe:prices_daily')).rejects.toMatchObject({ name: 'UserError' });
});

test.each([
  [{ datcollate: 'de_DE.UTF-8' }, 'libc de_DE.UTF-8'],
  [{ datlocprovider: 'c', datcollate: 'C', daticulocale: null }, 'libc C'],
  [{ datlocprovider: 'i', datcollate: 'C', daticulocale: 'en-US' }, 'ICU en-US'],
  [{ datlocprovider: 'b', datcollate: 'C', datlocale: 'C.UTF-8' }, 'builtin C.UTF-8'],
])('the collation of servers 14, 15, 16 and 18: %j', (row, text) => expect(collationOf(row)).toBe(text));

test('columns that are missing, renamed or of other types end no report', async () => {
  await run(
    'historical',
    `${prices('A', '2013-03-01')}
     ALTER TABLE prices_daily RENAME COLUMN trade_date TO day; ALTER TABLE market_holidays DROP COLUMN holiday_date;
     ALTER TABLE numeric_window_embeddings DROP COLUMN as_of_date; ALTER TABLE news_articles DROP COLUMN metadata;
     ALTER TABLE text_embeddings ALTER COLUMN source_type TYPE text, ALTER COLUMN source_id TYPE text;
     ALTER TABLE joint_embeddings ALTER COLUMN as_of_date TYPE text`,
  );
  await run(
    'runtime',
    `ALTER TABLE backtest_daily_equity DROP CONSTRAINT backtest_daily_equity_run_id_fkey, ALTER COLUMN run_id TYPE uuid USING run_id::uuid;
     ALTER TABLE backtest_runs ALTER COLUMN metrics_json TYPE json;
     INSERT INTO backtest_runs (run_id, strategy_id, config_json, start_date, end_date, metrics_json) VALUES
       ('0b0e3c9e-0000-4000-8000-000000000001', 'S', '{}', '2013-01-02', '2013-03-01', '{"cumulative_return": 0.1}'),
       ('broken', 'S', '{}', '2013-01-02', '2013-03-01', NULL);
     INSERT INTO backtest_daily_equity VALUES ('0b0e3c9e-0000-4000-8000-000000000001', '2013-01-02', 1e6, 0, NULL);
     ALTER TABLE instruments ALTER COLUMN instrument_id TYPE text`,
  );
  const report = await read();
  expect(report.databases[1].orphans.filter(({ rows }) => rows)).toEqual([
    { what: 'backtest_runs without metrics', rows: 1, examples: ['broken'] },
    { what: 'backtest_runs without equity', rows: 1, examples: ['broken'] },
  ]);
  expect(report.pricesWithoutInstrument).toMatchObject({ rows: 1, examples: ['A'] });
  expect(report.notLookedAt).toEqual([
    {
      database: 'historical',
      what: 'rows of prices_daily that are there twice',
      why: 'prices_daily.trade_date is missing',
    },
    {
      database: 'historical',
      what: 'rows of market_holidays that are there twice',
      why: 'market_holidays.holiday_date is missing',
    },
    {
      database: 'historical',
      what: 'rows of news_articles that are there twice',
      why: 'news_articles.metadata is missing',
    },
    {
      database: 'historical',
      what: 'rows of numeric_window_embeddings that are there twice',
      why: 'numeric_window_embeddings.as_of_date is missing',
    },
    {
      database: 'historical',
      what: 'rows of numeric_window_embeddings by model',
      why: 'numeric_window_embeddings.as_of_date is missing',
    },
    {
      database: 'historical',
      what: 'holidays against the days with prices',
      why: 'market_holidays.holiday_date is missing',
    },
  ]);
  expect(adoptionPage(report)).toContain(
    'historical: rows of prices_daily that are there twice: prices_daily.trade_date is missing',
  );
  const blocked = report.steps.filter((step) => step.blocked).map(({ id, blocked: why }) => [id, why]);
  expect(blocked).toContainEqual(['index:ux_prices_daily', 'prices_daily.trade_date is missing']);
  // What can be done is done; an index on text instead of varchar counts once it is there.
  const { out } = await adopt('all');
  expect(out).toContain('index:ix_text_embeddings_issuer_day: made');
  expect(out.trimEnd().split('\n').at(-1)).not.toContain('issuer_day');

  await run('runtime', 'ALTER TABLE backtest_runs DROP COLUMN metrics_json');
  expect((await read()).notLookedAt).toContainEqual({
    database: 'runtime',
    what: 'backtest_runs without metrics',
    why: 'backtest_runs.metrics_json is missing',
  });
});

test('values that a part of the report cannot take are told with what PostgreSQL says of them', async () => {
  await run('runtime', `ALTER TABLE backtest_runs ALTER COLUMN metrics_json TYPE text`);
  await run(
    'runtime',
    `INSERT INTO backtest_runs (run_id, strategy_id, config_json, start_date, end_date, metrics_json)
       VALUES ('r', 'S', '{}', '2013-01-02', '2013-03-01', 'no json')`,
  );
  const { notLookedAt, databases } = await read();
  expect(notLookedAt).toEqual([
    {
      database: 'runtime',
      what: 'backtest_runs without metrics',
      why: expect.stringContaining('invalid input syntax'),
    },
  ]);
  expect(databases[1].columns).toEqual([
    { table: 'backtest_runs', column: 'metrics_json', problem: 'is text, not jsonb' },
  ]);
});

test('engines read the same figures from columns of other types', async () => {
  const small = smallMarket({ seed: 5, instruments: 3, days: 40 });
  const days = small.calendar.days;
  await storePanel(pair.databases, small);
  // Figures that every one of the types can hold.
  await run(
    'historical',
    `UPDATE prices_daily SET volume = round(volume), close = round(close::numeric, 6), adjusted_close = adjusted_close::real`,
  );
  const load = () =>
    loadPanel(pair.databases, {
      marketId: 'TEST',
      start: days[5],
      end: days[39],
      lookback: 5,
      columns: ['close', 'adjusted_close', 'volume'],
      cacheFolder: null,
    });
  const before = await load();
  expect(before.rows).toBeGreaterThan(100);
  await run(
    'historical',
    `ALTER TABLE prices_daily ALTER COLUMN volume TYPE bigint, ALTER COLUMN close TYPE numeric(18, 6), ALTER COLUMN adjusted_close TYPE real,
       ALTER COLUMN trade_date TYPE timestamp USING trade_date + time '16:00', ALTER COLUMN instrument_id TYPE char(20);
     ALTER TABLE market_holidays ALTER COLUMN holiday_date TYPE timestamp`,
  );
  expect(await load()).toEqual(before);
});

test('report and phases ask for the same tables: regimes too, none that nothing reads', async () => {
  const missing = async (): Promise<Record<DatabaseName, readonly string[]>> => {
    const [historical, runtime] = await Promise.all(
      DATABASE_NAMES.map((name) =>
        withProber(
          pair.databases[name],
          { now: Date.now, signal: new AbortController().signal, timeoutMs: 60_000 },
          async (prober) => {
            const probe = await probeSchema(prober, name);
            return probe.known
              ? probe.value.missingTables.filter((table) => !table.startsWith('console.'))
              : [probe.cause];
          },
        ),
      ),
    );
    return { historical, runtime };
  };
  await run('historical', 'DROP TABLE instrument_factors_daily, correlation_panels');
  await run('runtime', 'DROP TABLE engine_runs, job_executions');
  expect(await missing()).toEqual({ historical: [], runtime: [] });
  expect((await read()).databases.map(({ columns }) => columns)).toEqual([[], []]);

  await run('runtime', 'DROP TABLE regimes; ALTER TABLE regime_transitions DROP COLUMN from_regime_label');
  await run(
    'historical',
    `INSERT INTO regimes (regime_record_id, as_of_date, region, regime_label, confidence) VALUES ('r', '2013-01-02', 'US', 'CALM', 1)`,
  );
  expect(await missing()).toEqual({ historical: [], runtime: ['regimes'] });
  const [historical, runtime] = (await read()).databases;
  expect(runtime.columns).toEqual([
    { table: 'regimes', column: null, problem: 'is missing' },
    { table: 'regime_transitions', column: 'from_regime_label', problem: 'is missing' },
  ]);
  expect(historical.twins.filter(({ empty }) => !empty)).toEqual([{ table: 'regimes', empty: false }]);
});
