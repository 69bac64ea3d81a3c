/** Statistics against plain implementations, published values and their own invariants. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  averageRanks,
  bootstrapIntervals,
  dailySharpe,
  expectedMaximumSharpe,
  normalCdf,
  pearson,
  probabilisticSharpe,
  quantile,
  spearman,
  stationaryDraw,
} from '../../engines/statistics/model.ts';
import { normalQuantile, Random } from '../../src/platform/random.ts';

const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 60 });

describe('ranks, quantiles, correlations', () => {
  it('equal values share the mean of their ranks', () => {
    expect([...averageRanks([3, 1, 3, 2, 3])]).toEqual([4, 1, 4, 2, 4]);
  });

  it('ranks are a permutation of 1 … n when nothing is equal, and always sum to n(n + 1)/2', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        const ranks = averageRanks(list);
        expect(ranks.reduce((a, b) => a + b)).toBeCloseTo((list.length * (list.length + 1)) / 2, 8);
        list.forEach((x, i) => {
          const below = list.filter((y) => y < x).length;
          const same = list.filter((y) => y === x).length;
          expect(ranks[i]).toBe(below + (same + 1) / 2);
        });
      }),
    );
  });

  it('quantiles interpolate as NumPy does', () => {
    expect(quantile([4, 1, 3, 2], 0.8)).toBeCloseTo(3.4, 12);
    expect(quantile([1, 2], 0.5)).toBe(1.5);
    expect(quantile([7], 0.3)).toBe(7);
  });

  it('correlation is 1 with itself, symmetric, and unmoved by monotone maps when of ranks', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        fc.pre(new Set(list).size > 2);
        expect(pearson(list, list)).toBeCloseTo(1, 9);
        const other = list.map((x, k) => x * (k % 3) - k);
        fc.pre(new Set(other).size > 2);
        expect(pearson(list, other)).toBeCloseTo(pearson(other, list), 12);
        expect(
          spearman(
            list.map((x) => Math.atan(x / 1e3)),
            other,
          ),
        ).toBeCloseTo(spearman(list, other), 9);
      }),
    );
    expect(pearson([1, 1, 1], [1, 2, 3])).toBeNaN();
    // The mean of equal values may lie off them by a rounding.
    const equal = new Float64Array(251).fill(0.019731430344787197);
    expect(
      pearson(
        equal,
        equal.map((_, k) => k),
      ),
    ).toBeNaN();
    expect(dailySharpe(equal)).toBe(0);
  });
});

describe('normal distribution', () => {
  it('Φ inverts its quantile', () => {
    for (const p of [1e-9, 1e-4, 0.025, 0.3, 0.5, 0.8413447460685429, 0.999]) {
      expect(Math.abs(normalCdf(normalQuantile(p)) - p)).toBeLessThan(1e-13);
    }
    expect(normalCdf(1)).toBeCloseTo(0.8413447460685429, 14);
    expect([normalCdf(-40), normalCdf(40)]).toEqual([0, 1]);
  });
});

describe('deflated Sharpe ratio', () => {
  it('meets the worked example of Bailey and López de Prado (2014)', () => {
    // N = 100 trials whose annualised ratios have variance ½, T = 1250 days, SR = 2.5 a year of 250 days, skewness −3,
    // kurtosis 10: SR₀ = 0.1132 a day, DSR = 0.9004.
    const benchmark = expectedMaximumSharpe(Math.sqrt(0.5 / 250), 100);
    expect(benchmark).toBeCloseTo(0.1132, 4);
    const ratio = 2.5 / Math.sqrt(250);
    const spread = Math.sqrt(1 + 3 * ratio + (9 / 4) * ratio * ratio);
    expect(normalCdf(((ratio - benchmark) * Math.sqrt(1249)) / spread)).toBeCloseTo(0.9004, 3);
  });

  it('one try deflates nothing; more tries deflate more', () => {
    expect(expectedMaximumSharpe(0.1, 1)).toBe(0);
    expect(expectedMaximumSharpe(0, 50)).toBe(0);
    const generator = new Random(3);
    const returns = Float64Array.from({ length: 250 }, () => 0.0008 + 0.01 * generator.normal());
    const figures = [1, 2, 10, 100, 1000].map((n) => probabilisticSharpe(returns, expectedMaximumSharpe(0.05, n)));
    figures.slice(1).forEach((figure, k) => {
      expect(figure).toBeLessThan(figures[k]);
    });
    expect(probabilisticSharpe(new Float64Array(10), 0)).toBeNaN();
  });

  it('of normal returns is Φ of their t-statistic, nearly', () => {
    const generator = new Random(9);
    const returns = Float64Array.from({ length: 2000 }, () => 0.0003 + 0.01 * generator.normal());
    const t = dailySharpe(returns) * Math.sqrt(1999);
    expect(Math.abs(probabilisticSharpe(returns, 0) - normalCdf(t))).toBeLessThan(0.01);
  });
});

describe('stationary bootstrap', () => {
  it('draws days of the series in runs of the mean length', () => {
    const generator = new Random(4);
    const draw = stationaryDraw(20_000, 8, () => generator.uniform());
    let blocks = 1;
    for (let k = 1; k < draw.length; k++) if (draw[k] !== (draw[k - 1] + 1) % draw.length) blocks++;
    expect(draw.length / blocks).toBeGreaterThan(7);
    expect(draw.length / blocks).toBeLessThan(9);
    expect(Math.min(...draw)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draw)).toBeLessThan(20_000);
  });

  it('covers the mean of independent draws as often as it says', () => {
    const generator = new Random(5);
    let covered = 0;
    const repeats = 120;
    for (let r = 0; r < repeats; r++) {
      const series = Float64Array.from({ length: 200 }, () => generator.normal());
      const [interval] = bootstrapIntervals([series], ([drawn]) => [drawn.reduce((a, b) => a + b) / 200], {
        draws: 300,
        coverage: 0.9,
        uniform: () => generator.uniform(),
      });
      if (interval.low <= 0 && interval.high >= 0) covered++;
    }
    expect(covered / repeats).toBeGreaterThan(0.78);
    expect(covered / repeats).toBeLessThan(0.98);
  });

  it('keeps series together: the difference of a series from itself is nothing', () => {
    const generator = new Random(6);
    const series = Float64Array.from({ length: 50 }, () => generator.normal());
    const [interval] = bootstrapIntervals([series, series], ([a, b]) => [dailySharpe(a) - dailySharpe(b)], {
      draws: 100,
      coverage: 0.95,
      uniform: () => generator.uniform(),
    });
    expect(interval).toEqual({ low: 0, high: 0 });
  });
});
