/** Declaration of `prometheus compare`. */
import { z } from 'zod';
import { defineProgram } from '../../src/platform/program.ts';

const run = z.string().min(4);

export const compareSpec = defineProgram({
  name: 'compare',
  phase: 'P4',
  summary: 'what differs between runs, in their making and in their figures, with intervals and a verdict',
  description: `
Two runs, or basic runs against context runs of the same sleeves: --basic and --context take as many runs each, paired by
sleeve, else by horizon. Without any run: the newest campaign with context assessment against the newest basic runs over the
same days. A run is named by its id or the beginning of it. Runs are laid over each other by date.

Says first what differs and whether it isolates one cause. Intervals are from a stationary block bootstrap of the shared days
and cover 95 % over all pairs together; costs are a first-order estimate on what was traded. The result is recorded as
evidence: of basic against context for the board (P4.comparison).

  prometheus compare 9c20 2d8a
  prometheus compare --basic 9c20 --basic 6f1e --context a3b1 --context 77aa --json`,
  args: z.object({
    run: z.array(run).default([]).describe('two runs: A and B'),
    basic: z.array(run).default([]).describe('runs with basic assessment'),
    context: z.array(run).default([]).describe('runs with context assessment'),
    draws: z.number().int().min(100).max(100_000).default(2000).describe('draws of the bootstrap'),
    seed: z.number().int().min(0).default(1).describe('seed of the bootstrap'),
    json: z.boolean().default(false).describe('print the comparison as JSON'),
  }),
  positionals: ['run'],
  reads: [
    'runtime.backtest_runs',
    'runtime.backtest_daily_equity',
    'runtime.backtest_trades',
    'runtime.regimes',
    'runtime.markets',
  ],
  writes: ['runtime.console.evidence'],
  resource: 'cpu',
});
