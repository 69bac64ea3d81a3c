/** What each fit of a model had learnt from: vectors outlive the folder of the model that made them. */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.model_fits'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  // A table of its own: an adopted database gets only what is new in the schema console. No fit_end: a plain function.
  await sql`
    CREATE TABLE console.model_fits (
      model_id text NOT NULL,
      fingerprint text NOT NULL,
      fit_end date,
      PRIMARY KEY (model_id, fingerprint)
    )
  `.execute(db);
}
