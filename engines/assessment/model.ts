/** Assessment, basic backend (`assessment-basic-v1`): momentum less a fragility penalty. Source: contracts §2. */
import { windowEndingAt } from '../market/panel.ts';

export const ASSESSMENT_BASIC_V1 = 'assessment-basic-v1';

/** Shortest window of the basic backend in trading days: shorter horizons share it, so H5 and H21 agree to the byte. */
const MINIMUM_WINDOW = 21;

/** Scale on which momentum and adjusted momentum become a score and a confidence of at most 1. */
const FULL_SCORE = 0.1;

export type SignalLabel = 'STRONG_BUY' | 'BUY' | 'HOLD' | 'SELL' | 'STRONG_SELL';

export interface Assessment {
  readonly expectedReturn: number;
  readonly score: number;
  readonly confidence: number;
  readonly label: SignalLabel;
  readonly momentum: number;
  readonly fragilityPenalty: number;
}

/** Rows of W(t, n) that a horizon of `horizonDays` needs. */
export const assessmentWindow = (horizonDays: number) => Math.max(horizonDays, MINIMUM_WINDOW);

/**
 * Momentum of every instrument: last / first close of W(t, n) − 1, D × N day-major; NaN where the window has a gap.
 * `close` and `runs` are N × T, instrument-major.
 */
export function momentumPanel(
  close: Float64Array,
  runs: Int32Array,
  instruments: number,
  days: number,
  from: number,
  count: number,
  window: number,
): Float64Array {
  const momentum = new Float64Array(new SharedArrayBuffer(count * instruments * 8)).fill(Number.NaN);
  for (let i = 0; i < instruments; i++) {
    for (let d = 0; d < count; d++) {
      const t = from + d;
      if (runs[i * days + t] < window) continue;
      const closes = windowEndingAt(close, days, i, t, window);
      momentum[d * instruments + i] = closes[window - 1] / closes[0] - 1;
    }
  }
  return momentum;
}

/** Penalty of a state: its soft target score as a share, half as much again with a weak profile; 0 without a state. */
function fragilityPenalty(softTargetScore: number, weakProfile = false): number {
  if (Number.isNaN(softTargetScore)) return 0;
  const penalty = softTargetScore / 100;
  return weakProfile ? penalty * 1.5 : penalty;
}

/** Score of an instrument in [−1, 1]: the one figure that universes read. `momentum` NaN = insufficient history. */
export function assessmentScore(momentum: number, softTargetScore: number): number {
  const adjusted = (Number.isNaN(momentum) ? 0 : momentum) - fragilityPenalty(softTargetScore);
  const score = adjusted / FULL_SCORE;
  return score < -1 ? -1 : score > 1 ? 1 : score;
}

/** The whole assessment row; `momentum` NaN = insufficient history (momentum 0, confidence 0, the penalty still applies). */
export function assess(momentum: number, softTargetScore: number): Assessment {
  const known = !Number.isNaN(momentum);
  const used = known ? momentum : 0;
  const penalty = fragilityPenalty(softTargetScore);
  const adjusted = used - penalty;
  return {
    expectedReturn: adjusted,
    score: assessmentScore(momentum, softTargetScore),
    confidence: known ? Math.min(1, Math.abs(used) / FULL_SCORE) : 0,
    label: signalLabel(adjusted),
    momentum: used,
    fragilityPenalty: penalty,
  };
}

/** Label of an expected return. */
export function signalLabel(expectedReturn: number): SignalLabel {
  if (expectedReturn >= 0.03) return 'STRONG_BUY';
  if (expectedReturn >= 0.01) return 'BUY';
  if (expectedReturn <= -0.03) return 'STRONG_SELL';
  if (expectedReturn <= -0.01) return 'SELL';
  return 'HOLD';
}
