/** What people decided and noted about phases, in the product's own schema. Rows are only ever added. */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.decisions', 'console.notes'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  // `evidence` is the state of the checks that the decision was made on; `override` says why it was made without them.
  await sql`
    CREATE TABLE console.decisions (
      decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      phase text NOT NULL,
      decision text NOT NULL CHECK (decision IN ('extend', 'stay')),
      runs text[] NOT NULL,
      reason text NOT NULL,
      override text,
      evidence jsonb NOT NULL,
      decided_by text NOT NULL,
      decided_at timestamptz NOT NULL DEFAULT now(),
      build text,
      git_sha text
    )
  `.execute(db);
  await sql`
    CREATE TABLE console.notes (
      note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      phase text NOT NULL,
      note text NOT NULL,
      noted_by text NOT NULL,
      noted_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
}
