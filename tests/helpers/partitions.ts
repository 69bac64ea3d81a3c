/** `numeric_window_embeddings` in partitions, as a database of another origin may have it. */
import type pg from 'pg';

const TABLE = 'numeric_window_embeddings';

/**
 * Puts an empty table in partitions in place of the empty one that the migrations made. `bounds` are the days (`YYYY-MM-DD`,
 * ascending) at which a partition ends and the next begins: `part_0` lies before the first, `part_1` after it, and so on.
 */
export async function partitionNumeric(client: pg.ClientBase, bounds: readonly string[]): Promise<void> {
  const from = (k: number) => (k === 0 ? 'MINVALUE' : `'${bounds[k - 1]}'`);
  const to = (k: number) => (k === bounds.length ? 'MAXVALUE' : `'${bounds[k]}'`);
  const parts = Array.from({ length: bounds.length + 1 }, (_, k) => k);
  await client.query(
    `ALTER TABLE ${TABLE} RENAME TO plain;
     CREATE TABLE ${TABLE} (LIKE plain INCLUDING DEFAULTS, PRIMARY KEY (embedding_id, as_of_date),
       CONSTRAINT ${TABLE}_key_of_parts UNIQUE (model_id, as_of_date, entity_type, entity_id)) PARTITION BY RANGE (as_of_date);
     ALTER SEQUENCE ${TABLE}_embedding_id_seq OWNED BY ${TABLE}.embedding_id;
     DROP TABLE plain;
     ALTER TABLE ${TABLE} RENAME CONSTRAINT ${TABLE}_key_of_parts TO ${TABLE}_key;
     ${parts.map((k) => `CREATE TABLE part_${k} PARTITION OF ${TABLE} FOR VALUES FROM (${from(k)}) TO (${to(k)})`).join(';')}`,
  );
}
