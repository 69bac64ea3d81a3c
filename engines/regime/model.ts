/**
 * Market regimes: prototypes of a training span's vectors by Lloyd's k-means (S. Lloyd, IEEE Trans. Information Theory
 * 28(2), 1982), the regime of a day as the nearest prototype, and the risk of a change from the transitions seen so far.
 * Pure and without a random start: the first centres are the means of the training days by quarters of market volatility,
 * and regimes are named in the order of their days' mean volatility.
 */

/** Regimes by mean volatility of their training days, ascending. */
export const REGIME_LABELS = ['CALM', 'NORMAL', 'STRESSED', 'CRISIS'] as const;
export const REGIMES = REGIME_LABELS.length;
/** Regimes from here on count as risk. */
const FIRST_RISKY = REGIME_LABELS.indexOf('STRESSED');
const MOST_ROUNDS = 500;

/** D × dim, one row a day, in the order of days. */
export interface DayVectors {
  readonly count: number;
  readonly dim: number;
  readonly values: Float32Array;
}

/** REGIMES × dim, and the training days of each. */
export interface Prototypes {
  readonly centres: Float64Array;
  readonly days: Int32Array;
}

/**
 * Prototypes of the training days.
 * @param volatility of the market on each of the days; its order alone counts.
 * @throws Error when fewer distinct groups of days than regimes are left.
 */
export function fitPrototypes(vectors: DayVectors, volatility: Float64Array): Prototypes {
  const { count, dim } = vectors;
  const byVolatility = Array.from({ length: count }, (_, d) => d).sort(
    (a, b) => volatility[a] - volatility[b] || a - b,
  );
  const member = new Int32Array(count);
  byVolatility.forEach((d, rank) => {
    member[d] = Math.min(REGIMES - 1, Math.floor((rank * REGIMES) / count));
  });
  let centres = means(vectors, member);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let moved = false;
    for (let d = 0; d < count; d++) {
      const { regime } = nearest(vectors.values.subarray(d * dim, (d + 1) * dim), centres);
      if (regime !== member[d]) moved = true;
      member[d] = regime;
    }
    if (!moved) break;
    centres = means(vectors, member);
  }
  const days = new Int32Array(REGIMES);
  const mean = new Float64Array(REGIMES);
  for (let d = 0; d < count; d++) {
    days[member[d]]++;
    mean[member[d]] += volatility[d];
  }
  const order = Array.from(mean, (_, k) => k).sort((a, b) => mean[a] / days[a] - mean[b] / days[b]);
  const sorted = new Float64Array(REGIMES * dim);
  order.forEach((from, to) => {
    sorted.set(centres.subarray(from * dim, (from + 1) * dim), to * dim);
  });
  return { centres: sorted, days: Int32Array.from(order, (k) => days[k]) };
}

function means({ count, dim, values }: DayVectors, member: Int32Array): Float64Array {
  const centres = new Float64Array(REGIMES * dim);
  const size = new Int32Array(REGIMES);
  for (let d = 0; d < count; d++) {
    size[member[d]]++;
    for (let j = 0; j < dim; j++) centres[member[d] * dim + j] += values[d * dim + j];
  }
  const empty = size.indexOf(0);
  if (empty >= 0) throw new Error(`the training days fall into fewer than ${REGIMES} groups`);
  return centres.map((value, at) => value / size[Math.floor(at / dim)]);
}

/** The nearest prototype, and the simplified silhouette (0: as far from the next one, 1: on its prototype). */
function nearest(vector: Float32Array, centres: Float64Array): { regime: number; confidence: number } {
  const dim = vector.length;
  let [regime, first, second] = [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let k = 0; k < REGIMES; k++) {
    let square = 0;
    for (let j = 0; j < dim; j++) square += (vector[j] - centres[k * dim + j]) ** 2;
    if (square < first) [regime, first, second] = [k, square, first];
    else if (square < second) second = square;
  }
  return { regime, confidence: second > 0 ? 1 - Math.sqrt(first / second) : 0 };
}

/** D values each: regime (index into `REGIME_LABELS`) and confidence in [0, 1]. */
export interface Labels {
  readonly regime: Int8Array;
  readonly confidence: Float64Array;
}

export function labelDays({ count, dim, values }: DayVectors, { centres }: Prototypes): Labels {
  const labels = { regime: new Int8Array(count), confidence: new Float64Array(count) };
  for (let d = 0; d < count; d++) {
    const { regime, confidence } = nearest(values.subarray(d * dim, (d + 1) * dim), centres);
    labels.regime[d] = regime;
    labels.confidence[d] = confidence;
  }
  return labels;
}

/** D × REGIMES × REGIMES and D values: what the days up to each one say about the days after it. */
export interface ChangeRisk {
  /** Transition matrix counted on moves that end on or before the day; a row without a count keeps its regime. */
  readonly transition: Float64Array;
  /** P(another regime within the horizon). */
  readonly change: Float64Array;
  /** P(STRESSED or CRISIS at the end of the horizon), staying included. */
  readonly risk: Float64Array;
}

/** Risk of each day from the moves between consecutive days up to it; `horizon` in days of the series. */
export function changeRisk(regime: Int8Array, horizon: number): ChangeRisk {
  const cells = REGIMES * REGIMES;
  const counts = new Float64Array(cells);
  const transition = new Float64Array(regime.length * cells);
  const change = new Float64Array(regime.length);
  const risk = new Float64Array(regime.length);
  for (let d = 0; d < regime.length; d++) {
    if (d > 0) counts[regime[d - 1] * REGIMES + regime[d]]++;
    const matrix = transition.subarray(d * cells, (d + 1) * cells);
    for (let from = 0; from < REGIMES; from++) {
      const row = counts.subarray(from * REGIMES, (from + 1) * REGIMES);
      const total = row.reduce((a, b) => a + b);
      for (let to = 0; to < REGIMES; to++) {
        matrix[from * REGIMES + to] = total > 0 ? row[to] / total : from === to ? 1 : 0;
      }
    }
    change[d] = 1 - matrix[regime[d] * REGIMES + regime[d]] ** horizon;
    const ahead = after(matrix, regime[d], horizon);
    // Sums of shares may leave [0, 1] by a rounding.
    risk[d] = Math.min(
      1,
      ahead.slice(FIRST_RISKY).reduce((a, b) => a + b),
    );
  }
  return { transition, change, risk };
}

/** Distribution over regimes `steps` days after a day in `from`. */
function after(matrix: Float64Array, from: number, steps: number): Float64Array {
  let state = new Float64Array(REGIMES);
  state[from] = 1;
  for (let step = 0; step < steps; step++) {
    const next = new Float64Array(REGIMES);
    for (let a = 0; a < REGIMES; a++) for (let b = 0; b < REGIMES; b++) next[b] += state[a] * matrix[a * REGIMES + b];
    state = next;
  }
  return state;
}
