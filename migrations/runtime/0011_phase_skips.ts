/** Which optional phases people left out, and took in again, with the reason. Rows are only ever added; the newest counts. */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.phase_skips'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE console.phase_skips (
      skip_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      phase text NOT NULL,
      skipped boolean NOT NULL,
      reason text NOT NULL,
      decided_by text NOT NULL,
      decided_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
}
