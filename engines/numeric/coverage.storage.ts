/**
 * The roll-up of `numeric_window_embeddings`: vectors and rows by model, entity type and day, and which entities have one (bits
 * numbered in `console.numeric_entities`), in `console.numeric_coverage`.
 *
 * Our own shards keep it up inside their transactions. Rows of others are known by their `embedding_id`: when ids above the
 * settled one are there that no shard of ours has used, their rows are looked at and the days they belong to are counted
 * again. Ids come out of order where transactions overlap, so a margin below the highest stays unsettled unless nothing
 * else runs. Deletes and updates leave no id behind: the server's statistics tell that there were some, the figures are then
 * uncertain, and an exact count mends them. So they are once the statistics began anew, as after a crash: what they had told is gone. The function `numeric_coverage_standing` says all that in one row.
 */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { entityBits } from '../../src/platform/db/numeric-entities.ts';
import { partsOf } from '../../src/platform/db/parts.ts';
import { rowBytes, type TableSize } from '../../src/platform/db/row-size.ts';
import type { TypeChanges } from './day-changes.model.ts';
import { COVERAGE_LOCK, numberEntities } from './entity-bits.storage.ts';

/** Ids below the highest that transactions still under way may bring: rows of one such transaction at most. */
const MARGIN = 100_000;
/** More ids than this are dearer to look at than counting everything. */
const MOST_IDS = 300_000;

interface Standing {
  readonly highest: number;
  /** Ids above the settled one that no shard of ours has used; null before the first count. */
  readonly unknown: number | null;
  readonly uncertain: boolean | null;
  /** The table's files are others than at the last exact count: truncated, rewritten, a partition dropped, detached or attached. */
  readonly replaced: boolean | null;
  readonly settled: number | null;
}

type RefreshKind =
  /** Nobody but our own shards had written. */
  | 'current'
  /** The days of rows that others wrote were counted again. */
  | 'incremental'
  /** Everything was counted again. */
  | 'exact';

export interface Refreshed {
  readonly kind: RefreshKind;
  /** Others deleted or changed rows since the last exact count: only another one makes the figures sure. */
  readonly uncertain: boolean;
}

/** Brings the roll-up up to date; `exact` counts every row anew, and so does the first time. */
export async function refreshCoverage(historical: Database, { exact = false } = {}): Promise<Refreshed> {
  return historical.client(async (client) => {
    // Before the snapshot is taken: what a shard under way adds must be in it, or come after it.
    await client.query('SELECT pg_advisory_lock($1)', [COVERAGE_LOCK]);
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const refreshed = await refresh(client, exact);
      await client.query('COMMIT');
      return refreshed;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [COVERAGE_LOCK]).catch(() => {});
    }
  });
}

async function refresh(client: pg.ClientBase, exact: boolean): Promise<Refreshed> {
  const { rows } = await client.query<Standing>(
    'SELECT highest, unknown, uncertain, replaced, settled_id AS settled FROM console.numeric_coverage_standing ()',
  );
  const standing = rows[0];
  const kind = exact ? 'exact' : kindOf(standing);
  if (kind === 'exact') {
    await client.query('DELETE FROM console.numeric_coverage');
    await count(client, await hasOurKey(client), null);
  } else if (kind === 'incremental') {
    await count(client, await hasOurKey(client), standing.settled);
  }
  // Every id is one of ours, or nothing else is under way: no id can come any more below the highest.
  const quiet = kind === 'current' || (await nothingElseRuns(client));
  await client.query(SETTLE, [quiet ? standing.highest : Math.max(0, standing.highest - MARGIN), kind === 'exact']);
  if (kind === 'exact') {
    await client.query('DELETE FROM console.numeric_files');
    await client.query('INSERT INTO console.numeric_files SELECT * FROM console.numeric_parts ()');
  }
  return { kind, uncertain: kind !== 'exact' && standing.uncertain === true };
}

function kindOf({ highest, unknown, replaced, settled }: Standing): RefreshKind {
  if (settled === null || unknown === null || replaced || unknown < 0) return 'exact';
  if (unknown === 0) return 'current';
  return highest - settled > MOST_IDS ? 'exact' : 'incremental';
}

/** Counts everything, or the days of rows above `settled`. Twice when there are entities without a number: most often all have one. */
async function count(client: pg.ClientBase, keyed: boolean, settled: number | null): Promise<void> {
  const [above, values] = settled === null ? ['', []] : [' WHERE embedding_id > $1', [settled]];
  const run = async () => {
    const { rows } = await client.query<{ nameless: number }>(counted(keyed, above), values);
    return rows[0].nameless;
  };
  if ((await run()) === 0) return;
  // Rows of the same days below the settled one were counted before: their entities have numbers.
  await numberEntities(client, `SELECT DISTINCT entity_type, entity_id FROM numeric_window_embeddings${above}`, values);
  await run();
}

/** With our key every row is a vector of its own; without it entities must be told apart, which means sorting. */
const counted = (keyed: boolean, above: string) => `
  WITH counted AS MATERIALIZED (
    SELECT v.model_id, v.entity_type, v.as_of_date::date AS day, count(*) AS rows,
           ${keyed ? 'count(*)' : 'count(DISTINCT v.entity_id)'} AS vectors,
           coalesce(${entityBits('console.numeric_entities')}, '') AS entities, count(*) FILTER (WHERE number IS NULL) AS nameless
      FROM numeric_window_embeddings v
      LEFT JOIN console.numeric_entities n ON n.entity_type = v.entity_type AND n.entity_id = v.entity_id
      ${
        above &&
        `JOIN (SELECT DISTINCT model_id, entity_type, as_of_date::date AS day FROM numeric_window_embeddings${above}) touched
           ON touched.model_id = v.model_id AND touched.entity_type = v.entity_type AND touched.day = v.as_of_date::date`
      }
     GROUP BY 1, 2, 3
  ), put AS (
    INSERT INTO console.numeric_coverage (model_id, entity_type, as_of_date, vectors, rows, entities)
    SELECT model_id, entity_type, day, vectors, rows, entities FROM counted
    ON CONFLICT (model_id, entity_type, as_of_date)
    DO UPDATE SET vectors = excluded.vectors, rows = excluded.rows, entities = excluded.entities
  )
  SELECT coalesce(sum(nameless), 0)::int8 AS nameless FROM counted`;

const SETTLE = `
  INSERT INTO console.numeric_coverage_state AS s (settled_id, own_rows, own_removed, changed, statistics_since, refreshed_at, exact_at)
  SELECT $1, own_rows, own_removed, changed, statistics_since, now(), now() FROM console.numeric_coverage_standing ()
  ON CONFLICT (only_row) DO UPDATE SET settled_id = excluded.settled_id, own_rows = excluded.own_rows,
    refreshed_at = excluded.refreshed_at,
    own_removed = CASE WHEN $2 THEN excluded.own_removed ELSE s.own_removed END,
    changed = CASE WHEN $2 THEN excluded.changed ELSE s.changed END,
    statistics_since = CASE WHEN $2 THEN excluded.statistics_since ELSE s.statistics_since END,
    exact_at = CASE WHEN $2 THEN excluded.exact_at ELSE s.exact_at END`;

async function hasOurKey(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT 1 FROM pg_constraint
      WHERE conrelid = 'numeric_window_embeddings'::regclass AND conname = 'numeric_window_embeddings_key' AND contype = 'u'`,
  );
  return rows.length > 0;
}

/** Whether no other transaction of this server had written anything when our snapshot was taken. */
async function nothingElseRuns(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ others: number }>(
    `SELECT count(*) AS others FROM txid_snapshot_xip(txid_current_snapshot()) AS xid`,
  );
  return rows[0].others === 0;
}

/** Called first in a shard's transaction, so that a refresh sees it whole or not at all. */
export async function joinCoverage(client: pg.ClientBase): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock_shared($1)', [COVERAGE_LOCK]);
}

/**
 * Adds a shard's changes, last in its transaction. Before the first count there is nothing to add to. Of a day's bits it writes
 * those of its own entities, under the lock of the row: other shards of the day keep theirs.
 */
export async function addToCoverage(
  client: pg.ClientBase,
  modelId: string,
  changes: readonly TypeChanges[],
): Promise<void> {
  for (const { entityType, owned, days } of changes) {
    await client.query(
      `INSERT INTO console.numeric_coverage AS c (model_id, entity_type, as_of_date, vectors, rows, entities)
       SELECT $1, $2, d.* FROM unnest($3::date[], $4::int[], $5::int[], $6::varbit[]) AS d (day, vectors, rows, entities)
        WHERE EXISTS (SELECT FROM console.numeric_coverage_state)
        ORDER BY d.day
       ON CONFLICT (model_id, entity_type, as_of_date)
       DO UPDATE SET vectors = c.vectors + excluded.vectors, rows = c.rows + excluded.rows,
                     entities = (${asLong('c.entities')} & ~${asLong('$7::varbit')}) | ${asLong('excluded.entities')}`,
      [
        ...[modelId, entityType, days.map(({ day }) => formatDay(day))],
        ...[days.map(({ vectors }) => vectors), days.map(({ rows }) => rows)],
        ...[days.map(({ entities }) => bitString(entities)), bitString(owned)],
      ],
    );
  }
}

/** Bit strings must be of one length: more entities have numbers by now, or had when the row was written. */
const asLong = (bits: string) =>
  `(${bits} || repeat('0', greatest(length(c.entities), length(excluded.entities)) - length(${bits}))::varbit)`;

/** As PostgreSQL reads it: hexadecimal. */
const bitString = (bytes: Uint8Array) =>
  `x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`;

/** Bytes on disk of a numeric vector, index included, by the rows that the roll-up counts; null where they are too few. */
export async function numericRowBytes(database: Database): Promise<number | null> {
  return database.client(async (client) => {
    const { rows } = await client.query<TableSize>(
      `SELECT (SELECT sum(pg_total_relation_size(oid)) FROM (${partsOf(`'numeric_window_embeddings'`)}) parts)::float8 AS bytes,
              (SELECT coalesce(sum(rows), 0) FROM console.numeric_coverage)::float8 AS rows`,
    );
    return rowBytes(rows[0]);
  });
}
