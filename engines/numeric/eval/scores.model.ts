/** Figures of predictions: pure functions over typed arrays. */

/** Share of the variance that is explained; below 0 when the mean of the target would have been better. */
export function r2(target: ArrayLike<number>, predicted: ArrayLike<number>): number {
  let mean = 0;
  for (let k = 0; k < target.length; k++) mean += target[k] / target.length;
  let [left, all] = [0, 0];
  for (let k = 0; k < target.length; k++) {
    left += (target[k] - predicted[k]) ** 2;
    all += (target[k] - mean) ** 2;
  }
  return all > 0 ? 1 - left / all : Number.NaN;
}

/** Area under the ROC curve: the chance that a case scores above a non-case, ties as half. NaN without one of the two. */
export function auc(cases: ArrayLike<number>, score: ArrayLike<number>): number {
  const rank = ranks(score);
  let [sum, positives] = [0, 0];
  for (let k = 0; k < cases.length; k++) {
    if (!cases[k]) continue;
    sum += rank[k];
    positives++;
  }
  const negatives = cases.length - positives;
  return positives && negatives ? (sum - (positives * (positives + 1)) / 2) / (positives * negatives) : Number.NaN;
}

/** Ranks from 1; ties share their mean. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, k) => k).sort((a, b) => values[a] - values[b] || a - b);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let k = from; k < to; k++) result[order[k]] = (from + to + 1) / 2;
    from = to;
  }
  return result;
}

/** Pearson's correlation; NaN where one of them does not move. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const n = x.length;
  let [mx, my] = [0, 0];
  for (let k = 0; k < n; k++) {
    mx += x[k] / n;
    my += y[k] / n;
  }
  let [xx, yy, xy] = [0, 0, 0];
  for (let k = 0; k < n; k++) {
    xx += (x[k] - mx) ** 2;
    yy += (y[k] - my) ** 2;
    xy += (x[k] - mx) * (y[k] - my);
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : Number.NaN;
}

/** Spearman's rank correlation. */
export const spearman = (x: ArrayLike<number>, y: ArrayLike<number>): number => pearson(ranks(x), ranks(y));

/**
 * t-statistic of a mean whose terms depend on each other up to `lag` apart (W. Newey, K. West, Econometrica 55, 1987,
 * Bartlett weights). NaN for fewer than three terms.
 */
export function neweyWestT(series: readonly number[], lag: number): number {
  const n = series.length;
  if (n < 3) return Number.NaN;
  const mean = series.reduce((sum, value) => sum + value, 0) / n;
  const covariance = (apart: number) => {
    let sum = 0;
    for (let k = apart; k < n; k++) sum += (series[k] - mean) * (series[k - apart] - mean);
    return sum / n;
  };
  let variance = covariance(0);
  for (let k = 1; k <= Math.min(lag, n - 1); k++) variance += 2 * (1 - k / (lag + 1)) * covariance(k);
  return variance > 0 ? mean / Math.sqrt(variance / n) : Number.NaN;
}
