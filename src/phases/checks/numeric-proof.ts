/** What a proof of `verify numeric-embeddings` must have looked at to count, and what changed since. Pure. */
import { civilFromDay, parseDay } from '../../platform/dates.ts';
import type { Requirements } from '../config.ts';
import type { PriceCell, VectorCell } from '../evidence.ts';
import { count, percent } from '../words.ts';

/** Vectors of each model whose values are looked at, and that are computed again: the defaults of the command. */
export const PROOF_SAMPLE = 20_000;
export const PROOF_RECOMPUTED = 200;

interface ProvenModel {
  readonly model_id?: string;
  readonly window_days?: number;
  readonly state?: string;
  readonly reason?: string;
  /** Rows of instruments in the whole calendar years of the span. */
  readonly rows_by_year?: Readonly<Record<string, number>>;
}

/** What the program recorded; absent figures count as nothing. */
export interface NumericProof {
  readonly expected: number;
  readonly present: number;
  readonly recomputed: number;
  readonly start: string;
  readonly end: string;
  readonly market: string;
  /** Null: of all instruments. Undefined: it does not say. */
  readonly limit: number | null | undefined;
  readonly minShare: number;
  readonly sample: number;
  readonly recompute: number;
  readonly models: readonly ProvenModel[];
  /** When a backfill had last written these vectors; empty when none had. */
  readonly writtenAt: string;
  /** Instrument days with prices up to the end of the last year. */
  readonly priceDaysByYear: Readonly<Record<string, number>>;
}

export function numericProofOf(observed: Readonly<Record<string, unknown>> | null): NumericProof {
  const number = (key: string) => (typeof observed?.[key] === 'number' ? (observed[key] as number) : 0);
  const text = (key: string) => (typeof observed?.[key] === 'string' ? (observed[key] as string) : '');
  return {
    expected: number('expected'),
    present: number('present'),
    recomputed: number('recomputed'),
    start: text('start'),
    end: text('end'),
    market: text('market'),
    limit: observed?.limit as number | null | undefined,
    minShare: number('min_share'),
    sample: number('sample'),
    recompute: number('recompute'),
    models: Array.isArray(observed?.models) ? (observed.models as ProvenModel[]) : [],
    writtenAt: text('written_at'),
    priceDaysByYear: (observed?.price_days_by_year ?? {}) as Record<string, number>,
  };
}

/** What the plan's models came to in a proof: the worst of them, and what it says of those that are not OK. */
export function provenState({ models }: NumericProof, { numeric }: Requirements): { state: string; reason: string } {
  const own = models.filter(
    ({ model_id, window_days }) => numeric.models.includes(model_id ?? '') && window_days === numeric.windowDays,
  );
  const state = ['FAIL', 'PART'].find((one) => own.some((model) => model.state === one)) ?? 'OK';
  return { state, reason: own.flatMap(({ reason }) => reason || []).join('; ') };
}

/** Why a proof does not count: it looked at less than the plan has. Null when it does. */
export function lackOf(proof: NumericProof, { numeric, market }: Requirements): string | null {
  const lacking = numeric.models.find((id) => !proof.models.some(({ model_id }) => model_id === id));
  if (lacking) return `it does not cover ${lacking}`;
  if (proof.start > numeric.start || proof.end < numeric.end) return `it covers ${proof.start} → ${proof.end} only`;
  if (proof.market !== market) return `it is of market ${proof.market || 'unknown'}`;
  if (proof.limit !== null) return `it looked at ${proof.limit ? `the first ${proof.limit}` : 'some'} instruments only`;
  if (proof.models.some((one) => numeric.models.includes(one.model_id!) && one.window_days !== numeric.windowDays)) {
    return `it is of other windows than ${numeric.windowDays} days`;
  }
  if (proof.minShare < numeric.minShare) return `it asked for ${percent(proof.minShare)} of the vectors only`;
  if (proof.sample < PROOF_SAMPLE) return `it looked at the values of ${count(proof.sample)} vectors a model only`;
  if (proof.recompute < PROOF_RECOMPUTED) return `it computed ${count(proof.recompute)} vectors a model again only`;
  return null;
}

/** What is there now. */
interface Standing {
  /** Null where the counts are older than the proof. */
  readonly vectors: readonly VectorCell[] | null;
  readonly prices: readonly PriceCell[];
  readonly writtenAt: string | null;
}

/** What changed after a proof, as far as counts and the record of backfills tell; null: nothing. */
export function changedSince(proof: NumericProof, now: Standing, { numeric }: Requirements): string | null {
  if (now.writtenAt !== null && now.writtenAt > proof.writtenAt) {
    return `a backfill wrote these vectors after the proof (${now.writtenAt.slice(0, 16).replace('T', ' ')} UTC)`;
  }
  const [from, to] = [numeric.start, numeric.end].map((date) => civilFromDay(parseDay(date)).year);
  const inSpan = (year: number) => year >= from && year <= to;
  for (const { model_id, rows_by_year } of now.vectors ? proof.models : []) {
    if (!numeric.models.includes(model_id ?? '')) continue;
    const rows = byYear(now.vectors!.filter(({ model }) => model === model_id).map((c) => [c.year, c.rows]));
    const year = firstOther(rows, rows_by_year ?? {}, inSpan);
    if (year !== null) {
      return `${model_id} has ${count(rows[year] ?? 0)} rows in ${year}, ${count(rows_by_year?.[year] ?? 0)} when it was verified`;
    }
  }
  const days = byYear(now.prices.map((cell) => [cell.year, cell.days]));
  const year = firstOther(days, proof.priceDaysByYear, (y) => y <= to);
  if (year === null) return null;
  return `prices of ${year} changed: ${count(days[year] ?? 0)} instrument days, ${count(proof.priceDaysByYear[year] ?? 0)} when the vectors were verified`;
}

function byYear(entries: readonly (readonly [number, number])[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [year, value] of entries) sums[year] = (sums[year] ?? 0) + value;
  return sums;
}

/** The first year that counts and of which the two do not say the same. */
function firstOther(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
  counts: (year: number) => boolean,
): number | null {
  const years = [...new Set([...Object.keys(a), ...Object.keys(b)])].map(Number).filter(counts);
  return years.sort((x, y) => x - y).find((year) => (a[year] ?? 0) !== (b[year] ?? 0)) ?? null;
}
