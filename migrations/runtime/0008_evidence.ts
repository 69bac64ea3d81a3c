/** What checks have seen, in the product's own schema (the migrator has made it). */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.evidence'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE console.evidence (
      evidence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      check_id text NOT NULL,
      phase text NOT NULL,
      state text NOT NULL,
      observed jsonb,
      required jsonb,
      reason text,
      recorded_at timestamptz NOT NULL DEFAULT now(),
      run_id text,
      build text,
      git_sha text
    )
  `.execute(db);
  await sql`
    CREATE INDEX ix_evidence_check_recorded ON console.evidence (check_id, recorded_at DESC)
  `.execute(db);
}
