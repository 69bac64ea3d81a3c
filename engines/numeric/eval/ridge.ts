/** Ridge regression as a probe: what a linear reader can take out of vectors, never fitted on what it is judged by. */
import type { Blas } from '../../onnx/blas.ts';
import { solveSymmetric } from '../fit/linear.model.ts';
import { r2 } from './scores.model.ts';

/** Strengths tried, each times the number of rows; the best on the last part of the training rows is taken. */
const STRENGTHS = [1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10];
const HELD_OUT = 0.2;
/** Standardised values are cut at this: a probe must not be carried away by one outlier. */
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

/**
 * Predictions for the test rows, [targets][test rows]. Values and targets are standardised by the training rows. The
 * strength is chosen for each target by R² on the last fifth of the training days, with the same purge.
 */
export async function ridge(
  blas: Blas,
  x: Matrix,
  targets: readonly Float64Array[],
  { train, test, dayOf, purge }: Split,
): Promise<Float64Array[]> {
  const edge = dayOf(train[Math.floor(train.length * (1 - HELD_OUT))]);
  const early = train.filter((row) => dayOf(row) + purge < edge);
  const late = train.filter((row) => dayOf(row) >= edge);
  const chosen = new Array<number>(targets.length).fill(STRENGTHS[Math.floor(STRENGTHS.length / 2)]);
  if (early.length > 10 && late.length > 10) {
    const fit = await normalEquations(blas, x, targets, early);
    const truth = targets.map((target) => Float64Array.from(late, (row) => target[row]));
    const best = new Array<number>(targets.length).fill(Number.NEGATIVE_INFINITY);
    for (const strength of STRENGTHS) {
      const predicted = predict(x, fit, solve(fit, strength), late);
      truth.forEach((values, k) => {
        const score = r2(values, predicted[k]);
        if (score > best[k]) {
          best[k] = score;
          chosen[k] = strength;
        }
      });
    }
  }
  const fit = await normalEquations(blas, x, targets, train);
  const result: Float64Array[] = new Array(targets.length);
  for (const strength of new Set(chosen)) {
    const predicted = predict(x, fit, solve(fit, strength), test);
    chosen.forEach((own, k) => {
      if (own === strength) result[k] = predicted[k];
    });
  }
  return result;
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
): Promise<Equations> {
  const { width } = x;
  const [mean, scale] = moments(x, rows);
  const centre = Float64Array.from(targets, (target) => rows.reduce((sum, row) => sum + target[row], 0) / rows.length);
  const standard = new Float32Array(rows.length * width);
  const wanted = new Float32Array(rows.length * targets.length);
  rows.forEach((row, k) => {
    for (let c = 0; c < width; c++) standard[k * width + c] = standardise(x, row, c, mean, scale);
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

function predict(x: Matrix, { mean, scale, centre, width }: Equations, beta: Float64Array, rows: Int32Array) {
  const count = centre.length;
  const result = Array.from(centre, (value) => new Float64Array(rows.length).fill(value));
  rows.forEach((row, k) => {
    for (let c = 0; c < width; c++) {
      const value = standardise(x, row, c, mean, scale);
      for (let q = 0; q < count; q++) result[q][k] += value * beta[c * count + q];
    }
  });
  return result;
}

function standardise(x: Matrix, row: number, c: number, mean: Float64Array, scale: Float64Array): number {
  return Math.max(-CLIP, Math.min(CLIP, (x.data[row * x.width + c] - mean[c]) * scale[c]));
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
