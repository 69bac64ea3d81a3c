/** Regime risk for campaigns: one figure a day of the market's region, from `regimes`. */
import { createHash } from 'node:crypto';
import { formatDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { UserError } from '../../src/platform/errors.ts';
import { ALLOW_IN_SAMPLE } from '../models/guard.model.ts';
import { regionOf } from './storage.ts';

export interface RegimeRisk {
  readonly region: string;
  /** D on shared memory: risk of a stressed market at the rows' horizon, in [0, 1]; NaN on a day without a row. */
  readonly risk: Float64Array;
  readonly daysWithRows: number;
  /** Last day that the rows used have seen in training (`YYYY-MM-DD`). */
  readonly trainEnd: string;
  /** The same over the rows that have seen their own day or a later one; null where none has. */
  readonly seenTo: string | null;
  /** SHA-256 over days and risks. */
  readonly fingerprint: string;
}

/**
 * Regime risk on each of the days.
 * @param days day numbers, ascending.
 * @throws UserError when the region has no row in the range, a row does not say its risk or training, or it has seen its own
 *   future and that is not allowed.
 */
export async function loadRegimeRisk(
  runtime: Database,
  marketId: string,
  days: Int32Array,
  allowInSample: boolean,
): Promise<RegimeRisk> {
  const region = await regionOf(runtime, marketId);
  const [from, to] = [formatDay(days[0]), formatDay(days[days.length - 1])];
  const { rows } = await runtime.client((client) =>
    client.query<{ day: number; risk: number | null; known: string | null }>(
      `SELECT DISTINCT ON (as_of_date::date) as_of_date::date - date '1970-01-01' AS day, (metadata ->> 'regime_risk')::float8 AS risk,
              metadata ->> 'known_until' AS known
         FROM regimes WHERE region = $1 AND as_of_date::date BETWEEN $2 AND $3
        ORDER BY as_of_date::date, created_at DESC, regime_record_id COLLATE "C"`,
      [region, from, to],
    ),
  );
  const make = `prometheus backfill regime --market ${marketId} --start ${from} --end ${to}`;
  if (rows.length === 0)
    throw new UserError(`regimes has no row of ${region} from ${from} to ${to}`, `Make them: ${make}`);
  const indexOf = new Map(Array.from(days, (day, d) => [day, d]));
  const risk = new Float64Array(new SharedArrayBuffer(days.length * 8)).fill(Number.NaN);
  const digest = createHash('sha256');
  let daysWithRows = 0;
  let trainEnd = '';
  let seenTo: string | null = null;
  for (const row of rows) {
    const d = indexOf.get(row.day);
    if (d === undefined) continue;
    const date = formatDay(row.day);
    if (row.risk === null || row.known === null) {
      throw new UserError(`the row of regimes of ${region} on ${date} says no regime_risk`, `Make it anew: ${make}`);
    }
    if (row.known >= date) {
      if (!allowInSample) {
        throw new UserError(
          `the regime of ${region} on ${date} was fitted on days to ${row.known}: it knows what comes`,
          `Start the campaign after the training ends, label with an earlier training span, or say ${ALLOW_IN_SAMPLE}.`,
        );
      }
      if (seenTo === null || row.known > seenTo) seenTo = row.known;
    }
    risk[d] = row.risk;
    if (row.known > trainEnd) trainEnd = row.known;
    daysWithRows++;
    digest.update(`${date}|${row.risk}\n`);
  }
  return { region, risk, daysWithRows, trainEnd, seenTo, fingerprint: digest.digest('hex') };
}
