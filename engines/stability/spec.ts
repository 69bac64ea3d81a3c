/** Declaration of `backfill stability`. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';

export const backfillStabilitySpec = defineProgram({
  name: 'backfill stability',
  phase: 'P1',
  summary: 'compute STAB states and soft target classes of a market for a period',
  description: `
Writes stability_vectors and soft_target_classes for every active equity and trading day of the range that has 63
complete days behind it; what stood there is replaced. Campaigns compute their own states and never read these rows.`,
  args: z.object({
    marketId: z.string().min(1).default('US_EQ').describe('market'),
    start: dateArg().describe('first day'),
    end: dateArg().describe('last day'),
    json: z.boolean().default(false).describe('print the counts as JSON'),
  }),
  reads: ['historical.prices_daily', 'historical.market_holidays', 'runtime.instruments'],
  writes: ['runtime.stability_vectors', 'runtime.soft_target_classes'],
  resource: 'cpu',
  claims: [
    { table: 'runtime.stability_vectors', scope: 'marketId', start: 'start', end: 'end' },
    { table: 'runtime.soft_target_classes', scope: 'marketId', start: 'start', end: 'end' },
  ],
});
