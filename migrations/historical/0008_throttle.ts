/** How gently a backfill goes, and whether it is paused: its own settings, so that workers on all machines obey them. */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.throttles'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  // A table of its own: an adopted database gets only what is new in the schema console.
  await sql`
    CREATE TABLE console.throttles (
      backfill_id text PRIMARY KEY,
      settings jsonb NOT NULL DEFAULT '{}',
      paused_at timestamptz
    )
  `.execute(db);
}
