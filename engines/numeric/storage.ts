/** Rows of `numeric_window_embeddings`: a shard owns (model, entities, days) and replaces what stood there. */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import { type CopyWriter, copyInto, copyOut, sqlLiteral } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { errorMessage, UserError } from '../../src/platform/errors.ts';
import type { Entity } from './encoder.model.ts';
import { normOf } from './vector.model.ts';

const TABLE = 'numeric_window_embeddings';
const COLUMNS = ['entity_type', 'entity_id', 'window_spec', 'as_of_date', 'model_id', 'vector'];

export interface ShardKey {
  readonly modelId: string;
  readonly entities: readonly Entity[];
  /** Day numbers, ascending. */
  readonly days: readonly number[];
}

/** What was removed of a day. */
export interface Removed {
  readonly entityType: string;
  /** Day number. */
  readonly day: number;
  /** Whose they were, and how many rows: a table without the key may hold more of these. */
  readonly entityIds: readonly string[];
  readonly rows: number;
}

/**
 * Where a row lies. Ids cannot tell rows apart: in a table without its keys several may share one. Such a place is good as long
 * as nobody else changes the row, and a table with partitions has it once in each.
 */
interface RowPlace {
  readonly table: string;
  readonly ctid: string;
}

/** Removes the shard's rows, whoever wrote them; with `only` those of them that lie there. */
export async function removeVectors(
  client: pg.ClientBase,
  { modelId, entities, days }: ShardKey,
  only: readonly RowPlace[] | null,
): Promise<Removed[]> {
  const these = only ? ' AND (tableoid, ctid) IN (SELECT * FROM unnest($7::oid[], $8::tid[]))' : '';
  const removed: Removed[] = [];
  for (const [type, ids] of byType(entities)) {
    const { rows } = await client.query<Removed>(
      `WITH gone AS (
         DELETE FROM ${TABLE} WHERE model_id = $1 AND as_of_date::date BETWEEN $2 AND $3 AND as_of_date::date = ANY($4::date[])
            AND entity_type = $5 AND entity_id = ANY($6)${these} RETURNING entity_id, as_of_date::date AS as_of_date)
       SELECT $5 AS "entityType", as_of_date - date '1970-01-01' AS day,
              array_agg(DISTINCT entity_id::text) AS "entityIds", count(*) AS rows FROM gone GROUP BY 2`,
      [
        modelId,
        formatDay(days[0]),
        formatDay(days[days.length - 1]),
        days.map(formatDay),
        type,
        ids,
        ...(only ? [only.map(({ table }) => table), only.map(({ ctid }) => ctid)] : []),
      ],
    );
    removed.push(...rows);
  }
  return removed;
}

/** What stands where a shard is to be written. */
export interface Existing {
  /** Vectors that are whole: `type|id|day number`. */
  readonly whole: ReadonlySet<string>;
  /** Rows that are not: another length or window, a value that is no number, all zeros. */
  readonly broken: readonly RowPlace[];
}

/** Reads the rows of the shard, values and all. */
export async function existingVectors(
  client: pg.ClientBase,
  { modelId, entities, days }: ShardKey,
  window: number,
  dim: number,
): Promise<Existing> {
  const whole = new Set<string>();
  const broken: RowPlace[] = [];
  const range = `BETWEEN ${sqlLiteral(formatDay(days[0]))} AND ${sqlLiteral(formatDay(days[days.length - 1]))}`;
  for (const [type, ids] of byType(entities)) {
    await copyOut(
      client,
      `SELECT tableoid::text, ctid::text, entity_id::text, as_of_date::date,
              CASE WHEN window_spec->>'window_days' = '${window}' AND octet_length(vector) = ${dim * 4} THEN vector END
         FROM ${TABLE}
        WHERE model_id = ${sqlLiteral(modelId)} AND as_of_date::date ${range} AND entity_type = ${sqlLiteral(type)}
          AND entity_id COLLATE "C" BETWEEN ${sqlLiteral(ids[0])} AND ${sqlLiteral(ids[ids.length - 1])}`,
      (row) => {
        const [table, ctid, id, day, vector] = [row.text()!, row.text()!, row.text()!, row.date(), row.bytes()];
        if (vector && normOf(vector) > 0) whole.add(`${type}|${id}|${day}`);
        else broken.push({ table, ctid });
      },
    );
  }
  return { whole, broken };
}

/** One vector to be written. */
export interface VectorRow {
  readonly entity: number;
  /** Day number. */
  readonly day: number;
}

export interface VectorBatch {
  readonly rows: readonly VectorRow[];
  /** rows × dim. */
  readonly vectors: Float32Array;
}

/** COPY of batches as they come. Returns the number of rows. @throws UserError for a day that no partition of the table is for. */
export async function copyVectors(
  client: pg.ClientBase,
  { modelId, entities }: Pick<ShardKey, 'modelId' | 'entities'>,
  window: number,
  dim: number,
  batches: AsyncIterable<VectorBatch>,
): Promise<number> {
  const types = entities.map(({ type }) => Buffer.from(type));
  const ids = entities.map(({ id }) => Buffer.from(id));
  const model = Buffer.from(modelId);
  const specs = new Map(
    entities.map(({ type }) => [type, JSON.stringify({ window_days: window, entity_type: type })] as const),
  );
  const copied = copyInto(client, TABLE, COLUMNS, async (writer: CopyWriter) => {
    for await (const { rows, vectors } of batches) {
      // The column holds little-endian float32, which is what the array is made of.
      const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
      rows.forEach(({ entity, day }, k) => {
        writer.row(COLUMNS.length);
        writer.bytes(types[entity]);
        writer.bytes(ids[entity]);
        writer.jsonb(specs.get(entities[entity].type)!);
        writer.date(day);
        writer.bytes(model);
        writer.bytes(bytes.subarray(k * dim * 4, (k + 1) * dim * 4));
      });
      await writer.flushed();
    }
  });
  return copied.catch((error: unknown) => {
    throw withoutPartition(error) ?? error;
  });
}

/** What PostgreSQL says of a row that no partition takes, in our words; null for any other error. */
function withoutPartition(error: unknown): UserError | null {
  const { routine, detail } = error as { routine?: string; detail?: string };
  if (routine !== 'ExecFindPartition') return null;
  const year = Number(/\d{4}(?=-\d\d-\d\d)/.exec(detail ?? '')?.[0]);
  return new UserError(
    `${TABLE} has no partition for a row: ${detail ?? errorMessage(error)}`,
    year
      ? `Make one, such as: CREATE TABLE ${TABLE}_${year} PARTITION OF ${TABLE} FOR VALUES FROM ('${year}-01-01') TO ('${year + 1}-01-01')`
      : `Make one: CREATE TABLE … PARTITION OF ${TABLE} …`,
  );
}

function byType(entities: readonly Entity[]): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { type, id } of entities) {
    const own = ids.get(type);
    if (own) own.push(id);
    else ids.set(type, [id]);
  }
  return ids;
}

export interface VectorKey {
  readonly modelId: string;
  readonly entityType: string;
  readonly entityId: string;
  /** Day number. */
  readonly day: number;
}

/** One vector, or null. */
export async function readVector(historical: Database, key: VectorKey): Promise<Float32Array | null> {
  return historical.client(async (client) => {
    const { rows } = await client.query<{ vector: Buffer }>(
      `SELECT vector FROM ${TABLE} WHERE model_id = $1 AND as_of_date::date = $2 AND entity_type = $3 AND entity_id = $4
          AND vector IS NOT NULL ORDER BY embedding_id DESC LIMIT 1`,
      [key.modelId, formatDay(key.day), key.entityType, key.entityId],
    );
    if (!rows.length) return null;
    const { vector } = rows[0];
    return Float32Array.from({ length: vector.length >> 2 }, (_, k) => vector.readFloatLE(k * 4));
  });
}

/** The day nearest to that of the key on which the entity has a vector, or null. */
export async function nearestDay(historical: Database, key: VectorKey): Promise<number | null> {
  return historical.client(async (client) => {
    const { rows } = await client.query<{ day: number }>(
      `SELECT as_of_date::date - date '1970-01-01' AS day FROM ${TABLE}
        WHERE model_id = $1 AND entity_type = $3 AND entity_id = $4 AND vector IS NOT NULL
        ORDER BY abs(as_of_date::date - $2::date), as_of_date::date LIMIT 1`,
      [key.modelId, formatDay(key.day), key.entityType, key.entityId],
    );
    return rows.length ? rows[0].day : null;
  });
}

/** Every vector of the key's model and kind of entity in `[start, end]`; the bytes are valid only during the call. */
export async function eachCandidate(
  historical: Database,
  { modelId, entityType }: VectorKey,
  { start, end }: { start: number; end: number },
  onRow: (entityId: string, day: number, vector: Buffer) => void,
): Promise<void> {
  await historical.client((client) =>
    copyOut(
      client,
      `SELECT entity_id::text, as_of_date::date, vector FROM ${TABLE} WHERE model_id = ${sqlLiteral(modelId)}
          AND as_of_date::date BETWEEN ${sqlLiteral(formatDay(start))} AND ${sqlLiteral(formatDay(end))}
          AND entity_type = ${sqlLiteral(entityType)} AND vector IS NOT NULL`,
      (row) => onRow(row.text()!, row.date(), row.bytes()!),
    ),
  );
}
