/**
 * Runs of campaigns that several machines work on: that a run is recorded, and what its recorder says of it, in the order in
 * which it said it. Written with the run, so that no second worker records it again.
 */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.campaign_runs'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE console.campaign_runs (
      run_id text PRIMARY KEY,
      record json NOT NULL
    )
  `.execute(db);
}
