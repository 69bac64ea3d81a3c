/** Rows of `text_embeddings`: a shard owns its articles and its issuer days, and replaces what stood there. */
import type pg from 'pg';
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
      // The column holds little-endian float32, which is what the array is made of.
      writer.bytes(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
      if (k % ROWS === ROWS - 1) await writer.flushed();
    }
  });
}
