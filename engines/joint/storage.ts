/** Rows of `joint_embeddings`: a backfill owns (type, model, entities, days) and replaces what stood there. */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import { copyInto } from '../../src/platform/db/copy.ts';
import type { JointSpace } from './ids.model.ts';

/** Rows between two looks at whether the connection can take more: about what it is sent at a time. */
const ROWS = 256;

export interface JointRow {
  /** Day number. */
  readonly day: number;
  readonly scope: Readonly<Record<string, unknown>>;
  readonly vector: Float32Array;
}

/** Whose rows a backfill owns: the key of their scope and its values. */
export interface Owned {
  readonly key: 'entity_id' | 'issuer_id' | 'region';
  readonly ids: readonly string[];
}

interface Span {
  /** Day numbers. */
  readonly first: number;
  readonly last: number;
}

/** The backfill's rows that are there, by day (day number); days without any are missing. */
export async function rowsByDay(
  client: pg.ClientBase,
  { jointType, modelId }: JointSpace,
  { first, last }: Span,
  { key, ids }: Owned,
): Promise<Map<number, number>> {
  const { rows } = await client.query<{ day: number; count: number }>(
    `SELECT as_of_date::date - date '1970-01-01' AS day, count(*) AS count FROM joint_embeddings
      WHERE joint_type = $1 AND model_id = $2 AND as_of_date::date BETWEEN $3 AND $4 AND entity_scope->>$5 = ANY ($6) GROUP BY 1`,
    [jointType, modelId, formatDay(first), formatDay(last), key, ids],
  );
  return new Map(rows.map(({ day, count }) => [day, count]));
}

/** Removes the backfill's rows of these days (ISO), whoever wrote them. Returns how many. */
export async function removeRows(
  client: pg.ClientBase,
  { jointType, modelId }: JointSpace,
  days: readonly string[],
  { key, ids }: Owned,
): Promise<number> {
  const { rowCount } = await client.query(
    `DELETE FROM joint_embeddings
      WHERE joint_type = $1 AND model_id = $2 AND as_of_date::date = ANY ($3::date[]) AND entity_scope->>$4 = ANY ($5)`,
    [jointType, modelId, days, key, ids],
  );
  return rowCount ?? 0;
}

/** COPY of rows. Returns how many. */
export async function writeRows(
  client: pg.ClientBase,
  { jointType, modelId }: JointSpace,
  rows: readonly JointRow[],
): Promise<number> {
  return copyInto(
    client,
    'joint_embeddings',
    ['joint_type', 'as_of_date', 'entity_scope', 'model_id', 'vector'],
    async (writer) => {
      const [type, model] = [Buffer.from(jointType), Buffer.from(modelId)];
      for (const [k, { day, scope, vector }] of rows.entries()) {
        writer.row(5);
        writer.bytes(type);
        writer.date(day);
        writer.jsonb(JSON.stringify(scope));
        writer.bytes(model);
        writer.bytes(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
        if (k % ROWS === ROWS - 1) await writer.flushed();
      }
    },
  );
}
