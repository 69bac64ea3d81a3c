/** How good a λ̂ is, in the original's figures. Source: contracts §4. */
import { deviation, mean, pearson, quantile, spearman } from '../../statistics/model.ts';

export interface ExperimentMetrics {
  readonly pearson: number;
  readonly spearman: number;
  /** Days with an uplift, their mean and its standard error; NaN where undefined. */
  readonly upliftDays: number;
  readonly uplift: number;
  readonly upliftError: number;
}

const LEAST_CLUSTERS = 5;

/**
 * Correlations over all rows; uplift of a day with at least 5 clusters = mean next λ of the rows with λ̂ at or above the
 * day's (1 − topQuantile) quantile, minus the mean of the others.
 */
export function experimentMetrics(
  predicted: Float64Array,
  next: Float64Array,
  day: Int32Array,
  topQuantile: number,
): ExperimentMetrics {
  const byDay = new Map<number, number[]>();
  day.forEach((d, k) => {
    const rows = byDay.get(d);
    if (rows) rows.push(k);
    else byDay.set(d, [k]);
  });
  const uplifts: number[] = [];
  for (const d of [...byDay.keys()].sort((a, b) => a - b)) {
    const rows = byDay.get(d)!;
    if (rows.length < LEAST_CLUSTERS) continue;
    const limit = quantile(
      rows.map((k) => predicted[k]),
      1 - topQuantile,
    );
    const [top, others] = [rows.filter((k) => predicted[k] >= limit), rows.filter((k) => !(predicted[k] >= limit))];
    if (others.length === 0) continue;
    uplifts.push(mean(top.map((k) => next[k])) - mean(others.map((k) => next[k])));
  }
  return {
    pearson: pearson(predicted, next),
    spearman: spearman(predicted, next),
    upliftDays: uplifts.length,
    uplift: uplifts.length ? mean(uplifts) : Number.NaN,
    upliftError: deviation(uplifts) / Math.sqrt(uplifts.length),
  };
}
