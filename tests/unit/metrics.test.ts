import { describe, expect, it } from 'vitest';
import {
  beta,
  breakEvenCostBp,
  drawdowns,
  meanOfKnown,
  performance,
  turnoverPerDay,
} from '../../engines/backtest/metrics.ts';

const series = (...values: number[]) => Float64Array.from(values);

describe('metrics', () => {
  it('give the plan’s figures of a known curve', () => {
    const metrics = performance(series(100, 110, 99, 108.9));
    expect(metrics.cumulative_return).toBeCloseTo(0.089, 12);
    expect(metrics.max_drawdown).toBeCloseTo(-0.1, 12);
    const returns = [0.1, -0.1, 0.1];
    const mean = 0.1 / 3;
    const deviation = Math.sqrt(returns.reduce((s, r) => s + (r - mean) ** 2, 0) / 2);
    expect(metrics.annualised_vol).toBeCloseTo(deviation * Math.sqrt(252), 12);
    expect(metrics.annualised_sharpe).toBeCloseTo((mean * 252) / (deviation * Math.sqrt(252)), 12);
  });

  it('are 0, not NaN, for flat and single-day curves', () => {
    for (const equity of [series(100), series(100, 100, 100)]) {
      expect(performance(equity)).toMatchObject({
        cumulative_return: 0,
        annualised_vol: 0,
        annualised_sharpe: 0,
        max_drawdown: 0,
      });
    }
  });

  it('draw down from the running peak', () => {
    expect([...drawdowns(series(2, 1, 4, 3))]).toEqual([0, -0.5, 0, -0.25]);
  });

  it('know what is unknown', () => {
    expect(meanOfKnown(series(Number.NaN, 1, 3))).toBe(2);
    expect(meanOfKnown(series(Number.NaN))).toBeNull();
    expect(beta(series(1, 2, 3), series(1, 1, 1))).toBeNull();
    expect(turnoverPerDay(series(5), series(5))).toBeNull();
    expect(breakEvenCostBp(series(1, 1), series(0, 0), 1)).toBeNull();
  });

  it('relate profit, turnover and costs', () => {
    expect(beta(series(100, 102, 99.96), series(100, 101, 99.99))).toBeCloseTo(2, 2);
    expect(turnoverPerDay(series(1000, 100, 300), series(1000, 1000, 1000))).toBeCloseTo((0.05 + 0.15) / 2, 12);
    expect(breakEvenCostBp(series(1000, 1010), series(1000, 1000), 1000)).toBeCloseTo(50, 12);
  });
});
