/**
 * The roll-up over a table in parts: which files the last exact count read, of each partition one. A partition that was truncated,
 * rewritten, dropped, detached or attached since then is known by it.
 */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.numeric_files'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE console.numeric_files (
      relation oid PRIMARY KEY,
      file oid NOT NULL
    )
  `.execute(db);
  // What was counted over a table in one piece stays counted, if the file is the same.
  await sql`
    INSERT INTO console.numeric_files
    SELECT t.oid, s.file::oid FROM console.numeric_coverage_state s, (SELECT to_regclass('numeric_window_embeddings')::oid AS oid) t
     WHERE s.file = pg_relation_filenode(t.oid::regclass)::bigint
  `.execute(db);
  await sql`ALTER TABLE console.numeric_coverage_state DROP COLUMN file`.execute(db);
  await sql`SET LOCAL check_function_bodies = off`.execute(db);
  await sql`DROP FUNCTION console.numeric_coverage_standing()`.execute(db);
  // The relations that rows may lie in: the table, its partitions and what inherits from it. A partitioned one has no file.
  await sql`
    CREATE FUNCTION console.numeric_parts() RETURNS TABLE (relation oid, file oid) LANGUAGE sql STABLE AS $$
      WITH RECURSIVE parts AS (
        SELECT 'numeric_window_embeddings'::regclass::oid AS relation
         UNION SELECT i.inhrelid FROM pg_inherits i JOIN parts ON i.inhparent = parts.relation)
      SELECT relation, pg_relation_filenode(relation::regclass) FROM parts WHERE pg_relation_filenode(relation::regclass) IS NOT NULL
    $$
  `.execute(db);
  // As in 0009_numeric_entities.
  await sql`
    CREATE FUNCTION console.numeric_coverage_standing()
      RETURNS TABLE (highest bigint, unknown bigint, uncertain boolean, replaced boolean, own_rows bigint, own_removed bigint,
                     changed bigint, statistics_since timestamptz, settled_id bigint, refreshed_at timestamptz, exact_at timestamptz)
      LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
        SELECT n.highest, n.highest - s.settled_id - (n.own_rows - s.own_rows),
               n.changed - s.changed <> n.own_removed - s.own_removed OR n.since IS DISTINCT FROM s.statistics_since,
               EXISTS (SELECT FROM console.numeric_parts() AS f FULL JOIN console.numeric_files AS c USING (relation)
                        WHERE f.file IS DISTINCT FROM c.file),
               n.own_rows, n.own_removed, n.changed, n.since, s.settled_id, s.refreshed_at, s.exact_at
          FROM (SELECT coalesce((SELECT embedding_id FROM numeric_window_embeddings ORDER BY embedding_id DESC LIMIT 1), 0)::bigint
                         AS highest,
                       (SELECT coalesce(sum(pg_stat_get_tuples_deleted(relation) + pg_stat_get_tuples_updated(relation)), 0)
                          FROM console.numeric_parts())::bigint AS changed,
                       d.own_rows, d.own_removed,
                       greatest(pg_stat_get_bgwriter_stat_reset_time(),
                                pg_stat_get_db_stat_reset_time((SELECT oid FROM pg_database WHERE datname = current_database()))) AS since
                  FROM (SELECT coalesce(sum(rows), 0)::bigint AS own_rows, coalesce(sum(removed), 0)::bigint AS own_removed
                          FROM console.shard_done WHERE kind = 'numeric') d) n
          LEFT JOIN console.numeric_coverage_state s ON true
      $$
  `.execute(db);
}
