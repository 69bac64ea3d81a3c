/** How gently a backfill goes, and whether it is paused: its own settings, so that workers on all machines obey them. */
import { type Kysely, sql } from 'kysely';

export const tables = [] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE console.backfills
      ADD COLUMN throttle jsonb NOT NULL DEFAULT '{}',
      ADD COLUMN paused_at timestamptz
  `.execute(db);
}
