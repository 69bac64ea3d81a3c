/** The program `similar`. */
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import { Exit, UsageError, UserError } from '../../src/platform/errors.ts';
import { type Program, parseRange } from '../../src/platform/program.ts';
import { Nearest } from './nearest.model.ts';
import type { similarSpec } from './spec.ts';
import { eachCandidate, nearestDay, readVector } from './storage.ts';

export const similar: Program<typeof similarSpec> = async (args, { databases, events, stdout }) => {
  const { historical } = databases;
  if ((args.startDate === undefined) !== (args.endDate === undefined)) {
    throw new UsageError('a range needs --start-date and --end-date', 'Give both, or neither for the day itself.');
  }
  const range = parseRange({ start: args.startDate ?? args.asOf, end: args.endDate ?? args.asOf });
  const key = { modelId: args.model, entityType: args.entityType, entityId: args.instrument, day: parseDay(args.asOf) };
  const vector = await readVector(historical, key);
  if (!vector) {
    const near = await nearestDay(historical, key);
    throw new UserError(
      `${args.model} has no vector of ${args.instrument} on ${args.asOf}`,
      near === null
        ? `Make it: prometheus backfill numeric-embeddings --models ${args.model} --as-of ${args.asOf}`
        : `The nearest day that has one is ${formatDay(near)}.`,
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
  const found = nearest.list();
  if (!args.json) {
    const lines = found.map(({ entityId, day, cosine }, k) =>
      [k + 1, entityId, formatDay(day), cosine.toFixed(6)].join(),
    );
    stdout(`${['rank,entity_id,as_of_date,cosine', ...lines].join('\n')}\n`);
  }
  const summary = `${found.length} nearest of ${candidates} vectors`;
  events.emit({ type: 'result', status: 'done', summary });
  const neighbours = found.map(({ entityId, day, cosine }) => ({
    entity_id: entityId,
    as_of_date: formatDay(day),
    cosine,
  }));
  return { exitCode: Exit.done, summary, data: { model_id: args.model, candidates, neighbours } };
};
