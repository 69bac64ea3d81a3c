/** Declarations of the programs that compute evidence. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';

export const pointInTimeSpec = defineProgram({
  name: 'verify point-in-time',
  phase: 'P1',
  summary: 'prove that no figure of the baseline depends on later prices',
  description: `
Repeats the simulation of a period with every price and volume after a chosen day replaced by noise, for several random
days, and compares each state, score, universe, weight, trade and equity value up to that day bit by bit. The result is
recorded as evidence for the phase board.`,
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
