/**
 * The key of numeric vectors leads with model and day: one index then holds a day's cross-section together, takes a
 * backfill's rows at its end, and counts coverage without the rows.
 */
import { type Kysely, sql } from 'kysely';

export const tables = [] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE numeric_window_embeddings
      DROP CONSTRAINT IF EXISTS numeric_window_embeddings_entity_type_entity_id_as_of_date__key
  `.execute(db);
  await sql`
    ALTER TABLE numeric_window_embeddings ADD CONSTRAINT numeric_window_embeddings_key UNIQUE (model_id, as_of_date, entity_type, entity_id)
  `.execute(db);
}
