/** Ridge regression as a probe: what a linear reader can take out of vectors, never fitted on what it is judged by. */
import type { Blas } from '../../onnx/blas.ts';
import { deviation, mean } from '../../statistics/model.ts';
import { solveSymmetric } from '../fit/linear.model.ts';

/** Strengths tried, each times the number of rows. */
const STRENGTHS = [1e-3, 1e-2, 0.1, 0.3, 1, 3, 10];
/** Blocks of training days that are held out in turn: one block alone may be a calm year. */
const BLOCKS = 4;
/** Scaled values are cut at this: a probe must not be carried away by one outlier. */
const CLIP = 10;

/** Vectors, row by row. */
export interface Matrix {
  readonly data: Float32Array;
  readonly width: number;
}

export interface Split {
  /** Rows to learn from, in the order of their days. */
  readonly train: Int32Array;
  readonly test: Int32Array;
  /** Rows of `train` between two parts that are left out, so that no target of the first reaches into the second. */
  readonly dayOf: (row: number) => number;
  readonly purge: number;
}

/** How values are scaled before the fit: each by its own deviation, or all by one, which keeps the vectors' own lengths. */
const SCALINGS = ['each', 'all'] as const;
type Scaling = (typeof SCALINGS)[number];

interface Choice {
  readonly scaling: Scaling;
  readonly strength: number;
}

/**
 * Predictions for the test rows, [targets][test rows]. Scaling and strength are chosen for each target, for all kinds of
 * vectors alike, by the error on blocks of the training days that are held out in turn, with the same purge around each.
 */
export async function ridge(
  blas: Blas,
  x: Matrix,
  targets: readonly Float64Array[],
  { train, test, dayOf, purge }: Split,
): Promise<Float64Array[]> {
  const chosen = await choose(blas, x, targets, { train, test, dayOf, purge });
  const result: Float64Array[] = new Array(targets.length);
  for (const scaling of SCALINGS) {
    const strengths = new Set(chosen.filter((one) => one.scaling === scaling).map(({ strength }) => strength));
    if (!strengths.size) continue;
    const fit = await normalEquations(blas, x, targets, train, scaling);
    for (const strength of strengths) {
      const predicted = await predict(blas, x, fit, solve(fit, strength), test);
      chosen.forEach((own, k) => {
        if (own.scaling === scaling && own.strength === strength) result[k] = predicted[k];
      });
    }
  }
  return result;
}

/**
 * Scaling and strength for each target, by squared errors over the held-out blocks and the rule of one standard error
 * (Breiman et al., Classification and Regression Trees, 1984): blocks of few days prefer a reader of many directions by
 * chance, and one standard error is what chance is worth.
 */
async function choose(blas: Blas, x: Matrix, targets: readonly Float64Array[], split: Split): Promise<Choice[]> {
  const { train, dayOf, purge } = split;
  const tries = SCALINGS.flatMap((scaling) => STRENGTHS.map((strength): Choice => ({ scaling, strength })));
  /** Mean squared errors [tries][targets][blocks]. */
  const errors = tries.map(() => targets.map((): number[] => []));
  for (let block = 0; block < BLOCKS; block++) {
    const [from, to] = [block, block + 1].map((k) => Math.floor((k * train.length) / BLOCKS));
    const held = train.subarray(from, to);
    if (!held.length) continue;
    const [first, last] = [dayOf(held[0]), dayOf(held[held.length - 1])];
    const rest = train.filter((row) => dayOf(row) + purge < first || dayOf(row) - purge > last);
    if (!rest.length) continue;
    for (const scaling of SCALINGS) {
      const fit = await normalEquations(blas, x, targets, rest, scaling);
      for (const [k, one] of tries.entries()) {
        if (one.scaling !== scaling) continue;
        const predicted = await predict(blas, x, fit, solve(fit, one.strength), held);
        targets.forEach((target, q) => {
          let square = 0;
          for (let j = 0; j < held.length; j++) square += (target[held[j]] - predicted[q][j]) ** 2;
          errors[k][q].push(square / held.length);
        });
      }
    }
  }
  return targets.map((_, q) =>
    strongestWithin(
      tries,
      errors.map((one) => one[q]),
    ),
  );
}

/**
 * Of the scaling with the least mean error, the greatest strength whose error lies within a standard error of that.
 * @param errors of each try, block by block.
 */
export function strongestWithin(tries: readonly Choice[], errors: readonly (readonly number[])[]): Choice {
  const best = tries.reduce((least, _, k) => (mean(errors[k]) < mean(errors[least]) ? k : least), 0);
  return tries.reduce((strongest, one, k) => {
    if (one.scaling !== tries[best].scaling || one.strength <= strongest.strength) return strongest;
    const more = errors[k].map((error, block) => error - errors[best][block]);
    return mean(more) <= deviation(more) / Math.sqrt(more.length) ? one : strongest;
  }, tries[best]);
}

interface Equations {
  readonly width: number;
  readonly rows: number;
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  readonly centre: Float64Array;
  /** XᵀX [width, width] and XᵀY [width, targets] of the standardised rows. */
  readonly gram: Float64Array;
  readonly cross: Float64Array;
}

async function normalEquations(
  blas: Blas,
  x: Matrix,
  targets: readonly Float64Array[],
  rows: Int32Array,
  scaling: Scaling,
): Promise<Equations> {
  const { width } = x;
  const [mean, scale] = moments(x, rows);
  if (scaling === 'all') scale.fill(overallScale(scale));
  const centre = Float64Array.from(targets, (target) => rows.reduce((sum, row) => sum + target[row], 0) / rows.length);
  const standard = standardised(x, rows, mean, scale);
  const wanted = new Float32Array(rows.length * targets.length);
  rows.forEach((row, k) => {
    targets.forEach((target, c) => {
      wanted[k * targets.length + c] = target[row] - centre[c];
    });
  });
  return {
    width,
    rows: rows.length,
    mean,
    scale,
    centre,
    gram: await blas.gram(standard, rows.length, width),
    cross: await blas.cross(standard, wanted, rows.length, width, targets.length),
  };
}

function solve({ gram, cross, width, rows, centre }: Equations, strength: number): Float64Array {
  const a = gram.slice();
  for (let k = 0; k < width; k++) a[k * width + k] += strength * rows + 1e-6;
  return solveSymmetric(a, cross, width, centre.length);
}

async function predict(
  blas: Blas,
  x: Matrix,
  { mean, scale, centre, width }: Equations,
  beta: Float64Array,
  rows: Int32Array,
): Promise<Float64Array[]> {
  const count = centre.length;
  const turned = new Float32Array(count * width);
  for (let c = 0; c < width; c++) for (let q = 0; q < count; q++) turned[q * width + c] = beta[c * count + q];
  const values = await blas.productTransposed(standardised(x, rows, mean, scale), turned, rows.length, width, count);
  return Array.from(centre, (middle, q) => Float64Array.from(rows, (_, k) => middle + values[k * count + q]));
}

/** Some rows, scaled and cut, [rows, width]. */
function standardised(
  { data, width }: Matrix,
  rows: Int32Array,
  mean: Float64Array,
  scale: Float64Array,
): Float32Array {
  const result = new Float32Array(rows.length * width);
  rows.forEach((row, k) => {
    for (let c = 0; c < width; c++) {
      const value = (data[row * width + c] - mean[c]) * scale[c];
      result[k * width + c] = Math.max(-CLIP, Math.min(CLIP, value));
    }
  });
  return result;
}

/** One inverse deviation for all columns: of the root mean square of theirs. */
function overallScale(scale: Float64Array): number {
  let [square, count] = [0, 0];
  for (const one of scale) {
    if (one === 0) continue;
    square += 1 / one ** 2;
    count++;
  }
  return count ? Math.sqrt(count / square) : 0;
}

/** Mean and inverse deviation of each column over some rows; 0 for a column that does not move. */
export function moments({ data, width }: Matrix, rows: Int32Array): [mean: Float64Array, scale: Float64Array] {
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (const row of rows) for (let c = 0; c < width; c++) mean[c] += data[row * width + c] / rows.length;
  for (const row of rows) for (let c = 0; c < width; c++) square[c] += (data[row * width + c] - mean[c]) ** 2;
  return [
    mean,
    square.map((value, c) => {
      const deviation = Math.sqrt(value / rows.length);
      return deviation > 1e-7 * Math.abs(mean[c]) + 1e-12 ? 1 / deviation : 0;
    }),
  ];
}
