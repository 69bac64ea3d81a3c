/** How many of its vectors a numeric backfill would find standing: by the roll-up, and by the board's rule of days. */
import type { z } from 'zod';
import type { NumericManifest } from '../../engines/models/manifest.model.ts';
import { loadModel } from '../../engines/models/storage.ts';
import { monthEnds } from '../../engines/numeric/plan.model.ts';
import type { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { isV1, v1Model } from '../../engines/numeric/v1.model.ts';
import { V1_MODELS } from '../../engines/numeric/v1-ids.model.ts';
import { probeGaps, probeHolidays, probeNumericBits, probePrices } from '../phases/historical-evidence.ts';
import { type ProbeOptions, withProber } from '../phases/probes.ts';
import { probeInstruments } from '../phases/runtime-evidence.ts';
import { dueDays, vectorsAgainst } from '../phases/vector-days.ts';
import { tryParseDay } from '../platform/dates.ts';
import type { Databases } from '../platform/db/databases.ts';

export type NumericArgs = z.infer<typeof numericBackfillSpec.args>;

/**
 * Vectors that stand where the backfill is to write: of its models, of its market's active equities (of the first `limit`), on
 * its days, as far as they are due. Null when that is not known: dates that are none, a model that is not there or is not of
 * instruments alone, a database that gives no answer.
 */
export async function standingVectors(
  modelsFolder: string,
  { historical, runtime }: Databases,
  args: NumericArgs,
  options: ProbeOptions,
): Promise<number | null> {
  const [first, last] = [args.asOf ?? args.startDate, args.asOf ?? args.endDate].map((day) => tryParseDay(day ?? ''));
  if (first === null || last === null || first > last) return null;
  const ids = [...new Set(args.models.length ? args.models : V1_MODELS)];
  const models = await Promise.all(ids.map((id) => instrumentModel(modelsFolder, id)));
  if (!models.every((model) => model !== null)) return null;
  const instruments = await withProber(runtime, options, (prober) => probeInstruments(prober, args.market));
  if (!instruments.known) return null;
  // As the backfill counts them: ascending by byte order, whatever the server's collation is.
  const names = instruments.value
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .slice(0, args.limit ?? Number.POSITIVE_INFINITY);
  return withProber(historical, options, async (prober) => {
    const [holidays, prices] = [await probeHolidays(prober, args.market), await probePrices(prober)];
    if (!holidays.known || !prices.known) return null;
    const gaps = await probeGaps(prober, holidays.value, prices.value, { first, last });
    const vectors = await probeNumericBits(prober, ids);
    if (!gaps.known || !vectors.known) return null;
    const span = gaps.value.calendar.between(first, last);
    const chosen = new Set(args.temporalSnapshots ? monthEnds(span).map((t) => span[t]) : span);
    let count = 0;
    for (const [window, ofWindow] of Map.groupBy(models, (model) => args.windowDays ?? model.window_days)) {
      // A backfill goes on behind the last price of all, as far as windows reach.
      const due = dueDays({ ...prices.value, last }, gaps.value, names, vectors.value.bits, window);
      for (const { model_id } of ofWindow) {
        const { days, present } = vectorsAgainst(due, vectors.value.models.get(model_id));
        days.forEach((day, t) => {
          if (chosen.has(day)) count += present[t];
        });
      }
    }
    return count;
  });
}

/** The manifest of a model that makes vectors of instruments and of nothing else. Nothing is written, as a backfill would. */
async function instrumentModel(
  folder: string,
  id: string,
): Promise<Pick<NumericManifest, 'model_id' | 'window_days'> | null> {
  try {
    const { manifest } = isV1(id) ? v1Model(id) : await loadModel(folder, id);
    return manifest.kind === 'numeric' && manifest.entities.every((type) => type === 'INSTRUMENT') ? manifest : null;
  } catch {
    // The backfill will say what is wrong with it.
    return null;
  }
}
