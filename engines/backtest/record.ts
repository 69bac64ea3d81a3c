/** What a run records about itself: configuration, metrics, the fingerprint of its trades. Pure. */
import { createHash } from 'node:crypto';
import { formatDay } from '../../src/platform/dates.ts';
import type { Provenance } from '../../src/platform/provenance.ts';
import type { ContextCoverage } from '../assessment/context.model.ts';
import { FILL_DELISTED } from '../execution/fill-log.ts';
import type { BrokerOptions } from '../execution/model.ts';
import { type LambdaChoice, type LambdaScores, sourceName } from '../lambda/provider.storage.ts';
import type { LoadedPanel } from '../market/storage.ts';
import type { RegimeRisk } from '../regime/provider.storage.ts';
import type { UniverseDates } from '../universe/dates.model.ts';
import { lambdaBuckets } from './lambda-buckets.ts';
import { beta, breakEvenCostBp, meanOfKnown, performance, type RunMetrics, turnoverPerDay } from './metrics.ts';
import type { SleeveResult } from './simulate.ts';
import { type Sleeve, sleeveJson } from './sleeves.ts';

/** Options of a campaign after validation. */
export interface CampaignOptions {
  readonly marketId: string;
  /** Day numbers. */
  readonly start: number;
  readonly end: number;
  readonly sleeves: readonly Sleeve[];
  readonly initialCash: number;
  readonly maxWorkers: number;
  readonly risk: boolean;
  readonly broker: BrokerOptions;
  readonly priceField: 'close' | 'adjusted_close';
  /** Day from which transitions are counted; null: the run's own first day (the reference). */
  readonly transitionHistory: number | null;
  readonly persist: 'standard' | 'full';
  /** λ̂ in universe scores; null: none. */
  readonly lambda: LambdaChoice | null;
  /** Weight of the regime's risk in universe scores; 0: the reference, nothing is read. */
  readonly regimeAlpha: number;
  /** Head and vectors of the sleeves with the context backend; null: none has it. */
  readonly context: ContextChoice | null;
  /** Dates that the universe is restricted by: `listing`, or a table of members; null: names active today, every day. */
  readonly universeDates: string | null;
  /** Whether what a run reads may have learnt from days of its range; it is marked then. */
  readonly allowInSample: boolean;
  /** The flags that a sweep varies, with the values of this point; absent outside a sweep. */
  readonly sweep?: Readonly<Record<string, number>>;
}

/** The context backend as the flags ask for it. */
export interface ContextChoice {
  /** `assessment-context-v1`, or a fitted head. */
  readonly head: string;
  /** Joint model of the vectors; null: the one that the head was made for. */
  readonly modelId: string | null;
}

/** Where a run comes from: the campaign it is part of, the code, and whether the home is a demo. */
export interface RunOrigin {
  readonly campaignId: string;
  readonly provenance: Provenance;
  readonly demo: boolean;
  /** λ̂ as loaded; null without a provider. */
  readonly lambda: LambdaScores | null;
  /** The regime's risk as loaded; null without a weight for it. */
  readonly regime: RegimeRisk | null;
  /** What the context backend read; null where no sleeve has it. */
  readonly context: ContextOrigin | null;
  /** Names by day as loaded; null without universe dates. */
  readonly dates: UniverseDates | null;
}

export interface ContextOrigin extends ContextCoverage {
  readonly head: string;
  readonly modelId: string;
  /** Fingerprint of a fitted head; null for the formula of v1. */
  readonly fingerprint: string | null;
  /** Last day of the head's training; null for v1. */
  readonly trainEnd: string | null;
  /** Information coefficient that a fitted head goes by: 0 when it found nothing and says 0 of every name; null for v1. */
  readonly ic: number | null;
  /** Why a fitted head was not judged; null when it was, and for v1. */
  readonly notJudged: string | null;
  readonly inSample: InSample;
}

/** What a run used that had learnt from the days it was used on or from later ones, with the last day it had learnt from. */
export type InSample = Readonly<Record<string, string>>;

/** Of these what has a day. */
export const inSampleOf = (seen: Readonly<Record<string, string | null>>): InSample =>
  Object.fromEntries(Object.entries(seen).filter((one): one is [string, string] => one[1] !== null));

/** What of a campaign a sleeve's run used in-sample; empty for an honest run. */
export function inSampleOfRun(
  { backend }: Pick<Sleeve, 'backend'>,
  { regimeAlpha }: Pick<CampaignOptions, 'regimeAlpha'>,
  { lambda, regime, context }: Pick<RunOrigin, 'lambda' | 'regime' | 'context'>,
): InSample {
  return {
    ...(backend === 'context' ? context?.inSample : {}),
    ...inSampleOf({
      λ̂: lambda?.seenTo ?? null,
      // The original's models take pairs whose second day lies past the training: allowed for parity, and no evidence.
      'λ̂ (pairs of its training)': lambda?.readsPast ?? null,
      regimes: regimeAlpha > 0 ? (regime?.seenTo ?? null) : null,
    }),
  };
}

const NOT_TRADABLE = 'same-close, no costs: not tradable';
/** The names that are active today stand for those of every day: what has failed since is not among them. */
const SURVIVORS = 'survivors only';

/** What a reader of a run's figures must know first; empty when knowledge, fills, costs and names are not idealised. */
export function caveatOf(
  { broker, universeDates }: Pick<CampaignOptions, 'broker' | 'universeDates'>,
  inSample: InSample,
): string {
  const idealised = broker.fill === 'close' && broker.slippageBps === 0 && broker.commissionBps === 0;
  const seen = Object.entries(inSample).map(([what, to]) => `${what} learnt from days to ${to}`);
  return [
    ...(seen.length ? [`in-sample, no evidence: ${seen.join(', ')}`] : []),
    ...(idealised ? [NOT_TRADABLE] : []),
    ...(universeDates === null ? [SURVIVORS] : []),
  ].join('; ');
}

/** `config_json`: the user's own keys, then ours. */
export function runConfig(
  sleeve: Sleeve,
  options: CampaignOptions,
  panel: LoadedPanel,
  origin: RunOrigin,
): Record<string, unknown> {
  const { campaignId, provenance, demo, lambda, regime, context, dates } = origin;
  const { broker } = options;
  const inSample = inSampleOfRun(sleeve, options, origin);
  return {
    ...sleeveJson(sleeve),
    start_date: formatDay(options.start),
    end_date: formatDay(options.end),
    campaign_id: campaignId,
    assessment_backend: sleeve.backend ?? 'basic',
    ...(sleeve.backend === 'context' && context ? contextConfig(context) : {}),
    initial_cash: options.initialCash,
    risk: options.risk,
    fill: broker.fill,
    slippage_bps: broker.slippageBps,
    commission_bps: broker.commissionBps,
    whole_shares: broker.wholeShares,
    max_participation: Number.isFinite(broker.maxParticipation) ? broker.maxParticipation : null,
    price_field: options.priceField,
    transition_history: options.transitionHistory === null ? null : formatDay(options.transitionHistory),
    persist: options.persist,
    ...(options.sweep ? { sweep: options.sweep } : {}),
    ...(lambda && options.lambda ? lambdaConfig(options.lambda, lambda) : {}),
    ...(regime && options.regimeAlpha > 0 ? regimeConfig(options.regimeAlpha, regime) : {}),
    ...(dates ? { universe_dates: dates.source, universe_dates_fingerprint: dates.fingerprint } : {}),
    ...(Object.keys(inSample).length ? { in_sample: inSample } : {}),
    caveat: caveatOf(options, inSample),
    demo,
    data_fingerprint: panel.fingerprint,
    instruments: panel.instruments.length,
    price_rows: panel.rows,
    version: provenance.version,
    build: provenance.build,
    git_sha: provenance.gitSha,
    git_dirty: provenance.gitDirty,
  };
}

/** Keys of a run with the context backend; others have none of them. */
const contextConfig = ({
  head,
  modelId,
  fingerprint,
  trainEnd,
  ic,
  notJudged,
  coverage,
  branches,
}: ContextOrigin): Record<string, unknown> => ({
  assessment_model_id: head,
  assessment_context_model_id: modelId,
  assessment_context_coverage: coverage,
  ...(branches ? { assessment_context_branches: branches } : {}),
  ...(fingerprint
    ? { assessment_model_fingerprint: fingerprint, assessment_train_end: trainEnd, assessment_ic: ic }
    : {}),
  ...(notJudged ? { assessment_not_judged: notJudged } : {}),
});

/** Keys of a run with λ̂; a run without has none of them. */
function lambdaConfig(choice: LambdaChoice, scores: LambdaScores): Record<string, unknown> {
  return {
    lambda_source: sourceName(choice),
    lambda_experiment_id: scores.experimentId,
    lambda_score_column: choice.column,
    lambda_score_weight: choice.weight,
    lambda_train_end: scores.trainEnd,
    ...(scores.readsPast ? { lambda_training_reads_past: scores.readsPast } : {}),
    lambda_days_reached: scores.daysReached,
    lambda_share_reached: scores.shareReached,
    lambda_fingerprint: scores.fingerprint,
  };
}

/** Keys of a run with a weight for the regime's risk; a run without has none of them. */
const regimeConfig = (alpha: number, { region, daysWithRows, trainEnd, fingerprint }: RegimeRisk) => ({
  regime_alpha: alpha,
  regime_region: region,
  regime_days: daysWithRows,
  regime_train_end: trainEnd,
  regime_fingerprint: fingerprint,
});

/** `metrics_json`: the plan's figures, exposure means, then what a quant asks first. */
export function runMetrics(
  result: SleeveResult,
  panel: LoadedPanel,
  options: CampaignOptions,
  inSample: InSample,
): RunMetrics {
  const own = performance(result.equity);
  const equalWeight = performance(result.equalWeight);
  const buyAndHold = performance(result.buyAndHold);
  const exposures: Record<string, number> = {};
  const risk = meanOfKnown(result.targetableRiskMean);
  const worsen = meanOfKnown(result.worsenRiskMean);
  if (risk !== null) exposures.stab_risk_score_mean_over_run = risk;
  if (worsen !== null) exposures.stab_p_worsen_any_mean_over_run = worsen;
  const lambdaMean = result.lambda && meanOfKnown(result.lambda.mean);
  if (result.lambda && lambdaMean !== null) {
    exposures.lambda_score_mean_over_run = lambdaMean;
    exposures.lambda_score_coverage_over_run = meanOfKnown(result.lambda.coverage)!;
  }
  return {
    ...own,
    ...exposures,
    ...(result.lambda ? lambdaBuckets(result.lambda.mean, result.equity) : {}),
    num_days: result.equity.length,
    num_trades: result.fills.day.length,
    num_delisted: result.fills.cause.reduce((count, cause) => count + (cause === FILL_DELISTED ? 1 : 0), 0),
    final_equity: result.equity[result.equity.length - 1],
    benchmark_equal_weight_return: equalWeight.cumulative_return,
    benchmark_equal_weight_sharpe: equalWeight.annualised_sharpe,
    benchmark_buy_and_hold_return: buyAndHold.cumulative_return,
    benchmark_buy_and_hold_sharpe: buyAndHold.annualised_sharpe,
    active_return: own.cumulative_return - equalWeight.cumulative_return,
    beta: beta(result.equity, result.equalWeight),
    turnover_per_day: turnoverPerDay(result.traded, result.equity),
    break_even_cost_bp: breakEvenCostBp(result.equity, result.traded, options.initialCash),
    trade_list_hash: tradeListHash(result, panel),
    caveat: caveatOf(options, inSample),
  };
}

/** SHA-256 over the fills (day, instrument, quantity, price): equal hashes mean the same trades to the last bit. */
function tradeListHash(result: SleeveResult, panel: LoadedPanel): string {
  const { fills } = result;
  const digest = createHash('sha256');
  const days = fills.day.map((d) => panel.calendar.days[panel.first + d]);
  const ids = fills.instrument;
  digest.update(JSON.stringify(panel.instruments.map((instrument) => instrument.id)));
  for (const column of [days, ids, fills.quantity, fills.price]) {
    digest.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }
  return digest.digest('hex');
}

/** `exposure_metrics_json` of a day; a key is absent when no included member has the figure. */
export function exposureJson(result: SleeveResult, day: number): string {
  const parts = [`"universe_size":${result.universeSize[day]}`];
  const risk = result.targetableRiskMean[day];
  const worsen = result.worsenRiskMean[day];
  if (!Number.isNaN(risk)) parts.push(`"stab_risk_score_mean":${risk}`);
  if (!Number.isNaN(worsen)) parts.push(`"stab_p_worsen_any_mean":${worsen}`);
  if (result.lambda && !Number.isNaN(result.lambda.mean[day])) {
    parts.push(`"lambda_score_mean":${result.lambda.mean[day]}`);
    parts.push(`"lambda_score_coverage":${result.lambda.coverage[day]}`);
  }
  return `{${parts.join(',')}}`;
}
