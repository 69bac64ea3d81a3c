/** Finds a day's issuer texts, which joint contexts read by day and a backfill replaces by day. */
import { type Kysely, sql } from 'kysely';

export const tables = [] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE INDEX ix_text_embeddings_issuer_day ON text_embeddings (model_id, (right(source_id, 10)))
      WHERE source_type = 'NEWS_ISSUER_DAY'
  `.execute(db);
}
