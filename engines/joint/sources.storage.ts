/** Vectors that joint spaces are made of, day by day, from both databases. */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import { copyOut, sqlLiteral } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { JOINT_DIM } from './ids.model.ts';

/** Vectors by entity id. */
export type Vectors = ReadonlyMap<string, Float32Array>;

/** Told of each stored vector that cannot be used. */
export type OnBad = (what: string, reason: string) => void;

/** The values of a stored vector (little-endian float32), or null, with the reason told, when it is none. */
function readVector(bytes: Buffer | null, what: () => string, onBad: OnBad): Float32Array | null {
  if (bytes === null) {
    onBad(what(), 'holds no vector');
    return null;
  }
  if (bytes.length !== JOINT_DIM * 4) {
    onBad(what(), `has ${bytes.length / 4} values, not ${JOINT_DIM}`);
    return null;
  }
  const vector = new Float32Array(JOINT_DIM);
  // Copied as they are: machines that this runs on are little-endian.
  new Uint8Array(vector.buffer).set(bytes);
  for (let j = 0; j < JOINT_DIM; j++) {
    if (Number.isFinite(vector[j])) continue;
    onBad(what(), `value ${j} is no finite number`);
    return null;
  }
  return vector;
}

/** Called with the values of each usable vector. */
type OnVector = (id: string, values: Float32Array) => void;

/**
 * Reads the rows (id, vector) of a query in their order. By COPY: in a result of `pg` each vector would come as twice as much
 * hexadecimal text.
 */
async function readVectors(
  client: pg.ClientBase,
  query: string,
  what: (id: string) => string,
  onBad: OnBad,
  onVector: OnVector,
): Promise<void> {
  await copyOut(client, query, (row) => {
    const id = row.text()!;
    const values = readVector(row.bytes(), () => what(id), onBad);
    if (values) onVector(id, values);
  });
}

async function vectorsById(
  client: pg.ClientBase,
  query: string,
  what: (id: string) => string,
  onBad: OnBad,
): Promise<Vectors> {
  const found = new Map<string, Float32Array>();
  await readVectors(client, query, what, onBad, (id, values) => found.set(id, values));
  return found;
}

/** Numeric vectors of a model on a day (day number), by entity. */
export async function numericVectors(
  client: pg.ClientBase,
  { model, entityType, day }: { readonly model: string; readonly entityType: string; readonly day: number },
  onBad: OnBad,
): Promise<Vectors> {
  return vectorsById(
    client,
    `SELECT DISTINCT ON (entity_id COLLATE "C") entity_id, vector FROM numeric_window_embeddings
      WHERE model_id = ${sqlLiteral(model)} AND as_of_date::date = '${formatDay(day)}' AND entity_type = ${sqlLiteral(entityType)}
      ORDER BY entity_id COLLATE "C", embedding_id DESC`,
    (id) => `${model} of ${id} on ${formatDay(day)}`,
    onBad,
  );
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
  const id = `entity_scope->>${sqlLiteral(key)}`;
  return vectorsById(
    client,
    `SELECT DISTINCT ON (${id} COLLATE "C") ${id}, vector FROM joint_embeddings
      WHERE joint_type = ${sqlLiteral(jointType)} AND model_id = ${sqlLiteral(model)} AND as_of_date::date = '${formatDay(day)}'
        AND ${id} IS NOT NULL ORDER BY ${id} COLLATE "C", joint_id DESC`,
    (one) => `${model} of ${one} on ${formatDay(day)}`,
    onBad,
  );
}

/** Profile texts of issuers, which have no date. */
export async function profileTexts(historical: Database, model: string, onBad: OnBad): Promise<Vectors> {
  return historical.client((client) =>
    vectorsById(
      client,
      `SELECT source_id, vector FROM text_embeddings WHERE source_type = 'PROFILE' AND model_id = ${sqlLiteral(model)}
        ORDER BY source_id COLLATE "C"`,
      (id) => `${model} of ${id}`,
      onBad,
    ),
  );
}

/** Text vectors of what was said of issuers up to the close of a trading day, by issuer. */
export async function issuerDayTexts(
  client: pg.ClientBase,
  model: string,
  day: number,
  onBad: OnBad,
): Promise<Vectors> {
  return vectorsById(
    client,
    `SELECT left(source_id, -11), vector FROM text_embeddings
      WHERE source_type = 'NEWS_ISSUER_DAY' AND model_id = ${sqlLiteral(model)} AND right(source_id, 10) = '${formatDay(day)}'
      ORDER BY source_id COLLATE "C"`,
    (id) => `${model} of ${id} on ${formatDay(day)}`,
    onBad,
  );
}

/** Market-level regime vectors of a region, by ISO date; days without one are missing. */
export async function regimeVectors(
  runtime: Database,
  region: string,
  { first, last }: { readonly first: number; readonly last: number },
  onBad: OnBad,
): Promise<Vectors> {
  return runtime.client((client) =>
    vectorsById(
      client,
      `SELECT DISTINCT ON (as_of_date::date) as_of_date::date::text, regime_embedding FROM regimes
        WHERE region = ${sqlLiteral(region)} AND as_of_date::date BETWEEN '${formatDay(first)}' AND '${formatDay(last)}'
          AND regime_embedding IS NOT NULL ORDER BY as_of_date::date, created_at DESC, regime_record_id COLLATE "C"`,
      (day) => `regime of ${region} on ${day}`,
      onBad,
    ),
  );
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
  const sum = new Float64Array(JOINT_DIM);
  let count = 0;
  await readVectors(
    client,
    `SELECT t.source_id, t.vector FROM news_articles a
       JOIN text_embeddings t ON t.source_type = 'NEWS' AND t.source_id = a.article_id::text AND t.model_id = ${sqlLiteral(model)}
      WHERE a.timestamp >= to_timestamp(${from / 1000}) AND a.timestamp < to_timestamp(${to / 1000}) ORDER BY a.article_id`,
    (id) => `${model} of article ${id}`,
    onBad,
    (_, values) => {
      for (let j = 0; j < JOINT_DIM; j++) sum[j] += values[j];
      count++;
    },
  );
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
