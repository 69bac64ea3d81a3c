/** Universe: which instruments a sleeve may hold on a day, with score and tier. Source: contracts §2. */
import { BREAKER, SOFT_TARGET_CLASSES } from '../stability/model.ts';

/** Why an instrument is left out; the index is the code in `exclusion` columns, 0 = included. */
export const EXCLUSIONS = [
  '',
  'insufficient_history',
  'illiquid',
  'no_stab_state',
  'excluded_breaker',
  'excluded_high_soft_target_score',
  'excluded_weak_profile_fragile',
  // Before all others, and only with --universe-dates.
  'not_listed',
  'not_a_member',
] as const;
/** Codes of the last two. */
export const NOT_LISTED = 7;
export const NOT_A_MEMBER = 8;

export const UNIVERSE_WINDOW = 63;

/** Of the weight of λ̂ in a score: beyond it nothing else of the score is left, far beyond it sums are no numbers. */
export const LARGEST_LAMBDA_WEIGHT = 1e6;
const MINIMUM_VOLUME = 100_000;
const MAXIMUM_SOFT_TARGET_SCORE = 90;

/** What is known of the cross-section of one day: arrays over N instruments. */
export interface UniverseInputs {
  /** Whether W(t, 63) is complete. */
  readonly complete: Uint8Array;
  /** 63-day mean of the daily volume in shares. */
  readonly meanVolume: Float64Array;
  readonly softTargetScore: Float64Array;
  /** −1 = no state. */
  readonly classCode: Int8Array;
  readonly assessmentScore: Float64Array;
  /** By class: P(next state ∈ {TARGETABLE, BREAKER}); NaN while nothing has been counted. */
  readonly targetableRisk: Float64Array;
  /** λ̂ of each instrument's cluster, NaN where the provider has none; null without a provider. */
  readonly lambdaScore: Float64Array | null;
  readonly lambdaWeight: number;
  /** max(0, 1 − regime_alpha · regime_risk); 1 by default. */
  readonly regimeMultiplier: number;
  /** NOT_LISTED or NOT_A_MEMBER where the name is none of this universe today, else 0; null without universe dates. */
  readonly barred: Uint8Array | null;
}

/** One day of a universe: arrays over N instruments, and the included ones in rank order. */
export interface Universe {
  readonly exclusion: Int8Array;
  /** 0 where excluded. */
  readonly score: Float64Array;
  /** Instrument indices by (score, id) descending; the first `core` are CORE, the rest SATELLITE. */
  readonly ranked: Int32Array;
  readonly core: number;
}

/** Selects and ranks the universe of a day. Instruments are indexed in ascending order of their ids. */
export function selectUniverse(inputs: UniverseInputs): Universe {
  const n = inputs.complete.length;
  const exclusion = new Int8Array(n);
  const score = new Float64Array(n);
  let included = 0;
  for (let i = 0; i < n; i++) {
    const code = exclusionOf(inputs, i);
    exclusion[i] = code;
    if (code === 0) {
      score[i] = universeScore(inputs, i);
      included++;
    }
  }
  const ranked = new Int32Array(included);
  for (let i = 0, k = 0; i < n; i++) if (exclusion[i] === 0) ranked[k++] = i;
  ranked.sort((a, b) => score[b] - score[a] || b - a);
  return { exclusion, score, ranked, core: included === 0 ? 0 : Math.max(1, included >> 1) };
}

/** The first filter that an instrument fails, 0 when it passes all. No profile service: no weak profiles. */
function exclusionOf(inputs: UniverseInputs, i: number): number {
  if (inputs.barred && inputs.barred[i] > 0) return inputs.barred[i];
  if (!inputs.complete[i]) return 1;
  if (inputs.meanVolume[i] < MINIMUM_VOLUME) return 2;
  if (inputs.classCode[i] < 0) return 3;
  if (inputs.classCode[i] === BREAKER) return 4;
  if (inputs.softTargetScore[i] > MAXIMUM_SOFT_TARGET_SCORE) return 5;
  return 0;
}

function universeScore(inputs: UniverseInputs, i: number): number {
  let score =
    Math.max(0, 100 - inputs.softTargetScore[i]) +
    Math.min(50, inputs.meanVolume[i] / 1e6) +
    50 * Math.max(0, inputs.assessmentScore[i]);
  if (inputs.lambdaScore && !Number.isNaN(inputs.lambdaScore[i])) score += inputs.lambdaWeight * inputs.lambdaScore[i];
  const risk = inputs.targetableRisk[inputs.classCode[i]];
  if (!Number.isNaN(risk)) score *= stabilityMultiplier(risk);
  return score * inputs.regimeMultiplier;
}

/** Factor of the transition risk p on a score: max(0, 1 − 0.5 p). */
export const stabilityMultiplier = (risk: number) => Math.max(0, 1 - 0.5 * risk);

/** Factor of the regime's risk on every score of a day: max(0, 1 − alpha · risk); 1 while the risk is not known. */
export const regimeMultiplier = (alpha: number, risk: number) =>
  Number.isNaN(risk) ? 1 : Math.max(0, 1 - alpha * risk);

/** `market|sector|class`: the cluster that λ is measured on. */
export const clusterId = (marketId: string, sector: string | null, classCode: number) =>
  `${marketId}|${sector ?? 'UNKNOWN'}|${SOFT_TARGET_CLASSES[classCode]}`;
