/** Declarations of the programs of Phase 3. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';

/** What defines λ, wherever it is computed. */
const clusterArgs = {
  lookbackDays: z
    .number()
    .int()
    .min(3)
    .max(252)
    .default(20)
    .describe('trading days of prices that a member needs, and over which its volatility is taken'),
  minClusterSize: z.number().int().min(2).default(5).describe('clusters with fewer members are left out'),
};

export const backfillDensitySpec = defineProgram({
  name: 'backfill opportunity-density',
  phase: 'P3',
  summary: 'compute opportunity density λ of every cluster and day of a market',
  description: `
A cluster is a sector and a soft target class on the day. λ = dispersion + avg_vol_window: the deviation of the members'
returns that day, plus the mean of their own volatilities. The rows replace those of the same market, days and parameters
in console.opportunity_density, and go to --output as CSV:
as_of_date,market_id,sector,soft_target_class,num_instruments,dispersion,avg_vol_window,lambda_value

Classes are those of soft_target_classes (--stab table: campaigns and prometheus backfill stability write them), or are
computed from prices (--stab compute). A day that has none there forms clusters of class UNKNOWN; the report counts them.

Example (the plan's Phase 3):
  prometheus backfill opportunity-density --start 2015-01-01 --end 2024-12-31 --market US_EQ --lookback-days 20 \\
    --min-cluster-size 5 --output data/lambda_US_EQ_20150101_20241231.csv`,
  args: z.object({
    start: dateArg().describe('first day'),
    end: dateArg().describe('last day'),
    market: z.string().min(1).default('US_EQ').describe('market'),
    ...clusterArgs,
    stab: z.enum(['table', 'compute']).default('table').describe('where classes come from'),
    output: z.string().min(1).optional().describe('CSV to write beside the table'),
    json: z.boolean().default(false).describe('print the counts as JSON'),
  }),
  reads: [
    'historical.prices_daily',
    'historical.market_holidays',
    'runtime.instruments',
    'runtime.issuers',
    'runtime.soft_target_classes',
  ],
  writes: ['runtime.console.opportunity_density'],
  resource: 'cpu',
  claims: [{ table: 'runtime.console.opportunity_density', scope: 'market', start: 'start', end: 'end' }],
});

/** The original's λ̂ models. */
const EXPERIMENT_MODELS = ['persistence', 'cluster_mean', 'global_ar1', 'global_linear_full', 'global_poly2'] as const;

export type ExperimentModel = (typeof EXPERIMENT_MODELS)[number];

const EXPERIMENT_ID_HELP = 'name under which results and λ̂ are kept; the same name replaces them';

export const lambdaExperimentSpec = defineProgram({
  name: 'lambda experiment',
  phase: 'P3',
  summary: "fit one of the original's λ̂ models on a λ panel and measure it",
  description: `
Predicts each cluster's next λ from its row, its previous λ and its trend: least squares of minimum norm in raw units. λ
shares all but one day of its window with its own next value, which flatters every figure here; prometheus lambda train
forecasts what has not happened yet. Training pairs at the end of the span reach past it, as in the original.

--output holds one row an experiment, --predictions-output the scored rows of each: those of other experiments stay. The
scored rows also go to console.lambda_predictions, and the trial to the ledger console.lambda_trials. --predict-only
scores every row of the test span, also those that have no next observation yet, and measures nothing.

Example:
  prometheus lambda experiment --input data/lambda.csv --output data/lambda_experiments.csv \\
    --experiment-id US_EQ_SIMPLE_V0 --model global_linear_full --train-start 2015-01-01 --train-end 2019-12-31 \\
    --test-start 2020-01-01 --test-end 2024-12-31 --predictions-output data/lambda_predictions_US_EQ.csv`,
  args: z.object({
    input: z.string().min(1).describe('λ panel CSV'),
    output: z.string().min(1).optional().describe('CSV of results, one row an experiment'),
    experimentId: z.string().min(1).max(200).describe(EXPERIMENT_ID_HELP),
    model: z.enum(EXPERIMENT_MODELS).default('global_linear_full').describe('which model'),
    trainStart: dateArg().describe('first day of training'),
    trainEnd: dateArg().describe('last day of training'),
    testStart: dateArg().describe('first day that is scored'),
    testEnd: dateArg().describe('last day that is scored'),
    topQuantile: z.number().gt(0).lt(1).default(0.2).describe('share of clusters that the uplift counts as high'),
    predictionsOutput: z.string().min(1).optional().describe('CSV of the scored rows'),
    predictOnly: z.boolean().default(false).describe('score only, rows without a next observation too'),
    json: z.boolean().default(false).describe('print the result as JSON'),
  }),
  reads: [],
  writes: ['runtime.console.lambda_predictions', 'runtime.console.lambda_trials'],
  resource: 'cpu',
  claims: [{ table: 'runtime.console.lambda_predictions', scope: 'experimentId' }],
});

export const lambdaTrainSpec = defineProgram({
  name: 'lambda train',
  phase: 'P3',
  summary: 'forecast the dispersion of clusters walk-forward, against baselines',
  description: `
Forecasts the log of a cluster's mean dispersion over the following --horizon days, which share no day with what the
forecast reads: a ridge regression on logs of own, sector and market dispersion over a day, a week, a month and a quarter,
volatility, count and trend. It is fitted again every --refit-days on all targets that ended --embargo-days before, and
every λ̂ names the end of its training. Baselines are fitted on the same schedule and stand in the same table; every
model tried is a row of console.lambda_trials. Classes and λ are computed from prices.

λ̂ (a dispersion) and lambda_z (λ̂ in deviations from the mean of its day) go to console.lambda_predictions under
<experiment-id>_H<horizon>, and to --predictions-output. --report writes the tables as Markdown. --predict-only scores the
last day with prices by the same schedule, and measures nothing.

--vectors MODEL adds what the embeddings of a cluster's members say (their mean in 16 fixed directions, their dispersion):
λ̂ then comes from har_vectors, and har_ridge stands beside it in the table, on the same rows.

Example:
  prometheus lambda train --start 2010-01-04 --end 2024-08-26 --experiment-id US_EQ_HAR --report lambda.md`,
  args: z.object({
    market: z.string().min(1).default('US_EQ').describe('market'),
    start: dateArg().describe('first day of λ that is read'),
    end: dateArg().describe('last day'),
    experimentId: z.string().min(1).max(190).default('HAR').describe(EXPERIMENT_ID_HELP),
    horizon: z
      .array(z.number().int().min(1).max(126))
      .default([5, 21])
      .describe('trading days ahead; repeat it for more'),
    ...clusterArgs,
    refitDays: z.number().int().min(1).default(63).describe('trading days between two fits'),
    embargoDays: z.number().int().min(0).default(5).describe('days between the last training target and its use'),
    leastTrainingDays: z.number().int().min(63).default(504).describe('days of targets before the first fit'),
    penalty: z.number().min(0).default(0.01).describe('ridge penalty on standardised features'),
    seed: z.number().int().min(0).default(1).describe('seed of the bootstrap'),
    vectors: z
      .array(z.string().min(1))
      .default([])
      .describe('numeric or joint model whose vectors of the members are features too; repeat it for more'),
    allowInSample: z.boolean().default(false).describe('use vectors that have seen their own future'),
    predictionsOutput: z.string().min(1).optional().describe('CSV of λ̂'),
    report: z.string().min(1).optional().describe('Markdown file of the tables'),
    predictOnly: z.boolean().default(false).describe('score the last day only'),
    json: z.boolean().default(false).describe('print the result as JSON'),
  }),
  reads: [
    'historical.prices_daily',
    'historical.market_holidays',
    'historical.numeric_window_embeddings',
    'historical.joint_embeddings',
    'runtime.instruments',
    'runtime.issuers',
  ],
  writes: ['runtime.console.lambda_predictions', 'runtime.console.lambda_trials'],
  resource: 'cpu',
  claims: [{ table: 'runtime.console.lambda_predictions', scope: 'experimentId' }],
});
