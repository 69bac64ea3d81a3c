/** Linear least squares: of minimum norm by SVD for designs of any rank, and ridge by Cholesky. Pure, deterministic. */

/**
 * The minimum-norm solution of min ‖Xb − y‖: singular values up to eps · max(n, p) · s_max count as 0, as LAPACK's GELSD
 * and NumPy's `lstsq` do. X = QR by Householder reflections, then R = U S Vᵀ by one-sided Jacobi rotations
 * (G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th ed., §5.2 and §8.6.3).
 * @param columns p columns of n values each. @returns p coefficients.
 */
export function leastSquares(columns: readonly Float64Array[], y: Float64Array): Float64Array {
  const n = y.length;
  const p = columns.length;
  const rows = Math.max(n, p);
  // Zero rows below change neither the problem nor its singular values.
  const a = columns.map((column) => {
    const copy = new Float64Array(rows);
    copy.set(column);
    return copy;
  });
  const right = new Float64Array(rows);
  right.set(y);
  triangularise(a, right);
  const r = a.map((column) => column.slice(0, p));
  const v = jacobi(r);
  const singular = r.map((column) => norm(column));
  const cut = Number.EPSILON * rows * Math.max(0, ...singular);
  const solution = new Float64Array(p);
  for (let k = 0; k < p; k++) {
    if (!(singular[k] > cut)) continue;
    let weight = 0;
    for (let i = 0; i < p; i++) weight += r[k][i] * right[i];
    weight /= singular[k] * singular[k];
    for (let j = 0; j < p; j++) solution[j] += v[k][j] * weight;
  }
  return solution;
}

const norm = (column: Float64Array) => Math.sqrt(column.reduce((sum, value) => sum + value * value, 0));

/** Householder reflections in place: the upper triangle of `a` becomes R, `right` becomes Qᵀ right. */
function triangularise(a: Float64Array[], right: Float64Array): void {
  const rows = right.length;
  for (let k = 0; k < a.length; k++) {
    const column = a[k];
    let length = 0;
    for (let i = k; i < rows; i++) length += column[i] * column[i];
    length = Math.sqrt(length);
    if (length === 0) continue;
    const alpha = column[k] > 0 ? -length : length;
    const reflector = column.slice(k);
    reflector[0] -= alpha;
    let square = 0;
    for (const value of reflector) square += value * value;
    for (const target of [...a.slice(k + 1), right]) {
      let product = 0;
      for (let i = 0; i < reflector.length; i++) product += reflector[i] * target[k + i];
      const scale = (2 * product) / square;
      for (let i = 0; i < reflector.length; i++) target[k + i] -= scale * reflector[i];
    }
    column.fill(0, k);
    column[k] = alpha;
  }
}

const MAXIMUM_SWEEPS = 60;

/** Makes the columns of `r` orthogonal by rotations, in place; returns the columns of V with R V = U S. */
function jacobi(r: Float64Array[]): Float64Array[] {
  const p = r.length;
  const v = r.map((_, k) => Float64Array.from({ length: p }, (__, j) => (j === k ? 1 : 0)));
  for (let sweep = 0; sweep < MAXIMUM_SWEEPS; sweep++) {
    let rotated = false;
    for (let i = 0; i < p - 1; i++) {
      for (let j = i + 1; j < p; j++) {
        let alpha = 0;
        let beta = 0;
        let gamma = 0;
        for (let k = 0; k < p; k++) {
          alpha += r[i][k] * r[i][k];
          beta += r[j][k] * r[j][k];
          gamma += r[i][k] * r[j][k];
        }
        if (gamma === 0 || Math.abs(gamma) <= Number.EPSILON * Math.sqrt(alpha * beta)) continue;
        rotated = true;
        const zeta = (beta - alpha) / (2 * gamma);
        const tangent = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const cosine = 1 / Math.sqrt(1 + tangent * tangent);
        rotate(r[i], r[j], cosine, cosine * tangent);
        rotate(v[i], v[j], cosine, cosine * tangent);
      }
    }
    if (!rotated) break;
  }
  return v;
}

function rotate(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let k = 0; k < x.length; k++) {
    const before = x[k];
    x[k] = cosine * before - sine * y[k];
    y[k] = sine * before + cosine * y[k];
  }
}

/**
 * Sums from which a ridge regression is solved; rows are added as time goes by, so that an expanding window costs each row
 * once.
 */
export class RidgeSums {
  readonly #p: number;
  /** Lower triangle of ΣxxT by rows, with x₀ = 1. */
  readonly #products: Float64Array;
  readonly #targets: Float64Array;
  count = 0;

  /** @param features number of features without the intercept. */
  constructor(features: number) {
    this.#p = features + 1;
    this.#products = new Float64Array(this.#p * this.#p);
    this.#targets = new Float64Array(this.#p);
  }

  /** Adds one row: feature j is `columns[j][at]`. */
  add(columns: readonly Float64Array[], at: number, target: number): void {
    const p = this.#p;
    for (let i = 0; i < p; i++) {
      const x = i === 0 ? 1 : columns[i - 1][at];
      this.#targets[i] += x * target;
      for (let j = 0; j <= i; j++) this.#products[i * p + j] += x * (j === 0 ? 1 : columns[j - 1][at]);
    }
    this.count++;
  }

  /**
   * Coefficients (intercept first) of the ridge on standardised features, in raw units: `penalty` is added to the
   * correlation matrix; the intercept is not penalised; a feature that does not vary gets 0.
   */
  solve(penalty: number): Float64Array {
    const p = this.#p;
    const n = this.count;
    const product = (i: number, j: number) => this.#products[Math.max(i, j) * p + Math.min(i, j)];
    const mean = Float64Array.from({ length: p }, (_, i) => product(i, 0) / n);
    const scale = Float64Array.from({ length: p }, (_, i) => {
      const variance = product(i, i) / n - mean[i] * mean[i];
      return i > 0 && variance > 1e-12 * Math.abs(product(i, i) / n) ? Math.sqrt(variance) : 0;
    });
    const used = Array.from({ length: p - 1 }, (_, k) => k + 1).filter((i) => scale[i] > 0);
    const matrix = used.map((i) =>
      Float64Array.from(
        used,
        (j) => (product(i, j) / n - mean[i] * mean[j]) / (scale[i] * scale[j]) + (i === j ? penalty : 0),
      ),
    );
    const right = Float64Array.from(used, (i) => (this.#targets[i] / n - mean[i] * (this.#targets[0] / n)) / scale[i]);
    const standardised = cholesky(matrix, right);
    const result = new Float64Array(p);
    result[0] = this.#targets[0] / n;
    used.forEach((i, k) => {
      result[i] = standardised[k] / scale[i];
      result[0] -= result[i] * mean[i];
    });
    return result;
  }
}

/** Solves a symmetric positive definite system in place of its arguments. */
function cholesky(a: Float64Array[], b: Float64Array): Float64Array {
  const p = b.length;
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i][j];
      for (let k = 0; k < j; k++) sum -= a[i][k] * a[j][k];
      a[i][j] = i === j ? Math.sqrt(sum) : sum / a[j][j];
    }
  }
  for (let i = 0; i < p; i++) {
    for (let k = 0; k < i; k++) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (let i = p - 1; i >= 0; i--) {
    for (let k = i + 1; k < p; k++) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}
