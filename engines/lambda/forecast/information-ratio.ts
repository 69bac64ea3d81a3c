/**
 * Does the assessment signal pay more where λ̂ is high? That is what a weight on λ̂ in universes claims; a good forecast of
 * dispersion alone does not say so. Pure.
 */
import { windowEndingAt } from '../../market/panel.ts';
import {
  averageRanks,
  bootstrapIntervals,
  deviation,
  type Interval,
  mean,
  pearson,
  TRADING_DAYS,
} from '../../statistics/model.ts';
import { byDay, tStatistic } from './evaluate.ts';

/** The signal and prices of all instruments, and where they belong. */
export interface SignalPanel {
  readonly instruments: number;
  /** N × T, instrument-major; `first` is the λ panel's day 0. */
  readonly close: Float64Array;
  readonly days: number;
  readonly first: number;
  /** D × N, day-major: expected return of the assessment; NaN where it has no history. */
  readonly signal: Float64Array;
  /** D × N: index of the cluster, −1 outside. */
  readonly cluster: Int32Array;
}

interface BucketFigures {
  readonly bucket: 'low' | 'mid' | 'high';
  /** Mean rank correlation of signal and return inside a cluster. */
  readonly ic: number;
  /** Annualised mean / deviation of that correlation over days. */
  readonly icRatio: number;
  /** Annualised mean / deviation of the return of a book that is long the better and short the worse ranks. */
  readonly returnRatio: number;
  readonly returnMean: number;
}

export interface InformationRatioTest {
  readonly days: number;
  readonly buckets: readonly BucketFigures[];
  /** High minus low, with the t-statistic of the mean difference and a 95 % bootstrap interval of the ratios' difference. */
  readonly icDifference: number;
  readonly icT: number;
  readonly icRatioDifference: number;
  readonly icRatioInterval: Interval;
  readonly returnDifference: number;
  readonly returnT: number;
  readonly returnRatioDifference: number;
  readonly returnRatioInterval: Interval;
}

/** Members with signal and return that a cluster needs, and clusters that a day needs. */
const LEAST_MEMBERS = 5;
const LEAST_CLUSTERS = 6;
const DRAWS = 2000;
const COVERAGE = 0.95;

/**
 * On each judged day clusters are ranked by λ̂ and cut into thirds; inside each cluster the signal of the day meets the
 * return of the following `horizon` days. @param rows judged rows of the λ panel, ascending by day.
 */
export function informationRatioTest(
  rows: Int32Array,
  day: Int32Array,
  clusterOfRow: Int32Array,
  predicted: Float64Array,
  signals: SignalPanel,
  horizon: number,
  uniform: () => number,
): InformationRatioTest {
  const ic: number[][] = [[], [], []];
  const returns: number[][] = [[], [], []];
  for (const own of byDay(rows, day)) {
    const members = membersByCluster(signals, day[own[0]], horizon);
    const found = Array.from(own)
      .map((k) => ({ lambda: predicted[k], ...clusterPayoff(members.get(clusterOfRow[k]) ?? []) }))
      .filter((one) => Number.isFinite(one.ic))
      .sort((a, b) => a.lambda - b.lambda);
    if (found.length < LEAST_CLUSTERS) continue;
    const third = Math.floor(found.length / 3);
    const cut = [found.slice(0, third), found.slice(third, 2 * third), found.slice(2 * third)];
    cut.forEach((bucket, b) => {
      ic[b].push(mean(bucket.map((one) => one.ic)));
      returns[b].push(mean(bucket.map((one) => one.payoff)));
    });
  }
  const perYear = Math.sqrt(TRADING_DAYS / horizon);
  const ratio = (values: ArrayLike<number>) => (mean(values) / deviation(values)) * perYear;
  const difference = (series: number[][]) => series[2].map((value, k) => value - series[0][k]);
  const [icInterval, returnInterval] = bootstrapIntervals(
    [ic[0], ic[2], returns[0], returns[2]],
    ([icLow, icHigh, low, high]) => [ratio(icHigh) - ratio(icLow), ratio(high) - ratio(low)],
    { draws: DRAWS, coverage: COVERAGE, uniform },
  );
  return {
    days: ic[0].length,
    buckets: (['low', 'mid', 'high'] as const).map((bucket, b) => ({
      bucket,
      ic: mean(ic[b]),
      icRatio: ratio(ic[b]),
      returnRatio: ratio(returns[b]),
      returnMean: mean(returns[b]),
    })),
    icDifference: mean(difference(ic)),
    icT: tStatistic(difference(ic)),
    icRatioDifference: ratio(ic[2]) - ratio(ic[0]),
    icRatioInterval: icInterval,
    returnDifference: mean(difference(returns)),
    returnT: tStatistic(difference(returns)),
    returnRatioDifference: ratio(returns[2]) - ratio(returns[0]),
    returnRatioInterval: returnInterval,
  };
}

interface Member {
  readonly signal: number;
  readonly outcome: number;
}

/** Signal on day `d` and return over the following `horizon` days of every instrument that has both, by cluster. */
function membersByCluster(signals: SignalPanel, d: number, horizon: number): Map<number, Member[]> {
  const { instruments: n, close, days, first } = signals;
  const t = first + d;
  const members = new Map<number, Member[]>();
  if (t + horizon >= days) return members;
  for (let i = 0; i < n; i++) {
    const cluster = signals.cluster[d * n + i];
    const signal = signals.signal[d * n + i];
    if (cluster < 0 || Number.isNaN(signal)) continue;
    const ahead = windowEndingAt(close, days, i, t + horizon, horizon + 1);
    const outcome = ahead[horizon] / ahead[0] - 1;
    if (Number.isNaN(outcome)) continue;
    const list = members.get(cluster);
    if (list) list.push({ signal, outcome });
    else members.set(cluster, [{ signal, outcome }]);
  }
  return members;
}

/** Rank correlation inside a cluster, and the return of a book of gross 1 weighted by the ranks of the signal. */
function clusterPayoff(members: readonly Member[]): { ic: number; payoff: number } {
  if (members.length < LEAST_MEMBERS) return { ic: Number.NaN, payoff: Number.NaN };
  const ranks = averageRanks(members.map((member) => member.signal));
  const outcomes = members.map((member) => member.outcome);
  const centre = mean(ranks);
  let gross = 0;
  let payoff = 0;
  ranks.forEach((rank, k) => {
    gross += Math.abs(rank - centre);
    payoff += (rank - centre) * outcomes[k];
  });
  return { ic: pearson(ranks, averageRanks(outcomes)), payoff: gross > 0 ? payoff / gross : Number.NaN };
}
