/** Up to which day whatever made the vectors that a joint backfill reads has learnt from. */
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { FIT_END_UNKNOWN, latest, learntFrom, learntFromFit, type Places } from '../models/made-by.storage.ts';
import { isNeverFitted } from '../models/makers.model.ts';
import type { Input } from './inputs.storage.ts';
import type { JointBackfillSpec } from './plan.model.ts';

/**
 * The last day (`YYYY-MM-DD`) that the models behind stored vectors have learnt from; null for none, `FIT_END_UNKNOWN` when
 * nobody knows.
 * @param inputs those that have vectors in the span.
 * @throws UserError when another fit made some of them than the one that is installed here.
 */
export async function inputsLearntFrom(
  inputs: readonly Input[],
  spec: JointBackfillSpec,
  places: Places,
): Promise<string | null> {
  const [start, end] = [parseDay(spec.start), parseDay(spec.end)];
  const ends: (string | null)[] = [];
  for (const input of inputs) {
    const { kind, modelId } = input;
    if (kind === 'joint') ends.push(await jointLearntFrom(places.historical, input));
    else if (!isNeverFitted(modelId)) {
      // The news of the days before goes into the first vectors.
      const range = { start: kind === 'text' ? start - spec.textWindowDays : start, end };
      ends.push(await learntFrom(places, kind, modelId, range, remade(spec.market, input, range)));
    }
  }
  return latest(ends);
}

/** Joint vectors say so themselves. */
async function jointLearntFrom(historical: Database, { from, values }: Input): Promise<string | null> {
  return historical.client(async (client) => {
    const { rows } = await client.query<{ last: string }>(
      `SELECT max(coalesce(entity_scope->>'fit_end', '${FIT_END_UNKNOWN}') COLLATE "C") AS last FROM ${from}`,
      [...values],
    );
    return rows[0].last;
  });
}

function remade(market: string, { kind, modelId }: Input, range: { start: number; end: number }): string {
  const [start, end] = [formatDay(range.start), formatDay(range.end)];
  const command =
    kind === 'text'
      ? `text-embeddings --model-id ${modelId} --start ${start} --end ${end}`
      : `numeric-embeddings --models ${modelId} --start-date ${start} --end-date ${end}`;
  return `Make them anew with the fit that is here: prometheus backfill ${command} --market ${market}`;
}

/** The same of a region's regimes, whose rows name the model and the fit of their vectors. */
export async function regimesLearntFrom(
  runtime: Database,
  { market, region, start, end }: JointBackfillSpec,
  places: Places,
): Promise<string | null> {
  const makers = await runtime.client(
    async (client) =>
      (
        await client.query<{ id: string | null; fingerprint: string | null; known: string | null }>(
          `SELECT metadata->>'model_id' AS id, metadata->>'model_fingerprint' AS fingerprint, max(metadata->>'known_until') AS known
             FROM regimes WHERE region = $1 AND as_of_date::date BETWEEN $2 AND $3 AND regime_embedding IS NOT NULL
            GROUP BY 1, 2`,
          [region, start, end],
        )
      ).rows,
  );
  const what = `the vectors of regimes of ${region} from ${start} to ${end}`;
  const fix = `Label the days anew: prometheus backfill regime --market ${market} --region ${region} --start ${start} --end ${end}`;
  const ends: (string | null)[] = [];
  for (const { id, fingerprint, known } of makers) {
    const told = id && fingerprint ? await learntFromFit(places, { id, fingerprint }, what, fix) : undefined;
    // What the labels knew, the vectors' model did not know more than.
    ends.push(told === undefined ? (known ?? FIT_END_UNKNOWN) : told);
  }
  return latest(ends);
}
