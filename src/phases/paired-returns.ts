/** How much one run earned over another on the same days, with its interval. Pure. */

/** Trading days that annualise. */
const YEAR = 252;
/** Half-width of a 95 % interval of the normal distribution, in standard errors. */
const HALF_WIDTH = 1.96;
/** With fewer days no interval is given. */
const LEAST_DAYS = 20;

export interface Gain {
  /** Mean daily difference of returns, a year. */
  readonly gain: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Annualised mean difference of the daily returns of two equity curves (same days, positive), with a 95 % interval that
 * allows for serial correlation (Newey and West 1987, lag ⌊4 (n/100)^(2/9)⌋). Null with fewer than 20 returns or an equity
 * that is no positive number.
 */
export function pairedGain(own: ArrayLike<number>, other: ArrayLike<number>): Gain | null {
  const n = Math.min(own.length, other.length) - 1;
  if (n < LEAST_DAYS) return null;
  const differences = new Float64Array(n);
  for (let t = 0; t < n; t++) {
    differences[t] = own[t + 1] / own[t] - other[t + 1] / other[t];
    if (!Number.isFinite(differences[t])) return null;
  }
  const mean = differences.reduce((sum, value) => sum + value, 0) / n;
  const covariance = (lag: number) => {
    let sum = 0;
    for (let t = lag; t < n; t++) sum += (differences[t] - mean) * (differences[t - lag] - mean);
    return sum / n;
  };
  const lags = Math.floor(4 * (n / 100) ** (2 / 9));
  let variance = covariance(0);
  for (let lag = 1; lag <= lags; lag++) variance += 2 * (1 - lag / (lags + 1)) * covariance(lag);
  const half = HALF_WIDTH * Math.sqrt(Math.max(variance, 0) / n) * YEAR;
  return { gain: mean * YEAR, low: mean * YEAR - half, high: mean * YEAR + half };
}
