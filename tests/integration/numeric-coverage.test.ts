/** The roll-up of numeric vectors against an exact count, whatever was inserted, deleted or backfilled in between. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { refreshCoverage } from '../../engines/numeric/coverage.storage.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { recountCoverage } from '../../engines/numeric/recount.ts';
import { coverageRecountSpec, numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { probeNumeric, probeNumericBits } from '../../src/phases/historical-evidence.ts';
import { type ProbeOptions, withProber } from '../../src/phases/probes.ts';
import type { VectorBits } from '../../src/phases/vector-days.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { makeTarget } from '../../src/platform/db/targets.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { partitionNumeric } from '../helpers/partitions.ts';
import { startPrometheus } from '../helpers/processes.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const panel = smallMarket({ seed: 2, instruments: 4, days: 90, gaps: 0.02 });
const date = (t: number) => formatDay(panel.calendar.days[t]);

/** A test's own pair of databases with the market, and a connection outside the pools. */
async function withMarket(work: (db: TestDatabases, other: pg.Client) => Promise<void>): Promise<void> {
  const db = await createTestDatabases();
  const other = new pg.Client(db.targets.historical.config);
  try {
    await other.connect();
    await storePanel(db.databases, panel);
    await work(db, other);
  } finally {
    await other.end();
    await db.drop();
  }
}

const insert = (client: pg.Client, entity: number, day: number, model: string) =>
  client.query(
    `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
     VALUES ('INSTRUMENT', $1, '{}', $2, $3) ON CONFLICT DO NOTHING`,
    [`X${entity}`, date(day), model],
  );
const backfill = (db: TestDatabases, from: number) =>
  runProgram(
    numericBackfillSpec,
    backfillNumeric,
    {
      market: 'TEST',
      ...{ startDate: date(from), endDate: date(from + 5), models: ['num-stab-core-v1'], workers: 1, device: 'cpu' },
    },
    db.databases,
  );

const PROBES: ProbeOptions = { now: Date.now, signal: new AbortController().signal, timeoutMs: 10_000 };

/** Who has a vector on each day: the bits of a count are numbered otherwise than those of the roll-up. */
const namesByDay = ({ bits, models }: VectorBits) =>
  [...models].map(([model, days]) => [
    model,
    days.map((one) => [
      one.day,
      [...bits].flatMap(([name, bit]) => ((one.bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7)) ? name : [])).sort(),
    ]),
  ]);

const COUNT = `model_id, entity_type, as_of_date::text AS day`;
/** The roll-up with the names that its bits stand for, and the same counted row by row. */
const rollUp = async (client: pg.Client) =>
  (
    await client.query(
      `SELECT ${COUNT}, vectors, rows, ARRAY(
         SELECT entity_id FROM console.numeric_entities n
          WHERE n.entity_type = c.entity_type AND n.number < length(c.entities) AND get_bit(c.entities, n.number) = 1
          ORDER BY entity_id COLLATE "C") AS entities
         FROM console.numeric_coverage c WHERE rows > 0 ORDER BY 1, 2, 3`,
    )
  ).rows;
const recount = async (client: pg.Client) =>
  (
    await client.query(
      `SELECT ${COUNT}, count(DISTINCT entity_id)::int AS vectors, count(*)::int AS rows,
              array_agg(DISTINCT entity_id::text COLLATE "C" ORDER BY entity_id::text COLLATE "C") AS entities
         FROM numeric_window_embeddings GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    )
  ).rows;
/** The server counts what a session did when it is idle for a while, or when told to. */
const countChanges = (client: pg.Client) => client.query('SELECT pg_stat_force_next_flush()');

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('insert' as const), entity: fc.nat(30), day: fc.nat(80) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late' as const), entity: fc.nat(30), day: fc.nat(80) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), entity: fc.nat(30), day: fc.nat(80) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('backfill' as const), day: fc.integer({ min: 60, max: 80 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('refresh' as const) }) },
);
/** What may happen to a partition besides: it is emptied, or put away and another one put in its place. */
const partStep = fc.record({ kind: fc.constantFrom('empty' as const, 'swap' as const), part: fc.nat(2) });
const BOUNDS = [date(30), date(70)];
type Step =
  typeof step extends fc.Arbitrary<infer S> ? S | (typeof partStep extends fc.Arbitrary<infer P> ? P : never) : never;

/** Puts the spare of a partition, which has rows from the second time on, in its place. */
async function swap(client: pg.Client, part: number): Promise<void> {
  const { rows } = await client.query<{ bound: string }>(
    `SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE relname = 'part_${part}'`,
  );
  await client.query(
    `CREATE TABLE IF NOT EXISTS spare_${part} (LIKE part_${part} INCLUDING ALL);
     ALTER TABLE numeric_window_embeddings DETACH PARTITION part_${part};
     ALTER TABLE part_${part} RENAME TO put_away; ALTER TABLE spare_${part} RENAME TO part_${part}; ALTER TABLE put_away RENAME TO spare_${part};
     ALTER TABLE numeric_window_embeddings ATTACH PARTITION part_${part} ${rows[0].bound}`,
  );
}

describe('the roll-up', () => {
  it.each([
    ['in one piece', 12, step, []],
    ['in partitions', 12, fc.oneof({ weight: 4, arbitrary: step }, { weight: 1, arbitrary: partStep }), BOUNDS],
  ] as const)(
    'of a table %s equals an exact count after any inserts, late commits and backfills; deletes are flagged and need the exact count',
    async (_, numRuns, anyStep, bounds) => {
      await fc.assert(
        fc.asyncProperty(fc.array<Step>(anyStep, { minLength: 5, maxLength: 25 }), async (steps) => {
          await withMarket(async (db, other) => {
            if (bounds.length) await partitionNumeric(other, bounds);
            const late = new pg.Client(db.targets.historical.config);
            await late.connect();
            let open = false;
            const commit = async () => {
              if (open) await late.query('COMMIT');
              open = false;
            };
            try {
              await refreshCoverage(db.databases.historical);
              for (const one of steps) {
                if (one.kind === 'insert') await insert(other, one.entity, one.day, 'mine');
                else if (one.kind === 'late') {
                  // Draws its id now and commits later: below ids that others have seen by then.
                  if (!open) await late.query('BEGIN');
                  open = true;
                  await insert(late, 100 + one.entity, one.day, 'late');
                } else if (one.kind === 'delete') {
                  await other.query('DELETE FROM numeric_window_embeddings WHERE entity_id = $1 AND as_of_date >= $2', [
                    `X${one.entity}`,
                    date(one.day),
                  ]);
                  await countChanges(other);
                } else if (one.kind === 'backfill') {
                  await backfill(db, one.day);
                } else if (one.kind === 'refresh') {
                  await refreshCoverage(db.databases.historical);
                  await commit();
                } else {
                  // It waits for whoever writes to the partition.
                  await commit();
                  await (one.kind === 'empty' ? other.query(`TRUNCATE part_${one.part}`) : swap(other, one.part));
                }
              }
              await commit();
              const { uncertain } = await refreshCoverage(db.databases.historical);
              if (uncertain) await refreshCoverage(db.databases.historical, { exact: true });
              expect(await rollUp(other)).toEqual(await recount(other));
            } finally {
              await late.end();
            }
          });
        }),
        { numRuns },
      );
    },
  );

  it('says when rows were deleted, until they are counted exactly', async () => {
    await withMarket(async (db, other) => {
      for (let day = 0; day < 5; day++) await insert(other, 1, day, 'mine');
      expect(await refreshCoverage(db.databases.historical)).toEqual({ kind: 'exact', uncertain: false });
      await other.query(`DELETE FROM numeric_window_embeddings WHERE as_of_date = $1`, [date(2)]);
      await countChanges(other);
      expect((await refreshCoverage(db.databases.historical)).uncertain).toBe(true);
      expect((await refreshCoverage(db.databases.historical)).uncertain).toBe(true);
      expect(await refreshCoverage(db.databases.historical, { exact: true })).toEqual({
        kind: 'exact',
        uncertain: false,
      });
      expect(await rollUp(other)).toEqual(await recount(other));
      expect((await refreshCoverage(db.databases.historical)).uncertain).toBe(false);
    });
  });

  it('is not sure of what was deleted before the statistics began anew', async () => {
    await withMarket(async (db, other) => {
      for (let day = 0; day < 5; day++) await insert(other, 1, day, 'mine');
      await refreshCoverage(db.databases.historical);
      await other.query(`DELETE FROM numeric_window_embeddings WHERE as_of_date = $1`, [date(2)]);
      await countChanges(other);
      // A crash discards them in the same way; nothing tells of the deletion any more.
      await other.query('SELECT pg_stat_reset()');
      expect((await refreshCoverage(db.databases.historical)).uncertain).toBe(true);
      await refreshCoverage(db.databases.historical, { exact: true });
      expect(await rollUp(other)).toEqual(await recount(other));
      expect((await refreshCoverage(db.databases.historical)).uncertain).toBe(false);
    });
  });

  it('is kept up by our own shards without a count, also where they replace rows', async () => {
    await withMarket(async (db, other) => {
      for (let k = 0; k < 3; k++) {
        await backfill(db, 64);
        expect(await rollUp(other)).toEqual(await recount(other));
      }
      await backfill(db, 72);
      expect(await refreshCoverage(db.databases.historical)).toMatchObject({ kind: 'current' });
    });
  });

  it('keeps apart what shards of different names write on the same days, however many names have numbers by then', async () => {
    await withMarket(async (db, other) => {
      const run = (flags: object) =>
        runProgram(
          numericBackfillSpec,
          backfillNumeric,
          {
            ...{ market: 'TEST', startDate: date(60), endDate: date(85), models: ['num-stab-core-v1'] },
            // Each shard is one day of one name: four workers are on the same row all the time.
            ...{ shardCells: 1, workers: 4, device: 'cpu', ...flags },
          },
          db.databases,
        );
      // First one name; then others that have numbers; then the rest of ours, whose bits make the strings longer.
      await run({ limit: 1 });
      for (let k = 0; k < 20; k++) await insert(other, k, 70, 'mine');
      await refreshCoverage(db.databases.historical);
      await run({ limit: 3 });
      expect(await rollUp(other)).toEqual(await recount(other));
      // Damaged rows of one name, which go, and rows of names that are no more.
      await other.query(`UPDATE numeric_window_embeddings SET vector = NULL WHERE entity_id = $1`, [
        panel.instruments[1].id,
      ]);
      await run({ skipExisting: true });
      expect(await rollUp(other)).toEqual(await recount(other));
      await run({});
      expect(await rollUp(other)).toEqual(await recount(other));
      await refreshCoverage(db.databases.historical, { exact: true });
      expect(await rollUp(other)).toEqual(await recount(other));
    });
  });

  it('notices that the table was emptied', async () => {
    await withMarket(async (db, other) => {
      await backfill(db, 64);
      await other.query('TRUNCATE numeric_window_embeddings');
      expect(await refreshCoverage(db.databases.historical)).toMatchObject({ kind: 'exact' });
      expect(await rollUp(other)).toEqual([]);
    });
  });

  it('that a role may not read is counted in its place; where the table is too large the GRANT that is lacking is told', async () => {
    await withMarket(async (db, other) => {
      await backfill(db, 70);
      await refreshCoverage(db.databases.historical);
      const [role, password] = [`reader_${randomBytes(6).toString('hex')}`, randomBytes(12).toString('hex')];
      // Grants of before 0009, which made numeric_entities.
      await other.query(
        `CREATE ROLE ${role} LOGIN PASSWORD '${password}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
         GRANT USAGE ON SCHEMA console TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA console TO ${role};
         REVOKE ALL ON console.numeric_entities FROM ${role}`,
      );
      const { config, source } = db.targets.historical;
      const look = async (user: object) => {
        const targets = { ...db.targets, historical: makeTarget('historical', { ...config, ...user }, source) };
        const databases = openDatabases(targets, { application: 'test' });
        try {
          return await withProber(databases.historical, PROBES, async (prober) => [
            await probeNumeric(prober),
            await probeNumericBits(prober, ['num-stab-core-v1']),
          ]);
        } finally {
          await databases.close();
        }
      };
      const told = (found: Awaited<ReturnType<typeof look>>) => found.map((one) => (one.known ? one.value : one.cause));
      try {
        const [cells, bits] = told(await look({}));
        expect(cells).toMatchObject([{ model: 'num-stab-core-v1' }]);
        const reader = { user: role, password };
        const [counted, countedBits] = told(await look(reader));
        expect(counted).toEqual(cells);
        expect(namesByDay(countedBits as VectorBits)).toEqual(namesByDay(bits as VectorBits));
        // A table of a terabyte, as that role sees it.
        await other.query(
          `CREATE SCHEMA large; CREATE FUNCTION large.pg_relation_size(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT 1000000000000';
           GRANT USAGE ON SCHEMA large TO ${role}; ALTER ROLE ${role} SET search_path = large, pg_catalog, public`,
        );
        const causes = told(await look(reader)) as string[];
        const grant = `GRANT USAGE ON SCHEMA console TO ${role}; GRANT SELECT ON console.numeric_entities TO ${role}`;
        for (const cause of causes) expect(cause).toContain(`role ${role} may not read console.numeric_entities, `);
        for (const cause of causes) expect(cause.endsWith(`: ${grant}`), cause).toBe(true);
        await other.query(grant);
        expect(told(await look(reader))).toEqual([cells, bits]);
      } finally {
        await other.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      }
    });
  });

  it('is counted anew by a job too', async () => {
    await withMarket(async (db, other) => {
      await insert(other, 1, 3, 'mine');
      await refreshCoverage(db.databases.historical);
      await other.query('UPDATE console.numeric_coverage SET rows = 7');
      const { result } = await runProgram(coverageRecountSpec, recountCoverage, {}, db.databases);
      expect(result.exitCode).toBe(0);
      expect(await rollUp(other)).toEqual(await recount(other));
    });
  });

  it('is refreshed by the command, which says what that took and what is left', async () => {
    await withMarket(async (db, other) => {
      const coverage = (flag: string) =>
        startPrometheus(['coverage', flag, '--historical', db.urls.historical, '--runtime', db.urls.runtime]).ended;
      await insert(other, 1, 3, 'mine');
      expect((await coverage('--exact')).stderr).toBe('every numeric vector was counted\n');
      await insert(other, 2, 3, 'mine');
      await other.query(`DELETE FROM numeric_window_embeddings WHERE entity_id = 'X1'`);
      await countChanges(other);
      expect((await coverage('--refresh')).stderr).toBe(
        'the days of numeric vectors that others wrote were counted again\n' +
          'numeric vectors were deleted or changed since the last exact count: use --exact\n',
      );
      expect(await rollUp(other)).toEqual(await recount(other));
    });
  });
});
