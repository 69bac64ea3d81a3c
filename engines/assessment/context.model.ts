/** Assessment, context backend: a head over the joint vector of an instrument and day. Pure. Source: contracts §5. */
import { type SignalLabel, signalLabel } from './model.ts';

export const ASSESSMENT_CONTEXT_V1 = 'assessment-context-v1';
export const ASSESSMENT_CONTEXT_V2 = 'assessment-context-v2';

/** What a head says of every instrument and day: D × N, day-major; `expectedReturn` NaN where there is no context. */
export interface ContextAssessments {
  readonly expectedReturn: Float64Array;
  readonly score: Float64Array;
  readonly confidence: Float64Array;
  /** What each context was joined of, as a `branchMask`; 0 where there is no context, or it does not say. */
  readonly branches: Uint8Array;
}

/** What an assessment context is joined of. */
const CONTEXT_BRANCHES = ['profile', 'regime', 'stab', 'text'] as const;
type ContextBranch = (typeof CONTEXT_BRANCHES)[number];

/** Bit k is set when branch k of `CONTEXT_BRANCHES` is among the names (`profile+text`); 0 when nothing is said. */
export function branchMask(names: string | null): number {
  const given = new Set(names?.split('+'));
  return CONTEXT_BRANCHES.reduce((mask, branch, k) => mask | (given.has(branch) ? 1 << k : 0), 0);
}

/** How many of the cells that are due have a context, and each of its branches; a share of 1 is all of them. */
export interface ContextCoverage {
  readonly coverage: number;
  /** Null when a context does not say what it was joined of. */
  readonly branches: Readonly<Record<ContextBranch, number>> | null;
}

/**
 * A cell is due when it has a price and the 63 days of history that vectors are made of, or a context all the same: a name that
 * is not listed yet, or has just been, lacks none.
 * @param close price of each cell, NaN where there is none. @param complete 1 where W(t, 63) is complete.
 */
export function contextCoverage(
  { expectedReturn, branches }: Pick<ContextAssessments, 'expectedReturn' | 'branches'>,
  { close, complete }: { readonly close: ArrayLike<number>; readonly complete: ArrayLike<number> },
): ContextCoverage {
  let [due, known, silent] = [0, 0, 0];
  const having = CONTEXT_BRANCHES.map(() => 0);
  for (let cell = 0; cell < close.length; cell++) {
    const without = Number.isNaN(expectedReturn[cell]);
    if (Number.isNaN(close[cell]) || (without && complete[cell] === 0)) continue;
    due++;
    if (without) continue;
    known++;
    if (branches[cell] === 0) silent++;
    for (let k = 0; k < having.length; k++) having[k] += (branches[cell] >> k) & 1;
  }
  const shares = CONTEXT_BRANCHES.map((branch, k) => [branch, having[k] / due] as const);
  return {
    coverage: known / due,
    branches: silent > 0 ? null : (Object.fromEntries(shares) as Record<ContextBranch, number>),
  };
}

/** Columns for D × N cells on shared memory: no context anywhere, which is HOLD with 0. */
export function noContext(cells: number): ContextAssessments {
  const column = () => new Float64Array(new SharedArrayBuffer(cells * 8));
  return {
    expectedReturn: column().fill(Number.NaN),
    score: column(),
    confidence: column(),
    branches: new Uint8Array(new SharedArrayBuffer(cells)),
  };
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
