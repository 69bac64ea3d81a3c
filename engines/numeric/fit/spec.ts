/** Arguments of `models fit` that concern numeric models; what it says of itself stands in `engines/models/spec.ts`. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../../src/platform/program.ts';

export const numericFitSpec = defineProgram({
  name: 'models fit',
  phase: 'P2',
  summary: 'fit v2 numeric models on the prices of a span of days',
  args: z.object({
    model: z.array(z.string()).min(1, { message: 'names no model' }).describe('model ids, or all-v2'),
    trainStart: dateArg().describe('first day of the training windows'),
    trainEnd: dateArg().describe('last day that the fit may see'),
    seed: z.number().int().min(0).default(1).describe('kernels, order of windows, start of the iteration'),
    market: z.string().min(1).default('US_EQ').describe('market'),
    maxWindows: z
      .number()
      .int()
      .min(500)
      .max(1_000_000)
      .default(60_000)
      .describe('training windows of a model at most'),
    as: z.string().optional().describe('write the (one) model under this id, which begins with its own'),
    replace: z.boolean().default(false).describe('write over a model that is there'),
    json: z.boolean().default(false).describe('print JSON instead of the CSV'),
  }),
  reads: ['historical.prices_daily', 'historical.market_holidays', 'runtime.instruments', 'runtime.issuers'],
  writes: [],
  resource: 'cpu',
});
