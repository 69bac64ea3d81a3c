/** Assessment, context backend: a head over the joint vector of an instrument and day. Pure. Source: contracts §5. */
import { type SignalLabel, signalLabel } from './model.ts';

export const ASSESSMENT_CONTEXT_V1 = 'assessment-context-v1';
export const ASSESSMENT_CONTEXT_V2 = 'assessment-context-v2';

/** What a head says of every instrument and day: D × N, day-major; `expectedReturn` NaN where there is no context. */
export interface ContextAssessments {
  readonly expectedReturn: Float64Array;
  readonly score: Float64Array;
  readonly confidence: Float64Array;
}

/** Columns for D × N cells on shared memory: no context anywhere, which is HOLD with 0. */
export function noContext(cells: number): ContextAssessments {
  const column = () => new Float64Array(new SharedArrayBuffer(cells * 8));
  return { expectedReturn: column().fill(Number.NaN), score: column(), confidence: column() };
}

/** Centre and scale of a norm in the v1 head. */
const NORM = 10;
/** Largest return that the v1 head expects. */
const MOST = 0.05;

/**
 * The v1 head: z = (‖ctx‖ − 10) / 10, expected return 0.05·tanh z, score tanh z, confidence min(1, |z|). It knows nothing of
 * returns: it is there for parity with the user's existing system.
 */
export function headV1(norm: number): { expectedReturn: number; score: number; confidence: number } {
  const z = (norm - NORM) / NORM;
  const score = Math.tanh(z);
  return { expectedReturn: MOST * score, score, confidence: Math.min(1, Math.abs(z)) };
}

/** Label of a cell; HOLD where there is no context. */
export const contextLabel = (expectedReturn: number): SignalLabel =>
  Number.isNaN(expectedReturn) ? 'HOLD' : signalLabel(expectedReturn);
