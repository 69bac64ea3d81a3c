/** The numbers (bits) by which the roll-up of numeric vectors knows entities, in `console.numeric_entities`. */
import type pg from 'pg';
import type { Database } from '../../src/platform/db/databases.ts';
import type { Entity } from './encoder.model.ts';

/** Shards of ours hold it shared while they write, a refresh and who numbers entities alone: an arbitrary number of ours. */
export const COVERAGE_LOCK = 7_361_482_096;

/**
 * Numbers entities that have none, from the next free one of their type on. `found` (SQL, with `values`) gives their
 * `entity_type` and `entity_id`. The caller holds `COVERAGE_LOCK` alone, and took it before the snapshot that it reads.
 */
export async function numberEntities(
  client: pg.ClientBase,
  found: string,
  values: readonly unknown[] = [],
): Promise<void> {
  await client.query(
    `INSERT INTO console.numeric_entities (entity_type, entity_id, number)
     SELECT entity_type, entity_id,
            coalesce((SELECT max(number) + 1 FROM console.numeric_entities n WHERE n.entity_type = f.entity_type), 0)
              + row_number() OVER (PARTITION BY entity_type ORDER BY entity_id COLLATE "C") - 1
       FROM (${found}) f
      WHERE NOT EXISTS (
        SELECT FROM console.numeric_entities n WHERE n.entity_type = f.entity_type AND n.entity_id = f.entity_id)`,
    values as unknown[],
  );
}

/** The number of each of these distinct entities; those that have none get one. */
export async function bitsOf(historical: Database, entities: readonly Entity[]): Promise<Int32Array> {
  const values = [entities.map(({ type }) => type), entities.map(({ id }) => id)];
  const read = async (client: pg.ClientBase) => {
    const { rows } = await client.query<{ bit: number | null }>(
      `SELECT n.number AS bit FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS f (entity_type, entity_id, position)
         LEFT JOIN console.numeric_entities n USING (entity_type, entity_id) ORDER BY position`,
      values,
    );
    return rows.map(({ bit }) => bit);
  };
  return historical.transaction(async (client) => {
    let bits = await read(client);
    if (bits.includes(null)) {
      await client.query('SELECT pg_advisory_xact_lock($1)', [COVERAGE_LOCK]);
      await numberEntities(
        client,
        'SELECT * FROM unnest($1::text[], $2::text[]) AS t (entity_type, entity_id)',
        values,
      );
      bits = await read(client);
    }
    return Int32Array.from(bits as number[]);
  });
}
