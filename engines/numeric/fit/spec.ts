/** Arguments of `models fit` that concern numeric models. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../../src/platform/program.ts';

export const numericFitSpec = defineProgram({
  name: 'models fit',
  phase: 'P2',
  summary: 'fit v2 numeric models on the prices of a span of days',
  description: `
MODEL is num-stab-core-v2, num-profile-core-v2, num-regime-core-v2, num-scenario-core-v2, or all-v2 for these four and
num-portfolio-core-v2, which is a plain function and needs no fitting. The fit is in closed form: equal prices, spans and
seeds give equal files. A model id is one vector space for ever: a model that is there is left alone unless --replace is
given, and a refit on other days belongs under a name of its own (--as num-stab-core-v2-2018).

Vectors of days up to --train-end have seen what came after them; backtests refuse them without --allow-in-sample.
stdout carries model_id,windows,fit_start,fit_end,bytes,fingerprint, one line a model.

  prometheus models fit all-v2 --train-start 2010-01-01 --train-end 2017-12-31`,
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
