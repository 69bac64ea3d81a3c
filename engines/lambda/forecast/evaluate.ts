/** How good forecasts of log dispersion are out of sample. Pure. */
import { deviation, mean, spearman } from '../../statistics/model.ts';

export interface ForecastFigures {
  readonly rows: number;
  readonly days: number;
  /** 1 − squared errors / squared distances from the mean of what came, over all rows. */
  readonly r2: number;
  /** Rank correlation across the clusters of a day, mean over days, and the t-statistic of that mean. */
  readonly ic: number;
  readonly icT: number;
  /** The same after each cluster's own trailing mean is taken off both sides: what is known beyond its usual level. */
  readonly icDemeaned: number;
  readonly icDemeanedT: number;
}

/** Clusters that a day needs for a rank correlation. */
const LEAST_CLUSTERS = 5;

/**
 * Days on which forecasts are judged: every `horizon`-th, so that no two targets share a day and a mean over days has an
 * honest standard error.
 */
export const evaluationDays = (first: number, days: number, horizon: number): Set<number> => {
  const result = new Set<number>();
  for (let d = first; d < days; d += horizon) result.add(d);
  return result;
};

/**
 * @param rows positions to judge, ascending by day, where forecast and target are known. @param usual log of the cluster's
 * trailing mean, per row.
 */
export function forecastFigures(
  rows: Int32Array,
  day: Int32Array,
  predicted: Float64Array,
  target: Float64Array,
  usual: Float64Array,
): ForecastFigures {
  const centre = mean(Float64Array.from(rows, (k) => target[k]));
  let errors = 0;
  let squares = 0;
  for (const k of rows) {
    errors += (target[k] - predicted[k]) ** 2;
    squares += (target[k] - centre) ** 2;
  }
  const plain: number[] = [];
  const demeaned: number[] = [];
  let days = 0;
  for (const own of byDay(rows, day)) {
    days++;
    if (own.length < LEAST_CLUSTERS) continue;
    const pick = (value: (k: number) => number) => Float64Array.from(own, value);
    plain.push(
      spearman(
        pick((k) => predicted[k]),
        pick((k) => target[k]),
      ),
    );
    demeaned.push(
      spearman(
        pick((k) => predicted[k] - usual[k]),
        pick((k) => target[k] - usual[k]),
      ),
    );
  }
  const [ic, icDemeaned] = [plain, demeaned].map((values) => values.filter(Number.isFinite));
  return {
    rows: rows.length,
    days,
    r2: 1 - errors / squares,
    ic: mean(ic),
    icT: tStatistic(ic),
    icDemeaned: mean(icDemeaned),
    icDemeanedT: tStatistic(icDemeaned),
  };
}

/** Mean over its standard error. */
export const tStatistic = (values: ArrayLike<number>): number =>
  (mean(values) / deviation(values)) * Math.sqrt(values.length);

/** Rows of one day after the other. */
export function* byDay(rows: Int32Array, day: Int32Array): Generator<Int32Array> {
  for (let from = 0; from < rows.length; ) {
    let to = from;
    while (to < rows.length && day[rows[to]] === day[rows[from]]) to++;
    yield rows.subarray(from, to);
    from = to;
  }
}
