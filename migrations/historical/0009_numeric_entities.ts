/**
 * Which entities have a numeric vector on a day, as bits: counts by day cannot tell a missing vector from a surplus one. And
 * since when the server's statistics have counted: a crash discards them, and with them the only trace of rows deleted before it.
 */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.numeric_entities'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  // Numbers are given once and kept: backfills under way hold them.
  await sql`
    CREATE TABLE console.numeric_entities (
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      number integer NOT NULL,
      PRIMARY KEY (entity_type, entity_id),
      UNIQUE (entity_type, number)
    )
  `.execute(db);
  // What was counted so far had no such bits: the next refresh counts everything. No default: an older build that still
  // writes must fail, not leave bits out.
  await sql`DELETE FROM console.numeric_coverage`.execute(db);
  await sql`DELETE FROM console.numeric_coverage_state`.execute(db);
  await sql`ALTER TABLE console.numeric_coverage ADD COLUMN entities bit varying NOT NULL`.execute(db);
  await sql`ALTER TABLE console.numeric_coverage_state ADD COLUMN statistics_since timestamptz`.execute(db);
  await sql`SET LOCAL check_function_bodies = off`.execute(db);
  await sql`DROP FUNCTION console.numeric_coverage_standing()`.execute(db);
  // As in 0004_shards. Recovery from a crash sets the reset time of the server's statistics, pg_stat_reset() that of the database's.
  await sql`
    CREATE FUNCTION console.numeric_coverage_standing()
      RETURNS TABLE (highest bigint, unknown bigint, uncertain boolean, replaced boolean, own_rows bigint, own_removed bigint,
                     changed bigint, file bigint, statistics_since timestamptz, settled_id bigint, refreshed_at timestamptz,
                     exact_at timestamptz)
      LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
        SELECT n.highest, n.highest - s.settled_id - (n.own_rows - s.own_rows),
               n.changed - s.changed <> n.own_removed - s.own_removed OR n.since IS DISTINCT FROM s.statistics_since, n.file <> s.file,
               n.own_rows, n.own_removed, n.changed, n.file, n.since, s.settled_id, s.refreshed_at, s.exact_at
          FROM (SELECT coalesce((SELECT embedding_id FROM numeric_window_embeddings ORDER BY embedding_id DESC LIMIT 1), 0)::bigint
                         AS highest,
                       coalesce(sum(rows), 0)::bigint AS own_rows, coalesce(sum(removed), 0)::bigint AS own_removed,
                       pg_stat_get_tuples_deleted(max(t.oid)) + pg_stat_get_tuples_updated(max(t.oid)) AS changed,
                       pg_relation_filenode(max(t.oid)::regclass)::bigint AS file,
                       greatest(pg_stat_get_bgwriter_stat_reset_time(),
                                pg_stat_get_db_stat_reset_time((SELECT oid FROM pg_database WHERE datname = current_database()))) AS since
                  FROM (SELECT 'numeric_window_embeddings'::regclass::oid AS oid) t LEFT JOIN console.shard_done d ON d.kind = 'numeric') n
          LEFT JOIN console.numeric_coverage_state s ON true
      $$
  `.execute(db);
}
