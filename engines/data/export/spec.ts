import { z } from 'zod';
import { defineProgram } from '../../../src/platform/program.ts';

/** Declaration of `prometheus data export`. */
export const exportSpec = defineProgram({
  name: 'data export',
  phase: 'P0',
  summary: 'instruments, holidays, prices and news of a market as CSV files',
  description: `
Writes instruments.csv, market_holidays.csv, prices_daily/YYYY.csv and news/news_YYYY.csv into a folder, from one snapshot
of each database. Numbers are printed in the shortest form that reads back as the same double, so that an import of the
export gives the same rows (prometheus data digest). Each file appears when it is complete and replaces an earlier one.

stdout: file and rows as CSV, with --json as JSON.

  prometheus data export --output /mnt/export --gzip`,
  args: z.object({
    output: z.string().min(1).describe('folder to write to; made when it does not exist'),
    market: z.string().min(1).max(50).default('US_EQ').describe('market whose instruments are exported'),
    gzip: z.boolean().default(false).describe('pack prices and news: YYYY.csv.gz'),
    json: z.boolean().default(false).describe('print the list of files as JSON'),
  }),
  reads: [
    'runtime.instruments',
    'runtime.issuers',
    'runtime.markets',
    'historical.market_holidays',
    'historical.prices_daily',
    'historical.news_articles',
    'historical.news_links',
  ],
  writes: [],
  resource: 'io',
});
