/** Figures of a run from its equity curve. Source of the plan's figures: contracts §2; the others are named ours. */

import { TRADING_DAYS } from '../statistics/model.ts';

export interface RunMetrics {
  readonly cumulative_return: number;
  readonly annualised_vol: number;
  readonly annualised_sharpe: number;
  readonly max_drawdown: number;
  readonly [name: string]: number | string | boolean | null;
}

/** Drawdown of each day: equity / running peak − 1, ≤ 0. */
export function drawdowns(equity: Float64Array): Float64Array {
  let peak = Number.NEGATIVE_INFINITY;
  return equity.map((value) => {
    if (value > peak) peak = value;
    return value / peak - 1;
  });
}

/** Daily simple returns: one fewer than the days. */
export function simpleReturns(equity: Float64Array): Float64Array {
  const returns = new Float64Array(Math.max(0, equity.length - 1));
  for (let d = 1; d < equity.length; d++) returns[d - 1] = equity[d] / equity[d - 1] - 1;
  return returns;
}

const mean = (values: Float64Array) => (values.length ? values.reduce((sum, v) => sum + v, 0) / values.length : 0);

/** Sample standard deviation (n − 1); 0 for fewer than two values. */
function sampleDeviation(values: Float64Array): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  let squares = 0;
  for (const value of values) squares += (value - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** The plan's four figures. Sharpe is 0 when the volatility is 0 (tables show it as unknown). */
export function performance(equity: Float64Array): RunMetrics {
  const returns = simpleReturns(equity);
  const vol = sampleDeviation(returns) * Math.sqrt(TRADING_DAYS);
  return {
    cumulative_return: equity.length ? equity[equity.length - 1] / equity[0] - 1 : 0,
    annualised_vol: vol,
    annualised_sharpe: vol > 0 ? (mean(returns) * TRADING_DAYS) / vol : 0,
    max_drawdown: drawdowns(equity).reduce((least, v) => Math.min(least, v), 0),
  };
}

/** Slope of a run's daily returns on a benchmark's; null when the benchmark does not move. */
export function beta(equity: Float64Array, benchmark: Float64Array): number | null {
  const own = simpleReturns(equity);
  const other = simpleReturns(benchmark);
  const [centreOwn, centreOther] = [mean(own), mean(other)];
  let covariance = 0;
  let variance = 0;
  for (let k = 0; k < own.length; k++) {
    covariance += (own[k] - centreOwn) * (other[k] - centreOther);
    variance += (other[k] - centreOther) ** 2;
  }
  return variance > 0 ? covariance / variance : null;
}

/** Plain mean over the values that are there; null when there is none. */
export function meanOfKnown(values: Float64Array): number | null {
  let sum = 0;
  let known = 0;
  for (const value of values) {
    if (!Number.isNaN(value)) {
      sum += value;
      known++;
    }
  }
  return known ? sum / known : null;
}

/**
 * Mean one-way turnover a day: half the traded value over equity, without day 1, on which the book is built.
 */
export function turnoverPerDay(traded: Float64Array, equity: Float64Array): number | null {
  if (equity.length < 2) return null;
  let sum = 0;
  for (let d = 1; d < equity.length; d++) sum += traded[d] / 2 / equity[d];
  return sum / (equity.length - 1);
}

/**
 * Cost in basis points of traded value that would have eaten the whole profit: profit / value traded. Null when nothing
 * was traded; negative when there was no profit to eat.
 */
export function breakEvenCostBp(equity: Float64Array, traded: Float64Array, initialCash: number): number | null {
  const value = traded.reduce((sum, v) => sum + v, 0);
  return value > 0 ? ((equity[equity.length - 1] - initialCash) / value) * 1e4 : null;
}
