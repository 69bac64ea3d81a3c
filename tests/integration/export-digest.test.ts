/** Digests: equal content gives equal digests, whatever the ids, the order and the clock; every table has one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program as digestProgram } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { DIGEST_TABLES } from '../../engines/data/digest/tables.ts';
import { migrations as historicalSteps } from '../../migrations/historical/index.ts';
import { migrations as runtimeSteps } from '../../migrations/runtime/index.ts';
import type { DatabaseName } from '../../src/platform/db/targets.ts';
import { newId } from '../../src/platform/ids.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';
import { digests, rowsOf } from './import-support.ts';

let first: TestDatabases;
let second: TestDatabases;

beforeAll(async () => {
  first = await createTestDatabases();
  second = await createTestDatabases();
});

afterAll(async () => {
  await first.drop();
  await second.drop();
});

const sql = (pair: TestDatabases, database: DatabaseName, text: string) =>
  pair.databases[database].client((client) => client.query(text));

const made = (steps: Record<string, { readonly tables: readonly string[] }>) =>
  Object.values(steps).flatMap((step) => step.tables);

describe('every table', () => {
  it('is listed with columns that exist', async () => {
    for (const [database, steps] of [
      ['historical', historicalSteps],
      ['runtime', runtimeSteps],
    ] as const) {
      const tables = made(steps).filter((table) => DIGEST_TABLES[table]);
      // The product's own tables need no entry; those of the contract do.
      expect(made(steps).filter((table) => !table.startsWith('console.') && !DIGEST_TABLES[table])).toEqual([]);
      for (const table of tables) {
        const { key, without = [], owned = [], blotted = [], derived = {}, database: owner } = DIGEST_TABLES[table];
        expect(owner, table).toBe(database);
        const [schema, name] = table.includes('.') ? table.split('.') : ['public', table];
        const columns = await rowsOf(
          first.databases[database],
          `SELECT column_name FROM information_schema.columns WHERE table_schema = '${schema}' AND table_name = '${name}'`,
        );
        const known = new Set(columns.flat());
        const named = [...key.filter((column) => !(column in derived)), ...without, ...owned, ...blotted];
        expect(
          named.filter((column) => !known.has(column)),
          table,
        ).toEqual([]);
      }
    }
  });

  it('of both databases has a digest, the product’s own included', async () => {
    const tables = [
      ...made(historicalSteps).map((table) => `historical.${table}`),
      ...made(runtimeSteps).map((table) => `runtime.${table}`),
    ];
    const { result, stdout } = await runProgram(digestSpec, digestProgram, { table: tables }, first.databases);
    expect(result.exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(tables.length);
    for (const line of lines) expect(line).toMatch(/^[0-9a-f]{64} {2}[a-z_.]+ {2}\d+$/);
  });
});

/** One run with its decision, written the way a program writes it, in the order given. */
async function writeRun(pair: TestDatabases, reversed: boolean, change = 0): Promise<void> {
  const run = newId();
  const decision = newId();
  const inOrder = (values: string[]) => (reversed ? values.reverse() : values).join(', ');
  const days = ['2014-01-02', '2014-01-03', '2014-01-06'];
  await sql(
    pair,
    'runtime',
    `INSERT INTO backtest_runs (run_id, strategy_id, config_json, start_date, end_date, universe_id, metrics_json)
     VALUES ('${run}', 'S', '{"run":"${run}","nested":{"ids":["${run}"]}}', '2014-01-02', '2014-01-06', 'U', '{"x":1}');
     INSERT INTO backtest_daily_equity (run_id, date, equity_curve_value) VALUES
       ${inOrder(days.map((day, i) => `('${run}', '${day}', ${1000 + i + change})`))};
     INSERT INTO backtest_trades (run_id, trade_date, ticker, direction, size, price) VALUES
       ${inOrder(days.map((day, i) => `('${run}', '${day}', 'Ä${i}', 'BUY', 1, 2)`))};
     INSERT INTO engine_decisions (decision_id, engine_name, run_id, strategy_id, as_of_date, output_refs)
       VALUES ('${decision}', 'META', '${run}', 'S', '2014-01-06', '{"runs":["${run}"]}');
     INSERT INTO decision_outcomes (decision_id, horizon_days, realized_return) VALUES ('${decision}', 5, 0.5);
     INSERT INTO executed_actions (action_id, decision_id, run_id, instrument_id, trade_date, side, quantity, price)
       VALUES ('${newId()}', '${decision}', '${run}', 'A', '2014-01-02', 'BUY', 1, 2);
     INSERT INTO soft_target_classes (soft_target_id, entity_type, entity_id, as_of_date, soft_target_class, soft_target_score,
         weak_profile, instability, high_fragility, complacent_pricing, metadata)
       VALUES ${inOrder(days.map((day) => `('${newId()}', 'INSTRUMENT', 'A', '${day}', 'STABLE', 1, false, 1, 1, 1, '{"run_id":"${run}","window":63}')`))};
     INSERT INTO orders (order_id, timestamp, instrument_id, side, order_type, quantity, status, mode, portfolio_id, metadata)
       VALUES ('${run}-o', '2014-01-02', 'A', 'BUY', 'MARKET', 1, 'FILLED', 'BACKTEST', 'P', '{"run_id":"${run}"}');
     INSERT INTO fills (fill_id, order_id, timestamp, instrument_id, side, quantity, price, mode)
       VALUES ('${run}-f', '${run}-o', '2014-01-02', 'A', 'BUY', 1, 2, 'BACKTEST')`,
  );
}

const RUN_TABLES = [
  'backtest_runs',
  'backtest_daily_equity',
  'backtest_trades',
  'engine_decisions',
  'decision_outcomes',
  'executed_actions',
  'soft_target_classes',
  'orders',
  'fills',
];

describe('two equal runs', () => {
  it('have equal digests, and a figure that differs shows in its table alone', async () => {
    await writeRun(first, false);
    await writeRun(second, true);
    const expected = await digests(first, ...RUN_TABLES);
    expect(await digests(second, ...RUN_TABLES)).toEqual(expected);

    await sql(second, 'runtime', `TRUNCATE ${RUN_TABLES.join(', ')}`);
    await writeRun(second, false, 1e-9);
    const changed = await digests(second, ...RUN_TABLES);
    const differing = RUN_TABLES.filter((table) => changed[table] !== expected[table]);
    expect(differing).toEqual(['backtest_daily_equity']);
  });
});

describe('rows that refer to articles', () => {
  it('are compared by the article, not by its number', async () => {
    const write = async (pair: TestDatabases, names: string[]) => {
      for (const name of names) {
        await sql(
          pair,
          'historical',
          `WITH a AS (INSERT INTO news_articles (timestamp, source, headline, metadata)
             VALUES ('2014-01-02', 's', '${name}', '{"external_id":"${name}"}') RETURNING article_id),
           l AS (INSERT INTO news_links SELECT article_id, 'I', 'I.US' FROM a)
           INSERT INTO text_embeddings (source_type, source_id, model_id, vector)
             SELECT 'NEWS', article_id::text, 'm', convert_to('${name}', 'UTF8') FROM a`,
        );
      }
    };
    await write(first, ['N1', 'N2', 'N3']);
    await write(second, ['N3', 'N1', 'N2']);
    const tables = ['news_articles', 'news_links', 'text_embeddings'];
    const expected = await digests(first, ...tables);
    expect(await digests(second, ...tables)).toEqual(expected);
    await sql(
      second,
      'historical',
      "UPDATE text_embeddings SET vector = '\\x00' WHERE vector = convert_to('N2', 'UTF8')",
    );
    const changed = await digests(second, ...tables);
    expect(tables.filter((table) => changed[table] !== expected[table])).toEqual(['text_embeddings']);
  });
});

describe('a table with its columns in another order', () => {
  it('has the same digest', async () => {
    const row = `INSERT INTO market_holidays (market_id, holiday_date, holiday_name, source, created_at)
                 VALUES ('US_EQ', '2014-01-01', 'New Year', 'x', now())`;
    await sql(first, 'historical', row);
    await sql(
      second,
      'historical',
      `DROP TABLE market_holidays; CREATE TABLE market_holidays (source text, created_at timestamp, holiday_name text,
         holiday_date date, market_id varchar(50)); ${row}`,
    );
    expect(await digests(second, 'market_holidays')).toEqual(await digests(first, 'market_holidays'));
  });
});
