/**
 * What λ̂ is forecast from and what it forecasts, for each row of the λ panel. A feature is a named column: further ones (of
 * embeddings, say) are appended to the list and need nothing else. Features of a row read days ≤ its own, targets the days
 * after it. Source of the recipe: HAR (F. Corsi, J. Financial Econometrics 7(2), 2009) on logs of dispersion.
 */
import type { LambdaPanel } from '../model.ts';

export interface Feature {
  readonly name: string;
  /** One value a row of the λ panel. */
  readonly values: Float64Array;
}

/** Windows of the heterogeneous autoregression in trading days: a day, a week, a month, a quarter. */
const HAR_WINDOWS = [1, 5, 21, 63] as const;
const SECTOR_WINDOWS = [5, 21, 63] as const;
const TREND_WINDOW = 21;

/** Days at the start of the panel whose rows lack the longest window. */
export const WARM_UP_DAYS = Math.max(...HAR_WINDOWS) - 1;

/** Trailing and forward means of a daily quantity of each cluster; days without a row are left out of a mean. */
class ClusterSeries {
  readonly #days: number;
  /** Running sums and counts of a cluster's rows up to each day, (D + 1) values a cluster. */
  readonly #sums: Float64Array;
  readonly #counts: Int32Array;

  constructor(panel: LambdaPanel, values: Float64Array, days: number) {
    this.#days = days;
    const width = days + 1;
    this.#sums = new Float64Array(panel.clusters.length * width);
    this.#counts = new Int32Array(panel.clusters.length * width);
    for (let k = 0; k < values.length; k++) {
      const at = panel.cluster[k] * width + panel.day[k] + 1;
      this.#sums[at] = values[k];
      this.#counts[at] = 1;
    }
    for (let c = 0; c < panel.clusters.length; c++) {
      for (let at = c * width + 1; at < (c + 1) * width; at++) {
        this.#sums[at] += this.#sums[at - 1];
        this.#counts[at] += this.#counts[at - 1];
      }
    }
  }

  /** Mean over the rows of days `from … to` (clipped to the panel); NaN with fewer than `least`. */
  mean(cluster: number, from: number, to: number, least = 1): number {
    const base = cluster * (this.#days + 1);
    const [low, high] = [base + Math.max(0, from), base + Math.min(this.#days - 1, to) + 1];
    const count = this.#counts[high] - this.#counts[low];
    return count >= least && high > low ? (this.#sums[high] - this.#sums[low]) / count : Number.NaN;
  }
}

/** Mean of a daily series over the `window` days ending at each day; days without a value are left out. */
function trailing(series: Float64Array, window: number): Float64Array {
  return series.map((_, d) => {
    let sum = 0;
    let count = 0;
    for (let at = Math.max(0, d - window + 1); at <= d; at++) {
      if (Number.isNaN(series[at])) continue;
      sum += series[at];
      count++;
    }
    return count ? sum / count : Number.NaN;
  });
}

/**
 * Daily means of a quantity over groups of clusters, weighted by the clusters' sizes: for each group one value a day, NaN
 * on days without a row. `groupOf` names the group of a cluster.
 */
function groupMeans(
  panel: LambdaPanel,
  values: Float64Array,
  days: number,
  groupOf: (cluster: number) => string,
): Map<string, Float64Array> {
  const sums = new Map<string, { sum: Float64Array; size: Float64Array }>();
  for (let k = 0; k < values.length; k++) {
    const group = groupOf(panel.cluster[k]);
    let own = sums.get(group);
    if (!own) sums.set(group, (own = { sum: new Float64Array(days), size: new Float64Array(days) }));
    own.sum[panel.day[k]] += panel.size[k] * values[k];
    own.size[panel.day[k]] += panel.size[k];
  }
  const meansOf = ({ sum, size }: { sum: Float64Array; size: Float64Array }) =>
    sum.map((value, d) => (size[d] > 0 ? value / size[d] : Number.NaN));
  return new Map([...sums].map(([group, own]) => [group, meansOf(own)]));
}

/** The features of every row. `days`: number of days of the panel. */
export function densityFeatures(panel: LambdaPanel, days: number): Feature[] {
  const dispersion = new ClusterSeries(panel, panel.dispersion, days);
  const returns = new ClusterSeries(panel, panel.meanReturn, days);
  const whole = () => 'market';
  const sectorOf = (cluster: number) => panel.clusters[cluster].sector;
  const market = groupMeans(panel, panel.dispersion, days, whole).get('market')!;
  const marketReturn = groupMeans(panel, panel.meanReturn, days, whole).get('market')!;
  const sectors = groupMeans(panel, panel.dispersion, days, sectorOf);
  const marketVol = trailing(
    marketReturn.map((value) => value * value),
    TREND_WINDOW,
  ).map(Math.sqrt);
  const perRow = (value: (k: number) => number) => Float64Array.from(panel.day, (_, k) => value(k));
  const ofDay = (series: Float64Array) => perRow((k) => Math.log(series[panel.day[k]]));
  const ofSector = (window: number) => {
    const means = new Map([...sectors].map(([sector, series]) => [sector, trailing(series, window)]));
    return perRow((k) => Math.log(means.get(sectorOf(panel.cluster[k]))![panel.day[k]]));
  };
  return [
    ...HAR_WINDOWS.map((window) => ({
      name: `log_dispersion_${window}`,
      values: perRow((k) => Math.log(dispersion.mean(panel.cluster[k], panel.day[k] - window + 1, panel.day[k]))),
    })),
    { name: 'log_mean_vol', values: panel.averageVol.map(Math.log) },
    { name: 'log_count', values: Float64Array.from(panel.size, Math.log) },
    ...SECTOR_WINDOWS.map((window) => ({ name: `log_sector_dispersion_${window}`, values: ofSector(window) })),
    ...HAR_WINDOWS.map((window) => ({
      name: `log_market_dispersion_${window}`,
      values: ofDay(trailing(market, window)),
    })),
    { name: 'log_market_vol', values: ofDay(marketVol) },
    {
      name: `trend_${TREND_WINDOW}`,
      values: perRow((k) => returns.mean(panel.cluster[k], panel.day[k] - TREND_WINDOW + 1, panel.day[k])),
    },
  ];
}

/** Features whose names begin with `log_dispersion_`: the cluster's own past and nothing else. */
export const ownPast = (features: readonly Feature[]): Feature[] =>
  features.filter((feature) => feature.name.startsWith('log_dispersion_'));

/** log of the mean dispersion of each row's cluster over the `window` days ending at the row's day. */
export function trailingLogMeans(panel: LambdaPanel, days: number, window: number): Float64Array {
  const dispersion = new ClusterSeries(panel, panel.dispersion, days);
  return Float64Array.from(panel.day, (d, k) => Math.log(dispersion.mean(panel.cluster[k], d - window + 1, d)));
}

/** Share of the days ahead on which a cluster must have a row for its target to count. */
const LEAST_SHARE = 0.5;

/**
 * log of the mean dispersion over t + 1 … t + h of the same cluster: shares no day with the features of t. NaN where the
 * window has not ended on the last of the `days` days (those up to the last price), or the cluster has rows on fewer than half
 * of its days.
 */
export function forwardTargets(panel: LambdaPanel, days: number, horizon: number): Float64Array {
  const dispersion = new ClusterSeries(panel, panel.dispersion, days);
  return Float64Array.from(panel.day, (d, k) =>
    d + horizon < days
      ? Math.log(dispersion.mean(panel.cluster[k], d + 1, d + horizon, Math.ceil(LEAST_SHARE * horizon)))
      : Number.NaN,
  );
}
