/**
 * Backfills cut into shards (what is to be done, and the mark of each shard that is), and the roll-up of numeric vectors
 * by day. In the product's own schema.
 */
import { type Kysely, sql } from 'kysely';

export const tables = [
  'console.backfills',
  'console.shard_done',
  'console.numeric_coverage',
  'console.numeric_coverage_state',
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE console.backfills (
      backfill_id text PRIMARY KEY,
      spec jsonb NOT NULL,
      data_fingerprint text NOT NULL,
      models jsonb NOT NULL,
      shards integer NOT NULL,
      due bigint NOT NULL,
      state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'replaced')),
      build text,
      created_at timestamptz NOT NULL DEFAULT now(),
      ended_at timestamptz
    )
  `.execute(db);
  await sql`
    CREATE TABLE console.shard_done (
      shard_id text PRIMARY KEY,
      backfill_id text NOT NULL,
      model_id text,
      first_date date,
      last_date date,
      rows integer,
      skipped integer,
      failed integer,
      removed integer,
      failures jsonb,
      worker text,
      provider text,
      seconds double precision,
      done_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE INDEX ix_shard_done_backfill ON console.shard_done (backfill_id)
  `.execute(db);
  await sql`
    CREATE INDEX ix_shard_done_model ON console.shard_done (model_id, done_at DESC)
  `.execute(db);
  await sql`
    CREATE TABLE console.numeric_coverage (
      model_id text NOT NULL,
      entity_type text NOT NULL,
      as_of_date date NOT NULL,
      vectors integer NOT NULL,
      rows integer NOT NULL,
      PRIMARY KEY (model_id, entity_type, as_of_date)
    )
  `.execute(db);
  // One row. `settled_id`: every row up to it is counted; `own_rows`: what our shards had written by then. `changed`,
  // `own_removed` and `file` are what the server's statistics, our shards and the catalogue said at the last exact count.
  await sql`
    CREATE TABLE console.numeric_coverage_state (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      settled_id bigint NOT NULL,
      own_rows bigint NOT NULL,
      own_removed bigint NOT NULL,
      changed bigint NOT NULL,
      file bigint NOT NULL,
      refreshed_at timestamptz NOT NULL,
      exact_at timestamptz NOT NULL
    )
  `.execute(db);
  // A function, not a view: nothing of ours may depend on a table that an adopted database's owner may change. Its settings
  // leave only the end of the index for the highest id: statistics taken while a table is filled say that it is empty, and
  // the planner would read all of it.
  await sql`SET LOCAL check_function_bodies = off`.execute(db);
  await sql`
    CREATE FUNCTION console.numeric_coverage_standing()
      RETURNS TABLE (highest bigint, unknown bigint, uncertain boolean, replaced boolean, own_rows bigint, own_removed bigint,
                     changed bigint, file bigint, settled_id bigint, refreshed_at timestamptz, exact_at timestamptz)
      LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
        SELECT n.highest, n.highest - s.settled_id - (n.own_rows - s.own_rows),
               n.changed - s.changed <> n.own_removed - s.own_removed, n.file <> s.file,
               n.own_rows, n.own_removed, n.changed, n.file, s.settled_id, s.refreshed_at, s.exact_at
          FROM (SELECT coalesce((SELECT embedding_id FROM numeric_window_embeddings ORDER BY embedding_id DESC LIMIT 1), 0)::bigint
                         AS highest,
                       coalesce(sum(rows), 0)::bigint AS own_rows, coalesce(sum(removed), 0)::bigint AS own_removed,
                       pg_stat_get_tuples_deleted(max(t.oid)) + pg_stat_get_tuples_updated(max(t.oid)) AS changed,
                       pg_relation_filenode(max(t.oid)::regclass)::bigint AS file
                  FROM (SELECT 'numeric_window_embeddings'::regclass::oid AS oid) t LEFT JOIN console.shard_done ON true) n
          LEFT JOIN console.numeric_coverage_state s ON true
      $$
  `.execute(db);
}
