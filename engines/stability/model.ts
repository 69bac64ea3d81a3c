/**
 * STAB, the stability state of an instrument: realised volatility, drawdown and trend of its last 63 closes as scores
 * from 0 to 100, their weighted sum (the soft target score) and its class. Source: contracts §2.
 */
import { windowEndingAt } from '../market/panel.ts';

/** Trading days in a window; a state needs a close on each of them. */
export const STABILITY_WINDOW = 63;

/** Soft target classes from calm to broken; the index is the class code everywhere. */
export const SOFT_TARGET_CLASSES = ['STABLE', 'WATCH', 'FRAGILE', 'TARGETABLE', 'BREAKER'] as const;
export const TARGETABLE = 3;
export const BREAKER = 4;

/** Upper bounds of the soft target score for STABLE … TARGETABLE. */
const CLASS_BOUNDS = [30, 45, 60, 75];

/** Figures of one window. */
export interface StabilityState {
  /** Sample standard deviation of the daily log returns. */
  readonly sigma: number;
  /** Deepest fall below the running maximum, ≤ 0. */
  readonly maxDrawdown: number;
  /** Last close / first close − 1. */
  readonly trend: number;
  readonly volScore: number;
  readonly drawdownScore: number;
  readonly trendScore: number;
  readonly score: number;
  /** Index into SOFT_TARGET_CLASSES. */
  readonly classCode: number;
}

/** States of all instruments over a span of days: D × N, day-major (`column[d * N + i]`). */
export interface StabilityPanel {
  readonly sigma: Float64Array;
  readonly maxDrawdown: Float64Array;
  readonly trend: Float64Array;
  readonly score: Float64Array;
  /** −1 where the instrument has no state on the day. */
  readonly classCode: Int8Array;
}

const clampScore = (value: number) => (value < 0 ? 0 : value > 100 ? 100 : value);

export const volatilityScore = (sigma: number) => clampScore((50 * sigma) / 0.02);
export const drawdownScore = (maxDrawdown: number) => clampScore((50 * Math.abs(maxDrawdown)) / 0.2);
export const trendScore = (trend: number) => (trend < 0 ? clampScore((50 * Math.abs(trend)) / 0.2) : 0);
const softTargetScore = (vol: number, drawdown: number, trend: number) => 0.4 * vol + 0.4 * drawdown + 0.2 * trend;

/** Class code of a soft target score. */
export function classOf(score: number): number {
  let code = 0;
  while (code < CLASS_BOUNDS.length && score >= CLASS_BOUNDS[code]) code++;
  return code;
}

/** Daily log returns of a series of closes: element k is ln(close[k] / close[k − 1]), NaN at 0 and across gaps. */
export function logReturns(closes: Float64Array): Float64Array {
  const returns = new Float64Array(closes.length);
  let previous = Number.NaN;
  for (let k = 0; k < closes.length; k++) {
    const now = Math.log(closes[k]);
    returns[k] = now - previous;
    previous = now;
  }
  return returns;
}

/**
 * The state of one window: `closes` (n, oldest first) and their `returns` (n − 1, the steps between them). Null when a
 * price is missing or not positive. Reads nothing but the window.
 */
export function stabilityOf(closes: Float64Array, returns: Float64Array): StabilityState | null {
  const n = closes.length;
  let sum = 0;
  for (let k = 0; k < n - 1; k++) sum += returns[k];
  const mean = sum / (n - 1);
  let squares = 0;
  for (let k = 0; k < n - 1; k++) squares += (returns[k] - mean) ** 2;
  const sigma = Math.sqrt(squares / (n - 2));
  if (!Number.isFinite(sigma)) return null;
  let peak = closes[0];
  let maxDrawdown = 0;
  for (let k = 1; k < n; k++) {
    const close = closes[k];
    if (close > peak) peak = close;
    else if (close / peak - 1 < maxDrawdown) maxDrawdown = close / peak - 1;
  }
  return stateFrom(sigma, maxDrawdown, closes[n - 1] / closes[0] - 1);
}

/** The scores and class that follow from the three figures of a window. */
function stateFrom(sigma: number, maxDrawdown: number, trend: number): StabilityState {
  const vol = volatilityScore(sigma);
  const drawdown = drawdownScore(maxDrawdown);
  const falling = trendScore(trend);
  const score = softTargetScore(vol, drawdown, falling);
  return {
    sigma,
    maxDrawdown,
    trend,
    volScore: vol,
    drawdownScore: drawdown,
    trendScore: falling,
    score,
    classCode: classOf(score),
  };
}

/**
 * States of every instrument on the day indices `from … from + count − 1`.
 * `close` and `runs` are N × T, instrument-major; `runs` counts complete days (`completeRuns` of the panel).
 */
export function stabilityPanel(
  close: Float64Array,
  runs: Int32Array,
  instruments: number,
  days: number,
  from: number,
  count: number,
): StabilityPanel {
  const shared = () => new Float64Array(new SharedArrayBuffer(count * instruments * 8)).fill(Number.NaN);
  const panel = { sigma: shared(), maxDrawdown: shared(), trend: shared(), score: shared() };
  const classCode = new Int8Array(new SharedArrayBuffer(count * instruments)).fill(-1);
  const returns = new Float64Array(close.length);
  for (let i = 0; i < instruments; i++) {
    returns.set(logReturns(close.subarray(i * days, (i + 1) * days)), i * days);
    for (let d = 0; d < count; d++) {
      const t = from + d;
      if (runs[i * days + t] < STABILITY_WINDOW) continue;
      const state = stabilityOf(
        windowEndingAt(close, days, i, t, STABILITY_WINDOW),
        windowEndingAt(returns, days, i, t, STABILITY_WINDOW - 1),
      );
      if (!state) continue;
      const cell = d * instruments + i;
      panel.sigma[cell] = state.sigma;
      panel.maxDrawdown[cell] = state.maxDrawdown;
      panel.trend[cell] = state.trend;
      panel.score[cell] = state.score;
      classCode[cell] = state.classCode;
    }
  }
  return { ...panel, classCode };
}
