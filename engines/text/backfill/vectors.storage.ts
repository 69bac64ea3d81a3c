/** Rows of `text_embeddings`: a shard owns its articles and its issuer days, and replaces what stood there. */
import type pg from 'pg';
import { formatDay, MS_PER_DAY } from '../../../src/platform/dates.ts';
import { copyInto } from '../../../src/platform/db/copy.ts';
import { SOURCES, type TextSource } from './plan.model.ts';

const TABLE = 'text_embeddings';
/** Rows between two looks at whether the connection can take more: about what it is sent at a time. */
const ROWS = 256;
const COLUMNS = ['source_type', 'source_id', 'model_id', 'vector'];

/** One vector to be written. */
export interface TextRow {
  readonly source: TextSource;
  readonly id: string;
  readonly vector: Float32Array;
}

/** What a shard owns beside its articles: every row of these issuers and trading days. */
export interface IssuerDays {
  readonly issuers: readonly string[];
  /** `YYYY-MM-DD` */
  readonly days: readonly string[];
}

/** Rows that are there with `dim` values, of articles with these ids and of issuer days: `source|id`. */
export async function existingTexts(
  client: pg.ClientBase,
  modelId: string,
  articles: readonly string[],
  owned: IssuerDays,
  dim: number,
): Promise<Set<string>> {
  const { rows } = await client.query<{ key: string }>(
    `SELECT source_type || '|' || source_id AS key FROM ${TABLE}
      WHERE model_id = $1 AND octet_length(vector) = $4 AND source_type = 'NEWS' AND source_id = ANY ($2)
      UNION ALL
     SELECT source_type || '|' || source_id FROM ${TABLE}
      WHERE model_id = $1 AND octet_length(vector) = $4 AND source_type = 'NEWS_ISSUER_DAY' AND right(source_id, 10) = ANY ($3)`,
    [modelId, articles, owned.days, dim * 4],
  );
  return new Set(rows.map(({ key }) => key));
}

/** Why an issuer day that has a vector may not be left alone. */
export interface Doubt {
  /** `issuer|YYYY-MM-DD` */
  readonly id: string;
  /**
   * `newer`: an article's vector was made after it. `lacking`: an article has no vector, and the run makes it. `unseen`: an
   * article has no vector, and the run makes none; only the mean itself, worked out again, tells whether it was in it.
   */
  readonly doubt: 'newer' | 'lacking' | 'unseen';
}

/** Issuer days between consecutive instants `bounds` (milliseconds since 1970), and articles whose vectors are made with them. */
export interface IssuerDaySpan {
  readonly bounds: Float64Array;
  /** Day numbers: `bounds[w] ≤ time < bounds[w + 1]` is day `days[w]`. */
  readonly days: Int32Array;
  readonly instruments: readonly string[];
  /** UTC days (day numbers) whose articles get vectors of their own; null: none do. */
  readonly news: { readonly first: number; readonly last: number } | null;
}

/**
 * Issuer days with a whole vector that later news may have made wrong. Which articles a mean was made of is not kept: it is
 * told by which of them have a vector, and since when. Where none has one, and none is to be made, nothing can be told.
 */
export async function doubtfulIssuerDays(
  client: pg.ClientBase,
  modelId: string,
  dim: number,
  { bounds, days, instruments, news }: IssuerDaySpan,
): Promise<Doubt[]> {
  if (!days.length || !instruments.length) return [];
  const seconds = Array.from(bounds, (at) => at / 1000);
  const [from, to] = news ? [news.first * MS_PER_DAY, (news.last + 1) * MS_PER_DAY] : [0, 0];
  const { rows } = await client.query<Doubt>(
    `WITH due AS (
       SELECT DISTINCT l.issuer_id || '|' || ($3::text[])[width_bucket(extract(epoch FROM a."timestamp")::float8, $2::float8[])] AS id,
              a.article_id, a."timestamp" >= to_timestamp($5) AND a."timestamp" < to_timestamp($6) AS own
         FROM news_articles a JOIN news_links l USING (article_id)
        WHERE a."timestamp" >= to_timestamp($7) AND a."timestamp" < to_timestamp($8) AND l.instrument_id = ANY ($4)),
     found AS (
       SELECT id, bool_or(n.created_at > d.created_at) AS newer, bool_or(n.source_id IS NULL AND own) AS lacking,
              bool_or(n.source_id IS NULL) AND ($5 < $6 OR count(n.source_id) > 0) AS unseen
         FROM due JOIN ${TABLE} d ON d.source_type = 'NEWS_ISSUER_DAY' AND d.source_id = id AND d.model_id = $1
                      AND octet_length(d.vector) = $9
         LEFT JOIN ${TABLE} n ON n.source_type = 'NEWS' AND n.source_id = article_id::text AND n.model_id = $1
                      AND octet_length(n.vector) = $9
        GROUP BY id)
     SELECT id, CASE WHEN newer THEN 'newer' WHEN lacking THEN 'lacking' ELSE 'unseen' END AS doubt
       FROM found WHERE newer OR lacking OR unseen`,
    [
      ...[modelId, seconds, Array.from(days, formatDay), instruments, from / 1000, to / 1000],
      ...[seconds[0], seconds[seconds.length - 1], dim * 4],
    ],
  );
  return rows;
}

/** Keys (`source|id`) of those issuer days whose rows hold these very vectors. */
export async function equalIssuerDays(
  client: pg.ClientBase,
  modelId: string,
  rows: readonly TextRow[],
): Promise<string[]> {
  if (!rows.length) return [];
  const found = await client.query<{ key: string }>(
    `SELECT source_type || '|' || source_id AS key FROM ${TABLE} JOIN unnest($2::text[], $3::bytea[]) AS made(id, vector)
         ON source_id = made.id AND ${TABLE}.vector = made.vector
      WHERE source_type = 'NEWS_ISSUER_DAY' AND model_id = $1`,
    [modelId, rows.map(({ id }) => id), rows.map(({ vector }) => bytesOf(vector))],
  );
  return found.rows.map(({ key }) => key);
}

/** As the column holds it: little-endian float32, which is what the array is made of. */
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);

/** Removes the shard's rows, whoever wrote them, but those in `keep` (`source|id`). Returns how many. */
export async function removeTexts(
  client: pg.ClientBase,
  modelId: string,
  articles: readonly string[],
  { issuers, days }: IssuerDays,
  keep: ReadonlySet<string>,
): Promise<number> {
  const kept = (source: TextSource) =>
    [...keep].filter((key) => key.startsWith(`${source}|`)).map((key) => key.slice(source.length + 1));
  let removed = 0;
  if (articles.length) {
    const { rowCount } = await client.query(
      `DELETE FROM ${TABLE} WHERE model_id = $1 AND source_type = 'NEWS' AND source_id = ANY ($2) AND source_id <> ALL ($3)`,
      [modelId, articles, kept('NEWS')],
    );
    removed += rowCount ?? 0;
  }
  if (days.length) {
    const { rowCount } = await client.query(
      `DELETE FROM ${TABLE} WHERE model_id = $1 AND source_type = 'NEWS_ISSUER_DAY' AND right(source_id, 10) = ANY ($2)
        AND left(source_id, -11) = ANY ($3) AND source_id <> ALL ($4)`,
      [modelId, days, issuers, kept('NEWS_ISSUER_DAY')],
    );
    removed += rowCount ?? 0;
  }
  return removed;
}

/** COPY of rows. Returns their number. */
export async function copyTexts(client: pg.ClientBase, modelId: string, rows: readonly TextRow[]): Promise<number> {
  if (!rows.length) return 0;
  const model = Buffer.from(modelId);
  const sources = new Map(SOURCES.map((source) => [source, Buffer.from(source)]));
  return copyInto(client, TABLE, COLUMNS, async (writer) => {
    for (const [k, { source, id, vector }] of rows.entries()) {
      writer.row(COLUMNS.length);
      writer.bytes(sources.get(source)!);
      writer.text(id);
      writer.bytes(model);
      writer.bytes(bytesOf(vector));
      if (k % ROWS === ROWS - 1) await writer.flushed();
    }
  });
}
