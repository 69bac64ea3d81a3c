/** Least squares: of minimum norm for any rank, and ridge from running sums. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leastSquares, RidgeSums } from '../../engines/linear/model.ts';
import { Random } from '../../src/platform/random.ts';

const columnsOf = (seed: number, n: number, p: number) => {
  const generator = new Random(seed);
  return Array.from({ length: p }, () => Float64Array.from({ length: n }, () => generator.normal()));
};
const product = (columns: readonly Float64Array[], x: ArrayLike<number>) =>
  columns[0].map((_, k) => columns.reduce((sum, column, j) => sum + column[k] * x[j], 0));
const seeds = fc.integer({ min: 0, max: 1e6 });

describe('least squares', () => {
  it('leaves residuals at right angles to every column', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 30 }), (seed, p, n) => {
        const columns = columnsOf(seed, n, p);
        const [y] = columnsOf(seed + 1, n, 1);
        const fit = product(columns, leastSquares(columns, y));
        for (const column of columns) {
          const dot = column.reduce((sum, value, k) => sum + value * (y[k] - fit[k]), 0);
          expect(Math.abs(dot)).toBeLessThan(1e-9 * (1 + n));
        }
      }),
    );
  });

  it('takes the solution of least norm when columns depend on each other', () => {
    const [a, b] = columnsOf(2, 40, 2);
    const sum = a.map((value, k) => value + b[k]);
    const y = a.map((value, k) => 2 * value - b[k]);
    // 2a − b = x₁a + x₂b + x₃(a + b); the least norm splits: x = (5/3 … ) solved by hand from x₁ + x₃ = 2, x₂ + x₃ = −1.
    const solution = leastSquares([a, b, sum], y);
    expect(solution[0]).toBeCloseTo(5 / 3, 10);
    expect(solution[1]).toBeCloseTo(-4 / 3, 10);
    expect(solution[2]).toBeCloseTo(1 / 3, 10);
  });

  it('gives nothing to a column of zeros, and handles fewer rows than columns', () => {
    const [a, y] = columnsOf(5, 10, 2);
    expect(leastSquares([a, new Float64Array(10)], y)[1]).toBe(0);
    const wide = columnsOf(7, 3, 6);
    const target = Float64Array.from([1, 2, 3]);
    const fit = product(wide, leastSquares(wide, target));
    fit.forEach((value, k) => {
      expect(value).toBeCloseTo(target[k], 9);
    });
  });

  it('is not misled by columns of very different sizes', () => {
    const [a, b, c] = columnsOf(11, 200, 3);
    const columns = [a.map((v) => v * 1e4), b.map((v) => v * 1e-4), c];
    const y = product(columns, [3e-4, 7e3, -2]);
    const solution = leastSquares(columns, y);
    expect(solution[0] / 3e-4).toBeCloseTo(1, 9);
    expect(solution[1] / 7e3).toBeCloseTo(1, 7);
    expect(solution[2] / -2).toBeCloseTo(1, 9);
  });
});

describe('ridge from sums', () => {
  const add = (sums: RidgeSums, columns: readonly Float64Array[], y: Float64Array) =>
    y.forEach((value, k) => {
      sums.add(columns, k, value);
    });

  it('without a penalty is least squares with an intercept', () => {
    const columns = columnsOf(21, 80, 3);
    const [y] = columnsOf(22, 80, 1);
    const sums = new RidgeSums(3);
    add(sums, columns, y);
    const plain = leastSquares([new Float64Array(80).fill(1), ...columns], y);
    sums.solve(0).forEach((value, j) => {
      expect(value).toBeCloseTo(plain[j], 8);
    });
  });

  it('shrinks with the penalty to the mean alone, and ignores a feature that does not vary', () => {
    const columns = [...columnsOf(31, 60, 2), new Float64Array(60).fill(4)];
    const [y] = columnsOf(32, 60, 1);
    const sums = new RidgeSums(3);
    add(sums, columns, y);
    const size = (penalty: number) => Math.hypot(...sums.solve(penalty).slice(1));
    expect(size(1)).toBeLessThan(size(0.01));
    const flat = sums.solve(1e12);
    expect(flat[0]).toBeCloseTo(y.reduce((a, b) => a + b) / 60, 6);
    expect(sums.solve(0.01)[3]).toBe(0);
  });

  it('with no features is the mean', () => {
    const sums = new RidgeSums(0);
    add(sums, [], Float64Array.from([1, 2, 6]));
    expect([...sums.solve(0)]).toEqual([3]);
  });
});
