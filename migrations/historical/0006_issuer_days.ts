/** Finds articles by time, and issuer texts by day: backfills read and replace, and joint contexts read, a span of days. */
import { type Kysely, sql } from 'kysely';

export const tables = [] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE INDEX ix_news_articles_timestamp ON news_articles ("timestamp")
  `.execute(db);
  await sql`
    CREATE INDEX ix_text_embeddings_issuer_day ON text_embeddings (model_id, (right(source_id, 10)))
      WHERE source_type = 'NEWS_ISSUER_DAY'
  `.execute(db);
}
