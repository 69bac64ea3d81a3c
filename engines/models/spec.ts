/** Declaration of `models fit`, for models of every kind: each kind takes those arguments that concern it. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';

export const modelsFitSpec = defineProgram({
  name: 'models fit',
  phase: 'P2',
  summary: 'fit numeric v2 models on prices, text-fin-static-v1 on news, or the head of the context backend',
  description: `
MODEL is num-stab-core-v2, num-profile-core-v2, num-regime-core-v2, num-scenario-core-v2, or all-v2 for these four and
num-portfolio-core-v2, which is a plain function and needs no fitting. The fit is in closed form: equal prices, spans and
seeds give equal files. Vectors of days up to --train-end have seen what came after them; backtests refuse them without
--allow-in-sample. stdout carries model_id,windows,fit_start,fit_end,bytes,fingerprint, one line a model.

Or it is text-fin-static-v1, a table of words: which stand near which in the news (window 7, positive pointwise mutual
information), reduced to 384 values a word; a text is the weighted mean of its words.

Or it is assessment-context-v2, the head of the context backend: a ridge of the ranks of 21-day returns within each day on
joint-assessment-context-v2, judged walk-forward (blocks of 63 days, 21 + 5 days between). Below a t-statistic of 2 it says
0 of every name. Backtests refuse it inside its training span.

A model id is one vector space for ever: a model that is there is left alone unless --replace is given, and a refit on other
days belongs under a name of its own (--as num-stab-core-v2-2018).

  prometheus models fit all-v2 --train-start 2010-01-01 --train-end 2017-12-31
  prometheus models fit text-fin-static-v1 --train-end 2014-12-31 --as text-fin-static-v1-2014`,
  args: z.object({
    model: z.array(z.string()).min(1, { message: 'names no model' }).describe('model ids of one kind, or all-v2'),
    trainStart: dateArg().optional().describe('first day of training (text: default the oldest article)'),
    trainEnd: dateArg().optional().describe('last day that the fit may see (text: default the newest article)'),
    seed: z.number().int().min(0).default(1).describe('kernels, order of windows, start of the iteration'),
    market: z.string().min(1).optional().describe('numeric: market (default: US_EQ)'),
    maxWindows: z
      .number()
      .int()
      .min(500)
      .max(1_000_000)
      .optional()
      .describe('numeric: windows at most (default: 60000)'),
    vocabulary: z.number().int().min(100).max(200_000).optional().describe('text: words at most (default: 20000)'),
    as: z.string().optional().describe('write the (one) model under this id, which begins with its own'),
    replace: z.boolean().default(false).describe('write over a model that is there'),
    json: z.boolean().default(false).describe('print JSON instead of the CSV'),
  }),
  positionals: ['model'],
  reads: [
    'historical.prices_daily',
    'historical.market_holidays',
    'historical.news_articles',
    'runtime.instruments',
    'runtime.issuers',
  ],
  writes: [],
  resource: 'cpu',
});
