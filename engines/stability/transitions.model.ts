/**
 * Transition risk: how likely an instrument's next state is TARGETABLE or BREAKER, or worse than today's, counted from
 * the states seen so far. Day d uses transitions that end on or before d, never later ones. Source: contracts §2.
 */
import { BREAKER, SOFT_TARGET_CLASSES, TARGETABLE } from './model.ts';

const CLASSES = SOFT_TARGET_CLASSES.length;

export interface TransitionRisk {
  /** D × 5: P(next class ∈ {TARGETABLE, BREAKER} | class on the day), staying included. NaN while nothing was counted. */
  readonly targetable: Float64Array;
  /** D × 5: P(next class strictly worse | class on the day). NaN while nothing was counted. */
  readonly worsen: Float64Array;
}

/**
 * Risks by day and class from `classCode` (D × N, day-major, −1 = no state). Consecutive means the instrument's previous
 * state, whatever the gap. A class with no counted exit keeps itself with probability 1.
 */
export function transitionRisk(classCode: Int8Array, instruments: number, days: number): TransitionRisk {
  const counts = new Float64Array(CLASSES * CLASSES);
  const previous = new Int8Array(instruments).fill(-1);
  const targetable = new Float64Array(new SharedArrayBuffer(days * CLASSES * 8)).fill(Number.NaN);
  const worsen = new Float64Array(new SharedArrayBuffer(days * CLASSES * 8)).fill(Number.NaN);
  let counted = 0;
  for (let d = 0; d < days; d++) {
    for (let i = 0; i < instruments; i++) {
      const now = classCode[d * instruments + i];
      if (now < 0) continue;
      if (previous[i] >= 0) {
        counts[previous[i] * CLASSES + now]++;
        counted++;
      }
      previous[i] = now;
    }
    if (counted === 0) continue;
    for (let from = 0; from < CLASSES; from++) {
      let total = 0;
      let toTargetable = 0;
      let toWorse = 0;
      for (let to = 0; to < CLASSES; to++) {
        const count = counts[from * CLASSES + to];
        total += count;
        if (to === TARGETABLE || to === BREAKER) toTargetable += count;
        if (to > from) toWorse += count;
      }
      targetable[d * CLASSES + from] = total > 0 ? toTargetable / total : from >= TARGETABLE ? 1 : 0;
      worsen[d * CLASSES + from] = total > 0 ? toWorse / total : 0;
    }
  }
  return { targetable, worsen };
}
