/** Rows of `regimes` and `regime_transitions` (day-owned by region), and the market's vectors they are made of. */
import { formatDay } from '../../src/platform/dates.ts';
import { copyInto } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { UserError } from '../../src/platform/errors.ts';
import { keyId } from '../../src/platform/ids.ts';
import { eachCandidate } from '../numeric/storage.ts';
import { type ChangeRisk, type DayVectors, type Labels, REGIME_LABELS, REGIMES } from './model.ts';

/** Vectors of a market with the day numbers that have one, ascending. */
export interface MarketVectors extends DayVectors {
  readonly days: Int32Array;
}

/** The MARKET vectors of a model in `[start, end]`; vectors of another length than `dim` are left out. */
export async function readMarketVectors(
  historical: Database,
  key: { modelId: string; marketId: string; dim: number },
  range: { start: number; end: number },
): Promise<MarketVectors> {
  const { modelId, marketId, dim } = key;
  const found = new Map<number, Float32Array>();
  const asked = { modelId, entityType: 'MARKET', entityId: marketId, day: range.start };
  await eachCandidate(historical, asked, range, (entityId, day, bytes) => {
    if (entityId !== marketId || bytes.length !== dim * 4) return;
    found.set(
      day,
      Float32Array.from({ length: dim }, (_, k) => bytes.readFloatLE(k * 4)),
    );
  });
  const days = Int32Array.from(found.keys()).sort();
  const values = new Float32Array(days.length * dim);
  days.forEach((day, d) => {
    values.set(found.get(day)!, d * dim);
  });
  return { days, count: days.length, dim, values };
}

/** @throws UserError when the market is not on record. */
export async function regionOf(runtime: Database, marketId: string): Promise<string> {
  return runtime.client(async (client) => {
    const { rows } = await client.query<{ region: string }>('SELECT region FROM markets WHERE market_id = $1', [
      marketId,
    ]);
    if (rows.length) return rows[0].region;
    throw new UserError(`there is no market '${marketId}'`, 'Import its instruments, or say --region.');
  });
}

export interface RegimesToWrite {
  readonly runId: string;
  readonly region: string;
  /** Day numbers `[start, end]` that the rows take the place of. */
  readonly range: { readonly start: number; readonly end: number };
  readonly vectors: MarketVectors;
  readonly labels: Labels;
  readonly risk: ChangeRisk;
  /** `vectors.embedding_ref`: which vector a row carries. */
  readonly reference: string;
  /** What every row says about its making. */
  readonly origin: Readonly<Record<string, unknown>>;
  /** Hears of each batch of days sent, with its rows. */
  readonly onBatch: (rows: number) => void;
}

/** About a year. */
const BATCH_DAYS = 250;

/** Replaces the rows of a region and range in one transaction; returns rows by table. */
export async function replaceRegimes(runtime: Database, asked: RegimesToWrite): Promise<Record<string, number>> {
  const { runId, region, range, vectors, labels, risk, origin } = asked;
  const { days, dim, values } = vectors;
  const within = Array.from(days.keys()).filter((d) => days[d] >= range.start && days[d] <= range.end);
  const changed = within.filter((d) => d > 0 && labels.regime[d] !== labels.regime[d - 1]);
  const own = JSON.stringify({ run_id: runId, ...origin }).slice(1, -1);
  return runtime.transaction(async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`prometheus regimes ${region}`]);
    for (const table of ['regimes', 'regime_transitions']) {
      await client.query(`DELETE FROM ${table} WHERE region = $1 AND as_of_date::date BETWEEN $2 AND $3`, [
        region,
        formatDay(range.start),
        formatDay(range.end),
      ]);
    }
    const regimes = await copyInto(
      client,
      'regimes',
      [
        'regime_record_id',
        'as_of_date',
        'region',
        'regime_label',
        'regime_embedding',
        'embedding_ref',
        'confidence',
        'metadata',
      ],
      async (writer) => {
        for (const [k, d] of within.entries()) {
          const vector = values.subarray(d * dim, (d + 1) * dim);
          const matrix = matrixJson(risk.transition.subarray(d * REGIMES * REGIMES, (d + 1) * REGIMES * REGIMES));
          writer.row(8);
          writer.text(keyId('regimes', region, formatDay(days[d])));
          writer.date(days[d]);
          writer.text(region);
          writer.text(REGIME_LABELS[labels.regime[d]]);
          writer.bytes(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
          writer.text(asked.reference);
          writer.float64(labels.confidence[d]);
          writer.jsonb(
            `{${own},"change_risk":${risk.change[d]},"regime_risk":${risk.risk[d]},"transition_matrix":${matrix}}`,
          );
          await writer.flushed();
          if ((k + 1) % BATCH_DAYS === 0 || k === within.length - 1) asked.onBatch((k % BATCH_DAYS) + 1);
        }
      },
    );
    const transitions = await copyInto(
      client,
      'regime_transitions',
      ['transition_id', 'region', 'from_regime_label', 'to_regime_label', 'as_of_date', 'metadata'],
      async (writer) => {
        for (const d of changed) {
          const [from, to] = [labels.regime[d - 1], labels.regime[d]];
          const before = risk.transition[(d - 1) * REGIMES * REGIMES + from * REGIMES + to];
          writer.row(6);
          writer.text(keyId('regime_transitions', region, formatDay(days[d])));
          writer.text(region);
          writer.text(REGIME_LABELS[from]);
          writer.text(REGIME_LABELS[to]);
          writer.date(days[d]);
          writer.jsonb(`{${own},"days_before":${daysBefore(labels.regime, d)},"probability_before":${before}}`);
        }
      },
    );
    return { regimes, regime_transitions: transitions };
  });
}

/** Days that the regime before day `d` had lasted. */
function daysBefore(regime: Int8Array, d: number): number {
  let first = d - 1;
  while (first > 0 && regime[first - 1] === regime[d - 1]) first--;
  return d - first;
}

/** `{"CALM":{"CALM":0.98,…},…}`: from each regime to each. */
export function matrixOf(matrix: Float64Array): Record<string, Record<string, number>> {
  const row = (from: number) =>
    Object.fromEntries(REGIME_LABELS.map((label, to) => [label, matrix[from * REGIMES + to]]));
  return Object.fromEntries(REGIME_LABELS.map((label, from) => [label, row(from)]));
}

const matrixJson = (matrix: Float64Array): string => JSON.stringify(matrixOf(matrix));
