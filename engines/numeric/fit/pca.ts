/** Principal components: the leading eigenvectors of a covariance by subspace iteration and Rayleigh-Ritz. */
import type { Random } from '../../../src/platform/random.ts';
import { symmetricEigen } from '../../linear/symmetric.model.ts';
import type { Blas } from '../../onnx/blas.ts';
import { orthonormalRows, whitening } from './linear.model.ts';

/** Vectors iterated beyond those asked for: they keep the last ones from converging slowly. */
const OVERSAMPLED = 24;
const ITERATIONS = 10;

export interface Components {
  /** Largest first. */
  readonly values: Float64Array;
  /** [count, p], orthonormal rows; the largest element of each is positive. */
  readonly vectors: Float64Array;
}

/**
 * The `count` leading eigenvectors of a symmetric positive semidefinite matrix [p, p]; `count` ≤ p. Source: G. Golub,
 * C. Van Loan, "Matrix Computations", §8.2 (orthogonal iteration with Ritz acceleration).
 */
export async function leadingComponents(
  blas: Blas,
  matrix: Float64Array,
  p: number,
  count: number,
  random: Random,
  signal: AbortSignal,
): Promise<Components> {
  const width = Math.min(p, count + OVERSAMPLED);
  const fresh = (row: Float64Array) => {
    for (let k = 0; k < row.length; k++) row[k] = random.normal();
  };
  let basis: Float64Array = new Float64Array(width * p);
  fresh(basis);
  basis = await orthonormal(blas, basis, width, p, fresh);
  for (let round = 0; round < ITERATIONS; round++) {
    signal.throwIfAborted();
    basis = await orthonormal(blas, await blas.product(basis, matrix, width, p, p), width, p, fresh);
  }
  const image = await blas.product(basis, matrix, width, p, p);
  const projected = await blas.product(image, transposed(basis, width, p), width, p, width);
  const { values, vectors } = symmetricEigen(symmetric(projected, width), width);
  const ritz = await blas.product(vectors.subarray(0, count * width), basis, count, width, p);
  for (let i = 0; i < count; i++) turnToPositive(ritz.subarray(i * p, (i + 1) * p));
  return { values: values.slice(0, count), vectors: ritz };
}

/**
 * Orthonormal rows with the same span, by Cholesky factors of their Gram matrix, twice (Y. Yamamoto et al., "Roundoff error
 * analysis of the CholeskyQR2 algorithm", ETNA 44, 2015); by Gram-Schmidt where the rows depend on each other.
 */
async function orthonormal(
  blas: Blas,
  rows: Float64Array,
  count: number,
  n: number,
  fresh: (row: Float64Array) => void,
): Promise<Float64Array> {
  let result = rows;
  for (let pass = 0; pass < 2; pass++) {
    const turn = whitening(await blas.product(result, transposed(result, count, n), count, n, count), count);
    if (!turn) {
      const slow = rows.slice();
      orthonormalRows(slow, count, n, fresh);
      return slow;
    }
    result = await blas.product(turn, result, count, count, n);
  }
  return result;
}

function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j];
  return result;
}

function symmetric(matrix: Float64Array, n: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) result[i * n + j] = (matrix[i * n + j] + matrix[j * n + i]) / 2;
  }
  return result;
}

function turnToPositive(row: Float64Array): void {
  let largest = 0;
  for (const value of row) if (Math.abs(value) > Math.abs(largest)) largest = value;
  if (largest < 0) for (let k = 0; k < row.length; k++) row[k] = -row[k];
}
