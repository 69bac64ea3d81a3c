/** The largest tables of a database and whether vacuum keeps up with them: by the server's own counts, no row is read. */
import type pg from 'pg';
import { formatAgo } from '../format/age.ts';
import { formatBytes, formatCount, formatPercent } from '../format/numbers.ts';

/** A table of rows; of one with partitions the figures of all of them together. */
export interface TableFigures {
  /** With its schema, unless that is `public`. */
  readonly table: string;
  /** How many partitions it has; 0 for a table in one piece. */
  readonly partitions: number;
  /** With indexes and what is stored out of line. */
  readonly bytes: number;
  /** Rows that count, and deleted or replaced ones that still take room; the server's estimates. */
  readonly rows: number;
  readonly dead: number;
  /** Milliseconds since 1970, of the partition that waits longest among those with rows; null: never since the server's statistics began. */
  readonly vacuumedAt: number | null;
  /** More rows are dead, or new since then, than the server's settings for autovacuum allow, in the table or a partition. */
  readonly vacuumIsDue: boolean;
  /** Of which that is so: the table, or its partitions. */
  readonly due: readonly string[];
}

const MOST = 5;
/** Partitions that are named one by one. */
const MOST_DUE = 3;
/** Smaller ones are no matter of room. */
const LEAST_BYTES = 2 ** 20;

/** The largest first. */
export async function largestTables(client: pg.ClientBase): Promise<TableFigures[]> {
  const { rows } = await client.query<TableFigures>(
    `SELECT ${named('n.nspname', 'root.relname')} AS table, (count(*) FILTER (WHERE part.relid <> root.oid))::int AS partitions,
            sum(bytes)::float8 AS bytes, sum(live)::float8 AS rows, sum(dead)::float8 AS dead,
            CASE WHEN bool_and(live + dead = 0 OR vacuumed IS NOT NULL)
                 THEN (extract(epoch FROM coalesce(min(vacuumed) FILTER (WHERE live + dead > 0), max(vacuumed))) * 1000)::float8 END AS "vacuumedAt",
            bool_or(is_due) AS "vacuumIsDue", coalesce(array_agg(name ORDER BY name COLLATE "C") FILTER (WHERE is_due), '{}') AS due
       FROM (SELECT s.relid, ${named('s.schemaname', 's.relname')} AS name, coalesce(pg_partition_root(s.relid)::oid, s.relid) AS root,
                    pg_total_relation_size(s.relid) AS bytes, s.n_live_tup AS live, s.n_dead_tup AS dead,
                    greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed,
                    s.n_dead_tup > least(${allowed('autovacuum_vacuum')}, nullif(current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1))
                      OR s.n_ins_since_vacuum > ${allowed('autovacuum_vacuum_insert')} AS is_due
               FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
              WHERE c.relkind = 'r' AND c.relpersistence <> 't') part
       JOIN pg_class root ON root.oid = part.root JOIN pg_namespace n ON n.oid = root.relnamespace
      GROUP BY root.oid, n.nspname HAVING sum(bytes) >= $1 ORDER BY sum(bytes) DESC, 1 LIMIT $2`,
    [LEAST_BYTES, MOST],
  );
  return rows;
}

/** A relation as `VACUUM` takes it. */
const named = (schema: string, name: string) =>
  `CASE WHEN ${schema} = 'public' THEN ${name} ELSE ${schema} || '.' || ${name} END`;

/** Rows that may be dead, or new, before autovacuum comes. */
const allowed = (settings: string) =>
  `(current_setting('${settings}_threshold')::float8 + current_setting('${settings}_scale_factor')::float8 * greatest(c.reltuples, 0))`;

/** A line of `db status`. */
export function tableLine(
  { table, partitions, bytes, rows, dead, vacuumedAt, due }: TableFigures,
  now: number,
): string {
  const last = vacuumedAt === null ? 'never vacuumed' : `vacuumed ${formatAgo(now - vacuumedAt)}`;
  const parts = [
    `${table} ${formatBytes(bytes)}${partitions ? ` in ${formatCount(partitions)} partitions` : ''}`,
    `${formatCount(rows)} rows`,
    `${formatPercent(dead / Math.max(1, rows + dead), 0)} dead`,
    last,
  ];
  // Of a table most of whose partitions are due the table: a vacuum passes over what it has seen.
  const what = due.length > MOST_DUE ? table : due.join(', ');
  return [...parts, ...(due.length ? [`a vacuum is due: VACUUM (ANALYZE) ${what}`] : [])].join(' · ');
}
