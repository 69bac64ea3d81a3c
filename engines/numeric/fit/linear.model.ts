/** Small dense linear algebra on float64, row-major. */

/**
 * Eigenvalues and eigenvectors of a symmetric matrix [n, n], largest first; vectors are rows. Cyclic Jacobi rotations
 * (G. Golub, C. Van Loan, "Matrix Computations", §8.5), until what is off the diagonal is rounding.
 */
export function symmetricEigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  let scale = 0;
  for (const value of a) scale += value * value;
  for (let sweep = 0; sweep < 40; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p * n + q] ** 2;
    if (off <= 1e-22 * scale) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p * n + q] ** 2 > 1e-27 * scale) rotate(a, v, n, p, q);
      }
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i] || i - j);
  const values = Float64Array.from(order, (i) => a[i * n + i]);
  const vectors = new Float64Array(n * n);
  order.forEach((i, k) => {
    vectors.set(v.subarray(i * n, (i + 1) * n), k * n);
  });
  return { values, vectors };
}

/** One rotation that makes a[p, q] zero; `v` holds the vectors as rows. Both halves of the matrix are kept. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const [rp, rq] = [p * n, q * n];
  const shared = a[rp + q];
  const theta = (a[rq + q] - a[rp + p]) / (2 * shared);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const [pp, qq] = [a[rp + p] - t * shared, a[rq + q] + t * shared];
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[rp + k], a[rq + k]];
    const [newX, newY] = [c * x - s * y, s * x + c * y];
    a[rp + k] = a[k * n + p] = newX;
    a[rq + k] = a[k * n + q] = newY;
    const [vx, vy] = [v[rp + k], v[rq + k]];
    v[rp + k] = c * vx - s * vy;
    v[rq + k] = s * vx + c * vy;
  }
  a[rp + p] = pp;
  a[rq + q] = qq;
  a[rp + q] = a[rq + p] = 0;
}

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
