import { z } from 'zod';
import { defineProgram } from '../../../src/platform/program.ts';

/** Declaration of `prometheus data digest`. */
export const digestSpec = defineProgram({
  name: 'data digest',
  phase: 'P0',
  summary: 'a fingerprint of the content of tables, to compare two databases or two runs',
  description: `
Prints one line a table: SHA-256, name, number of rows. Equal digests mean equal rows, in any two databases: surrogate
ids, run ids, created_at and updated_at are left out, and rows are taken in the order of their natural key
(docs/data.md, "Digest"). A table is written as prices_daily or historical.prices_daily.

  prometheus data digest prices_daily market_holidays
  prometheus data digest backtest_daily_equity backtest_trades --json`,
  args: z.object({
    table: z.array(z.string().min(1)).min(1, 'name at least one table').describe('tables to digest'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  positionals: ['table'],
  reads: ['historical.*', 'runtime.*'],
  writes: [],
  resource: 'io',
});
