/** What the flags of a campaign say together. */
import { availableParallelism } from 'node:os';
import { parseDay } from '../../src/platform/dates.ts';
import { UsageError } from '../../src/platform/errors.ts';
import { parseRange } from '../../src/platform/program.ts';
import { ASSESSMENT_CONTEXT_V1, ASSESSMENT_CONTEXT_V2 } from '../assessment/context.model.ts';
import { ASSESSMENT_BASIC_V1 } from '../assessment/model.ts';
import type { LambdaChoice } from '../lambda/provider.storage.ts';
import type { CampaignOptions, ContextChoice } from './record.ts';
import type { Sleeve } from './sleeves.ts';

/** Flags that the campaign programs share, as parsed. */
export interface CampaignArgs {
  marketId: string;
  start: string;
  end: string;
  initialCash: number;
  maxWorkers?: number;
  disableRisk: boolean;
  assessmentBackend: 'basic' | 'context';
  assessmentContextModelId?: string;
  assessmentUseJointContext: boolean;
  assessmentModelId?: string;
  lambdaCsv?: string;
  lambdaTable?: string;
  lambdaExperimentId?: string;
  lambdaScoreColumn?: string;
  lambdaScoreWeight?: number;
  regimeAlpha: number;
  fill: 'close' | 'next_open' | 'next_close';
  slippageBps: number;
  commissionBps: number;
  wholeShares: boolean;
  maxParticipation?: number;
  priceField: 'close' | 'adjusted_close';
  transitionHistory?: string;
  persist: 'standard' | 'full';
  universeDates?: string;
  allowInSample: boolean;
}

/** The plan's column and weight of λ̂ (§6.3). */
const LAMBDA_COLUMN = 'lambda_hat';
const LAMBDA_WEIGHT = 10;

/** Checks what the flags say together. @throws UsageError naming the flag. */
export function campaignOptions(args: CampaignArgs, given: readonly Sleeve[]): CampaignOptions {
  const sleeves = given.map((sleeve) => ({ ...sleeve, backend: sleeve.backend ?? args.assessmentBackend }));
  const { start, end } = parseRange(args);
  const transitionHistory = args.transitionHistory === undefined ? null : parseDay(args.transitionHistory);
  if (transitionHistory !== null && transitionHistory > start) {
    throw new UsageError(
      `--transition-history ${args.transitionHistory} is after --start ${args.start}`,
      'Give an earlier day.',
    );
  }
  for (const [key, name] of [
    ['sleeveId', 'sleeve'],
    ['universeId', 'universe'],
    ['portfolioId', 'portfolio'],
    ['assessmentId', 'assess'],
  ] as const) {
    const seen = new Set<string>();
    for (const sleeve of sleeves) {
      if (seen.has(sleeve[key])) {
        throw new UsageError(
          `two sleeves share the ${name} '${sleeve[key]}'`,
          'Give each sleeve ids of its own: they own rows by them.',
        );
      }
      seen.add(sleeve[key]);
      if (sleeve.marketId !== args.marketId) {
        throw new UsageError(
          `sleeve '${sleeve.sleeveId}' trades market '${sleeve.marketId}', not --market-id '${args.marketId}'`,
          'Run one campaign a market.',
        );
      }
    }
  }
  return {
    marketId: args.marketId,
    start,
    end,
    sleeves,
    initialCash: args.initialCash,
    maxWorkers: args.maxWorkers ?? availableParallelism(),
    risk: !args.disableRisk,
    broker: {
      fill: args.fill,
      slippageBps: args.slippageBps,
      commissionBps: args.commissionBps,
      wholeShares: args.wholeShares,
      maxParticipation: args.maxParticipation ?? Number.POSITIVE_INFINITY,
    },
    priceField: args.priceField,
    transitionHistory,
    persist: args.persist,
    lambda: lambdaChoice(args),
    regimeAlpha: args.regimeAlpha,
    context: contextChoice(args, sleeves),
    universeDates: args.universeDates ?? null,
    allowInSample: args.allowInSample,
  };
}

/** The head and the vectors of the context backend; null when no sleeve uses it. @throws UsageError for flags that do not fit. */
function contextChoice(args: CampaignArgs, sleeves: readonly Sleeve[]): ContextChoice | null {
  const used = sleeves.some(({ backend }) => backend === 'context');
  const { assessmentModelId: head, assessmentContextModelId: modelId } = args;
  if (!used) {
    const stray = [
      ['--assessment-context-model-id', modelId !== undefined],
      ['--assessment-use-joint-context', args.assessmentUseJointContext],
      [`--assessment-model-id ${head}`, head !== undefined && head !== ASSESSMENT_BASIC_V1],
    ].find(([, given]) => given);
    if (stray)
      throw new UsageError(`${stray[0]} says nothing to the basic backend`, 'Add --assessment-backend context.');
    return null;
  }
  if (head === ASSESSMENT_BASIC_V1 && sleeves.every(({ backend }) => backend === 'context')) {
    throw new UsageError(
      `--assessment-model-id ${head} is no head of the context backend`,
      `Allowed: ${HEADS.join(', ')}.`,
    );
  }
  const chosen = head === undefined || head === ASSESSMENT_BASIC_V1 ? ASSESSMENT_CONTEXT_V2 : head;
  // A fitted head may stand under a name of its own.
  if (chosen !== ASSESSMENT_CONTEXT_V1 && !chosen.startsWith(ASSESSMENT_CONTEXT_V2)) {
    throw new UsageError(
      `--assessment-model-id ${chosen} is no head of the context backend`,
      `Allowed: ${HEADS.join(', ')}.`,
    );
  }
  return { head: chosen, modelId: modelId ?? null };
}

const HEADS = [ASSESSMENT_CONTEXT_V2, ASSESSMENT_CONTEXT_V1];

/** The λ̂ that the flags ask for, or null. @throws UsageError when they do not belong together. */
function lambdaChoice(args: CampaignArgs): LambdaChoice | null {
  const { lambdaCsv: csv, lambdaTable: table } = args;
  if (csv !== undefined && table !== undefined) {
    throw new UsageError('--lambda-csv and --lambda-table exclude each other', 'Give one of them.');
  }
  if (csv === undefined && table === undefined) {
    const stray = [
      ['--lambda-experiment-id', args.lambdaExperimentId],
      ['--lambda-score-column', args.lambdaScoreColumn],
      ['--lambda-score-weight', args.lambdaScoreWeight],
    ].find(([, value]) => value !== undefined);
    if (stray)
      throw new UsageError(`${stray[0]} says nothing without predictions`, 'Add --lambda-csv or --lambda-table.');
    return null;
  }
  return {
    source: csv !== undefined ? { csv } : { table: table! },
    experimentId: args.lambdaExperimentId ?? null,
    column: args.lambdaScoreColumn ?? LAMBDA_COLUMN,
    weight: args.lambdaScoreWeight ?? LAMBDA_WEIGHT,
  };
}
