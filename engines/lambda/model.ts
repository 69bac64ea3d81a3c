/**
 * λ, the opportunity density of a cluster on a day: how far its members' returns lie apart, plus how much each of them
 * moves. A cluster is a sector and a soft target class. Source: contracts §4. Pure.
 */
import { UserError } from '../../src/platform/errors.ts';
import { type Instrument, windowEndingAt } from '../market/panel.ts';
import { SOFT_TARGET_CLASSES } from '../stability/model.ts';

/** Class of an instrument without a state on the day, and sector of one whose issuer names none. */
export const UNKNOWN = 'UNKNOWN';

export interface Cluster {
  readonly sector: string;
  readonly softTargetClass: string;
}

/** λ rows as columns, ordered by day, sector, class (byte order). */
export interface LambdaPanel {
  readonly clusters: readonly Cluster[];
  /** Per row: the simulated day (0 … D − 1) and the index into `clusters`. */
  readonly day: Int32Array;
  readonly cluster: Int32Array;
  readonly size: Int32Array;
  /** Sample deviation across members of the 1-day simple return. */
  readonly dispersion: Float64Array;
  /** Mean over members of the sample deviation of their lookback − 1 daily simple returns. */
  readonly averageVol: Float64Array;
  /** dispersion + averageVol. */
  readonly lambda: Float64Array;
  /** Mean over members of the 1-day simple return. */
  readonly meanReturn: Float64Array;
}

export interface LambdaInputs {
  readonly instruments: readonly Instrument[];
  /** N × T, instrument-major. */
  readonly close: Float64Array;
  /** Complete days that end at each cell (`completeRuns`). */
  readonly runs: Int32Array;
  readonly days: number;
  /** The D days `first … first + count − 1` of the panel. */
  readonly first: number;
  readonly count: number;
  /** D × N, day-major: the class on the day, −1 = no state. */
  readonly classCode: Int8Array;
  readonly lookback: number;
  readonly minClusterSize: number;
}

export const sectorOf = (instrument: Instrument): string => instrument.sector ?? UNKNOWN;
export const className = (code: number): string => (code < 0 ? UNKNOWN : SOFT_TARGET_CLASSES[code]);

/** Text order by bytes: no result depends on a collation. */
const byBytes = (a: string, b: string) => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** Clusters in the order of their rows. */
export const compareClusters = (a: Cluster, b: Cluster): number =>
  byBytes(a.sector, b.sector) || byBytes(a.softTargetClass, b.softTargetClass);

const CLASSES = SOFT_TARGET_CLASSES.length + 1;

/** All clusters that the instruments could form, in order, and each instrument's row into them by class code. */
function clustersOf(instruments: readonly Instrument[]): {
  clusters: Cluster[];
  /** `index[sectorOfInstrument[i] * 6 + classCode + 1]` is the cluster. */
  index: Int32Array;
  sectorOfInstrument: Int32Array;
} {
  const sectors = [...new Set(instruments.map(sectorOf))].sort(byBytes);
  const classes = [UNKNOWN, ...SOFT_TARGET_CLASSES];
  const cells = sectors.flatMap((sector, s) =>
    classes.map((softTargetClass, c) => ({ cell: s * CLASSES + c, cluster: { sector, softTargetClass } })),
  );
  cells.sort((a, b) => compareClusters(a.cluster, b.cluster));
  const index = new Int32Array(cells.length);
  cells.forEach(({ cell }, k) => {
    index[cell] = k;
  });
  return {
    clusters: cells.map(({ cluster }) => cluster),
    index,
    sectorOfInstrument: Int32Array.from(instruments, (instrument) => sectors.indexOf(sectorOf(instrument))),
  };
}

/** The cluster of every instrument on every day: D × N, day-major, −1 where its look-back is not complete. */
export function membership(inputs: Omit<LambdaInputs, 'close' | 'minClusterSize'>): Int32Array {
  const { instruments, runs, days, first, count, classCode, lookback } = inputs;
  const n = instruments.length;
  const { index, sectorOfInstrument } = clustersOf(instruments);
  const cluster = new Int32Array(count * n).fill(-1);
  for (let d = 0; d < count; d++) {
    for (let i = 0; i < n; i++) {
      if (runs[i * days + first + d] < lookback) continue;
      cluster[d * n + i] = index[sectorOfInstrument[i] * CLASSES + classCode[d * n + i] + 1];
    }
  }
  return cluster;
}

/** λ of every cluster with enough members on every day, in one pass over the panel. */
export function lambdaPanel(inputs: LambdaInputs): LambdaPanel {
  const { instruments, close, days, first, count, lookback, minClusterSize } = inputs;
  const n = instruments.length;
  const { clusters } = clustersOf(instruments);
  const members = membership(inputs);
  const rows = new RowList();
  const returns = new Float64Array(n);
  const size = new Int32Array(clusters.length);
  const sum = new Float64Array(clusters.length);
  const volSum = new Float64Array(clusters.length);
  const squares = new Float64Array(clusters.length);
  for (let d = 0; d < count; d++) {
    const t = first + d;
    size.fill(0);
    sum.fill(0);
    volSum.fill(0);
    squares.fill(0);
    const cluster = members.subarray(d * n, (d + 1) * n);
    for (let i = 0; i < n; i++) {
      const k = cluster[i];
      if (k < 0) continue;
      const closes = windowEndingAt(close, days, i, t, lookback);
      returns[i] = closes[lookback - 1] / closes[lookback - 2] - 1;
      size[k]++;
      sum[k] += returns[i];
      volSum[k] += deviationOfReturns(closes);
    }
    for (let i = 0; i < n; i++) {
      const k = cluster[i];
      if (k >= 0) squares[k] += (returns[i] - sum[k] / size[k]) ** 2;
    }
    for (let k = 0; k < clusters.length; k++) {
      if (size[k] < minClusterSize) continue;
      rows.add(d, k, size[k], Math.sqrt(squares[k] / (size[k] - 1)), volSum[k] / size[k], sum[k] / size[k]);
    }
  }
  return { clusters, ...rows.columns() };
}

/** Sample deviation of the daily simple returns inside a window of closes. */
function deviationOfReturns(closes: Float64Array): number {
  const steps = closes.length - 1;
  let sum = 0;
  for (let k = 1; k <= steps; k++) sum += closes[k] / closes[k - 1] - 1;
  const mean = sum / steps;
  let squares = 0;
  for (let k = 1; k <= steps; k++) squares += (closes[k] / closes[k - 1] - 1 - mean) ** 2;
  return Math.sqrt(squares / (steps - 1));
}

class RowList {
  readonly #day: number[] = [];
  readonly #cluster: number[] = [];
  readonly #size: number[] = [];
  readonly #dispersion: number[] = [];
  readonly #averageVol: number[] = [];
  readonly #meanReturn: number[] = [];

  add(day: number, cluster: number, size: number, dispersion: number, averageVol: number, meanReturn: number): void {
    this.#day.push(day);
    this.#cluster.push(cluster);
    this.#size.push(size);
    this.#dispersion.push(dispersion);
    this.#averageVol.push(averageVol);
    this.#meanReturn.push(meanReturn);
  }

  columns(): Omit<LambdaPanel, 'clusters'> {
    return {
      day: Int32Array.from(this.#day),
      cluster: Int32Array.from(this.#cluster),
      size: Int32Array.from(this.#size),
      dispersion: Float64Array.from(this.#dispersion),
      averageVol: Float64Array.from(this.#averageVol),
      lambda: Float64Array.from(this.#dispersion, (dispersion, k) => dispersion + this.#averageVol[k]),
      meanReturn: Float64Array.from(this.#meanReturn),
    };
  }
}

/** Days of the panel up to the last one on which any instrument has a price: 0 … D. */
export function daysWithPrices({
  instruments,
  close,
  days,
  first,
  count,
}: Omit<LambdaInputs, 'classCode' | 'runs'>): number {
  let d = count;
  while (d > 0 && instruments.every((_, i) => Number.isNaN(close[i * days + first + d - 1]))) d--;
  return d;
}

/** @throws UserError when no cluster has enough members on any day. */
export function requireClusters(panel: LambdaPanel, marketId: string, minClusterSize: number): void {
  if (panel.day.length > 0) return;
  throw new UserError(
    `no cluster of ${marketId} has ${minClusterSize} members with a whole look-back on any day of the range`,
    'Choose a smaller --min-cluster-size or a longer range.',
  );
}

/** What a report says about states: days on which nobody had a price, or a price and no state, and rows of unknown class. */
export function countStates(
  panel: LambdaPanel,
  { classCode, instruments, close, days, first, count }: Omit<LambdaInputs, 'runs' | 'lookback' | 'minClusterSize'>,
): { daysWithoutPrices: number[]; daysWithoutStates: number[]; daysWithoutClusters: number; unknownRows: number } {
  const n = instruments.length;
  const daysWithoutPrices: number[] = [];
  const daysWithoutStates: number[] = [];
  for (let d = 0; d < count; d++) {
    if (instruments.every((_, i) => Number.isNaN(close[i * days + first + d]))) daysWithoutPrices.push(d);
    else if (classCode.subarray(d * n, (d + 1) * n).every((code) => code < 0)) daysWithoutStates.push(d);
  }
  return {
    daysWithoutPrices,
    daysWithoutStates,
    daysWithoutClusters: count - new Set(panel.day).size,
    unknownRows: panel.cluster.reduce((sum, k) => sum + (panel.clusters[k].softTargetClass === UNKNOWN ? 1 : 0), 0),
  };
}
