/** `verify numeric-embeddings`: what is amiss with vectors is found, named, and recorded as evidence. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { columnOf, type Panel } from '../../engines/market/panel.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { verifyNumeric } from '../../engines/verify/numeric.ts';
import { numericEmbeddingsSpec } from '../../engines/verify/spec.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { evaluate, smallConfig } from '../helpers/phase-market.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const MODEL = 'num-stab-core-v1';
let db: TestDatabases;
let panel: Panel;
const date = (t: number) => formatDay(panel.calendar.days[t]);

beforeEach(async () => {
  db = await createTestDatabases();
  panel = smallMarket({ seed: 12, instruments: 6, days: 150, gaps: 0.01 });
});
afterEach(() => db.drop());

const range = () => ({ market: 'TEST', startDate: date(70), endDate: date(149), models: [MODEL] });
const backfill = () =>
  runProgram(numericBackfillSpec, backfillNumeric, { ...range(), workers: 1, device: 'cpu' }, db.databases);
const verify = async (more: object = {}) =>
  (await runProgram(numericEmbeddingsSpec, verifyNumeric, { ...range(), ...more }, db.databases)).result;
const historical = (sql: string) => db.databases.historical.client((client) => client.query(sql));
const evidence = async () =>
  (
    await db.databases.runtime.client((client) =>
      client.query(
        `SELECT state, reason FROM console.evidence WHERE check_id = 'P2.verified' ORDER BY evidence_id DESC`,
      ),
    )
  ).rows[0];

interface Data {
  state: string;
  expected: number;
  present: number;
  models: Record<string, unknown>[];
}

describe('whole vectors', () => {
  it('are OK, every one computed again when that is asked for', async () => {
    await storePanel(db.databases, panel);
    await backfill();
    const { exitCode, data } = await verify({ recompute: 10_000 });
    const { expected } = data as Data;
    expect(exitCode).toBe(0);
    expect(data).toMatchObject({
      state: 'OK',
      present: expected,
      models: [
        { model_id: MODEL, sampled: expected, recomputed: expected, different: 0, duplicates: 0, first_hole: null },
      ],
    });
    expect(await evidence()).toEqual({ state: 'OK', reason: '' });
  });
});

describe('what is wrong', () => {
  it.each<[string, string, RegExp]>([
    [
      'a repeated row',
      'ALTER TABLE t DROP CONSTRAINT numeric_window_embeddings_key; INSERT INTO t (entity_type, entity_id, window_spec, as_of_date, model_id, vector) SELECT entity_type, entity_id, window_spec, as_of_date, model_id, vector FROM t LIMIT 1',
      /1 rows repeat a key/,
    ],
    [
      'a short vector',
      `UPDATE t SET vector = '\\x00' WHERE embedding_id = (SELECT min(embedding_id) FROM t)`,
      /1 vectors have another length/,
    ],
    [
      'no vector',
      `UPDATE t SET vector = NULL WHERE embedding_id = (SELECT min(embedding_id) FROM t)`,
      /1 vectors have another length/,
    ],
    [
      'a value that is none',
      `UPDATE t SET vector = set_byte(set_byte(vector, 3, 127), 2, 192) WHERE embedding_id = (SELECT min(embedding_id) FROM t)`,
      /1 vectors hold a value that is no number/,
    ],
    [
      'a vector of zeros',
      `UPDATE t SET vector = decode(repeat('00', 1536), 'hex') WHERE embedding_id = (SELECT min(embedding_id) FROM t)`,
      /1 vectors are all zeros/,
    ],
    [
      'one bit',
      `UPDATE t SET vector = set_bit(vector, 0, 1 - get_bit(vector, 0)) WHERE embedding_id = (SELECT min(embedding_id) FROM t)`,
      /1 of [\d,]+ vectors are not what the prices give \(first: I\d+\.T 20/,
    ],
    [
      'another window',
      `UPDATE t SET window_spec = '{"window_days": 21}' WHERE embedding_id = (SELECT min(embedding_id) FROM t)`,
      /1 rows are of another window/,
    ],
    [
      'a name that no table has, on a Saturday',
      `INSERT INTO t (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
       SELECT entity_type, 'GHOST', window_spec, '2013-06-15', model_id, vector FROM t LIMIT 1`,
      /1 rows are of no entity of this model, or of no trading day \(first: GHOST 2013-06-15\)/,
    ],
    [
      'a known name on a Saturday',
      `INSERT INTO t (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
       SELECT entity_type, 'I000.T', window_spec, '2013-06-15', model_id, vector FROM t LIMIT 1`,
      /1 rows are of no entity of this model, or of no trading day \(first: I000.T 2013-06-15\)/,
    ],
  ])('%s is FAIL', async (_, sql, reason) => {
    await storePanel(db.databases, panel);
    await backfill();
    await historical(sql.replace(/\bt\b/g, 'numeric_window_embeddings'));
    const { exitCode } = await verify({ recompute: 10_000 });
    expect(exitCode).toBe(1);
    expect(await evidence()).toMatchObject({ state: 'FAIL', reason: expect.stringMatching(reason) });
  });
});

describe('rows of days that are not due', () => {
  it('are counted, named and make the proof PART', async () => {
    await storePanel(db.databases, panel);
    // Too few rows for a window on the first of the days.
    await historical(`DELETE FROM prices_daily WHERE instrument_id = 'I001.T' AND trade_date < '${date(40)}'`);
    await backfill();
    await historical(`INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
      SELECT entity_type, 'I001.T', window_spec, as_of_date, model_id, vector FROM numeric_window_embeddings
       WHERE entity_id = 'I000.T' AND as_of_date = '${date(70)}'`);
    const { exitCode, data } = await verify();
    expect(exitCode).toBe(3);
    expect((data as Data).models).toMatchObject([{ surplus: 1, first_surplus: `I001.T ${date(70)}`, different: 0 }]);
    expect(await evidence()).toEqual({
      state: 'PART',
      reason: `${MODEL}: 1 row is of a day on which none is due (first: I001.T ${date(70)}); a backfill without --skip-existing removes them`,
    });
    await backfill();
    expect((await verify()).exitCode).toBe(0);
  });
});

describe('the check of the board', () => {
  const config = () => ({
    ...smallConfig,
    market: 'TEST',
    numeric: { ...smallConfig.numeric, start: date(70), end: date(149), models: [MODEL] },
  });
  const onBoard = async () => (await evaluate(db.targets, { config: config(), now: Date.now })).check('P2.verified');

  it('reads the newest proof that covers the plan, and sees what changed after it', async () => {
    await storePanel(db.databases, panel);
    await backfill();
    const narrow = { limit: 1, sample: 1, recompute: 1, minShare: 0.01 };
    expect((await verify(narrow)).exitCode).toBe(0);
    expect(await onBoard()).toMatchObject({ state: 'WAIT', reason: expect.stringContaining('does not count') });
    expect((await verify()).exitCode).toBe(0);
    expect(await onBoard()).toMatchObject({ state: 'OK', reason: '' });
    // Another question, whatever its answer, takes nothing away.
    expect((await verify(narrow)).exitCode).toBe(0);
    expect((await verify({ models: ['num-regime-core-v1'] })).exitCode).toBe(3);
    expect((await verify({ windowDays: 21 })).exitCode).toBe(1);
    expect(await onBoard()).toMatchObject({ state: 'OK' });

    await historical(`DELETE FROM numeric_window_embeddings WHERE as_of_date = '${date(149)}'`);
    expect(await onBoard()).toMatchObject({ state: 'STALE', reason: expect.stringContaining('when it was verified') });
    await backfill();
    expect(await onBoard()).toMatchObject({
      state: 'STALE',
      reason: expect.stringContaining('A backfill wrote these vectors after the proof'),
    });
    expect((await verify()).exitCode).toBe(0);
    expect(await onBoard()).toMatchObject({ state: 'OK' });
    // A vector that is wrong refutes, however little was looked at.
    await historical(`UPDATE numeric_window_embeddings SET vector = set_bit(vector, 0, 1 - get_bit(vector, 0))`);
    expect((await verify({ ...narrow, recompute: 9 })).exitCode).toBe(1);
    expect(await onBoard()).toMatchObject({
      state: 'FAIL',
      reason: expect.stringContaining('not what the prices give'),
    });
  });
});

describe('a hole', () => {
  const cause = async () => {
    const { exitCode, data } = await verify({ minShare: 1 });
    expect(exitCode).toBe(3);
    return (data as Data).models[0].first_hole;
  };

  it('is named with its likely cause', async () => {
    columnOf(panel, 'close')[2 * 150 + 100] = Number.MIN_VALUE; // too small for a ratio to exist
    await storePanel(db.databases, panel);
    expect(await cause()).toEqual({
      entity: 'I000.T',
      date: date(70),
      cause: 'no backfill has written this model yet',
    });
    await backfill();
    expect(await cause()).toEqual({
      entity: 'I002.T',
      date: date(100),
      cause: `the log return of ${date(100)} is no finite number`,
    });
    await historical(`DELETE FROM numeric_window_embeddings WHERE as_of_date = '${date(90)}' AND entity_id = 'I001.T'`);
    expect(await cause()).toEqual({
      entity: 'I001.T',
      date: date(90),
      cause: 'its prices came after the backfill, or its row was deleted',
    });
    await historical(`DELETE FROM numeric_window_embeddings WHERE as_of_date = '${date(80)}'`);
    expect(await cause()).toEqual({
      entity: 'I000.T',
      date: date(80),
      cause: 'no backfill has reached that day, or its rows were deleted',
    });
    await historical(`UPDATE console.backfills SET state = 'open', shards = shards + 3`);
    expect(await cause()).toMatchObject({
      cause: expect.stringMatching(/has done \d+ of its \d+ shards; --resume goes on/),
    });
  });

  it('whose prices no day can have is one, and vectors that were made of other prices are wrong', async () => {
    await storePanel(db.databases, panel);
    const spoil = `UPDATE prices_daily SET close = 0 WHERE instrument_id = 'I001.T' AND trade_date = '${date(100)}'`;
    await backfill();
    await historical(spoil);
    expect((await verify({ recompute: 10_000 })).exitCode).toBe(1);
    expect(await evidence()).toMatchObject({ state: 'FAIL', reason: expect.stringContaining('first: I001.T ') });
    await backfill();
    expect(await cause()).toEqual({
      entity: 'I001.T',
      date: date(100),
      cause: `prices of ${date(100)}: close is 0`,
    });
  });

  it('is found in a value out of the ordinary, even where only one vector is computed again', async () => {
    await storePanel(db.databases, panel);
    await backfill();
    await historical(`UPDATE numeric_window_embeddings SET vector = decode(repeat('0000f07a', 384), 'hex')
                       WHERE embedding_id = (SELECT min(embedding_id) + 7 FROM numeric_window_embeddings)`);
    expect((await verify({ recompute: 1 })).exitCode).toBe(1);
    expect(await evidence()).toMatchObject({ reason: expect.stringContaining('are not what the prices give') });
  });

  it('does not matter as long as the share is enough', async () => {
    await storePanel(db.databases, panel);
    await backfill();
    await historical(`DELETE FROM numeric_window_embeddings WHERE as_of_date = '${date(90)}'`);
    expect(await verify({ minShare: 0.9 })).toMatchObject({
      exitCode: 0,
      summary: expect.stringContaining(`the first missing: I000.T ${date(90)}: no backfill has reached that day`),
    });
  });
});
