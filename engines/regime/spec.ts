/** Declaration of `backfill regime`. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';

export const backfillRegimeSpec = defineProgram({
  name: 'backfill regime',
  phase: 'P3',
  summary: "label each day of a market with its regime, from the regime model's vectors",
  description: `
Reads the MARKET vectors of a numeric regime model (prometheus backfill numeric-embeddings --models num-regime-core-v2
makes them, for the training span too), fits four prototypes on the training span and labels every day of the range with
the nearest: CALM, NORMAL, STRESSED or CRISIS, by the mean volatility of their training days. Each row of regimes carries
the vector, the confidence, the transition matrix counted up to that day, the risk of a change and the risk of a stressed
market at the horizon; each change of regime is a row of regime_transitions. What stood there for the same region and days
is replaced. Days of the training spans have seen their own future and are refused without --allow-in-sample.

Example:
  prometheus backfill regime --start 2018-01-02 --end 2024-12-31 --train-start 2010-06-01 --train-end 2017-12-29`,
  args: z.object({
    market: z.string().min(1).default('US_EQ').describe('market whose vectors are read'),
    start: dateArg().describe('first day'),
    end: dateArg().describe('last day'),
    region: z.string().min(1).max(32).optional().describe("region the rows belong to (default: the market's)"),
    model: z.string().min(1).default('num-regime-core-v2').describe('numeric model with MARKET vectors'),
    trainStart: dateArg().optional().describe("first day of the prototypes (default: that of the model's own fit)"),
    trainEnd: dateArg().optional().describe("last day of the prototypes (default: that of the model's own fit)"),
    horizonDays: z.number().int().min(1).max(252).default(21).describe('trading days ahead that risks speak of'),
    allowInSample: z.boolean().default(false).describe('label days of the training spans too'),
    json: z.boolean().default(false).describe('print the result as JSON'),
  }),
  reads: [
    'historical.numeric_window_embeddings',
    'historical.prices_daily',
    'historical.market_holidays',
    'runtime.instruments',
    'runtime.markets',
  ],
  writes: ['runtime.regimes', 'runtime.regime_transitions'],
  resource: 'cpu',
  claims: [
    { table: 'runtime.regimes', scope: 'market', start: 'start', end: 'end' },
    { table: 'runtime.regime_transitions', scope: 'market', start: 'start', end: 'end' },
  ],
});
