/** Small dense linear algebra on float64, row-major. */

/**
 * Makes the rows of [count, n] orthonormal in place, by modified Gram-Schmidt, each row twice. A row that depends on those
 * before it is replaced by `fresh` ones until it does not.
 */
export function orthonormalRows(
  rows: Float64Array,
  count: number,
  n: number,
  fresh: (row: Float64Array) => void,
): void {
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * n, (i + 1) * n);
    for (;;) {
      const before = norm(row);
      for (let pass = 0; pass < 2; pass++) {
        for (let j = 0; j < i; j++) {
          const other = rows.subarray(j * n, (j + 1) * n);
          let dot = 0;
          for (let k = 0; k < n; k++) dot += row[k] * other[k];
          for (let k = 0; k < n; k++) row[k] -= dot * other[k];
        }
      }
      const after = norm(row);
      if (after > 1e-10 * before) {
        for (let k = 0; k < n; k++) row[k] /= after;
        break;
      }
      fresh(row);
    }
  }
}

const norm = (row: Float64Array): number => {
  let sum = 0;
  for (const value of row) sum += value * value;
  return Math.sqrt(sum);
};

/** The lower triangle L of A = L·Lᵀ for symmetric A [n, n]; null where a pivot is lost in rounding: A is not positive definite. */
function cholesky(a: Float64Array, n: number): Float64Array | null {
  const l = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      if (i > j) l[i * n + j] = sum / l[j * n + j];
      else if (sum > 1e-12 * a[j * n + j]) l[j * n + j] = Math.sqrt(sum);
      else return null;
    }
  }
  return l;
}

/** The matrix that makes rows with the Gram matrix [n, n] orthonormal: L⁻¹ of its Cholesky factor; null where they depend. */
export function whitening(gram: Float64Array, n: number): Float64Array | null {
  const l = cholesky(gram, n);
  if (!l) return null;
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = inverse.subarray(i * n, (i + 1) * n);
    row[i] = 1;
    for (let k = 0; k < i; k++) {
      const factor = l[i * n + k];
      for (let c = 0; c <= k; c++) row[c] -= factor * inverse[k * n + c];
    }
    for (let c = 0; c <= i; c++) row[c] /= l[i * n + i];
  }
  return inverse;
}

/**
 * Solves A·X = B for symmetric positive definite A [n, n] and B [n, m] by Cholesky; neither is changed.
 * @throws RangeError when A is not positive definite.
 */
export function solveSymmetric(a: Float64Array, b: Float64Array, n: number, m: number): Float64Array {
  const l = cholesky(a, n);
  if (!l) throw new RangeError('the matrix is not positive definite');
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) for (let c = 0; c < m; c++) x[i * m + c] -= l[i * n + k] * x[k * m + c];
    for (let c = 0; c < m; c++) x[i * m + c] /= l[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) for (let c = 0; c < m; c++) x[i * m + c] -= l[k * n + i] * x[k * m + c];
    for (let c = 0; c < m; c++) x[i * m + c] /= l[i * n + i];
  }
  return x;
}
