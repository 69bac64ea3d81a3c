/** The program `sweep`. */
import { log } from '../../src/platform/events.ts';
import type { Program } from '../../src/platform/program.ts';
import { Random } from '../../src/platform/random.ts';
import { type MetaEvidence, weighDecision } from '../meta/evidence.model.ts';
import { decideMeta } from '../meta/model.ts';
import { evidenceJson, recordedTrials } from '../meta/storage.ts';
import { deviation, TRADING_DAYS } from '../statistics/model.ts';
import type { Run } from './campaign.ts';
import { runAnywhere } from './distributed.ts';
import { simpleReturns } from './metrics.ts';
import { BOOTSTRAP_SEED, csvField, isInSample, outcomeOf, runJson } from './program.ts';
import type { CampaignOptions } from './record.ts';
import type { sweepSpec } from './spec.ts';
import { sweepOptions } from './sweep.ts';

/** Runs of one sleeve, one a point. */
interface SleeveSweep {
  readonly sleeveId: string;
  readonly runs: readonly Run[];
  readonly evidence: MetaEvidence;
}

export const sweep: Program<typeof sweepSpec> = async (args, context) => {
  const points = sweepOptions(args);
  const runs = await runAnywhere(points, Math.max(1, points[0].maxWorkers), args, context);
  const width = args.sleeve.length;
  const sweeps: SleeveSweep[] = [];
  for (let s = 0; s < width; s++) {
    const own = points.map((_, k) => runs[k * width + s]);
    const sleeveId = args.sleeve[s].split(':')[0];
    const recorded = await recordedTrials(context.databases.runtime, {
      marketId: args.marketId,
      runIds: own.map((run) => run.runId),
    });
    const decision = decideMeta(own.map(candidateOf), 1);
    const generator = new Random(BOOTSTRAP_SEED, s);
    const returns = new Map(own.map((run) => [run.runId, simpleReturns(run.equity)]));
    const evidence = weighDecision(decision, returns, recorded, () => generator.uniform(), own.some(isInSample));
    sweeps.push({ sleeveId, runs: own, evidence });
    log(
      context.events,
      'info',
      `${sleeveId}: ${decision.trials} distinct of ${own.length} points. ${evidence.conclusion}`,
    );
  }
  if (!args.json) context.stdout(sweepCsv(points, runs, width));
  const data = {
    flags: Object.keys(points[0].sweep!),
    sleeves: sweeps.map((one) => ({
      sleeve_id: one.sleeveId,
      points: one.runs.map((run, k) => ({
        ...runJson(run),
        point: points[k].sweep,
        tracking_error: trackingError(run, one.runs[0]),
      })),
      evidence: evidenceJson(one.evidence),
    })),
  };
  return outcomeOf(runs, data);
};

const candidateOf = (run: Run) => ({
  runId: run.runId,
  sleeveId: run.sleeve.sleeveId,
  sharpe: run.metrics.annualised_sharpe,
  tradeListHash: String(run.metrics.trade_list_hash),
});

/** Annualised deviation of the difference of daily returns from those of the first point: what the flags moved. */
function trackingError(run: Run, first: Run): number | null {
  const base = simpleReturns(first.equity);
  const spread = deviation(simpleReturns(run.equity).map((value, k) => value - base[k]));
  return Number.isNaN(spread) ? null : spread * Math.sqrt(TRADING_DAYS);
}

/** Header and one row a run: ids, the point's values, the plan's figures, the hash of the trades. */
function sweepCsv(points: readonly CampaignOptions[], runs: readonly Run[], width: number): string {
  const flags = Object.keys(points[0].sweep!);
  const figures = [
    'cumulative_return',
    'annualised_sharpe',
    'max_drawdown',
    'turnover_per_day',
    'tracking_error',
    'trades',
  ];
  const names = flags.map((flag) => flag.replaceAll('-', '_'));
  const lines = runs.map((run, at) => {
    const point = points[Math.floor(at / width)].sweep!;
    const { metrics, sleeve } = run;
    return [
      run.runId,
      csvField(sleeve.sleeveId),
      ...flags.map((flag) => point[flag]),
      metrics.cumulative_return.toFixed(6),
      metrics.annualised_sharpe.toFixed(4),
      metrics.max_drawdown.toFixed(6),
      Number(metrics.turnover_per_day ?? 0).toFixed(4),
      (trackingError(run, runs[at % width]) ?? 0).toFixed(6),
      String(metrics.trade_list_hash).slice(0, 12),
    ].join(',');
  });
  return `${[['run_id', 'sleeve_id', ...names, ...figures].join(','), ...lines].join('\n')}\n`;
}
