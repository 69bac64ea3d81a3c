/** The probes of instrument models: volatility, drawdown, sector, neighbours, returns. */
import { Random } from '../../../src/platform/random.ts';
import type { LoadedPanel } from '../../market/storage.ts';
import type { Blas } from '../../onnx/blas.ts';
import { nearestMean, type Scaling } from './neighbours.ts';
import { type Matrix, ridge, type Split } from './ridge.ts';
import { auc, neweyWestT, pearson, r2, spearman } from './scores.model.ts';
import { type Future, HORIZON } from './targets.model.ts';

/** A drawdown below this counts. */
const DEEP = -0.1;
/** Rows of the neighbour probe at most: it compares every one with every other. */
const NEIGHBOUR_TRAIN = 20_000;
const NEIGHBOUR_TEST = 5_000;
/** Names of a day that a rank correlation needs. */
const LEAST_NAMES = 20;

/** NaN where a probe does not apply. */
export interface InstrumentScores {
  readonly volR2: number;
  readonly drawdownAuc: number;
  readonly sector: number;
  readonly neighbourR2: number;
  readonly neighbourRho: number;
  readonly ic: number;
  readonly icT: number;
}

/** Rows judged: cells of instruments with their futures, in the order of days. */
export interface InstrumentTask {
  readonly panel: LoadedPanel;
  readonly cells: Int32Array;
  readonly futures: readonly Future[];
  readonly split: Split;
  /** Trading days between two days that are looked at. */
  readonly step: number;
  readonly seed: number;
}

/** Scores of one set of vectors. */
export async function judge(blas: Blas, task: InstrumentTask, x: Matrix, scaling: Scaling): Promise<InstrumentScores> {
  const { futures, split } = task;
  const logVol = Float64Array.from(futures, (one) => one.logVol);
  const deep = Float64Array.from(futures, (one) => (one.drawdown < DEEP ? 1 : 0));
  const [vol, fall, ret] = await ridge(blas, x, [logVol, deep, relativeReturns(task)], split);
  const test = (values: Float64Array) => Float64Array.from(split.test, (row) => values[row]);
  const near = thinned(split.train, NEIGHBOUR_TRAIN);
  const asked = thinned(split.test, NEIGHBOUR_TEST);
  const guess = await nearestMean(blas, x, logVol, near, asked, scaling);
  const truth = Float64Array.from(asked, (row) => logVol[row]);
  return {
    volR2: r2(test(logVol), vol),
    drawdownAuc: auc(test(deep), fall),
    sector: await sectorAccuracy(blas, task, x),
    neighbourR2: r2(truth, guess),
    neighbourRho: pearson(truth, guess),
    ...informationCoefficient(task, ret),
  };
}

/** Scores of "the next 21 days are as the last 21": no reader at all. `logVol` is that of the rows. */
export function judgePersistence(
  { futures, split }: InstrumentTask,
  logVol: (row: number) => number,
): InstrumentScores {
  const known = Float64Array.from(split.test, logVol);
  const truth = Float64Array.from(split.test, (row) => futures[row].logVol);
  const deep = Float64Array.from(split.test, (row) => (futures[row].drawdown < DEEP ? 1 : 0));
  const none = Number.NaN;
  return {
    volR2: r2(truth, known),
    drawdownAuc: auc(deep, known),
    sector: none,
    neighbourR2: none,
    neighbourRho: none,
    ic: none,
    icT: none,
  };
}

/** Share of the judged rows that carry the most frequent sector: what a reader without any information gets. */
export function largestSectorShare({ panel, cells, split }: InstrumentTask): number {
  const counts = new Map<string, number>();
  let known = 0;
  for (const row of split.test) {
    const { sector } = panel.instruments[instrumentOf(panel, cells[row])];
    if (sector === null) continue;
    counts.set(sector, (counts.get(sector) ?? 0) + 1);
    known++;
  }
  return known ? Math.max(...counts.values()) / known : Number.NaN;
}

const instrumentOf = (panel: LoadedPanel, cell: number) => Math.floor(cell / panel.calendar.days.length);

/** Returns against the mean of their day. */
function relativeReturns({ panel, cells, futures }: InstrumentTask): Float64Array {
  const T = panel.calendar.days.length;
  const [sum, count] = [new Float64Array(T), new Int32Array(T)];
  futures.forEach(({ ret }, row) => {
    sum[cells[row] % T] += ret;
    count[cells[row] % T]++;
  });
  return Float64Array.from(futures, ({ ret }, row) => ret - sum[cells[row] % T] / count[cells[row] % T]);
}

/** Mean over the judged days of the rank correlation between predicted and later returns. */
function informationCoefficient(
  { panel, cells, futures, split, step }: InstrumentTask,
  predicted: Float64Array,
): { ic: number; icT: number } {
  const T = panel.calendar.days.length;
  const days = new Map<number, number[]>();
  split.test.forEach((row, k) => {
    const t = cells[row] % T;
    const list = days.get(t);
    if (list) list.push(k);
    else days.set(t, [k]);
  });
  const series: number[] = [];
  for (const list of [...days].sort(([a], [b]) => a - b).map(([, ks]) => ks)) {
    if (list.length < LEAST_NAMES) continue;
    const ic = spearman(
      list.map((k) => predicted[k]),
      list.map((k) => futures[split.test[k]].ret),
    );
    if (Number.isFinite(ic)) series.push(ic);
  }
  const ic = series.length ? series.reduce((sum, value) => sum + value, 0) / series.length : Number.NaN;
  // Futures of days closer than the horizon share a part.
  return { ic, icT: neweyWestT(series, Math.ceil(HORIZON / step)) };
}

/** Share of rows whose sector is found, for names that the reader never saw: each half of the names by the other. */
async function sectorAccuracy(blas: Blas, { panel, cells, split, seed }: InstrumentTask, x: Matrix): Promise<number> {
  const sectors = [...new Set(panel.instruments.map(({ sector }) => sector))].filter((one) => one !== null).sort();
  if (sectors.length < 2) return Number.NaN;
  const half = new Uint8Array(panel.instruments.length);
  new Random(seed).permutation(half.length).forEach((i, k) => {
    half[i] = k % 2;
  });
  const sectorOf = (row: number) => panel.instruments[instrumentOf(panel, cells[row])].sector;
  const halfOf = (row: number) => half[instrumentOf(panel, cells[row])];
  const targets = sectors.map((name) => Float64Array.from(cells, (_, row) => (sectorOf(row) === name ? 1 : 0)));
  let [right, all] = [0, 0];
  for (const hidden of [0, 1]) {
    const train = split.train.filter((row) => halfOf(row) !== hidden && sectorOf(row) !== null);
    const test = split.test.filter((row) => halfOf(row) === hidden && sectorOf(row) !== null);
    if (!train.length || !test.length) return Number.NaN;
    const scores = await ridge(blas, x, targets, { ...split, train, test });
    test.forEach((row, k) => {
      let best = 0;
      for (let s = 1; s < sectors.length; s++) if (scores[s][k] > scores[best][k]) best = s;
      if (sectors[best] === sectorOf(row)) right++;
      all++;
    });
  }
  return right / all;
}

/** At most `most` rows, evenly. */
function thinned(rows: Int32Array, most: number): Int32Array {
  if (rows.length <= most) return rows;
  return Int32Array.from({ length: most }, (_, k) => rows[Math.floor((k * rows.length) / most)]);
}
