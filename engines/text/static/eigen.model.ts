/**
 * The largest eigenvalues of a large symmetric matrix with few entries: subspace iteration, then Rayleigh and Ritz.
 * Source: Y. Saad, "Numerical Methods for Large Eigenvalue Problems", 2011, section 5.1. Made of + − × ÷ and square roots in
 * a fixed order: the same matrix and seed give the same bits everywhere.
 */
import { Random } from '../../../src/platform/random.ts';
import { symmetricEigen } from '../../linear/symmetric.model.ts';
import type { SparseMatrix } from './ppmi.model.ts';

/** Directions beyond those asked for: they make the last ones converge. */
const EXTRA = 48;
/** Orthogonalisations, each after two products with the matrix. */
const ROUNDS = 3;

export interface Eigen {
  /** Descending. */
  readonly values: Float64Array;
  /** size × count, row-major: column k belongs to value k. */
  readonly vectors: Float64Array;
  readonly count: number;
}

/** Called after each round: how many of how many are done. */
export type OnRound = (done: number, of: number) => void;

/** The `count` algebraically largest eigenvalues; fewer where the matrix is smaller. */
export function topEigen(matrix: SparseMatrix, count: number, seed: number, onRound: OnRound): Eigen {
  const { size } = matrix;
  const width = Math.min(size, count + EXTRA);
  const random = new Random(seed, 0x737461);
  const basis = new Float64Array(size * width);
  for (let k = 0; k < basis.length; k++) basis[k] = random.normal();
  const other = new Float64Array(size * width);
  for (let round = 0; round < ROUNDS; round++) {
    orthonormalize(basis, size, width);
    multiply(matrix, basis, other, width);
    multiply(matrix, other, basis, width);
    onRound(round + 1, ROUNDS + 1);
  }
  orthonormalize(basis, size, width);
  multiply(matrix, basis, other, width);
  const { values, vectors } = symmetricEigen(products(basis, other, size, width), width);
  const kept = Math.min(count, width);
  const turned = new Float64Array(size * kept);
  for (let r = 0; r < size; r++) {
    for (let j = 0; j < width; j++) {
      const x = basis[r * width + j];
      if (x === 0) continue;
      for (let k = 0; k < kept; k++) turned[r * kept + k] += x * vectors[k * width + j];
    }
  }
  onRound(ROUNDS + 1, ROUNDS + 1);
  return { values: values.slice(0, kept), vectors: turned, count: kept };
}

/** target = matrix · source, both size × width. Four entries at a time, for the same reason as in `products`. */
function multiply(
  { size, starts, columns, values }: SparseMatrix,
  source: Float64Array,
  target: Float64Array,
  width: number,
): void {
  const sum = new Float64Array(width);
  for (let r = 0; r < size; r++) {
    sum.fill(0);
    let e = starts[r];
    for (; e + 3 < starts[r + 1]; e += 4) {
      const w = values[e];
      const x = values[e + 1];
      const y = values[e + 2];
      const z = values[e + 3];
      const p = columns[e] * width;
      const q = columns[e + 1] * width;
      const s = columns[e + 2] * width;
      const t = columns[e + 3] * width;
      for (let k = 0; k < width; k++) {
        sum[k] += w * source[p + k] + x * source[q + k] + y * source[s + k] + z * source[t + k];
      }
    }
    for (; e < starts[r + 1]; e++) {
      const value = values[e];
      const at = columns[e] * width;
      for (let k = 0; k < width; k++) sum[k] += value * source[at + k];
    }
    target.set(sum, r * width);
  }
}

/**
 * aᵀb, width × width, where it is known to be symmetric: one half is computed. Four rows at a time, so that a sum is fetched
 * and stored once for them.
 */
function products(a: Float64Array, b: Float64Array, size: number, width: number): Float64Array {
  const out = new Float64Array(width * width);
  const whole = size - (size % 4);
  for (let r = 0; r < whole; r += 4) {
    const p = r * width;
    const q = p + width;
    const s = q + width;
    const t = s + width;
    for (let i = 0; i < width; i++) {
      const w = a[p + i];
      const x = a[q + i];
      const y = a[s + i];
      const z = a[t + i];
      const row = i * width;
      for (let j = 0; j <= i; j++) out[row + j] += w * b[p + j] + x * b[q + j] + y * b[s + j] + z * b[t + j];
    }
  }
  for (let r = whole; r < size; r++) {
    for (let i = 0; i < width; i++) {
      const w = a[r * width + i];
      for (let j = 0; j <= i; j++) out[i * width + j] += w * b[r * width + j];
    }
  }
  for (let i = 0; i < width; i++) for (let j = i + 1; j < width; j++) out[i * width + j] = out[j * width + i];
  return out;
}

/** Makes the columns orthonormal, in place, by Cholesky's factor of their products. A column that depends on others becomes 0. */
function orthonormalize(basis: Float64Array, size: number, width: number): void {
  // Columns of very different length would spoil the factor.
  scaleColumns(basis, size, width);
  const lower = products(basis, basis, size, width);
  const dropped = new Uint8Array(width);
  for (let j = 0; j < width; j++) {
    let pivot = lower[j * width + j];
    for (let k = 0; k < j; k++) pivot -= lower[j * width + k] ** 2;
    dropped[j] = pivot < 1e-12 ? 1 : 0;
    lower[j * width + j] = dropped[j] ? 1 : Math.sqrt(pivot);
    for (let i = j + 1; i < width; i++) {
      let sum = dropped[j] ? 0 : lower[i * width + j];
      if (!dropped[j]) for (let k = 0; k < j; k++) sum -= lower[i * width + k] * lower[j * width + k];
      lower[i * width + j] = sum / lower[j * width + j];
    }
  }
  // Each row of the basis times the inverse of the factor's transpose, by substitution.
  const inverse = Float64Array.from(dropped, (none, j) => (none ? 0 : 1 / lower[j * width + j]));
  const whole = size - (size % 2);
  for (let r = 0; r < whole; r += 2) {
    // Two rows at a time: neither waits for the other's sum.
    const p = r * width;
    const q = p + width;
    for (let j = 0; j < width; j++) {
      const row = j * width;
      let x = basis[p + j];
      let y = basis[q + j];
      for (let k = 0; k < j; k++) {
        x -= basis[p + k] * lower[row + k];
        y -= basis[q + k] * lower[row + k];
      }
      basis[p + j] = x * inverse[j];
      basis[q + j] = y * inverse[j];
    }
  }
  for (let at = whole * width; at < size * width; at += width) {
    for (let j = 0; j < width; j++) {
      let x = basis[at + j];
      for (let k = 0; k < j; k++) x -= basis[at + k] * lower[j * width + k];
      basis[at + j] = x * inverse[j];
    }
  }
}

function scaleColumns(basis: Float64Array, size: number, width: number): void {
  const squares = new Float64Array(width);
  for (let r = 0; r < size; r++) for (let k = 0; k < width; k++) squares[k] += basis[r * width + k] ** 2;
  for (let k = 0; k < width; k++) squares[k] = squares[k] > 0 ? 1 / Math.sqrt(squares[k]) : 0;
  for (let r = 0; r < size; r++) for (let k = 0; k < width; k++) basis[r * width + k] *= squares[k];
}
