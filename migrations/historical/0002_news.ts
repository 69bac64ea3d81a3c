/** News articles and the companies they speak of. */
import { type Kysely, sql } from 'kysely';

export const tables = ['news_articles', 'news_links'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE news_articles (
      article_id bigserial PRIMARY KEY,
      "timestamp" timestamptz NOT NULL,
      source varchar(128) NOT NULL,
      language varchar(16),
      headline text NOT NULL,
      body text,
      metadata jsonb
    )
  `.execute(db);
  // One article a file id, however often the file is imported; articles without one stay free.
  await sql`
    CREATE UNIQUE INDEX ux_news_articles_external_id ON news_articles ((metadata ->> 'external_id'))
  `.execute(db);
  await sql`
    CREATE TABLE news_links (
      article_id bigint NOT NULL REFERENCES news_articles (article_id) ON DELETE CASCADE,
      issuer_id varchar(50) NOT NULL,
      instrument_id varchar(50) NOT NULL,
      PRIMARY KEY (article_id, issuer_id, instrument_id)
    )
  `.execute(db);
}
