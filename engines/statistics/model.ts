/**
 * Statistics of returns and forecasts: moments, correlations, the deflated Sharpe ratio, block bootstrap. Pure; whatever is
 * random takes its generator as an argument.
 */
import { normalQuantile } from '../../src/platform/random.ts';

export const TRADING_DAYS = 252;

export const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k];
  return sum / values.length;
};

/** Equal values have a mean that rounding moves off them: whether they vary cannot be told from distances to it. */
function varies(values: ArrayLike<number>): boolean {
  for (let k = 1; k < values.length; k++) if (values[k] !== values[0]) return true;
  return false;
}

/** Sample standard deviation (n − 1); NaN for fewer than two values, 0 for equal ones. */
export function deviation(values: ArrayLike<number>): number {
  if (values.length > 1 && !varies(values)) return 0;
  const centre = mean(values);
  let squares = 0;
  for (let k = 0; k < values.length; k++) squares += (values[k] - centre) ** 2;
  return values.length < 2 ? Number.NaN : Math.sqrt(squares / (values.length - 1));
}

/** Pearson's correlation; NaN when a side does not vary. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (!varies(x) || !varies(y)) return Number.NaN;
  const [centreX, centreY] = [mean(x), mean(y)];
  let covariance = 0;
  let squaresX = 0;
  let squaresY = 0;
  for (let k = 0; k < x.length; k++) {
    const [a, b] = [x[k] - centreX, y[k] - centreY];
    covariance += a * b;
    squaresX += a * a;
    squaresY += b * b;
  }
  const scale = Math.sqrt(squaresX * squaresY);
  return scale > 0 ? covariance / scale : Number.NaN;
}

/** Ranks from 1; equal values share the mean of theirs. */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from(values, (_, k) => k).sort((a, b) => values[a] - values[b] || a - b);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]] === values[order[from]]) to++;
    for (let k = from; k <= to; k++) ranks[order[k]] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return ranks;
}

/** Spearman's correlation: Pearson's of average ranks. */
export const spearman = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  pearson(averageRanks(x), averageRanks(y));

/** Quantile by linear interpolation between order statistics (type 7, NumPy's default). */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** Φ(x) to about 1e-15 absolute (G. Marsaglia, "Evaluating the Normal Distribution", J. Stat. Software 11(4), 2004). */
export function normalCdf(x: number): number {
  if (x < -8) return 0;
  if (x > 8) return 1;
  let sum = x;
  let term = x;
  for (let k = 3, before = 0; sum !== before; k += 2) {
    before = sum;
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

/** Sharpe ratio a day: mean over sample deviation; 0 when nothing moves. */
export function dailySharpe(returns: ArrayLike<number>): number {
  const spread = deviation(returns);
  return spread > 0 ? mean(returns) / spread : 0;
}

/**
 * The largest Sharpe ratio that `trials` tries without skill are expected to show, when their ratios deviate by `spread`:
 * spread · ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))). Source: D. H. Bailey, M. López de Prado, "The Deflated Sharpe
 * Ratio", J. Portfolio Management 40(5), 2014, equation 1. One trial: 0.
 */
export function expectedMaximumSharpe(spread: number, trials: number): number {
  if (trials <= 1 || !(spread > 0)) return 0;
  const euler = 0.5772156649015329;
  return spread * ((1 - euler) * normalQuantile(1 - 1 / trials) + euler * normalQuantile(1 - 1 / (trials * Math.E)));
}

/**
 * Probability that the true Sharpe ratio a day exceeds `benchmark`, given length, skewness and kurtosis of the returns
 * (the same paper, equation 2). With the expected maximum as benchmark it is the deflated Sharpe ratio. NaN for fewer
 * than three returns or returns that do not move.
 */
export function probabilisticSharpe(returns: ArrayLike<number>, benchmark: number): number {
  const n = returns.length;
  const centre = mean(returns);
  let second = 0;
  let third = 0;
  let fourth = 0;
  for (let k = 0; k < n; k++) {
    const x = returns[k] - centre;
    second += x * x;
    third += x * x * x;
    fourth += x * x * x * x;
  }
  if (n < 3 || !(second > 0)) return Number.NaN;
  const variance = second / n;
  const skewness = third / n / variance ** 1.5;
  const kurtosis = fourth / n / variance ** 2;
  const ratio = dailySharpe(returns);
  const spread = Math.sqrt(Math.max(1 - skewness * ratio + ((kurtosis - 1) / 4) * ratio * ratio, Number.EPSILON));
  return normalCdf(((ratio - benchmark) * Math.sqrt(n - 1)) / spread);
}

/** Mean block length of the bootstrap: n^⅓, the rate that is best for a variance (Politis, Romano 1994). */
export const blockLength = (n: number): number => Math.max(1, Math.round(n ** (1 / 3)));

/**
 * One draw of the stationary bootstrap: indices into a series of n, in blocks of geometric length with the given mean,
 * around the end of the series (D. N. Politis, J. P. Romano, "The Stationary Bootstrap", JASA 89, 1994).
 * @param uniform numbers in (0, 1).
 */
export function stationaryDraw(n: number, meanBlock: number, uniform: () => number): Int32Array {
  const draw = new Int32Array(n);
  const leave = 1 / meanBlock;
  for (let k = 0; k < n; k++) {
    const fresh = k === 0 || uniform() < leave;
    draw[k] = fresh ? Math.floor(uniform() * n) : (draw[k - 1] + 1) % n;
  }
  return draw;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Bootstrap intervals of statistics of several series that share their days: every series is drawn with the same days, so
 * that differences between them keep their dependence. Percentile intervals of the given coverage.
 * @param statistic from the drawn series to figures; the k-th interval is of the k-th figure.
 */
export function bootstrapIntervals(
  series: readonly ArrayLike<number>[],
  statistic: (drawn: readonly Float64Array[]) => readonly number[],
  options: { readonly draws: number; readonly coverage: number; readonly uniform: () => number },
): Interval[] {
  const n = series[0].length;
  const block = blockLength(n);
  const drawn = series.map(() => new Float64Array(n));
  const figures: number[][] = [];
  for (let b = 0; b < options.draws; b++) {
    const days = stationaryDraw(n, block, options.uniform);
    series.forEach((values, s) => {
      for (let k = 0; k < n; k++) drawn[s][k] = values[days[k]];
    });
    statistic(drawn).forEach((figure, k) => {
      (figures[k] ??= []).push(figure);
    });
  }
  const tail = (1 - options.coverage) / 2;
  return figures.map((values) => ({ low: quantile(values, tail), high: quantile(values, 1 - tail) }));
}
