/** Reads what a text backfill is made of: articles, their companies, and when the market closes. */
import type pg from 'pg';
import { copyOut, sqlLiteral } from '../../../src/platform/db/copy.ts';
import type { Database } from '../../../src/platform/db/databases.ts';
import { UserError } from '../../../src/platform/errors.ts';
import type { MarketClose } from './trading-day.model.ts';

export interface Article {
  readonly id: number;
  /** Milliseconds since 1970 UTC. */
  readonly at: number;
  readonly headline: string;
  readonly body: string | null;
}

/** The text that stands for an article in every vector space. */
export const textOf = ({ headline, body }: Article): string => (body ? `${headline} ${body}` : headline);

/** Span of instants `[from, to)` as a condition on the article `a`. */
const within = (from: number, to: number) => `a."timestamp" >= ${instant(from)} AND a."timestamp" < ${instant(to)}`;
const instant = (ms: number) => `to_timestamp(${ms / 1000})`;

/** Articles of a span, by time, then id; with `lastId` none above it. */
export async function readArticles(
  client: pg.ClientBase,
  from: number,
  to: number,
  lastId: number | null,
): Promise<Article[]> {
  const articles: Article[] = [];
  const limit = lastId === null ? '' : ` AND a.article_id <= ${lastId}`;
  await copyOut(
    client,
    `SELECT a.article_id::int8, a."timestamp"::timestamptz, a.headline::text, a.body::text FROM news_articles a
      WHERE ${within(from, to)}${limit} ORDER BY a."timestamp", a.article_id`,
    (row) => {
      articles.push({ id: row.int64(), at: row.timestamp(), headline: row.text() ?? '', body: row.text() });
    },
  );
  return articles;
}

/** Companies of the articles of a span, as far as their instruments are among these: ascending by article, then issuer. */
export async function readIssuers(
  client: pg.ClientBase,
  from: number,
  to: number,
  instruments: readonly string[],
): Promise<Map<number, string[]>> {
  const issuers = new Map<number, string[]>();
  if (!instruments.length) return issuers;
  await copyOut(
    client,
    `SELECT DISTINCT a.article_id::int8, l.issuer_id::text COLLATE "C" FROM news_articles a JOIN news_links l USING (article_id)
      WHERE ${within(from, to)} AND l.instrument_id IN (${instruments.map(sqlLiteral).join(', ')}) ORDER BY 1, 2`,
    (row) => {
      const id = row.int64();
      const issuer = row.text()!;
      const own = issuers.get(id);
      if (own) own.push(issuer);
      else issuers.set(id, [issuer]);
    },
  );
  return issuers;
}

/** Companies that news names for these instruments: issuer days are written under them. */
export async function linkedIssuers(database: Database, instruments: readonly string[]): Promise<string[]> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ issuer: string }>(
      'SELECT DISTINCT issuer_id AS issuer FROM news_links WHERE instrument_id = ANY ($1)',
      [instruments],
    );
    return rows.map(({ issuer }) => issuer);
  });
}

/** Articles by window: `bounds` are the instants between them, ascending. */
export async function countArticles(
  database: Database,
  bounds: Float64Array,
  lastId: number | null,
): Promise<Int32Array> {
  const counts = new Int32Array(bounds.length - 1);
  await database.client(async (client) => {
    const { rows } = await client.query<{ window: number; count: number }>(
      `SELECT width_bucket("timestamp", ARRAY(SELECT to_timestamp(b) FROM unnest($1::float8[]) WITH ORDINALITY AS u(b, n) ORDER BY n)) - 1
                AS window, count(*) AS count
         FROM news_articles WHERE "timestamp" >= to_timestamp($2) AND "timestamp" < to_timestamp($3)
          AND ($4::bigint IS NULL OR article_id <= $4) GROUP BY 1`,
      [Array.from(bounds, (b) => b / 1000), bounds[0] / 1000, bounds[bounds.length - 1] / 1000, lastId],
    );
    for (const { window, count } of rows) counts[window] = count;
  });
  return counts;
}

/** Issuers with an article, by window. */
export async function countIssuerDays(
  database: Database,
  bounds: Float64Array,
  instruments: readonly string[],
): Promise<Int32Array> {
  const counts = new Int32Array(bounds.length - 1);
  await database.client(async (client) => {
    const { rows } = await client.query<{ window: number; count: number }>(
      `SELECT width_bucket(a."timestamp",
                ARRAY(SELECT to_timestamp(b) FROM unnest($1::float8[]) WITH ORDINALITY AS u(b, n) ORDER BY n)) - 1 AS window,
              count(DISTINCT l.issuer_id) AS count
         FROM news_articles a JOIN news_links l USING (article_id)
        WHERE a."timestamp" >= to_timestamp($2) AND a."timestamp" < to_timestamp($3) AND l.instrument_id = ANY ($4)
        GROUP BY 1`,
      [Array.from(bounds, (b) => b / 1000), bounds[0] / 1000, bounds[bounds.length - 1] / 1000, instruments],
    );
    for (const { window, count } of rows) counts[window] = count;
  });
  return counts;
}

/** The id of the `count`-th article of a span by id; null when it has no more than that. */
export async function articleIdAt(database: Database, from: number, to: number, count: number): Promise<number | null> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ id: number }>(
      `SELECT a.article_id AS id FROM news_articles a WHERE ${within(from, to)} ORDER BY 1 OFFSET $1 LIMIT 1`,
      [count - 1],
    );
    return rows[0]?.id ?? null;
  });
}

/** First and last instant of all articles, or null when there are none. */
export async function newsExtent(database: Database): Promise<{ first: number; last: number } | null> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ first: number | null; last: number }>(
      `SELECT (extract(epoch FROM min("timestamp")) * 1000)::float8 AS first,
              (extract(epoch FROM max("timestamp")) * 1000)::float8 AS last FROM news_articles`,
    );
    const { first, last } = rows[0];
    return first === null ? null : { first, last };
  });
}

/** A hash of the articles of a span, and of their companies when `links` is set: it changes when one of them does. */
export async function newsFingerprint(database: Database, from: number, to: number, links: boolean): Promise<string> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ count: string; hash: string }>(
      `SELECT count(*)::text AS count,
              coalesce(sum(hash_record_extended((article_id, "timestamp", headline, body), 0)::numeric), 0)::text AS hash
         FROM news_articles a WHERE ${within(from, to)}`,
    );
    const parts = [rows[0].count, rows[0].hash];
    if (links) {
      const found = await client.query<{ hash: string }>(
        `SELECT coalesce(sum(hash_record_extended((article_id, l.issuer_id, l.instrument_id), 0)::numeric), 0)::text
                AS hash FROM news_articles a JOIN news_links l USING (article_id) WHERE ${within(from, to)}`,
      );
      parts.push(found.rows[0].hash);
    }
    return parts.join('-');
  });
}

/** Close of markets that do not say when: that of the New York exchanges. */
const USUAL_CLOSE = '16:00';

/**
 * When a market closes: its time zone, and `close` (`HH:MM`) of its calendar_spec where it has one.
 * @throws UserError for a market that is not there, or a close that is no time.
 */
export async function readMarketClose(runtime: Database, marketId: string): Promise<MarketClose> {
  return runtime.client(async (client) => {
    const { rows } = await client.query<{ timeZone: string; close: string | null }>(
      `SELECT timezone AS "timeZone", calendar_spec ->> 'close' AS close FROM markets WHERE market_id = $1`,
      [marketId],
    );
    const market = rows[0];
    if (!market)
      throw new UserError(`there is no market ${marketId}`, 'Import its instruments: prometheus data import');
    const close = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(market.close ?? USUAL_CLOSE);
    if (!close) {
      throw new UserError(`calendar_spec.close of market ${marketId} is '${market.close}'`, 'Write it as HH:MM.');
    }
    return { timeZone: market.timeZone, minute: Number(close[1]) * 60 + Number(close[2]) };
  });
}
