/** What a joint backfill is made from: how many vectors there are, and a figure that changes when some come or go. */
import type { Database } from '../../src/platform/db/databases.ts';
import type { JointSpace } from './ids.model.ts';

export interface InputState {
  readonly rows: number;
  readonly state: string;
}

/** `YYYY-MM-DD`, both days included. */
interface Span {
  readonly start: string;
  readonly end: string;
}

export const numericState = (database: Database, modelId: string, entityType: string, { start, end }: Span) =>
  stateOf(
    database,
    `SELECT count(*) AS rows, coalesce(sum(embedding_id), 0)::text AS ids FROM numeric_window_embeddings
      WHERE model_id = $1 AND as_of_date BETWEEN $2 AND $3 AND entity_type = $4`,
    [modelId, start, end, entityType],
  );

export const jointState = (database: Database, { jointType, modelId }: JointSpace, { start, end }: Span) =>
  stateOf(
    database,
    `SELECT count(*) AS rows, coalesce(sum(joint_id), 0)::text AS ids FROM joint_embeddings
      WHERE joint_type = $1 AND model_id = $2 AND as_of_date BETWEEN $3 AND $4`,
    [jointType, modelId, start, end],
  );

/** NEWS vectors of articles stamped in `[from, to)` (milliseconds since 1970), and their stamps. */
export const newsState = (database: Database, modelId: string, from: number, to: number) =>
  stateOf(
    database,
    `SELECT count(*) AS rows, coalesce(sum(t.embedding_id), 0)::text || '/' ||
            coalesce(sum(extract(epoch FROM a."timestamp")), 0)::text AS ids
       FROM news_articles a JOIN text_embeddings t
         ON t.source_type = 'NEWS' AND t.source_id = a.article_id::text AND t.model_id = $1
      WHERE a."timestamp" >= to_timestamp($2::float8 / 1000) AND a."timestamp" < to_timestamp($3::float8 / 1000)`,
    [modelId, from, to],
  );

/** Texts of issuers by a model: `NEWS_ISSUER_DAY` or `PROFILE`. */
export const issuerTextState = (database: Database, sourceType: string, modelId: string) =>
  stateOf(
    database,
    `SELECT count(*) AS rows, coalesce(sum(embedding_id), 0)::text AS ids FROM text_embeddings
      WHERE source_type = $1 AND model_id = $2`,
    [sourceType, modelId],
  );

async function stateOf(database: Database, sql: string, values: unknown[]): Promise<InputState> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ rows: number; ids: string }>(sql, values);
    return { rows: rows[0].rows, state: `${rows[0].rows}/${rows[0].ids}` };
  });
}
