/** Declaration of `prometheus compare`. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';

const run = z.string().min(4);

export const compareSpec = defineProgram({
  name: 'compare',
  phase: 'P4',
  summary: 'what differs between runs, in their making and in their figures, with intervals and a verdict',
  description: `
Two runs, or basic runs against context runs of the same sleeves: --basic and --context take as many runs each, paired by
sleeve, else by horizon. Without any run: the newest context run of each sleeve that has a basic run over the same days, and
of these the one on the most equal terms; --sleeve, --start and --end say which. With nothing said these are the sleeves and
days of Phase 4 (phases.yaml). A run is named by its id or the beginning of it. Runs are laid over each other by date.

Says first what differs and whether it isolates one cause. Intervals are from a stationary block bootstrap of the shared days
and cover 95 % over all pairs together; costs are a first-order estimate on what was traded. The result is recorded as
evidence: of basic against context for the board (P4.comparison), which takes the newest one of the runs that it looks at.

  prometheus compare 9c20 2d8a
  prometheus compare --basic 9c20 --basic 6f1e --context a3b1 --context 77aa --json`,
  args: z.object({
    run: z.array(run).default([]).describe('two runs: A and B'),
    basic: z.array(run).default([]).describe('runs with basic assessment'),
    context: z.array(run).default([]).describe('runs with context assessment'),
    sleeve: z.array(z.string().min(1)).default([]).describe('sleeves whose newest runs are compared'),
    start: dateArg().optional().describe('first day that these runs cover'),
    end: dateArg().optional().describe('last day that these runs cover'),
    marketId: z.string().min(1).default('US_EQ').describe('market whose calendar counts'),
    draws: z.number().int().min(100).max(100_000).default(2000).describe('draws of the bootstrap'),
    seed: z.number().int().min(0).default(1).describe('seed of the bootstrap'),
    json: z.boolean().default(false).describe('print the comparison as JSON'),
  }),
  positionals: ['run'],
  reads: [
    'historical.market_holidays',
    'runtime.backtest_runs',
    'runtime.backtest_daily_equity',
    'runtime.backtest_trades',
    'runtime.regimes',
    'runtime.markets',
  ],
  writes: ['runtime.console.evidence'],
  resource: 'cpu',
});
