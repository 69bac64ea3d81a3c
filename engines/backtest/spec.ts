/** Declarations of the backtest programs: flags of the plan, then options beyond the reference. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';
import { LARGEST_LAMBDA_WEIGHT } from '../universe/model.ts';

const SLEEVE_HELP = 'sleeve:strategy:market:universe:portfolio:assess:horizon; repeat it for more sleeves';

const rangeArgs = {
  marketId: z.string().min(1).describe('market, for example US_EQ'),
  start: dateArg().describe('first day (the next trading day counts when it is none)'),
  end: dateArg().describe('last day'),
};

const optionArgs = {
  initialCash: z.number().positive().default(1_000_000).describe('dollars each sleeve starts with'),
  maxWorkers: z
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('sleeves simulated side by side (default: one a core)'),
  disableRisk: z.boolean().default(false).describe('leave out the 5 % cap on each name'),
  assessmentBackend: z
    .enum(['basic', 'context'])
    .default('basic')
    .describe('how instruments are assessed; a sleeve may end in :basic or :context to say it for itself'),
  assessmentContextModelId: z
    .string()
    .optional()
    .describe('joint model of the context backend (default: that of its head)'),
  assessmentUseJointContext: z
    .boolean()
    .default(false)
    .describe('read joint embeddings, as the context backend always does'),
  assessmentModelId: z
    .string()
    .optional()
    .describe('assessment-basic-v1, assessment-context-v2 (fitted; default of context), assessment-context-v1'),
  lambdaCsv: z
    .string()
    .optional()
    .describe('λ̂ predictions (CSV of lambda experiment or lambda train) for universe scores'),
  lambdaTable: z.string().optional().describe('λ̂ predictions in a table, for example console.lambda_predictions'),
  lambdaExperimentId: z.string().optional().describe('experiment of the predictions (needed when they hold several)'),
  lambdaScoreColumn: z.string().optional().describe('column of the predictions (default lambda_hat)'),
  lambdaScoreWeight: z
    .number()
    .min(-LARGEST_LAMBDA_WEIGHT)
    .max(LARGEST_LAMBDA_WEIGHT)
    .optional()
    .describe('weight of λ̂ in universe scores (default 10, the plan’s)'),
  regimeAlpha: z
    .number()
    .min(0)
    .max(10)
    .default(0)
    .describe('multiply every score of a day by max(0, 1 − A · regime risk) from the table regimes'),
  universeDates: z
    .string()
    .min(1)
    .optional()
    .describe('names as they were: listing (first and last date), or a table of members; without it survivors only'),
  fill: z.enum(['close', 'next_open', 'next_close']).default('close').describe('price at which orders of a day fill'),
  slippageBps: z.number().min(0).max(1000).default(0).describe('worse price on each side, in basis points'),
  commissionBps: z.number().min(0).max(1000).default(0).describe('charge on the traded value, in basis points'),
  wholeShares: z.boolean().default(false).describe('trade whole shares only'),
  maxParticipation: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe("largest share of a day's volume an order may take"),
  priceField: z.enum(['close', 'adjusted_close']).default('close').describe('prices that signals, fills and marks use'),
  transitionHistory: dateArg().optional().describe('count state transitions from this earlier day on'),
  persist: z
    .enum(['standard', 'full'])
    .default('standard')
    .describe(
      'standard: runs, equity, trades, month-end positions, actions, states; full: every table of the pipeline',
    ),
  allowInSample: z
    .boolean()
    .default(false)
    .describe(
      'use heads, vectors, λ̂ and regimes that have learnt from days of the range; the runs are marked in-sample',
    ),
  distributed: z
    .boolean()
    .default(false)
    .describe('put each sleeve into the queue that prometheus worker takes from, on any machine'),
  waitOnly: z.boolean().default(false).describe('with --distributed: simulate no sleeve here, wait for workers'),
  resume: z.boolean().default(false).describe('with --distributed: go on with the same campaign where it broke off'),
  json: z.boolean().default(false).describe('print JSON instead of the CSV'),
};

export const campaignSpec = defineProgram({
  name: 'backtest campaign',
  phase: 'P1',
  summary: 'simulate sleeves over a period and record the runs',
  description: `
Computes states, assessments, universes, portfolios and fills day by day from prices alone, and records each sleeve as a
run (all of its rows or none). stdout carries one CSV line a sleeve:
run_id,sleeve_id,strategy_id,cumulative_return,annualised_sharpe,max_drawdown

Example (the plan's Phase 1):
  prometheus backtest campaign --market-id US_EQ --start 2014-01-02 --end 2014-03-31 \\
    --sleeve US_CORE_LONG_EQ_H21:US_CORE_LONG_EQ:US_EQ:US_CORE_LONG_EQ_H21_UNIVERSE:US_CORE_LONG_EQ_H21_PORTFOLIO:US_CORE_LONG_EQ_H21_ASSESS:21

With fills at the same close and no costs (the defaults, which are the reference) the figures are not tradable; every
report says so. --fill next_open, --slippage-bps and --commission-bps make them closer to what could be had.`,
  args: z.object({ ...rangeArgs, sleeve: z.array(z.string()).min(1).describe(SLEEVE_HELP), ...optionArgs }),
  reads: ['historical.prices_daily', 'historical.market_holidays', 'runtime.instruments', 'runtime.issuers'],
  writes: [
    'runtime.backtest_runs',
    'runtime.backtest_daily_equity',
    'runtime.backtest_trades',
    'runtime.executed_actions',
    'runtime.engine_decisions',
    'runtime.decision_outcomes',
    'runtime.positions_snapshots',
    'runtime.soft_target_classes',
    'runtime.console.campaign_runs',
    'historical.console.shard_done',
    'historical.console.backfills',
    'historical.console.throttles',
  ],
  resource: 'cpu',
  // States are the same whichever campaign writes them; a sleeve's positions are its own.
  claims: [{ table: 'runtime.positions_snapshots', scope: 'sleeve', start: 'start', end: 'end' }],
});

export const sweepSpec = defineProgram({
  name: 'sweep',
  phase: 'P3',
  summary: 'run a grid of campaign flags as one campaign over the same panel',
  description: `
Every combination of the --grid values is a point; each sleeve is run at each point and recorded as a run of its own, with
.S1, .S2 … after its ids, so that points own no row of each other or of the plain campaign. Prices, states and λ̂ are
loaded once. stdout carries one CSV line a run: the values of its point, the plan's figures, and a hash of its trades
(equal hashes are equal trades). Every point counts as a try in the deflated Sharpe ratio of the best one.

Flags that a grid may vary: --lambda-score-weight, --regime-alpha, --initial-cash, --slippage-bps, --commission-bps, --max-participation.

Example:
  prometheus sweep --market-id US_EQ --start 2015-01-02 --end 2015-12-31 --sleeve … \\
    --lambda-table console.lambda_predictions --lambda-experiment-id US_EQ_HAR_H21 --lambda-score-column lambda_z \\
    --grid lambda-score-weight=0,5,20,50`,
  args: z.object({
    ...rangeArgs,
    sleeve: z.array(z.string()).min(1).describe(SLEEVE_HELP),
    grid: z.array(z.string()).min(1).describe('flag=value,value,…; repeat it for more flags'),
    ...optionArgs,
  }),
  reads: campaignSpec.reads,
  writes: campaignSpec.writes,
  resource: 'cpu',
});

export const campaignAndMetaSpec = defineProgram({
  name: 'backtest campaign-and-meta',
  phase: 'P1',
  summary: "run the plan's three sleeves, then record a Meta decision naming the best",
  description: `
Runs the canonical sleeves of a strategy (horizons 5, 21 and 63), then records in engine_decisions which top K have the
highest Sharpe ratio. Ties are broken by sleeve id; identical sleeves are named and count as one trial. The decision is
dated the last trading day of the range.`,
  args: z.object({
    strategyId: z.string().min(1).max(40).describe('strategy, for example US_CORE_LONG_EQ'),
    ...rangeArgs,
    topK: z.number().int().min(1).max(3).default(1).describe('how many sleeves the decision names'),
    ...optionArgs,
  }),
  reads: campaignSpec.reads,
  writes: campaignSpec.writes,
  resource: 'cpu',
  claims: [{ table: 'runtime.positions_snapshots', scope: 'strategyId', start: 'start', end: 'end' }],
});
