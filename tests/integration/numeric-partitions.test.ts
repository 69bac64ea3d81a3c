/** Numeric vectors in a table with partitions: everything is as in a table in one piece. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { program as digest } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { numericRowBytes, refreshCoverage } from '../../engines/numeric/coverage.storage.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { similar } from '../../engines/numeric/similar.ts';
import { numericBackfillSpec, similarSpec } from '../../engines/numeric/spec.ts';
import { verifyNumeric } from '../../engines/verify/numeric.ts';
import { numericEmbeddingsSpec } from '../../engines/verify/spec.ts';
import { requirementsOf } from '../../src/phases/config.ts';
import { coverageYear, missingOn } from '../../src/phases/coverage-days.ts';
import { probeNumeric } from '../../src/phases/historical-evidence.ts';
import { type ProbeOptions, withProber } from '../../src/phases/probes.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { tableSize } from '../../src/platform/db/row-size.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { partitionNumeric } from '../helpers/partitions.ts';
import { smallConfig } from '../helpers/phase-market.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

const MODEL = 'num-stab-core-v1';
const panel = smallMarket({ seed: 21, instruments: 7, days: 150, gaps: 0.02 });
const date = (t: number) => formatDay(panel.calendar.days[t]);
/** Two of them inside the days of the backfill, off the edges of its shards. */
const BOUNDS = [date(50), date(88), date(117)];
const PROBES: ProbeOptions = { now: Date.now, signal: new AbortController().signal, timeoutMs: 10_000 };

let plain: TestDatabases;
let parted: TestDatabases;
beforeEach(async () => {
  [plain, parted] = [await createTestDatabases(), await createTestDatabases()];
  await parted.databases.historical.client((client) => partitionNumeric(client, BOUNDS));
  for (const db of [plain, parted]) await storePanel(db.databases, panel);
});
afterEach(() => Promise.all([plain.drop(), parted.drop()]));

const query = async <Row extends object>(db: TestDatabases, sql: string): Promise<Row[]> =>
  (await db.databases.historical.client((client) => client.query(sql))).rows;
const range = { market: 'TEST', startDate: date(64), endDate: date(149), models: [MODEL] };
const backfill = async (db: TestDatabases, more: object = {}) =>
  (
    await runProgram(
      numericBackfillSpec,
      backfillNumeric,
      { ...range, workers: 2, shardCells: 100, device: 'cpu', ...more },
      db.databases,
    )
  ).result;
const contentOf = async (db: TestDatabases) =>
  (await runProgram(digestSpec, digest, { table: ['numeric_window_embeddings'] }, db.databases)).stdout;
/** What the programs say of both. */
const both = async <T>(ask: (db: TestDatabases) => Promise<T>) => [await ask(plain), await ask(parted)];

describe('a backfill', () => {
  it('writes what it writes into a table in one piece, and replaces and mends it as there', async () => {
    for (const db of [plain, parted]) await backfill(db);
    const whole = await contentOf(plain);
    expect(await contentOf(parted)).toBe(whole);
    const parts = await query<{ part: string; rows: number }>(
      parted,
      'SELECT tableoid::regclass::text AS part, count(*) AS rows FROM numeric_window_embeddings GROUP BY 1 ORDER BY 1',
    );
    expect(parts.map(({ part }) => part)).toEqual(['part_1', 'part_2', 'part_3']);
    await backfill(parted, { workers: 1, shardCells: 3000 });
    expect(await contentOf(parted)).toBe(whole);

    // Damaged rows on both sides of each bound. They lie at the same places of their partitions, as whole ones of others do.
    const damaged = [70, 87, 88, 116, 117, 130].map((t) => `'${date(t)}'`).join();
    await query(parted, `UPDATE numeric_window_embeddings SET vector = '\\x01' WHERE as_of_date IN (${damaged})`);
    await query(parted, `DELETE FROM numeric_window_embeddings WHERE as_of_date = '${date(118)}'`);
    await query(parted, 'VACUUM FULL numeric_window_embeddings');
    const places = `SELECT count(*)::int AS n FROM numeric_window_embeddings WHERE ctid IN
      (SELECT ctid FROM numeric_window_embeddings WHERE octet_length(vector) = 1) AND octet_length(vector) > 1`;
    expect((await query<{ n: number }>(parted, places))[0].n).toBeGreaterThan(0);
    const [{ sound }] = await query<{ sound: number }>(
      parted,
      'SELECT count(*)::int AS sound FROM numeric_window_embeddings WHERE octet_length(vector) > 1',
    );
    const written = parts.reduce((sum, { rows }) => sum + rows, 0) - sound;
    expect((await backfill(parted, { skipExisting: true })).data).toMatchObject({ written, failed: 0 });
    expect(written).toBeGreaterThan(30);
    expect(await contentOf(parted)).toBe(whole);
  });

  it('is read, verified, counted, planned and reckoned as there', async () => {
    const models = [MODEL, 'num-profile-core-v1'];
    for (const db of [plain, parted]) {
      await backfill(db, { models });
      await query(
        db,
        `DELETE FROM numeric_window_embeddings WHERE as_of_date = '${date(100)}' AND entity_id = 'I001.T';
         SELECT pg_stat_force_next_flush()`,
      );
      await query(db, 'ANALYZE numeric_window_embeddings');
    }
    const need = { ...requirementsOf(smallConfig, false), market: 'TEST' };
    const year = Number(date(100).slice(0, 4));
    const [one, other] = await both(async ({ databases }) => ({
      similar: (
        await runProgram(
          similarSpec,
          similar,
          { model: MODEL, instrument: 'I000.T', asOf: date(90), topK: 20, startDate: date(70), endDate: date(140) },
          databases,
        )
      ).stdout,
      verified: {
        ...((await runProgram(numericEmbeddingsSpec, verifyNumeric, { ...range, recompute: 10_000 }, databases)).result
          .data as object),
        written_at: null,
      },
      counted: await withProber(databases.historical, PROBES, async (prober) => {
        const found = await probeNumeric(prober);
        return found.known ? found.value : found.cause;
      }),
      days: await coverageYear(databases, MODEL, year, { ...PROBES, need }),
      missing: await missingOn(databases, MODEL, date(100), { ...PROBES, need }),
    }));
    expect(other).toEqual(one);
    expect(one.missing).toContain('I001.T');

    const [few, many] = await both(async ({ databases }) => ({
      row: await numericRowBytes(databases.historical),
      ...(await tableSize(databases.historical, ['numeric_window_embeddings', 'no_such_table'])),
    }));
    // Counted to the row in both; on disk each partition begins blocks of its own.
    expect(many.row).toBeGreaterThanOrEqual(few.row!);
    expect(many.row).toBeLessThan(3 * few.row!);
    expect(many.rows / few.rows).toBeCloseTo(1, 1);
    const planned = (await backfill(parted, { models, explain: true, skipExisting: true })).data as { rows: number };
    expect(planned.rows).toBe(models.length);
  });

  it('says which day no partition is for, and how to make one; what was committed stays', async () => {
    await query(parted, 'DROP TABLE part_3');
    await expect(backfill(parted)).rejects.toMatchObject({
      message: expect.stringContaining('numeric_window_embeddings has no partition for a row: '),
      fix: expect.stringContaining(
        `CREATE TABLE numeric_window_embeddings_${date(117).slice(0, 4)} PARTITION OF numeric_window_embeddings FOR VALUES FROM (`,
      ),
    });
    await query(
      parted,
      `CREATE TABLE part_3 PARTITION OF numeric_window_embeddings FOR VALUES FROM ('${date(117)}') TO (MAXVALUE)`,
    );
    await backfill(parted, { resume: true });
    await backfill(plain);
    expect(await contentOf(parted)).toBe(await contentOf(plain));
  });
});

describe('the statements of ADR 0012', () => {
  it('put the rows of a table in one piece into partitions, and give a year up', async () => {
    const adr = readFileSync(new URL('../../docs/adr/0012-storage-of-vectors.md', import.meta.url), 'utf8');
    const [partition, giveUp] = [...adr.matchAll(/```sql\n(.*?)```/gs)].map(([, statements]) => statements);
    await backfill(plain);
    const whole = await contentOf(plain);
    await query(plain, partition);
    expect(await contentOf(plain)).toBe(whole);
    expect(await refreshCoverage(plain.databases.historical)).toEqual({ kind: 'exact', uncertain: false });
    await backfill(plain);
    expect(await contentOf(plain)).toBe(whole);
    await query(plain, giveUp.replaceAll('2014', date(100).slice(0, 4)));
    expect(await query(plain, 'SELECT 1 FROM numeric_window_embeddings')).toEqual([]);
  });
});

describe('the roll-up', () => {
  const COUNT = 'model_id, entity_type, as_of_date::text AS day';
  const rollUp = () =>
    query(parted, `SELECT ${COUNT}, rows FROM console.numeric_coverage WHERE rows > 0 ORDER BY 1, 2, 3`);
  const recount = () =>
    query(
      parted,
      `SELECT ${COUNT}, count(*)::int AS rows FROM numeric_window_embeddings GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    );
  const refresh = () => refreshCoverage(parted.databases.historical);

  it.each<[string, string]>([
    ['emptied', 'TRUNCATE part_2'],
    ['dropped', 'DROP TABLE part_2'],
    ['detached', 'ALTER TABLE numeric_window_embeddings DETACH PARTITION part_2'],
    ['rewritten', `DELETE FROM part_2; VACUUM FULL part_2`],
  ])('is counted anew after a partition was %s', async (_, statements) => {
    await backfill(parted);
    expect((await refresh()).kind).not.toBe('exact');
    for (const statement of statements.split('; ')) await query(parted, statement);
    expect(await refresh()).toEqual({ kind: 'exact', uncertain: false });
    expect(await rollUp()).toEqual(await recount());
    expect((await rollUp()).length).toBeLessThan(60);
    const { kind, uncertain } = await refresh();
    expect(kind).not.toBe('exact');
    expect(uncertain).toBe(false);
  });

  it('is counted anew after a partition was attached, whose ids are all below the highest', async () => {
    await backfill(parted);
    await query(parted, 'ALTER TABLE numeric_window_embeddings DETACH PARTITION part_2');
    expect(await refresh()).toMatchObject({ kind: 'exact' });
    await query(
      parted,
      `ALTER TABLE numeric_window_embeddings ATTACH PARTITION part_2 FOR VALUES FROM ('${BOUNDS[1]}') TO ('${BOUNDS[2]}')`,
    );
    expect(await refresh()).toMatchObject({ kind: 'exact' });
    expect(await rollUp()).toEqual(await recount());
    expect((await rollUp()).length).toBeGreaterThan(80);
  });

  it('is kept up by shards, mended day by day for rows of others, and unsure after their deletes', async () => {
    await backfill(parted);
    expect(await rollUp()).toEqual(await recount());
    await backfill(parted, { startDate: date(110), endDate: date(120) });
    expect(await refresh()).toMatchObject({ kind: 'current' });
    // The server counts what the workers deleted when their sessions report it.
    await until(async () => !(await refresh()).uncertain, 'all of our own deletes are counted');
    await query(
      parted,
      `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
       SELECT 'INSTRUMENT', 'mine', '{}', day, 'mine' FROM unnest('{${date(40)},${date(87)},${date(88)}}'::date[]) day`,
    );
    expect(await refresh()).toEqual({ kind: 'incremental', uncertain: false });
    expect(await rollUp()).toEqual(await recount());
    // Into another partition: a row that is deleted there and inserted here.
    await parted.databases.historical.client(async (client) => {
      await client.query(
        `UPDATE numeric_window_embeddings SET as_of_date = '${date(90)}' WHERE as_of_date = '${date(40)}'`,
      );
      await client.query('SELECT pg_stat_force_next_flush()');
    });
    expect(await refresh()).toMatchObject({ uncertain: true });
    expect(await refreshCoverage(parted.databases.historical, { exact: true })).toMatchObject({ uncertain: false });
    expect(await rollUp()).toEqual(await recount());
    expect(await refresh()).toMatchObject({ uncertain: false });
  });
});
