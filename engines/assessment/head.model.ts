/**
 * The v2 head: a ridge of cross-sectional ranks of forward returns on joint vectors, judged walk-forward. Pure.
 * Ranks, because a few large returns would rule a regression of returns themselves; within the day, because the market's own
 * move says nothing about which name to hold.
 */
import { formatCount } from '../../src/format/numbers.ts';
import { averageRanks, deviation, mean, pearson } from '../statistics/model.ts';

/** One trading day of training: vectors of its names, row by row, and their forward returns. */
export interface HeadDay {
  /** names × dim. */
  readonly vectors: Float32Array;
  /** Simple return of each name over the horizon. */
  readonly returns: Float64Array;
}

/** Fewest names of a day that is learned from or judged by. */
const LEAST_NAMES = 10;
/** Trading days of a block: the fit is made anew after each. */
const BLOCK_DAYS = 63;
/** Trading days between what a fit has seen and what it is judged on, beside the horizon itself. */
const EMBARGO = 5;
/** Blocks that are learned from before the first one is judged. */
const LEAST_BLOCKS = 2;
/** Penalty in units of the mean variance of a direction: 1 halves the weight of an average one. */
const SHRINKAGE = 1;
/** From this t-statistic on a head is used at all (embeddings.md §4). */
const SIGNIFICANT = 2;

/** Training days, beside those it is to be judged on, before the first that a head can be judged on. */
export const LEARNT_FIRST = LEAST_BLOCKS * BLOCK_DAYS;

/** Fewest days that a head is judged on: the t-statistic takes lags as long as the horizon. */
export const leastJudged = (horizon: number): number => 2 * horizon + 2;

/** Figures of a fit as its manifest keeps them (`probes`); `ic` and `t` are absent when it was not judged. */
type HeadProbes = Readonly<Record<string, number>>;

/** Why a fitted head was not judged; null when it was. */
export function notJudged({ days_judged: days, horizon = 1 }: HeadProbes): string | null {
  if (days === undefined || days >= leastJudged(horizon)) return null;
  return `${formatCount(days)} ${days === 1 ? 'day' : 'days'}, fewer than the ${leastJudged(horizon)} that are asked for`;
}

/** What a fitted head goes by: its information coefficient, or 0 when it was not judged or found nothing. */
export const usedIc = (probes: HeadProbes): number =>
  notJudged(probes) === null && (probes.t ?? 0) >= SIGNIFICANT ? (probes.ic ?? 0) : 0;

/** What a fit is worth, in words. */
export function headVerdict(probes: HeadProbes): string {
  const why = notJudged(probes);
  if (why) return `not judged: ${why}: it will say 0 of every name`;
  const { ic = 0, t = 0, days_judged: days = 0 } = probes;
  return t >= SIGNIFICANT
    ? `IC ${ic.toFixed(4)} (t ${t.toFixed(2)}) on ${formatCount(days)} days that a fit had not seen`
    : `no evidence that it knows anything: IC ${ic.toFixed(4)} (t ${t.toFixed(2)}, ${SIGNIFICANT} is asked for) on ${formatCount(days)} days: it will say 0 of every name`;
}

/** Ranks of a day's values between −½ and ½, the mean 0. */
function centredRanks(values: ArrayLike<number>): Float64Array {
  const n = values.length;
  return averageRanks(values).map((rank) => (rank - (n + 1) / 2) / n);
}

/** Sums of products of a number of days: all that a ridge needs to know of them. */
export class Moments {
  readonly dim: number;
  /** Upper triangle counts; row-major dim × dim. */
  readonly gram: Float64Array;
  readonly cross: Float64Array;
  rows = 0;

  constructor(dim: number) {
    this.dim = dim;
    this.gram = new Float64Array(dim * dim);
    this.cross = new Float64Array(dim);
  }

  /** Adds a day: its vectors less their mean, against the ranks of its returns. Days with too few names are passed over. */
  addDay({ vectors, returns }: HeadDay): void {
    const n = returns.length;
    if (n < LEAST_NAMES) return;
    const { dim, gram, cross } = this;
    const centre = meanRow(vectors, n, dim);
    const ranks = centredRanks(returns);
    const row = new Float64Array(dim);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < dim; j++) row[j] = vectors[i * dim + j] - centre[j];
      for (let a = 0; a < dim; a++) {
        const value = row[a];
        cross[a] += value * ranks[i];
        const at = a * dim;
        for (let b = a; b < dim; b++) gram[at + b] += value * row[b];
      }
    }
    this.rows += n;
  }

  add(other: Moments): void {
    for (let k = 0; k < this.gram.length; k++) this.gram[k] += other.gram[k];
    for (let k = 0; k < this.cross.length; k++) this.cross[k] += other.cross[k];
    this.rows += other.rows;
  }

  /**
   * The ridge's weights: (G + αI)⁻¹ c with α the mean of G's diagonal. Null when there is nothing to learn from.
   * @param solve solves A·x = b for a symmetric positive definite A of this size.
   */
  weights(solve: (a: Float64Array, b: Float64Array, n: number) => Float64Array): Float64Array | null {
    const { dim, gram } = this;
    let trace = 0;
    for (let a = 0; a < dim; a++) trace += gram[a * dim + a];
    if (!(trace > 0)) return null;
    const system = gram.slice();
    for (let a = 0; a < dim; a++) {
      system[a * dim + a] += (SHRINKAGE * trace) / dim;
      for (let b = a + 1; b < dim; b++) system[b * dim + a] = system[a * dim + b];
    }
    return solve(system, this.cross, dim);
  }
}

function meanRow(vectors: Float32Array, n: number, dim: number): Float64Array {
  const centre = new Float64Array(dim);
  for (let i = 0; i < n; i++) for (let j = 0; j < dim; j++) centre[j] += vectors[i * dim + j];
  for (let j = 0; j < dim; j++) centre[j] /= n;
  return centre;
}

/** Products of a day's vectors and the weights. */
function project(vectors: Float32Array, weights: ArrayLike<number>, n: number): Float64Array {
  const dim = weights.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < dim; j++) sum += vectors[i * dim + j] * weights[j];
    out[i] = sum;
  }
  return out;
}

interface HeadJudgment {
  /** Days that a fit had not seen and was scored on. */
  readonly days: number;
  /** Null when these are too few to judge by. */
  readonly figures: {
    /** Mean information coefficient of those days: Pearson's of prediction and rank. */
    readonly ic: number;
    /** Newey–West t-statistic of that mean, lags as long as the horizon. */
    readonly t: number;
  } | null;
}

export interface FittedHead {
  readonly weights: Float64Array;
  readonly judgment: HeadJudgment;
  readonly rows: number;
}

/** Takes training days in their order, judges each block by what came well before it, and fits on all at the end. */
export class HeadTrainer {
  readonly #dim: number;
  readonly #horizon: number;
  readonly #solve: (a: Float64Array, b: Float64Array, n: number) => Float64Array;
  /** Days not yet old enough to be learned from when the next block begins. */
  #recent: HeadDay[] = [];
  readonly #seen: Moments;
  #weights: Float64Array | null = null;
  #day = 0;
  readonly #ics: number[] = [];

  constructor(dim: number, horizon: number, solve: (a: Float64Array, b: Float64Array, n: number) => Float64Array) {
    this.#dim = dim;
    this.#horizon = horizon;
    this.#solve = solve;
    this.#seen = new Moments(dim);
  }

  /** The next trading day; one without names counts as a day. */
  take(day: HeadDay): void {
    if (this.#day % BLOCK_DAYS === 0 && this.#day >= LEAST_BLOCKS * BLOCK_DAYS)
      this.#weights = this.#seen.weights(this.#solve);
    const n = day.returns.length;
    if (this.#weights && n >= LEAST_NAMES) {
      const ic = pearson(project(day.vectors, this.#weights, n), centredRanks(day.returns));
      if (Number.isFinite(ic)) this.#ics.push(ic);
    }
    this.#recent.push(day);
    // A target reaches over the horizon: a day is learned from when that, and the embargo, have passed.
    if (this.#recent.length > this.#horizon + EMBARGO) this.#seen.addDay(this.#recent.shift()!);
    this.#day++;
  }

  /** The head fitted on all days, with the judgment of the blocks; null when there was nothing to learn from. */
  finish(): FittedHead | null {
    const all = new Moments(this.#dim);
    all.add(this.#seen);
    for (const day of this.#recent) all.addDay(day);
    const weights = all.weights(this.#solve);
    return weights && { weights, judgment: judge(this.#ics, this.#horizon), rows: all.rows };
  }
}

/** Mean of the daily coefficients with its Newey–West t-statistic (Newey, West, "A Simple … Covariance Matrix", 1987). */
function judge(ics: readonly number[], lags: number): HeadJudgment {
  const n = ics.length;
  if (n < leastJudged(lags)) return { days: n, figures: null };
  const centre = mean(ics);
  let variance = 0;
  for (let lag = 0; lag <= lags; lag++) {
    let sum = 0;
    for (let k = lag; k < n; k++) sum += (ics[k] - centre) * (ics[k - lag] - centre);
    variance += (lag === 0 ? 1 : 2 * (1 - lag / (lags + 1))) * (sum / n);
  }
  const error = Math.sqrt(Math.max(variance, 0) / n);
  return { days: n, figures: { ic: centre, t: error > 0 ? centre / error : 0 } };
}

/** Scale on which an expected return becomes a score and a confidence of at most 1; that of the basic backend. */
const FULL_SCORE = 0.1;

/**
 * A day's assessments from its projections: expected return = IC · σ · √horizon · z, z the standard score of the projection
 * among the day's names. @param sigma daily deviation of each name's returns; NaN: nothing is said of it.
 */
export function assessDay(
  projections: Float64Array,
  sigma: ArrayLike<number>,
  { ic, horizon }: { readonly ic: number; readonly horizon: number },
): { expectedReturn: number; score: number; confidence: number }[] {
  const centre = mean(projections);
  const spread = projections.length > 1 ? deviation(projections) : 0;
  return Array.from(projections, (value, i) => {
    const z = spread > 0 ? (value - centre) / spread : 0;
    const expected = ic * sigma[i] * Math.sqrt(horizon) * z;
    const expectedReturn = Number.isFinite(expected) ? expected : 0;
    const score = Math.max(-1, Math.min(1, expectedReturn / FULL_SCORE));
    return { expectedReturn, score, confidence: Math.abs(score) };
  });
}
