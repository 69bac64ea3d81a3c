/** Backfills cut into shards: what is to be done, and the mark of each shard that is. In the product's own schema. */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.backfills', 'console.shard_done'] as const;

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
}
