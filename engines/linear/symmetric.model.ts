/**
 * All eigenvalues of a small dense symmetric matrix: reduced to three diagonals by reflections, then QL steps with implicit
 * shifts. Source: H. Bowdler, R. Martin, C. Reinsch, J. Wilkinson, "The QR and QL Algorithms for Symmetric Matrices", 1971
 * (procedures tred2 and tql2). Made of + − × ÷ and square roots in a fixed order.
 */

/** Steps for one eigenvalue at most; two or three are usual. */
const MOST_STEPS = 60;
const EPSILON = 2 ** -52;

export interface SymmetricEigen {
  /** Largest first. */
  readonly values: Float64Array;
  /** size × size, orthonormal; row k belongs to value k. */
  readonly vectors: Float64Array;
}

/** @throws Error when a value is not found, which a matrix of finite numbers does not lead to. */
export function symmetricEigen(matrix: Float64Array, size: number): SymmetricEigen {
  const { diagonal, beside, turned } = tridiagonal(Float64Array.from(matrix), size);
  implicitQl(diagonal, beside, turned, size);
  const order = [...diagonal.keys()].sort((i, j) => diagonal[j] - diagonal[i] || i - j);
  const vectors = new Float64Array(size * size);
  order.forEach((from, k) => {
    vectors.set(turned.subarray(from * size, (from + 1) * size), k * size);
  });
  return { values: Float64Array.from(order, (k) => diagonal[k]), vectors };
}

/** `beside[k]` lies beside the diagonal in row k, k ≥ 1. Rows of `turned` are the columns of the product of reflections. */
function tridiagonal(
  a: Float64Array,
  n: number,
): { diagonal: Float64Array; beside: Float64Array; turned: Float64Array } {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const turned = new Float64Array(n * n);
  for (let k = 0; k < n; k++) turned[k * n + k] = 1;
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let i = n - 1; i >= 2; i--) {
    // Reflects row i's first i values onto the last of them.
    let square = 0;
    for (let k = 0; k < i; k++) square += a[i * n + k] ** 2;
    const last = a[i * n + i - 1];
    if (square - last * last <= 0) {
      beside[i] = last;
      continue;
    }
    const norm = last > 0 ? -Math.sqrt(square) : Math.sqrt(square);
    beside[i] = norm;
    v.set(a.subarray(i * n, i * n + i));
    v[i - 1] = last - norm;
    const half = square - last * norm; // vᵀv / 2
    p.fill(0, 0, i);
    for (let j = 0; j < i; j++) for (let k = 0; k < i; k++) p[j] += a[j * n + k] * v[k];
    let overlap = 0;
    for (let j = 0; j < i; j++) {
      p[j] /= half;
      overlap += p[j] * v[j];
    }
    overlap /= 2 * half;
    for (let j = 0; j < i; j++) p[j] -= overlap * v[j];
    for (let j = 0; j < i; j++) {
      for (let k = 0; k < i; k++) a[j * n + k] -= v[j] * p[k] + p[j] * v[k];
    }
    reflect(turned, v, half, i, n);
  }
  for (let k = 0; k < n; k++) diagonal[k] = a[k * n + k];
  if (n > 1) beside[1] = a[n];
  return { diagonal, beside, turned };
}

/** turned ← (I − v·vᵀ/half) · turned, where v has `count` values: rows of `turned` are mixed. */
function reflect(turned: Float64Array, v: Float64Array, half: number, count: number, n: number): void {
  const sums = new Float64Array(n);
  for (let j = 0; j < count; j++) for (let k = 0; k < n; k++) sums[k] += v[j] * turned[j * n + k];
  for (let j = 0; j < count; j++) {
    const share = v[j] / half;
    for (let k = 0; k < n; k++) turned[j * n + k] -= share * sums[k];
  }
}

function implicitQl(d: Float64Array, beside: Float64Array, turned: Float64Array, n: number): void {
  const e = new Float64Array(n);
  e.set(beside.subarray(1));
  for (let l = 0; l < n; l++) {
    for (let step = 0; ; step++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]) > EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++;
      if (m === l) break;
      if (step === MOST_STEPS) throw new Error('the eigenvalues of the reduced matrix were not found');
      let g = (d[l + 1] - d[l]) / (2 * e[l]);
      let r = Math.sqrt(g * g + 1);
      g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        for (let k = 0; k < n; k++) {
          const high = turned[(i + 1) * n + k];
          turned[(i + 1) * n + k] = s * turned[i * n + k] + c * high;
          turned[i * n + k] = c * turned[i * n + k] - s * high;
        }
      }
      if (r === 0 && i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}
