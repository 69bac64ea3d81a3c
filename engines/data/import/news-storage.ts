/** Staging and merging of news rows: an article a file id, a link a company. A file is merged in one transaction. */
import type pg from 'pg';
import { type CopyWriter, copyInto } from '../../../src/platform/db/copy.ts';
import { inTransaction, type MergeCounts, type MergeTarget } from './merge.ts';
import type { NewsRow } from './news.ts';

const STAGE = 'stage_news';
const ARTICLES = 'stage_news_articles';
const STAGED = [
  'line',
  'external_id',
  '"timestamp"',
  'source',
  'language',
  'headline',
  'body',
  'metadata',
  'issuer_id',
  'instrument_id',
] as const;
/** What all rows of one article must agree on. */
const ARTICLE_COLUMNS = STAGED.slice(2, 8);

/** Makes the staging table of this connection. */
export async function createNewsStage(client: pg.ClientBase): Promise<void> {
  await client.query(
    `CREATE TEMP TABLE ${STAGE} (line int4, external_id varchar, "timestamp" timestamptz, source varchar,
       language varchar, headline text, body text, metadata jsonb, issuer_id varchar(50), instrument_id varchar(50))`,
  );
}

/** Empties the staging table and fills it with the rows that `produce` writes through `stageNewsRow`. */
export async function stageNews(
  client: pg.ClientBase,
  produce: (writer: CopyWriter) => Promise<void>,
): Promise<number> {
  await client.query(`TRUNCATE ${STAGE}`);
  return copyInto(client, STAGE, STAGED, produce);
}

export function stageNewsRow(writer: CopyWriter, row: NewsRow): void {
  writer.row(STAGED.length);
  writer.int32(row.line);
  writer.text(row.externalId);
  // To the microsecond: `publishedAt` may have a fraction.
  writer.timestamp(row.publishedAt);
  writer.text(row.source);
  writer.text(row.language);
  writer.text(row.headline);
  writer.text(row.body);
  writer.jsonb(row.metadata);
  writer.text(row.instrument?.issuerId ?? null);
  writer.text(row.instrument?.id ?? null);
}

export interface NewsConflict {
  readonly externalId: string;
  readonly lines: number[];
  /** The source that holds this id in the database; null when the rows of the file differ among themselves. */
  readonly otherSource: string | null;
}

/**
 * Takes out of the staging table what cannot be told: articles whose rows differ, ids that another source holds already
 * (one id is one article), and exact repeats, of which the first stays.
 */
export async function resolveNewsRepeats(
  client: pg.ClientBase,
  target: MergeTarget,
): Promise<{ collapsed: number; conflicts: NewsConflict[] }> {
  await client.query(`ANALYZE ${STAGE}`);
  const conflicts: NewsConflict[] = [];
  const differing = await client.query<{ external_id: string; lines: number[] }>(
    `SELECT external_id, array_agg(line ORDER BY line) AS lines FROM ${STAGE} GROUP BY external_id
     HAVING count(*) > 1 AND count(DISTINCT ROW(${ARTICLE_COLUMNS.join(', ')})) > 1 ORDER BY min(line)`,
  );
  for (const row of differing.rows)
    conflicts.push({ externalId: row.external_id, lines: row.lines, otherSource: null });
  for (const table of [...new Set(['news_articles', await target.table('news_articles')])]) {
    const foreign = await client.query<{ external_id: string; source: string; lines: number[] }>(
      `SELECT s.external_id, t.source, array_agg(s.line ORDER BY s.line) AS lines
       FROM ${STAGE} s JOIN ${table} t ON t.metadata ->> 'external_id' = s.external_id
       WHERE t.source <> s.source GROUP BY s.external_id, t.source ORDER BY min(s.line)`,
    );
    for (const row of foreign.rows) {
      if (conflicts.some((conflict) => conflict.externalId === row.external_id)) continue;
      conflicts.push({ externalId: row.external_id, lines: row.lines, otherSource: row.source });
    }
  }
  if (conflicts.length > 0) {
    await client.query(`DELETE FROM ${STAGE} WHERE line = ANY($1)`, [conflicts.flatMap((conflict) => conflict.lines)]);
  }
  const dropped = await client.query(
    `DELETE FROM ${STAGE} s USING (SELECT external_id, instrument_id, min(line) AS line FROM ${STAGE}
       GROUP BY external_id, instrument_id HAVING count(*) > 1) kept
     WHERE s.external_id = kept.external_id AND s.instrument_id IS NOT DISTINCT FROM kept.instrument_id
       AND s.line <> kept.line`,
  );
  return { collapsed: dropped.rowCount ?? 0, conflicts };
}

export interface NewsCounts {
  readonly articles: MergeCounts;
  readonly links: MergeCounts;
  readonly stagedArticles: number;
  readonly stagedLinks: number;
}

/** Merges what is staged, in one transaction. Links are added, never removed: other files may hold them. */
export async function mergeNews(client: pg.ClientBase, target: MergeTarget): Promise<NewsCounts> {
  await client.query(
    `DROP TABLE IF EXISTS ${ARTICLES};
     CREATE TEMP TABLE ${ARTICLES} AS SELECT DISTINCT ON (external_id) * FROM ${STAGE} ORDER BY external_id, line`,
  );
  const staged = await client.query<{ count: number }>(`SELECT count(*) AS count FROM ${ARTICLES}`);
  const articleTable = await target.table('news_articles');
  if (target.dryRun) await numberCopies(client, articleTable);
  return inTransaction(client, async () => {
    await target.lock();
    const articles = await target.merge({
      stage: ARTICLES,
      table: 'news_articles',
      match: "t.metadata ->> 'external_id' = s.external_id",
      key: ['external_id'],
      identity: ['article_id'],
      columns: [
        { name: '"timestamp"', insert: 's."timestamp"', update: 's."timestamp"' },
        { name: 'source', insert: 's.source' },
        { name: 'language', insert: 's.language', update: 'COALESCE(s.language, t.language)' },
        { name: 'headline', insert: 's.headline', update: 's.headline' },
        { name: 'body', insert: 's.body', update: 'COALESCE(s.body, t.body)' },
        { name: 'metadata', insert: 's.metadata', update: 't.metadata || s.metadata' },
      ],
    });
    await client.query(
      `DROP TABLE IF EXISTS stage_news_links;
       CREATE TEMP TABLE stage_news_links AS
         SELECT a.article_id, s.issuer_id, s.instrument_id FROM ${STAGE} s
         JOIN ${articleTable} a ON a.metadata ->> 'external_id' = s.external_id
         WHERE s.instrument_id IS NOT NULL`,
    );
    const links = await target.merge({
      stage: 'stage_news_links',
      table: 'news_links',
      match: 't.article_id = s.article_id AND t.issuer_id = s.issuer_id AND t.instrument_id = s.instrument_id',
      key: ['article_id', 'issuer_id', 'instrument_id'],
      identity: ['article_id', 'issuer_id', 'instrument_id'],
      columns: ['article_id', 'issuer_id', 'instrument_id'].map((name) => ({ name, insert: `s.${name}` })),
    });
    const linked = await client.query<{ count: number }>('SELECT count(*) AS count FROM stage_news_links');
    return { articles, links, stagedArticles: staged.rows[0].count, stagedLinks: linked.rows[0].count };
  });
}

/** The copies of a dry run number their articles from a sequence of their own, downwards, so that none meets a stored one. */
async function numberCopies(client: pg.ClientBase, copy: string): Promise<void> {
  await client.query(
    `CREATE TEMP SEQUENCE IF NOT EXISTS dry_run_article_ids INCREMENT -1 MAXVALUE -1 START -1;
     ALTER TABLE ${copy} ALTER COLUMN article_id SET DEFAULT nextval('dry_run_article_ids')`,
  );
}
