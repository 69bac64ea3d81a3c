/** Vectors of instruments day by day, from numeric or joint embeddings, for the clusters of λ. */
import { formatCount } from '../../../src/format/numbers.ts';
import { formatDay, parseDay } from '../../../src/platform/dates.ts';
import { copyOut, sqlLiteral } from '../../../src/platform/db/copy.ts';
import type { Database } from '../../../src/platform/db/databases.ts';
import { UserError } from '../../../src/platform/errors.ts';
import { FIT_END_UNKNOWN, requireMadeBy } from '../../models/made-by.storage.ts';
import { loadNumericModel } from '../../numeric/models.storage.ts';

const JOINT = /^joint-/;
const FITTED_JOINT = /^joint-.*-v2$/;

/**
 * The last day (a day number) that whatever made a model's vectors has learnt from; null when it has learnt from nothing.
 * @param days day numbers whose vectors are asked for.
 * @throws UserError when nobody knows: a model that is not in the registry, rows of a fitted joint space that do not say;
 *   when another fit made them than the one that is installed.
 */
export async function vectorsLearntFrom(
  historical: Database,
  folder: string,
  modelId: string,
  days: Int32Array,
): Promise<number | null> {
  if (!JOINT.test(modelId)) {
    const model = await loadNumericModel(folder, modelId);
    const { manifest } = model;
    const [start, end] = [days[0], days[days.length - 1]];
    const fix = `Make them anew: prometheus backfill numeric-embeddings --models ${modelId} --start-date ${formatDay(start)} --end-date ${formatDay(end)}`;
    await requireMadeBy(historical, 'numeric', model, { start, end }, fix);
    return manifest.fit ? parseDay(manifest.fit.fit_end) : null;
  }
  if (!FITTED_JOINT.test(modelId)) return null;
  const { rows } = await historical.client((client) =>
    client.query<{ last: string | null; silent: number }>(
      `SELECT max(entity_scope->>'fit_end') AS last,
              count(*) FILTER (WHERE coalesce(entity_scope->>'fit_end', '${FIT_END_UNKNOWN}') = '${FIT_END_UNKNOWN}') AS silent
         FROM joint_embeddings WHERE model_id = $1 AND as_of_date::date BETWEEN $2 AND $3`,
      [modelId, formatDay(days[0]), formatDay(days[days.length - 1])],
    ),
  );
  const [{ last, silent }] = rows;
  if (silent > 0) {
    throw new UserError(
      `${formatCount(silent)} vectors of ${modelId} do not say what the models behind them have learnt from`,
      'Put those models into the registry (prometheus models ls) and make the vectors anew.',
    );
  }
  return last === null ? null : parseDay(last);
}

/** @throws UserError for vectors that have seen what came after the first day a forecast is made from them. */
export function requireForecastable(modelId: string, learntFrom: number | null, firstDay: number): void {
  if (learntFrom === null || learntFrom < firstDay) return;
  throw new UserError(
    `vectors of ${modelId} have learnt from days up to ${formatDay(learntFrom)}: those of ${formatDay(firstDay)} have seen their own future`,
    'Begin after that day, fit the models earlier, or say --allow-in-sample.',
  );
}

/**
 * Calls `onDay` for each of the days that has vectors, in order: N × dim, and which of the instruments have one. The
 * arrays are valid only during the call. Of several rows for an instrument and day the newest counts.
 * @param ids instrument ids, N. @param days day numbers.
 * @throws UserError when there is no vector, or vectors have different lengths.
 */
export async function eachDayOfVectors(
  historical: Database,
  modelId: string,
  ids: readonly string[],
  days: Int32Array,
  onDay: (d: number, dim: number, vectors: Float32Array, known: Uint8Array) => void,
): Promise<void> {
  const [from, to] = [formatDay(days[0]), formatDay(days[days.length - 1])];
  const where = `model_id = ${sqlLiteral(modelId)} AND as_of_date::date BETWEEN ${sqlLiteral(from)} AND ${sqlLiteral(to)} AND vector IS NOT NULL`;
  const query = JOINT.test(modelId)
    ? `SELECT coalesce(entity_scope->>'instrument_id', entity_scope->>'entity_id'), as_of_date::date, vector FROM joint_embeddings
        WHERE ${where} AND entity_scope ?| array['instrument_id', 'entity_id'] ORDER BY as_of_date::date, joint_id`
    : `SELECT entity_id::text, as_of_date::date, vector FROM numeric_window_embeddings
        WHERE ${where} AND entity_type = 'INSTRUMENT' ORDER BY as_of_date::date, embedding_id`;
  const indexOf = new Map(ids.map((id, i) => [id, i]));
  const dayOf = new Map(Array.from(days, (day, d) => [day, d]));
  const known = new Uint8Array(ids.length);
  let dim = 0;
  let vectors = new Float32Array(0);
  let current = -1;
  const flush = () => {
    if (current >= 0) onDay(current, dim, vectors, known);
    known.fill(0);
  };
  await historical.client((client) =>
    copyOut(client, query, (row) => {
      const i = indexOf.get(row.text()!);
      const d = dayOf.get(row.date());
      const bytes = row.bytes()!;
      if (i === undefined || d === undefined) return;
      if (dim === 0) {
        dim = bytes.length >> 2;
        vectors = new Float32Array(ids.length * dim);
      }
      if (bytes.length !== dim * 4) {
        throw new UserError(
          `${modelId}: the vector of ${ids[i]} on ${formatDay(days[d])} has ${bytes.length >> 2} values, others ${dim}`,
          'Make it anew.',
        );
      }
      if (d !== current) {
        flush();
        current = d;
      }
      for (let j = 0; j < dim; j++) vectors[i * dim + j] = bytes.readFloatLE(j * 4);
      known[i] = 1;
    }),
  );
  flush();
  if (current < 0) {
    throw new UserError(
      `${modelId} has no vector of an instrument from ${from} to ${to}`,
      JOINT.test(modelId)
        ? 'Make them: prometheus help backfill'
        : `Make them: prometheus backfill numeric-embeddings --models ${modelId} --start-date ${from} --end-date ${to}`,
    );
  }
}
