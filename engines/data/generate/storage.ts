/**
 * Fills an empty pair of databases with the synthetic market.
 *
 * A mark in `markets.metadata` of US_EQ says what is being made: it is committed before the first row and completed in
 * the transaction that ends the fill. Rows of the historical database land in one transaction. So a fill that was killed
 * is known by its mark, its rows (none, or all of one database) are known to be ours, and the next one begins afresh.
 */
import type pg from 'pg';
import { formatCount } from '../../../src/format/numbers.ts';
import { formatDay } from '../../../src/platform/dates.ts';
import { copyInto } from '../../../src/platform/db/copy.ts';
import type { Databases } from '../../../src/platform/db/databases.ts';
import { InterruptedError, UserError } from '../../../src/platform/errors.ts';
import { type Events, stage } from '../../../src/platform/events.ts';
import type { Company } from './company.ts';
import {
  GENERATOR_VERSION,
  generateMarket,
  type MarketFingerprint,
  type SyntheticMarket,
  sameMarket,
  sortArticles,
} from './market.ts';
import type { Article } from './news-plan.ts';
import {
  CURRENCY,
  factsOf,
  HOLIDAY_SOURCE,
  type InstrumentFacts,
  MARKET,
  NEWS_LANGUAGE,
  NEWS_SOURCE,
} from './output.ts';
import { SECTORS } from './sectors.ts';

/** One fill at a time in a pair; arbitrary numbers of ours, two of them in case both names mean one database. */
const LOCK = 5_117_093_264;
const HISTORICAL_LOCK = 5_117_093_265;

const HISTORICAL_TABLES = ['prices_daily', 'market_holidays', 'news_articles', 'news_links'] as const;
const RUNTIME_TABLES = ['markets', 'issuers', 'instruments'] as const;
const PRICE_COLUMNS = [
  'instrument_id',
  'trade_date',
  'open',
  'high',
  'low',
  'close',
  'adjusted_close',
  'volume',
  'currency',
] as const;

type RowCounts = Record<string, number>;

/** The fill that a pair of databases holds or was to hold; `rows` counts the rows of each table, null until all are there. */
interface Mark {
  readonly fingerprint: MarketFingerprint;
  readonly rows: RowCounts | null;
}

/**
 * Fills an empty pair; does nothing when it holds exactly this market. `rows` counts the rows written now, by table.
 * Killed at any time, the next call gives the same result. Nothing that this generator did not write is ever deleted.
 * @throws UserError when the pair holds anything else; InterruptedError when `signal` is aborted.
 */
export async function storeMarket(
  market: SyntheticMarket,
  databases: Databases,
  events: Events,
  signal: AbortSignal,
): Promise<{ rows: RowCounts }> {
  return databases.runtime.client(async (runtime) => {
    await runtime.query('SELECT pg_advisory_lock($1)', [LOCK]);
    try {
      const mark = await readMark(runtime);
      if (mark?.rows) {
        await assertSame(mark, market, runtime, databases);
        return { rows: {} };
      }
      if (mark) await removeUnfinished(mark, databases);
      await assertEmpty(runtime, databases, mark !== null);
      await writeMark(runtime, { fingerprint: market.fingerprint, rows: null });
      return { rows: await fill(market, runtime, databases, events, signal) };
    } finally {
      // A connection that broke has given the lock back by itself.
      await runtime.query('SELECT pg_advisory_unlock($1)', [LOCK]).catch(() => {});
    }
  });
}

async function fill(
  market: SyntheticMarket,
  runtime: pg.ClientBase,
  databases: Databases,
  events: Events,
  signal: AbortSignal,
): Promise<RowCounts> {
  const articles: Article[] = [];
  const facts = new Map<Company, InstrumentFacts>();
  const historical = await databases.historical.transaction(async (client) => {
    await awaitOthers(client);
    stage(events, 'synthetic prices', 1, 3);
    const prices = await copyPrices(client, market, articles, facts, events, signal);
    const holidays = await insertHolidays(client, market);
    stage(events, 'synthetic news', 2, 3);
    const news = await copyNews(client, market, sortArticles(articles), events, signal);
    return { prices_daily: prices, market_holidays: holidays, ...news };
  });
  stage(events, 'synthetic instruments', 3, 3);
  // Statistics for the planner now, not when autovacuum comes by.
  await databases.historical.client((client) => client.query(`VACUUM (ANALYZE) ${HISTORICAL_TABLES.join(', ')}`));
  const count = market.companies.length;
  const rows = { markets: 1, issuers: count, instruments: count, ...historical };
  await inTransaction(runtime, async () => {
    await insertCompanies(runtime, market, facts);
    await writeMark(runtime, { fingerprint: market.fingerprint, rows });
  });
  await runtime.query(`ANALYZE ${RUNTIME_TABLES.join(', ')}`);
  return rows;
}

/** Generates company by company, so that memory holds one history at a time. Also collects what later tables need. */
function copyPrices(
  client: pg.ClientBase,
  market: SyntheticMarket,
  articles: Article[],
  facts: Map<Company, InstrumentFacts>,
  events: Events,
  signal: AbortSignal,
): Promise<number> {
  const total = market.companies.reduce((sum, company) => sum + company.last - company.first + 1, 0);
  const currency = Buffer.from(CURRENCY);
  return copyInto(client, 'prices_daily', PRICE_COLUMNS, async (writer) => {
    for (const company of market.companies) {
      if (signal.aborted) throw new InterruptedError('making the synthetic market');
      const series = market.prices(company);
      const id = Buffer.from(company.instrumentId);
      for (let i = 0; i < series.close.length; i++) {
        writer.row(PRICE_COLUMNS.length);
        writer.bytes(id);
        writer.date(market.tradingDays[company.first + i]);
        writer.float64(series.open[i]);
        writer.float64(series.high[i]);
        writer.float64(series.low[i]);
        writer.float64(series.close[i]);
        writer.float64(series.adjustedClose[i]);
        writer.float64(series.volume[i]);
        writer.bytes(currency);
      }
      for (const article of market.articles(series)) articles.push(article);
      facts.set(company, factsOf(series, market.tradingDays));
      events.emit({ type: 'progress', done: writer.rows, total, unit: 'rows' });
      await writer.flushed();
    }
  });
}

async function insertHolidays(client: pg.ClientBase, market: SyntheticMarket): Promise<number> {
  const { rowCount } = await client.query(
    `INSERT INTO market_holidays (market_id, holiday_date, holiday_name, source, created_at)
     SELECT $1, day, name, $2, now() AT TIME ZONE 'UTC' FROM unnest($3::date[], $4::text[]) AS h (day, name)`,
    [MARKET.id, HOLIDAY_SOURCE, market.holidays.map((h) => formatDay(h.day)), market.holidays.map((h) => h.name)],
  );
  return rowCount ?? 0;
}

/** Articles get the ids 1 … n in their order, whatever the sequence gave before, so that every fill is the same. */
async function copyNews(
  client: pg.ClientBase,
  market: SyntheticMarket,
  articles: readonly Article[],
  events: Events,
  signal: AbortSignal,
): Promise<{ news_articles: number; news_links: number }> {
  const columns = ['article_id', '"timestamp"', 'source', 'language', 'headline', 'body', 'metadata'];
  const source = Buffer.from(NEWS_SOURCE);
  const language = Buffer.from(NEWS_LANGUAGE);
  const news_articles = await copyInto(client, 'news_articles', columns, async (writer) => {
    for (const article of articles) {
      const { headline, body } = market.text(article);
      writer.row(columns.length);
      writer.int64(writer.rows);
      writer.timestamp(article.at);
      writer.bytes(source);
      writer.bytes(language);
      writer.text(headline);
      writer.text(body);
      writer.jsonb(JSON.stringify({ external_id: article.id }));
      if (writer.rows % 1000 > 0) continue;
      if (signal.aborted) throw new InterruptedError('making the synthetic market');
      events.emit({ type: 'progress', done: writer.rows, total: articles.length, unit: 'articles' });
      await writer.flushed();
    }
  });
  const news_links = await copyInto(
    client,
    'news_links',
    ['article_id', 'issuer_id', 'instrument_id'],
    async (writer) => {
      for (const [i, article] of articles.entries()) {
        for (const company of article.peer ? [article.company, article.peer] : [article.company]) {
          writer.row(3);
          writer.int64(i + 1);
          writer.text(company.issuerId);
          writer.text(company.instrumentId);
        }
        if (i % 1000 === 0) await writer.flushed();
      }
    },
  );
  await client.query(
    `SELECT setval(pg_get_serial_sequence('news_articles', 'article_id'), greatest($1::bigint, 1), $1::bigint > 0)`,
    [news_articles],
  );
  return { news_articles, news_links };
}

async function insertCompanies(
  client: pg.ClientBase,
  market: SyntheticMarket,
  facts: ReadonlyMap<Company, InstrumentFacts>,
): Promise<void> {
  const { companies, tradingDays } = market;
  await client.query(
    `INSERT INTO issuers (issuer_id, issuer_type, name, sector, updated_at)
     SELECT id, 'CORPORATION', name, sector, now() FROM unnest($1::text[], $2::text[], $3::text[]) AS c (id, name, sector)`,
    [
      companies.map((company) => company.issuerId),
      companies.map((company) => company.name),
      companies.map((company) => SECTORS[company.sector].name),
    ],
  );
  const metadata = companies.map((company) => {
    const { delistingValue, splits } = facts.get(company)!;
    return JSON.stringify({
      first_date: formatDay(tradingDays[company.first]),
      last_date: formatDay(tradingDays[company.last]),
      ...(delistingValue !== null && { delisting_value: delistingValue }),
      ...(splits.length > 0 && { splits }),
    });
  });
  await client.query(
    `INSERT INTO instruments (instrument_id, issuer_id, market_id, asset_class, symbol, currency, multiplier, status, metadata, updated_at)
     SELECT id, issuer, $1, 'EQUITY', symbol, $2, 1, 'ACTIVE', metadata, now()
     FROM unnest($3::text[], $4::text[], $5::text[], $6::jsonb[]) AS c (id, issuer, symbol, metadata)`,
    [
      MARKET.id,
      CURRENCY,
      companies.map((company) => company.instrumentId),
      companies.map((company) => company.issuerId),
      companies.map((company) => company.symbol),
      metadata,
    ],
  );
}

/** The mark in the runtime database, or null when there is none. */
async function readMark(runtime: pg.ClientBase): Promise<Mark | null> {
  const { rows } = await runtime.query<{ mark: Record<string, unknown> | null }>(
    `SELECT metadata -> 'synthetic' AS mark FROM markets WHERE market_id = $1`,
    [MARKET.id],
  );
  const stored = rows[0]?.mark;
  if (!stored) return null;
  const { news_start: newsStart, rows: counts, ...options } = stored;
  return {
    fingerprint: { ...options, newsStart } as MarketFingerprint,
    rows: (counts as RowCounts | undefined) ?? null,
  };
}

async function writeMark(runtime: pg.ClientBase, { fingerprint, rows }: Mark): Promise<void> {
  const { newsStart, ...options } = fingerprint;
  const mark = { ...options, news_start: newsStart, ...(rows && { rows }) };
  await runtime.query(
    `INSERT INTO markets (market_id, name, region, timezone, metadata, updated_at) VALUES ($1, $2, $3, $4, $5, now())
     ON CONFLICT (market_id) DO UPDATE SET metadata = excluded.metadata, updated_at = now()`,
    [MARKET.id, MARKET.name, MARKET.region, MARKET.timezone, JSON.stringify({ synthetic: mark })],
  );
}

/** Takes back what a fill that was cut off has written, known by its mark. Other rows are left for `assertEmpty` to find. */
async function removeUnfinished(mark: Mark, databases: Databases): Promise<void> {
  if (mark.fingerprint.version !== GENERATOR_VERSION) {
    throw refusal(databases, 'an unfinished synthetic market of another version');
  }
  const ids = generateMarket(mark.fingerprint).companies.map((company) => company.instrumentId);
  await databases.historical.transaction(async (client) => {
    await awaitOthers(client);
    await client.query('DELETE FROM prices_daily WHERE instrument_id = ANY($1)', [ids]);
    await client.query('DELETE FROM market_holidays WHERE market_id = $1 AND source = $2', [MARKET.id, HOLIDAY_SOURCE]);
    // Links go with their articles.
    await client.query('DELETE FROM news_articles WHERE source = $1', [NEWS_SOURCE]);
  });
}

/** A fill that was killed while it committed may still be committing: what it leaves is certain once its lock is free. */
async function awaitOthers(historical: pg.ClientBase): Promise<void> {
  await historical.query('SELECT pg_advisory_xact_lock($1)', [HISTORICAL_LOCK]);
}

/** @throws UserError when a table that the fill writes holds a row; the mark itself does not count. */
async function assertEmpty(runtime: pg.ClientBase, databases: Databases, marked: boolean): Promise<void> {
  const found = [
    ...(await databases.historical.client((client) => filledTables(client, HISTORICAL_TABLES))),
    ...(await filledTables(runtime, RUNTIME_TABLES, marked ? { markets: `market_id <> '${MARKET.id}'` } : {})),
  ];
  if (found.length > 0) throw refusal(databases, `rows in ${found.join(', ')}`);
}

/** The tables that hold rows (of those that `conditions` picks). */
async function filledTables(
  client: pg.ClientBase,
  tables: readonly string[],
  conditions: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const filled: string[] = [];
  for (const table of tables) {
    const { rows } = await client.query<{ filled: boolean }>(
      `SELECT EXISTS (SELECT FROM ${table} WHERE ${conditions[table] ?? true}) AS filled`,
    );
    if (rows[0].filled) filled.push(table);
  }
  return filled;
}

/** @throws UserError when the market that is there is another one, or has been changed since it was made. */
async function assertSame(
  mark: Mark,
  market: SyntheticMarket,
  runtime: pg.ClientBase,
  databases: Databases,
): Promise<void> {
  if (!sameMarket(mark.fingerprint, market.fingerprint)) {
    const { seed, instruments, start, end, newsStart, version } = mark.fingerprint;
    const options = `--seed ${seed} --instruments ${instruments} --start ${start} --end ${end} --news-start ${newsStart}`;
    throw refusal(databases, `another synthetic market (${options}, generator version ${version})`);
  }
  const counted = {
    ...(await databases.historical.client((client) => countRows(client, HISTORICAL_TABLES))),
    ...(await countRows(runtime, RUNTIME_TABLES)),
  };
  for (const [table, rows] of Object.entries(counted)) {
    const made = mark.rows?.[table];
    if (rows !== made) {
      throw refusal(
        databases,
        `this market changed since it was made: ${table} has ${formatCount(rows)} rows, not ${formatCount(made)}`,
      );
    }
  }
}

async function countRows(client: pg.ClientBase, tables: readonly string[]): Promise<RowCounts> {
  const counts: RowCounts = {};
  for (const table of tables) {
    const { rows } = await client.query<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`);
    counts[table] = rows[0].rows;
  }
  return counts;
}

const refusal = (databases: Databases, found: string) =>
  new UserError(
    `the ${databases.runtime.target.label} and its historical twin already hold something else: ${found}`,
    'The synthetic market goes into an empty pair only; choose another home (PROMETHEUS_HOME), or remove this one with: prometheus db drop --yes',
  );

async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
