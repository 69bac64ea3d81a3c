/** The largest tables of a database and whether vacuum keeps up with them: by the server's own counts, no row is read. */
import type pg from 'pg';
import { formatAgo } from '../format/age.ts';
import { formatBytes, formatCount, formatPercent } from '../format/numbers.ts';

/** A table of rows: a partition is one of its own. */
export interface TableFigures {
  /** With its schema, unless that is `public`. */
  readonly table: string;
  /** With indexes and what is stored out of line. */
  readonly bytes: number;
  /** Rows that count, and deleted or replaced ones that still take room; the server's estimates. */
  readonly rows: number;
  readonly dead: number;
  /** Milliseconds since 1970; null: never since the server's statistics began. */
  readonly vacuumedAt: number | null;
  /** More rows are dead, or new since then, than the server's settings for autovacuum allow. */
  readonly vacuumIsDue: boolean;
}

const MOST = 5;
/** Smaller ones are no matter of room. */
const LEAST_BYTES = 2 ** 20;

/** The largest first. */
export async function largestTables(client: pg.ClientBase): Promise<TableFigures[]> {
  const { rows } = await client.query<TableFigures>(
    `SELECT CASE WHEN s.schemaname = 'public' THEN s.relname ELSE s.schemaname || '.' || s.relname END AS table, bytes,
            s.n_live_tup AS rows, s.n_dead_tup AS dead,
            (extract(epoch FROM greatest(s.last_vacuum, s.last_autovacuum)) * 1000)::float8 AS "vacuumedAt",
            s.n_dead_tup > least(${allowed('autovacuum_vacuum')}, nullif(current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1))
              OR s.n_ins_since_vacuum > ${allowed('autovacuum_vacuum_insert')} AS "vacuumIsDue"
       FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid CROSS JOIN LATERAL pg_total_relation_size(s.relid) AS bytes
      WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND bytes >= $1 ORDER BY bytes DESC, 1 LIMIT $2`,
    [LEAST_BYTES, MOST],
  );
  return rows;
}

/** Rows that may be dead, or new, before autovacuum comes. */
const allowed = (settings: string) =>
  `(current_setting('${settings}_threshold')::float8 + current_setting('${settings}_scale_factor')::float8 * greatest(c.reltuples, 0))`;

/** A line of `db status`. */
export function tableLine({ table, bytes, rows, dead, vacuumedAt, vacuumIsDue }: TableFigures, now: number): string {
  const last = vacuumedAt === null ? 'never vacuumed' : `vacuumed ${formatAgo(now - vacuumedAt)}`;
  const parts = [
    `${table} ${formatBytes(bytes)}`,
    `${formatCount(rows)} rows`,
    `${formatPercent(dead / Math.max(1, rows + dead), 0)} dead`,
    last,
  ];
  return [...parts, ...(vacuumIsDue ? [`a vacuum is due: VACUUM (ANALYZE) ${table}`] : [])].join(' · ');
}
