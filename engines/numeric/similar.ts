/** The program `similar`. */
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { Exit, UsageError, UserError } from '../../src/platform/errors.ts';
import { type Program, parseRange } from '../../src/platform/program.ts';
import { modelId } from '../models/manifest.model.ts';
import { Nearest } from './nearest.model.ts';
import type { similarSpec } from './spec.ts';
import { eachCandidate, nearestDay, readVector } from './storage.ts';

/** What is looked for, and among which days. */
interface SimilarQuery {
  readonly model: string;
  readonly entityType: string;
  readonly instrument: string;
  /** ISO date of the vector. */
  readonly asOf: string;
  /** Days of the candidates; the day itself when absent. */
  readonly startDate?: string;
  readonly endDate?: string;
  readonly topK: number;
}

/** A command is told only of what can be a model: it will be pasted into a shell. */
const makeIt = ({ model, asOf }: SimilarQuery) =>
  modelId.safeParse(model).success
    ? `Make it: prometheus backfill numeric-embeddings --models ${model} --as-of ${asOf}`
    : 'See: prometheus models ls';

interface SimilarResult {
  /** Vectors compared, the one itself not counted. */
  readonly candidates: number;
  /** The nearest by exact cosine, descending. */
  readonly neighbours: readonly { readonly entityId: string; readonly date: string; readonly cosine: number }[];
}

/** The nearest vectors of a model to one of its own. @throws UsageError, UserError when there is no such vector. */
export async function findSimilar(historical: Database, args: SimilarQuery): Promise<SimilarResult> {
  if ((args.startDate === undefined) !== (args.endDate === undefined)) {
    throw new UsageError('a range needs --start-date and --end-date', 'Give both, or neither for the day itself.');
  }
  const range = parseRange({ start: args.startDate ?? args.asOf, end: args.endDate ?? args.asOf }, [
    '--start-date',
    '--end-date',
  ]);
  const key = { modelId: args.model, entityType: args.entityType, entityId: args.instrument, day: parseDay(args.asOf) };
  const vector = await readVector(historical, key);
  if (!vector) {
    const near = await nearestDay(historical, key);
    throw new UserError(
      `${args.model} has no vector of ${args.instrument} on ${args.asOf}`,
      near !== null ? `The nearest day that has one is ${formatDay(near)}.` : makeIt(args),
    );
  }
  let nearest: Nearest;
  try {
    nearest = new Nearest(vector, args.topK);
  } catch {
    throw new UserError(
      `the vector of ${args.instrument} on ${args.asOf} is all zeros or no vector`,
      'Embed it again.',
    );
  }
  let candidates = 0;
  await eachCandidate(historical, key, range, (entityId, day, bytes) => {
    if (entityId === key.entityId && day === key.day) return;
    candidates++;
    nearest.add(entityId, day, bytes);
  });
  const neighbours = nearest.list().map(({ entityId, day, cosine }) => ({ entityId, date: formatDay(day), cosine }));
  return { candidates, neighbours };
}

export const similar: Program<typeof similarSpec> = async (args, { databases, stdout }) => {
  const { candidates, neighbours: found } = await findSimilar(databases.historical, args);
  if (!args.json) {
    const lines = found.map(({ entityId, date, cosine }, k) => [k + 1, entityId, date, cosine.toFixed(6)].join());
    stdout(`${['rank,entity_id,as_of_date,cosine', ...lines].join('\n')}\n`);
  }
  const summary = `${found.length} nearest of ${formatCount(candidates)} vectors`;
  const neighbours = found.map(({ entityId, date, cosine }) => ({ entity_id: entityId, as_of_date: date, cosine }));
  return { exitCode: Exit.done, summary, data: { model_id: args.model, candidates, neighbours } };
};
