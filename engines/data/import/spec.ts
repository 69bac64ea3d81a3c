import { z } from 'zod';
import { defineProgram } from '../../../src/platform/program.ts';

/** Declaration of `prometheus data import`. */
export const importSpec = defineProgram({
  name: 'data import',
  phase: 'P0',
  summary: 'instruments, holidays, prices and news from CSV files',
  description: `
Reads CSV and gzip CSV of Yahoo, Stooq, EODHD, Kaggle and this product's own form (docs/data.md: columns, checks,
what is done with bad input). A PATH is a file, or a folder whose *.csv, *.csv.gz and *.txt are read. Any of the four
kinds may be given alone. Each file lands in one transaction or not at all; importing it again changes nothing; a file
that overlaps stored rows updates them.

stdout: the counts of each table as CSV, with --json everything. stderr: what was rejected and why. The full list of
rejected rows and warnings is written to a CSV file in the home's logs. Exit code 3 when anything was rejected.

  prometheus data import --instruments instruments.csv --holidays market_holidays.csv --prices prices_daily --news news
  prometheus data import --prices AAPL.csv msft.us.txt --dry-run`,
  args: z.object({
    instruments: z.string().optional().describe('CSV of instruments (with their issuers and markets)'),
    holidays: z.string().optional().describe('CSV of market holidays'),
    prices: z.array(z.string()).optional().describe('files or folders of daily prices; repeatable'),
    news: z.array(z.string()).optional().describe('files or folders of news; repeatable'),
    market: z.string().min(1).max(50).default('US_EQ').describe('market of rows that name none, and of symbols'),
    dryRun: z.boolean().default(false).describe('report the same, change nothing in the databases'),
    json: z.boolean().default(false).describe('counts, files, rejected rows and warnings as JSON on stdout'),
  }),
  reads: ['historical.market_holidays', 'runtime.instruments'],
  writes: [
    'historical.prices_daily',
    'historical.market_holidays',
    'historical.news_articles',
    'historical.news_links',
    'runtime.markets',
    'runtime.issuers',
    'runtime.instruments',
  ],
  resource: 'io',
  previews: ['dryRun'],
});
