/** Finds articles by time: backfills and joint contexts read a span of days, and would scan the whole table for each. */
import { type Kysely, sql } from 'kysely';

export const tables = [] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE INDEX ix_news_articles_timestamp ON news_articles ("timestamp")
  `.execute(db);
}
