/** Figures of short series of returns: plain sums over the last values, no state. */

/** Added to volatilities before their logarithm: half a basis point a day, so that a price that stands still has one. */
const LEAST_VOL = 5e-5;

/** The values `from … to − 1` of a series. */
export type Series = Float64Array;

export function mean(x: Series, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) sum += x[k];
  return to > from ? sum / (to - from) : 0;
}

export function total(x: Series, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) sum += x[k];
  return sum;
}

/** Root of the mean square: the volatility of returns whose mean is taken as 0. */
export function rootMeanSquare(x: Series, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) sum += x[k] * x[k];
  return to > from ? Math.sqrt(sum / (to - from)) : 0;
}

export function logVol(x: Series, from: number, to: number): number {
  return Math.log(rootMeanSquare(x, from, to) + LEAST_VOL);
}

export const logOf = (volatility: number): number => Math.log(volatility + LEAST_VOL);

/** Root of the mean square of the falls, over all days. */
export function logDownside(x: Series, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) if (x[k] < 0) sum += x[k] * x[k];
  return Math.log(Math.sqrt(to > from ? sum / (to - from) : 0) + LEAST_VOL);
}

/** Volatility with weights that fall by `decay` a day, the last day counting most. */
export function logDecayedVol(x: Series, from: number, to: number, decay: number): number {
  let sum = 0;
  let weights = 0;
  for (let k = to - 1, weight = 1; k >= from; k--, weight *= decay) {
    sum += weight * x[k] * x[k];
    weights += weight;
  }
  return Math.log(Math.sqrt(weights ? sum / weights : 0) + LEAST_VOL);
}

/** Correlation of x[k] and y[k − lag]; 0 where one of them does not move. */
export function correlation(x: Series, y: Series, from: number, to: number, lag = 0): number {
  const count = to - from - lag;
  if (count < 2) return 0;
  const mx = mean(x, from + lag, to);
  const my = mean(y, from, to - lag);
  let [xx, yy, xy] = [0, 0, 0];
  for (let k = from + lag; k < to; k++) {
    const dx = x[k] - mx;
    const dy = y[k - lag] - my;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
}

/** Slope of x on y; 0 where y does not move. */
export function slope(x: Series, y: Series, from: number, to: number): number {
  const mx = mean(x, from, to);
  const my = mean(y, from, to);
  let [yy, xy] = [0, 0];
  for (let k = from; k < to; k++) {
    const dy = y[k] - my;
    yy += dy * dy;
    xy += (x[k] - mx) * dy;
  }
  return yy > 0 ? xy / yy : 0;
}

/** Third and fourth standardised moments about the mean (3 for a normal series); 0 and 3 where it does not move. */
export function moments(x: Series, from: number, to: number): { skew: number; kurtosis: number } {
  const centre = mean(x, from, to);
  let [m2, m3, m4] = [0, 0, 0];
  for (let k = from; k < to; k++) {
    const d = x[k] - centre;
    m2 += d * d;
    m3 += d * d * d;
    m4 += d * d * d * d;
  }
  const n = to - from;
  if (!(m2 > 0)) return { skew: 0, kurtosis: 3 };
  return { skew: m3 / n / (m2 / n) ** 1.5, kurtosis: m4 / n / (m2 / n) ** 2 };
}

export interface Drawdowns {
  /** Fall below the running peak at each value: 0 … −1. */
  readonly path: Series;
  readonly deepest: number;
  /** Values since the peak that the last one is measured from. */
  readonly sincePeak: number;
}

/** Drawdowns of the index that log returns `x[from … to − 1]` make, from 1 before the first; written into `path`. */
export function drawdowns(x: Series, from: number, to: number, path: Series): Drawdowns {
  let [level, peak, deepest, sincePeak] = [0, 0, 0, 0];
  for (let k = from; k < to; k++) {
    level += x[k];
    if (level >= peak) {
      peak = level;
      sincePeak = 0;
    } else sincePeak++;
    path[k] = Math.expm1(level - peak);
    if (path[k] < deepest) deepest = path[k];
  }
  return { path, deepest, sincePeak };
}

/** Middle value of `scratch[0 … count − 1]` that are numbers (the mean of the two middle ones); NaN without any. Sorts it. */
export function median(scratch: Series, count: number): number {
  const sorted = scratch.subarray(0, count).sort();
  // NaN sorts to the end.
  let n = count;
  while (n > 0 && Number.isNaN(sorted[n - 1])) n--;
  if (n === 0) return Number.NaN;
  return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
}
