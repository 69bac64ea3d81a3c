/** `backfill numeric-embeddings` in one process: which rows, with which bytes, and what is done with what is there. */

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { program as digest } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { columnOf, type Panel } from '../../engines/market/panel.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { V1_MODELS } from '../../engines/numeric/v1-ids.model.ts';
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { plainVector } from '../helpers/numeric.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

let db: TestDatabases;
let panel: Panel;
const date = (t: number) => formatDay(panel.calendar.days[t]);

beforeEach(async () => {
  db = await createTestDatabases();
  panel = smallMarket({ seed: 12, instruments: 7, days: 200, gaps: 0.03 });
});
afterEach(() => db.drop());

const backfill = (args: Partial<Parameters<typeof runProgram<(typeof numericBackfillSpec)['args']>>[2]> = {}) =>
  runProgram(
    numericBackfillSpec,
    backfillNumeric,
    {
      market: 'TEST',
      ...(args.asOf ? {} : { startDate: date(60), endDate: date(199) }),
      workers: 2,
      shardCells: 100,
      device: 'cpu',
      ...args,
    },
    db.databases,
  );
const query = async <Row extends object>(sql: string): Promise<Row[]> =>
  (await db.databases.historical.client((client) => client.query(sql))).rows;
const contentDigest = async () =>
  (await runProgram(digestSpec, digest, { table: ['numeric_window_embeddings'] }, db.databases)).stdout;

interface Row {
  entity_type: string;
  entity_id: string;
  window_spec: object;
  as_of_date: string;
  model_id: string;
  vector: Buffer;
}
const rowsOf = () => query<Row>('SELECT * FROM numeric_window_embeddings');

/** Every row that the contract asks for, by model, entity and date. */
function expectedRows(models: readonly string[], window: number, days: number[]): Map<string, Buffer> {
  const rows = new Map<string, Buffer>();
  for (let i = 0; i < panel.instruments.length; i++) {
    for (const t of days) {
      const vector = plainVector(panel, i, t, window);
      if (vector) for (const model of models) rows.set(`${model} ${panel.instruments[i].id} ${date(t)}`, vector);
    }
  }
  return rows;
}
const days = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, k) => from + k);

async function expectRows(expected: Map<string, Buffer>, window: number): Promise<void> {
  const rows = await rowsOf();
  const found = new Map(rows.map((row) => [`${row.model_id} ${row.entity_id} ${row.as_of_date}`, row]));
  expect(rows).toHaveLength(expected.size);
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [key, vector] of expected) {
    const row = found.get(key)!;
    expect([key, Buffer.compare(row.vector, vector)]).toEqual([key, 0]);
    expect(row).toMatchObject({
      entity_type: 'INSTRUMENT',
      window_spec: { window_days: window, entity_type: 'INSTRUMENT' },
    });
  }
}

describe('the rows', () => {
  it('are those of the contract, for the five models of the plan, and the same after a second run', async () => {
    await storePanel(db.databases, panel);
    const { result, stdout, events } = await backfill();
    const expected = expectedRows(V1_MODELS, 63, days(60, 199));
    await expectRows(expected, 63);
    expect(result.exitCode).toBe(0);
    const each = expected.size / 5;
    expect(stdout).toBe(
      ['model_id,due,written,skipped,failed', ...V1_MODELS.map((id) => `${id},${each},${each},0,0`), ''].join('\n'),
    );
    expect(events.filter((one) => one.type === 'progress').at(-1)).toEqual({
      type: 'progress',
      done: expected.size,
      total: expected.size,
      unit: 'vectors',
    });
    const metrics = new Map(events.flatMap((one) => (one.type === 'metric' ? [[one.name, one]] : [])));
    expect([...metrics.keys()].sort()).toEqual(['batch time', 'batches', 'errors', 'rate']);
    expect(metrics.get('errors')).toMatchObject({ value: 0, unit: 'vectors' });
    expect(metrics.get('rate')).toMatchObject({ unit: 'rows/s' });
    const before = await contentDigest();
    await backfill({ workers: 1, shardCells: 3000 });
    expect(await contentDigest()).toBe(before);
  });

  it('follow window, limit, models, snapshots and a single day', async () => {
    await storePanel(db.databases, panel);
    const models = ['num-stab-core-v1'];
    await backfill({ models, windowDays: 20, limit: 3 });
    const limited = expectedRows(models, 20, days(60, 199));
    for (const key of limited.keys()) if (!/I00[012]/.test(key)) limited.delete(key);
    await expectRows(limited, 20);

    await query('TRUNCATE numeric_window_embeddings');
    await backfill({ models, temporalSnapshots: true });
    const ends = days(60, 199).filter((t) => t === 199 || date(t).slice(0, 7) !== date(t + 1).slice(0, 7));
    await expectRows(expectedRows(models, 63, ends), 63);

    await query('TRUNCATE numeric_window_embeddings');
    await backfill({ models, asOf: date(150) });
    await expectRows(expectedRows(models, 63, [150]), 63);
  });

  it('replace what stood there for the same models, entities and days, and nothing else', async () => {
    await storePanel(db.databases, panel);
    const insert = (entity: string, day: string, model: string) =>
      query(`INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
             VALUES ('INSTRUMENT', '${entity}', '{}', '${day}', '${model}', '\\x00')`);
    await insert('I000.T', date(100), 'num-stab-core-v1');
    await insert('I000.T', date(59), 'num-stab-core-v1');
    await insert('OTHER', date(100), 'num-stab-core-v1');
    await insert('I000.T', date(100), 'mine');
    await backfill({ models: ['num-stab-core-v1'] });
    const left = await query<{ key: string }>(
      `SELECT entity_id || ' ' || as_of_date || ' ' || model_id AS key FROM numeric_window_embeddings
        WHERE octet_length(vector) = 1 ORDER BY 1`,
    );
    expect(left.map((row) => row.key)).toEqual(
      [`I000.T ${date(100)} mine`, `I000.T ${date(59)} num-stab-core-v1`, `OTHER ${date(100)} num-stab-core-v1`].sort(),
    );
  });

  it('are each there once in a table without the key, whatever stood there', async () => {
    await storePanel(db.databases, panel);
    await query('ALTER TABLE numeric_window_embeddings DROP CONSTRAINT numeric_window_embeddings_key');
    await backfill();
    await query(`INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
                 SELECT entity_type, entity_id, window_spec, as_of_date, model_id, vector FROM numeric_window_embeddings`);
    await backfill();
    await expectRows(expectedRows(V1_MODELS, 63, days(60, 199)), 63);
  });

  it('--skip-existing leaves whole vectors alone, and mends broken ones', async () => {
    await storePanel(db.databases, panel);
    const models = ['num-stab-core-v1'];
    await backfill({ models });
    await query(`DELETE FROM numeric_window_embeddings WHERE as_of_date = '${date(120)}'`);
    await query(`UPDATE numeric_window_embeddings SET vector = '\\x0102' WHERE as_of_date = '${date(130)}'`);
    await query(`UPDATE numeric_window_embeddings SET vector = NULL WHERE as_of_date = '${date(131)}'`);
    await query(
      `UPDATE numeric_window_embeddings SET window_spec = '{"window_days": 21}' WHERE as_of_date = '${date(132)}'`,
    );
    await query(
      `UPDATE numeric_window_embeddings SET vector = decode(repeat('00', 1536), 'hex') WHERE as_of_date = '${date(133)}'`,
    );
    await query(
      `UPDATE numeric_window_embeddings SET vector = set_byte(set_byte(vector, 3, 127), 2, 192) WHERE as_of_date = '${date(134)}'`,
    );
    const { result } = await backfill({ models, skipExisting: true });
    const expected = expectedRows(models, 63, days(60, 199));
    const redone = [120, 130, 131, 132, 133, 134].flatMap((t) =>
      [...expected.keys()].filter((key) => key.endsWith(date(t))),
    ).length;
    expect(result.data).toMatchObject({ models: [{ written: redone, skipped: expected.size - redone, failed: 0 }] });
    await expectRows(expected, 63);
  });
});

describe('in a table without keys, where rows share an embedding_id, --skip-existing', () => {
  it.each(['as one', 'with a table that inherits'])('%s mends broken rows and removes nobody else’s', async (how) => {
    await storePanel(db.databases, panel);
    await query(`ALTER TABLE numeric_window_embeddings RENAME TO earlier;
                 CREATE TABLE numeric_window_embeddings (LIKE earlier INCLUDING DEFAULTS)`);
    const models = ['num-stab-core-v1'];
    await backfill({ models });
    if (how !== 'as one') {
      // Rows of both tables lie at the same places.
      await query(`CREATE TABLE more () INHERITS (numeric_window_embeddings);
                   WITH moved AS (DELETE FROM ONLY numeric_window_embeddings WHERE entity_id IN ('I001.T', 'I002.T', 'I004.T') RETURNING *)
                   INSERT INTO more SELECT * FROM moved`);
    }
    // A broken row of each name on one day, beside a whole one of the first name; all have the id of every other row.
    const copy = (vector: string, where: string) =>
      query(`INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
             SELECT entity_type, entity_id, window_spec, as_of_date, model_id, ${vector} FROM numeric_window_embeddings
              WHERE as_of_date = '${date(130)}' AND ${where}`);
    await query(
      `UPDATE numeric_window_embeddings SET vector = NULL WHERE as_of_date = '${date(130)}' AND entity_id <> 'I000.T'`,
    );
    await copy(`'\\x01'`, `entity_id = 'I000.T'`);
    await query('UPDATE numeric_window_embeddings SET embedding_id = 1');
    const expected = expectedRows(models, 63, days(60, 199));
    const redone = [...expected.keys()].filter((key) => key.endsWith(date(130))).length - 1;
    const { result } = await backfill({ models, skipExisting: true });
    expect(result.data).toMatchObject({ models: [{ written: redone, skipped: expected.size - redone, failed: 0 }] });
    await expectRows(expected, 63);
  });
});

describe('what is due and cannot be embedded', () => {
  it('is counted, named with the reason, and makes the result partial', async () => {
    // A price above 0, so the panel takes it, and too small for a ratio to exist.
    columnOf(panel, 'close')[100] = Number.MIN_VALUE;
    await storePanel(db.databases, panel);
    const { result, stdout, events } = await backfill({
      models: ['num-stab-core-v1'],
      startDate: date(90),
      endDate: date(110),
    });
    expect(result.exitCode).toBe(3);
    const { failed, failures } = result.data as { failed: number; failures: { date: string }[] };
    expect(failed).toBe(11);
    expect(failures).toHaveLength(11);
    expect(failures[0]).toEqual({
      model: 'num-stab-core-v1',
      entity: 'I000.T',
      date: date(100),
      reason: `the log return of ${date(100)} is no finite number`,
    });
    expect(stdout).toMatch(/^num-stab-core-v1,\d+,\d+,0,11$/m);
    expect(events.at(-1)).toMatchObject({ type: 'result', status: 'partial' });
    expect(
      await query(
        `SELECT 1 FROM numeric_window_embeddings WHERE entity_id = 'I000.T' AND as_of_date >= '${date(100)}'`,
      ),
    ).toEqual([]);
  });

  it('is listed whole in a file, however much of it one shard has', async () => {
    for (const i of [0, 1, 2]) columnOf(panel, 'close')[i * panel.calendar.days.length + 100] = Number.MIN_VALUE;
    await storePanel(db.databases, panel);
    const { result, events } = await backfill({ models: ['num-stab-core-v1'], shardCells: 3000 });
    const { failed, failures, failures_file } = result.data as {
      failed: number;
      failures: { entity: string; date: string }[];
      failures_file: string;
    };
    expect(failed).toBeGreaterThan(150);
    expect(failures).toHaveLength(failed);
    const lines = readFileSync(failures_file, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('model_id,item,date,reason');
    expect(lines.slice(1).map((line) => line.split(',').slice(1, 3).join(' '))).toEqual(
      failures.map((one) => `${one.entity} ${one.date}`),
    );
    expect(new Set(lines).size).toBe(failed + 1);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'rejected items', path: failures_file }));
    expect(
      events.filter((event) => event.type === 'log' && event.message.includes(`${failed - 20} more`)),
    ).toHaveLength(1);
  });

  it('says how many an older build counted and did not keep', async () => {
    columnOf(panel, 'close')[100] = Number.MIN_VALUE;
    await storePanel(db.databases, panel);
    const models = ['num-stab-core-v1'];
    await backfill({ models, shardCells: 3000 });
    await query(`UPDATE console.shard_done SET failures = jsonb_path_query_array(failures, '$[0 to 4]')`);
    await query(`UPDATE console.backfills SET state = 'open', ended_at = NULL`);
    const { result, events } = await backfill({ models, shardCells: 3000, resume: true });
    expect((result.data as { failures: unknown[] }).failures).toHaveLength(5);
    const kept = (result.data as { failed: number }).failed - 5;
    const message = `${kept} more were counted by a build that kept only the first of each shard`;
    expect(events.filter((event) => event.type === 'log' && event.message === message)).toHaveLength(1);
  });
});

describe('values that no trading day can have', () => {
  it('leave out the windows that hold them, each listed with its reason, and no other one', async () => {
    await storePanel(db.databases, panel);
    const bad = [
      { i: 0, t: 100, set: 'close = 0', what: 'close is 0' },
      { i: 1, t: 60, set: "volume = 'NaN'", what: 'volume is no number' },
      { i: 2, t: 120, set: "close = 'NaN'", what: 'close is no number' },
      { i: 4, t: 70, set: 'volume = -5', what: 'volume is -5' },
    ].map((one) => ({ ...one, id: panel.instruments[one.i].id }));
    for (const { id, t, set } of bad) {
      const { length } = await query(
        `UPDATE prices_daily SET ${set} WHERE instrument_id = '${id}' AND trade_date = '${date(t)}' RETURNING 1`,
      );
      expect([id, length]).toEqual([id, 1]);
    }
    const models = ['num-stab-core-v1'];
    const expected = expectedRows(models, 63, days(60, 199));
    const failures = bad.flatMap(({ i, id, t: at, what }) =>
      days(60, 199).flatMap((t) => {
        const key = `num-stab-core-v1 ${id} ${date(t)}`;
        if (!expected.has(key) || !windowHolds(i, t, at)) return [];
        expected.delete(key);
        return [{ model: 'num-stab-core-v1', entity: id, date: date(t), reason: `prices of ${date(at)}: ${what}` }];
      }),
    );
    const { result, stdout, events } = await backfill({ models });
    await expectRows(expected, 63);
    expect(result.exitCode).toBe(3);
    const sorted = (list: { entity: string; date: string }[]) =>
      list.toSorted((x, y) => (`${x.entity} ${x.date}` < `${y.entity} ${y.date}` ? -1 : 1));
    expect(failures.length).toBeGreaterThan(150);
    expect(sorted((result.data as { failures: typeof failures }).failures)).toEqual(sorted(failures));
    expect(stdout).toMatch(new RegExp(`^num-stab-core-v1,\\d+,${expected.size},0,${failures.length}$`, 'm'));
    expect(events).toContainEqual({
      type: 'log',
      level: 'warn',
      message: '4 values of prices_daily are none that a day can have; windows with them are listed',
    });
  });
});

/** Whether the window of 63 rows that ends on day `t` holds the row of day `at`. */
function windowHolds(i: number, t: number, at: number): boolean {
  const close = columnOf(panel, 'close').subarray(i * 200, (i + 1) * 200);
  const rows = days(0, t).filter((s) => !Number.isNaN(close[s]));
  return rows.slice(-63).includes(at) && panel.calendar.days[at] >= panel.calendar.days[t] - 3 * 63;
}

describe('--dry-run and --explain', () => {
  it('write nothing; time and bytes are unknown until something was measured', async () => {
    await storePanel(db.databases, panel);
    const due = expectedRows(['num-stab-core-v1'], 63, days(60, 199)).size;
    const first = await backfill({ models: ['num-stab-core-v1'], explain: true });
    expect(first.stdout).toBe(`model_id,entities,days,rows,seconds,bytes\nnum-stab-core-v1,7,140,${due},UNKN,UNKN\n`);
    expect((await backfill({ models: ['num-stab-core-v1'], dryRun: true })).result.data).toMatchObject({ rows: due });
    expect(await rowsOf()).toEqual([]);
    expect(await query('SELECT 1 FROM console.backfills')).toEqual([]);

    await backfill();
    await query('ANALYZE numeric_window_embeddings');
    const { data } = (await backfill({ explain: true })).result;
    const { seconds, bytes } = data as { seconds: number; bytes: number };
    expect(seconds).toBeGreaterThan(0);
    expect(bytes).toBeGreaterThan(5 * due * 1536);
  });

  it('with --skip-existing count what is there, as the run after them does', async () => {
    await storePanel(db.databases, panel);
    const [first, second] = ['num-stab-core-v1', 'num-profile-core-v1'];
    const due = expectedRows([first], 63, days(60, 199)).size;
    const half = expectedRows([first], 63, days(60, 120)).size;
    await backfill({ models: [first], endDate: date(120) });
    // A vector that is not whole is made anew, and so it is no vector that is there.
    await query(`UPDATE numeric_window_embeddings SET vector = NULL WHERE embedding_id =
      (SELECT min(embedding_id) FROM numeric_window_embeddings)`);
    const asked = { models: [first, second], skipExisting: true };
    const planned = await backfill({ ...asked, dryRun: true });
    expect(planned.stdout.split('\n').slice(0, 3)).toEqual([
      'model_id,entities,days,rows,seconds,bytes,skipped',
      `${first},7,140,${due - half + 1},UNKN,UNKN,${half - 1}`,
      `${second},7,140,${due},UNKN,UNKN,0`,
    ]);
    expect(planned.result.summary).toContain(`${formatCount(2 * due - half + 1)} vectors in`);
    expect((await backfill(asked)).result.data).toMatchObject({ written: 2 * due - half + 1 });
    expect((await backfill({ ...asked, explain: true })).result.data).toMatchObject({
      rows: 0,
      skipped: 2 * due,
      seconds: 0,
    });
    expect((await backfill({ models: [first, second], dryRun: true })).result.data).toMatchObject({ rows: 2 * due });
  });
});

describe('arguments', () => {
  it.each<[string, Parameters<typeof backfill>[0], RegExp]>([
    ['no days', { startDate: undefined }, /the days are missing/],
    ['a day and a range', { asOf: '2014-01-02', startDate: '2014-01-02' }, /--as-of names one day/],
    ['a model that is not there', { models: ['num-other-core-v2'] }, /there is no model num-other-core-v2/],
    [
      'days in the wrong order',
      { startDate: '2014-03-02', endDate: '2014-03-01' },
      /--end-date .* is before --start-date/,
    ],
    ['more workers than the server has connections', { workers: 256 }, /--workers 256 needs as many .* free of \d+/],
    ['days without prices', { startDate: '1990-01-02', endDate: '1990-12-31' }, /holidays|no prices/],
  ])('%s are refused, and nothing is begun', async (_, args, message) => {
    await storePanel(db.databases, panel);
    await expect(backfill(args)).rejects.toThrow(message);
    expect(await query('SELECT 1 FROM console.backfills')).toEqual([]);
  });
});

describe('two backfills', () => {
  it('of the same models and days do not run at the same time', async () => {
    await storePanel(db.databases, panel);
    await db.databases.historical.client(async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE numeric_window_embeddings IN SHARE MODE');
      const first = backfill();
      await until(
        async () =>
          (
            await query(
              `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
            )
          ).length > 0,
        'the first waits for our lock',
      );
      await expect(backfill({ models: ['num-stab-core-v1'] })).rejects.toThrow(/is running/);
      await client.query('ROLLBACK');
      await first;
    });
    await backfill({ models: ['num-stab-core-v1'] });
  });
});
