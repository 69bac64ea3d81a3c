/** Joint vectors of instruments and days from the historical database, and the v1 head over them. */
import { formatDay } from '../../src/platform/dates.ts';
import { copyOut, sqlLiteral } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { UserError } from '../../src/platform/errors.ts';
import { ALLOW_IN_SAMPLE } from '../models/guard.model.ts';
import { FIT_END_UNKNOWN } from '../models/made-by.storage.ts';
import { branchMask, type ContextAssessments, headV1, noContext } from './context.model.ts';

/** `joint_type` of assessment contexts. */
const JOINT_TYPE = 'ASSESSMENT_CTX_V0';
/** Days that are read at a time. */
const CHUNK_DAYS = 21;

export interface ContextRequest {
  /** Joint model of the vectors. */
  readonly modelId: string;
  readonly instruments: readonly { readonly id: string }[];
  /** Day numbers, ascending. */
  readonly days: Int32Array;
  /** Whether vectors may be read that have seen their own future; absent: they are refused, and no flag is named. */
  readonly allowInSample?: boolean;
}

/** Instruments of one day that have a vector: their indices, ascending, what each is joined of, and the vectors row by row. */
export interface ContextDay {
  /** Position among the requested days. */
  readonly day: number;
  readonly instruments: Int32Array;
  /** `branchMask` of each. */
  readonly branches: Uint8Array;
  readonly vectors: Float32Array;
  readonly dim: number;
  /** Last day that one of them has learnt from, where that is this day or a later one (`YYYY-MM-DD`) or unknown; else null. */
  readonly seenTo: string | null;
}

/**
 * Vectors day by day, days without any included. A vector of another length than the first one's, or not finite, is passed over.
 * @throws UserError for a vector whose fitted models have learnt from its own day or a later one (`fit_end` of its scope),
 *   unless that is allowed.
 */
export async function* contextDays(
  historical: Database,
  { modelId, instruments, days, allowInSample }: ContextRequest,
): AsyncGenerator<ContextDay> {
  const index = new Map(instruments.map(({ id }, i) => [id, i]));
  let dim = 0;
  for (let from = 0; from < days.length; from += CHUNK_DAYS) {
    const to = Math.min(days.length, from + CHUNK_DAYS);
    const place = new Map(Array.from({ length: to - from }, (_, k) => [days[from + k], from + k]));
    // Where an adopted table holds a row twice, the newer one counts.
    const found = Array.from(
      { length: to - from },
      () => new Map<number, { vector: Float32Array; branches: number; seenTo: string | null }>(),
    );
    await historical.client((client) =>
      copyOut(
        client,
        `SELECT entity_scope->>'entity_id', as_of_date::date, vector, entity_scope->>'fit_end',
                coalesce(entity_scope->>'branches', entity_scope->>'source') FROM joint_embeddings
          WHERE joint_type = ${sqlLiteral(JOINT_TYPE)} AND model_id = ${sqlLiteral(modelId)} AND vector IS NOT NULL
            AND as_of_date::date BETWEEN ${sqlLiteral(formatDay(days[from]))} AND ${sqlLiteral(formatDay(days[to - 1]))}
          ORDER BY joint_id`,
        (row) => {
          const i = index.get(row.text() ?? '');
          const d = place.get(row.date());
          const vector = floats(row.bytes());
          const fitEnd = row.text();
          const branches = branchMask(row.text());
          if (i === undefined || d === undefined || !vector) return;
          const seenTo = fitEnd !== null && formatDay(days[d]) <= fitEnd ? fitEnd : null;
          if (seenTo !== null && !allowInSample) throw seenFuture(modelId, days[d], seenTo, allowInSample === false);
          dim ||= vector.length;
          if (vector.length === dim) found[d - from].set(i, { vector, branches, seenTo });
        },
      ),
    );
    for (const [k, ofDay] of found.entries()) {
      const indices = Int32Array.from([...ofDay.keys()].sort((a, b) => a - b));
      const vectors = new Float32Array(indices.length * dim);
      indices.forEach((i, row) => {
        vectors.set(ofDay.get(i)!.vector, row * dim);
      });
      const branches = Uint8Array.from(indices, (i) => ofDay.get(i)!.branches);
      const seenTo = [...ofDay.values()].reduce((last, one) => later(last, one.seenTo), null as string | null);
      yield { day: from + k, instruments: indices, branches, vectors, dim, seenTo };
    }
  }
}

/** The models behind a vector have learnt from its day or later ones. @param flag whether the caller has one that allows it. */
function seenFuture(modelId: string, day: number, fitEnd: string, flag: boolean): UserError {
  if (fitEnd === FIT_END_UNKNOWN) {
    return new UserError(
      `${modelId}: nobody knows what the models behind the vector of ${formatDay(day)} have learnt from`,
      `Put those models into the registry (prometheus models ls) and make the vectors anew: prometheus backfill joint-…${flag ? `; or say ${ALLOW_IN_SAMPLE}` : ''}.`,
    );
  }
  const anew = 'fit the models behind it on earlier days, and make their vectors and the joint ones anew';
  return new UserError(
    `${modelId}: the vector of ${formatDay(day)} was made by models fitted on data up to ${fitEnd}: it has seen its own future`,
    `Begin after that day; or ${anew}${flag ? `; or say ${ALLOW_IN_SAMPLE}` : ''}.`,
  );
}

/** The later of two days (`YYYY-MM-DD`); null is none. */
export const later = (a: string | null, b: string | null): string | null =>
  a === null || (b !== null && b > a) ? b : a;

/** Little-endian float32 as values; null when one is not finite. */
function floats(bytes: Buffer | null): Float32Array | null {
  if (!bytes || bytes.length === 0 || bytes.length % 4 !== 0) return null;
  const values = new Float32Array(bytes.length / 4);
  for (let j = 0; j < values.length; j++) {
    values[j] = bytes.readFloatLE(j * 4);
    if (!Number.isFinite(values[j])) return null;
  }
  return values;
}

/** What a head says, and from what. */
export interface LoadedContext extends ContextAssessments {
  /** Last day that a vector had learnt from which was used on that day or an earlier one; null: none had seen its future. */
  readonly seenTo: string | null;
}

/** The v1 head over the days. @throws UserError when there is no vector at all. */
export async function loadContextV1(historical: Database, request: ContextRequest): Promise<LoadedContext> {
  const n = request.instruments.length;
  const out = noContext(request.days.length * n);
  let cells = 0;
  let seen: string | null = null;
  for await (const { day, instruments, branches, vectors, dim, seenTo } of contextDays(historical, request)) {
    instruments.forEach((i, row) => {
      let squares = 0;
      for (let j = 0; j < dim; j++) squares += vectors[row * dim + j] ** 2;
      const { expectedReturn, score, confidence } = headV1(Math.sqrt(squares));
      const cell = day * n + i;
      out.expectedReturn[cell] = expectedReturn;
      out.score[cell] = score;
      out.confidence[cell] = confidence;
      out.branches[cell] = branches[row];
    });
    cells += instruments.length;
    seen = later(seen, seenTo);
  }
  requireVectors(cells, request);
  return { ...out, seenTo: seen };
}

/** @throws UserError when no vector was found. */
export function requireVectors(cells: number, { modelId, days }: ContextRequest): void {
  if (cells > 0) return;
  throw new UserError(
    `joint_embeddings has no vector of ${modelId} for these instruments from ${formatDay(days[0])} to ${formatDay(days[days.length - 1])}`,
    `Make them: prometheus backfill joint-assessment-context --model-id ${modelId}`,
  );
}
