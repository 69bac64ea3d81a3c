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
});
