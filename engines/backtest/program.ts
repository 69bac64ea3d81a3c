/** The programs `backtest campaign` and `backtest campaign-and-meta`. */
import { formatCount } from '../../src/format/numbers.ts';
import { Exit } from '../../src/platform/errors.ts';
import { log } from '../../src/platform/events.ts';
import type { Program, ProgramContext, ProgramResult } from '../../src/platform/program.ts';
import { Random } from '../../src/platform/random.ts';
import { weighDecision } from '../meta/evidence.model.ts';
import { decideMeta } from '../meta/model.ts';
import { recordedTrials, writeMetaDecision } from '../meta/storage.ts';
import { universeSettings, universeSettingsFile } from '../universe/settings.storage.ts';
import type { Run } from './campaign.ts';
import { runAnywhere } from './distributed.ts';
import { simpleReturns } from './metrics.ts';
import { type CampaignArgs, campaignOptions } from './options.ts';
import { canonicalSleeves, parseSleeve } from './sleeves.ts';
import type { campaignAndMetaSpec, campaignSpec } from './spec.ts';

/** The same runs give the same intervals. */
export const BOOTSTRAP_SEED = 1;

const CSV_HEADER = 'run_id,sleeve_id,strategy_id,cumulative_return,annualised_sharpe,max_drawdown';

export const campaign: Program<typeof campaignSpec> = async (args, context) => {
  const options = campaignOptions(args, args.sleeve.map(parseSleeve));
  const runs = await runAnywhere([options], options.sleeves.length, args, context);
  if (!args.json) context.stdout(runsCsv(runs));
  return outcomeOf(runs, { runs: runs.map(runJson) });
};

export const campaignAndMeta: Program<typeof campaignAndMetaSpec> = async (args, context) => {
  const configured = withUniverseSettings(args, context);
  const options = campaignOptions(configured, canonicalSleeves(args.strategyId, args.marketId));
  const runs = await runAnywhere([options], options.sleeves.length, args, context);
  const decision = decideMeta(
    runs.map((run) => ({
      runId: run.runId,
      sleeveId: run.sleeve.sleeveId,
      sharpe: run.metrics.annualised_sharpe,
      tradeListHash: String(run.metrics.trade_list_hash),
    })),
    args.topK,
  );
  const { runtime } = context.databases;
  const { strategyId, marketId } = args;
  const recorded = await recordedTrials(runtime, { marketId, runIds: runs.map((run) => run.runId) });
  const generator = new Random(BOOTSTRAP_SEED);
  const returns = new Map(runs.map((run) => [run.runId, simpleReturns(run.equity)]));
  const evidence = weighDecision(decision, returns, recorded, () => generator.uniform(), runs.some(isInSample));
  const meta = await writeMetaDecision(runtime, {
    decisionId: context.newId(),
    strategyId,
    marketId,
    start: runs[0].firstDay,
    asOf: runs[0].lastDay,
    decision,
    evidence,
  });
  if (!args.json) context.stdout(runsCsv(runs));
  for (const group of decision.identical) {
    log(context.events, 'info', `identical sleeves, one trial: ${group.join(' = ')}`);
  }
  log(
    context.events,
    'info',
    `Meta: ${decision.selected.map((s) => s.sleeveId).join(', ')} (of ${decision.trials} distinct trials)`,
  );
  for (const { sleeveId, sharpe, interval, deflatedSharpe } of evidence.sleeves) {
    const deflated = deflatedSharpe === null ? '–' : deflatedSharpe.toFixed(2);
    const span = `95 % interval ${interval.low.toFixed(2)} … ${interval.high.toFixed(2)}`;
    log(context.events, 'info', `${sleeveId}: Sharpe ${sharpe.toFixed(2)} (${span}), deflated ${deflated}`);
  }
  log(context.events, 'info', `Meta: ${evidence.conclusion}`);
  return outcomeOf(runs, { runs: runs.map(runJson), meta });
};

/** The flags, and where they name no λ̂ of their own what they leave open of the universe's settings (plan §6.3). */
function withUniverseSettings<Args extends CampaignArgs & { strategyId: string }>(
  args: Args,
  { home, events }: ProgramContext,
): Args {
  if (args.lambdaCsv !== undefined || args.lambdaTable !== undefined) return args;
  const settings = universeSettings(home, args.strategyId);
  if (settings.lambda_predictions_csv === undefined) return args;
  log(events, 'info', `λ̂ as ${universeSettingsFile(home, args.strategyId)} says for ${args.strategyId}`);
  return {
    ...args,
    lambdaCsv: settings.lambda_predictions_csv,
    lambdaExperimentId: args.lambdaExperimentId ?? settings.lambda_experiment_id,
    lambdaScoreColumn: args.lambdaScoreColumn ?? settings.lambda_score_column,
    lambdaScoreWeight: args.lambdaScoreWeight ?? settings.lambda_score_weight,
  };
}

/** Whether a run is marked in-sample. */
export const isInSample = ({ config }: Pick<Run, 'config'>): boolean => config.in_sample !== undefined;

/** The plan's CSV: header and one row a run. */
export function runsCsv(runs: readonly Run[]): string {
  const lines = runs.map(({ runId, sleeve, metrics }) =>
    [
      runId,
      csvField(sleeve.sleeveId),
      csvField(sleeve.strategyId),
      metrics.cumulative_return.toFixed(6),
      metrics.annualised_sharpe.toFixed(4),
      metrics.max_drawdown.toFixed(6),
    ].join(','),
  );
  return `${[CSV_HEADER, ...lines].join('\n')}\n`;
}

export const csvField = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export const runJson = ({ runId, sleeve, metrics, config, rows }: Run) => ({
  run_id: runId,
  sleeve_id: sleeve.sleeveId,
  metrics,
  config,
  rows,
});

/** The outcome of a program that recorded these runs. */
export function outcomeOf(runs: readonly Run[], data: unknown): ProgramResult {
  const rows: Record<string, number> = {};
  for (const run of runs)
    for (const [table, count] of Object.entries(run.rows)) rows[table] = (rows[table] ?? 0) + count;
  const trades = formatCount(rows.backtest_trades ?? 0);
  const summary = `${runs.length} run${runs.length === 1 ? '' : 's'} recorded, ${trades} trades`;
  return { exitCode: Exit.done, summary, rows, data };
}
