/** Declarations of the programs that compute evidence. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';

export const pointInTimeSpec = defineProgram({
  name: 'verify point-in-time',
  phase: 'P1',
  summary: 'prove that no figure of the baseline depends on later prices',
  description: `
Repeats the simulation of a period with every price and volume after a chosen day replaced by noise, for several random
days, and compares each state, score, universe, weight, trade and equity value up to that day bit by bit: with fills at
the close as in the plan, and with fills at the next open and the next close with costs, whole shares and no risk caps.
The result is recorded as evidence for the phase board.`,
  args: z.object({
    marketId: z.string().min(1).default('US_EQ').describe('market'),
    start: dateArg().default('2014-01-02').describe('first day'),
    end: dateArg().default('2014-03-31').describe('last day'),
    horizon: z.array(z.number().int().min(1)).default([5, 21, 63]).describe('horizons in trading days'),
    days: z.number().int().min(1).max(200).default(8).describe('how many days t are tried'),
    seed: z.number().int().min(0).default(1).describe('seed of the chosen days and of the noise'),
    json: z.boolean().default(false).describe('print the result as JSON'),
  }),
  reads: ['historical.prices_daily', 'historical.market_holidays', 'runtime.instruments'],
  writes: ['runtime.console.evidence'],
  resource: 'cpu',
});

export const numericEmbeddingsSpec = defineProgram({
  name: 'verify numeric-embeddings',
  phase: 'P2',
  summary: 'prove that numeric vectors are complete, whole, and what the prices give',
  description: `
Counts the vectors of each model against what prices and calendar expect, looks for duplicates and wrong lengths in all of
them, for values that are no numbers and for norms in a sample, and computes some of them again from prices, to be equal to
the last bit. The first hole is named with its likely cause. The result is recorded as evidence for the phase board.
Exit code 3 when some are missing, 1 when one is wrong.`,
  args: z.object({
    market: z.string().min(1).default('US_EQ').describe('market'),
    startDate: dateArg().describe('first day'),
    endDate: dateArg().describe('last day'),
    windowDays: z.number().int().min(2).max(2000).optional().describe('rows of a window (default: that of the model)'),
    models: z.array(z.string()).default([]).describe('model ids (default: the five v1 models of the plan)'),
    limit: z.number().int().min(1).optional().describe('only the first N instruments by id'),
    minShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.99)
      .describe('share of the expected vectors that each model must have'),
    sample: z.number().int().min(1).default(20_000).describe('vectors of each model whose values are looked at'),
    recompute: z.number().int().min(1).default(200).describe('vectors of each model that are computed again'),
    seed: z.number().int().min(0).default(1).describe('seed of the sample'),
    json: z.boolean().default(false).describe('print the result as JSON'),
  }),
  reads: [
    'historical.numeric_window_embeddings',
    'historical.prices_daily',
    'historical.market_holidays',
    'runtime.instruments',
  ],
  writes: ['runtime.console.evidence'],
  resource: 'cpu',
});
