/** Vectors that joint spaces are made of, day by day, from both databases. */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { JOINT_DIM } from './ids.model.ts';

/** Vectors by entity id. */
export type Vectors = ReadonlyMap<string, Float32Array>;

/** Told of each stored vector that cannot be used. */
export type OnBad = (what: string, reason: string) => void;

/** The values of a stored vector (little-endian float32), or null, with the reason told, when it is none. */
function readVector(bytes: Buffer | null, what: string, onBad: OnBad): Float32Array | null {
  if (bytes === null) {
    onBad(what, 'holds no vector');
    return null;
  }
  if (bytes.length !== JOINT_DIM * 4) {
    onBad(what, `has ${bytes.length / 4} values, not ${JOINT_DIM}`);
    return null;
  }
  const vector = new Float32Array(JOINT_DIM);
  for (let j = 0; j < JOINT_DIM; j++) {
    vector[j] = bytes.readFloatLE(j * 4);
    if (!Number.isFinite(vector[j])) {
      onBad(what, `value ${j} is no finite number`);
      return null;
    }
  }
  return vector;
}

interface Found {
  readonly id: string;
  readonly vector: Buffer | null;
}

function collect(rows: readonly Found[], what: (id: string) => string, onBad: OnBad): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  for (const { id, vector } of rows) {
    const values = readVector(vector, what(id), onBad);
    if (values) found.set(id, values);
  }
  return found;
}

/** Numeric vectors of a model on a day (day number), by entity. */
export async function numericVectors(
  client: pg.ClientBase,
  { model, entityType, day }: { readonly model: string; readonly entityType: string; readonly day: number },
  onBad: OnBad,
): Promise<Vectors> {
  const { rows } = await client.query<Found>(
    `SELECT DISTINCT ON (entity_id COLLATE "C") entity_id AS id, vector FROM numeric_window_embeddings
      WHERE model_id = $1 AND as_of_date = $2 AND entity_type = $3 ORDER BY entity_id COLLATE "C", embedding_id DESC`,
    [model, formatDay(day), entityType],
  );
  return collect(rows, (id) => `${model} of ${id} on ${formatDay(day)}`, onBad);
}

/** Joint vectors of a model on a day, by the key of their scope (`entity_id`, `issuer_id`, `region`). */
export async function jointVectors(
  client: pg.ClientBase,
  {
    jointType,
    model,
    key,
    day,
  }: { readonly jointType: string; readonly model: string; readonly key: string; readonly day: number },
  onBad: OnBad,
): Promise<Vectors> {
  const { rows } = await client.query<Found>(
    `SELECT DISTINCT ON (entity_scope->>$4 COLLATE "C") entity_scope->>$4 AS id, vector FROM joint_embeddings
      WHERE joint_type = $1 AND model_id = $2 AND as_of_date = $3 AND entity_scope->>$4 IS NOT NULL
      ORDER BY entity_scope->>$4 COLLATE "C", joint_id DESC`,
    [jointType, model, formatDay(day), key],
  );
  return collect(rows, (id) => `${model} of ${id} on ${formatDay(day)}`, onBad);
}

/** Profile texts of issuers, which have no date. */
export async function profileTexts(historical: Database, model: string, onBad: OnBad): Promise<Vectors> {
  const { rows } = await historical.client((client) =>
    client.query<Found>(
      `SELECT source_id AS id, vector FROM text_embeddings WHERE source_type = 'PROFILE' AND model_id = $1 ORDER BY source_id COLLATE "C"`,
      [model],
    ),
  );
  return collect(rows, (id) => `${model} of ${id}`, onBad);
}

/** Text vectors of what was said of issuers up to the close of a trading day, by issuer. */
export async function issuerDayTexts(
  client: pg.ClientBase,
  model: string,
  day: number,
  onBad: OnBad,
): Promise<Vectors> {
  const { rows } = await client.query<Found>(
    `SELECT left(source_id, -11) AS id, vector FROM text_embeddings
      WHERE source_type = 'NEWS_ISSUER_DAY' AND model_id = $1 AND right(source_id, 10) = $2 ORDER BY source_id COLLATE "C"`,
    [model, formatDay(day)],
  );
  return collect(rows, (id) => `${model} of ${id} on ${formatDay(day)}`, onBad);
}

/** Market-level regime vectors of a region, by ISO date; days without one are missing. */
export async function regimeVectors(
  runtime: Database,
  region: string,
  { first, last }: { readonly first: number; readonly last: number },
  onBad: OnBad,
): Promise<Vectors> {
  const { rows } = await runtime.client((client) =>
    client.query<Found>(
      `SELECT DISTINCT ON (as_of_date) as_of_date::text AS id, regime_embedding AS vector FROM regimes
        WHERE region = $1 AND as_of_date BETWEEN $2 AND $3 AND regime_embedding IS NOT NULL
        ORDER BY as_of_date, created_at DESC, regime_record_id COLLATE "C"`,
      [region, formatDay(first), formatDay(last)],
    ),
  );
  return collect(rows, (day) => `regime of ${region} on ${day}`, onBad);
}

/** Sum and number of the news vectors of a span of time. */
export interface NewsSum {
  readonly sum: Float64Array;
  readonly count: number;
}

/** Sums the vectors of the articles stamped in [from, to) (milliseconds since 1970), in the order of their ids. */
export async function newsSum(
  client: pg.ClientBase,
  model: string,
  { from, to }: { readonly from: number; readonly to: number },
  onBad: OnBad,
): Promise<NewsSum> {
  const { rows } = await client.query<Found>(
    `SELECT t.source_id AS id, t.vector FROM news_articles a
       JOIN text_embeddings t ON t.source_type = 'NEWS' AND t.source_id = a.article_id::text AND t.model_id = $1
      WHERE a.timestamp >= to_timestamp($2::float8 / 1000) AND a.timestamp < to_timestamp($3::float8 / 1000) ORDER BY a.article_id`,
    [model, from, to],
  );
  const sum = new Float64Array(JOINT_DIM);
  let count = 0;
  for (const { id, vector } of rows) {
    const values = readVector(vector, `${model} of article ${id}`, onBad);
    if (!values) continue;
    for (let j = 0; j < JOINT_DIM; j++) sum[j] += values[j];
    count++;
  }
  return { sum, count };
}

/** The mean of several sums; null when they hold no vector. */
export function newsMean(sums: readonly NewsSum[]): Float32Array | null {
  const count = sums.reduce((total, one) => total + one.count, 0);
  if (count === 0) return null;
  const mean = new Float32Array(JOINT_DIM);
  for (let j = 0; j < JOINT_DIM; j++) mean[j] = sums.reduce((total, one) => total + one.sum[j], 0) / count;
  return mean;
}
