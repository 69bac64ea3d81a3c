/** Declaration of `models eval`. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../../src/platform/program.ts';

export const modelsEvalSpec = defineProgram({
  name: 'models eval',
  phase: 'P2',
  summary: 'what linear readers and nearest neighbours get out of the vectors of numeric models',
  description: `
Probes vectors on the prices of this database, in a temporal split: readers learn on the days before --split, without the 21
days whose future reaches over it, and are judged on the days from there on. Models of instruments are compared with
persistence, HAR(5,21,63), the v1 vectors, the plain channels and the 36 statistics: R² of the log volatility of the next 21
days, AUC of a drawdown below -10 % in them, sector of names that the reader never saw, nearest neighbours, and the rank
information coefficient of returns with its Newey-West t. The other models are judged by one probe of their own against a
trivial baseline. Models whose training span reaches into the judged days are refused without --allow-in-sample.

stdout carries the tables (Markdown); --report writes them to a file: one HTML page when its name ends in .html.

  prometheus models eval num-stab-core-v2 num-regime-core-v2 --start 2015-01-01 --end 2020-12-31 --report models-eval.md`,
  args: z.object({
    model: z.array(z.string()).min(1, { message: 'names no model' }).describe('model ids'),
    start: dateArg().optional().describe('first day of the windows (default: the first with prices)'),
    end: dateArg().optional().describe('last day that a future may reach (default: the last with prices)'),
    split: dateArg()
      .optional()
      .describe('first judged day (default: the middle, or the day after the newest training span)'),
    market: z.string().min(1).default('US_EQ').describe('market'),
    maxWindows: z.number().int().min(1000).max(1_000_000).default(60_000).describe('windows of instruments at most'),
    seed: z.number().int().min(0).default(1).describe('which names the sector probe hides'),
    allowInSample: z.boolean().default(false).describe('judge days that a model was fitted on all the same'),
    report: z.string().optional().describe('write the tables to this file, Markdown or .html'),
    json: z.boolean().default(false).describe('print JSON instead of the tables'),
  }),
  positionals: ['model'],
  reads: [
    'historical.prices_daily',
    'historical.market_holidays',
    'runtime.instruments',
    'runtime.issuers',
    'runtime.backtest_runs',
    'runtime.backtest_daily_equity',
    'runtime.executed_actions',
  ],
  writes: [],
  resource: 'cpu',
});
