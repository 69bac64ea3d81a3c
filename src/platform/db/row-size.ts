/** What a row of a table takes on disk. */
import type { Database } from './databases.ts';
import { partsOf } from './parts.ts';

/** Fewer rows than this say nothing about the size of one. */
const LEAST_ROWS = 1000;

/** Bytes of a row; null where too few rows were counted. */
export const rowBytes = ({ bytes, rows }: TableSize): number | null => (rows < LEAST_ROWS ? null : bytes / rows);

export interface TableSize {
  /** On disk, indexes included. */
  readonly bytes: number;
  readonly rows: number;
}

/**
 * Size of tables together; those that are not there have none. Rows are those of the server's last count (VACUUM, ANALYZE),
 * grown with the table since then as its planner reckons them: 0 before the first count.
 */
export async function tableSize(database: Database, tables: readonly string[]): Promise<TableSize> {
  if (tables.length === 0) return { bytes: 0, rows: 0 };
  return database.client(async (client) => {
    const { rows } = await client.query<TableSize>(
      `SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::float8 AS bytes,
              coalesce(sum(CASE WHEN relpages > 0 AND reltuples > 0 THEN reltuples / relpages
                * (pg_relation_size(oid) / current_setting('block_size')::int) END), 0)::float8 AS rows
         FROM unnest($1::text[]) AS wanted(name) CROSS JOIN LATERAL (${partsOf('name')}) parts JOIN pg_class USING (oid)`,
      [tables],
    );
    return rows[0];
  });
}
