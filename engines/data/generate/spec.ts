import { z } from 'zod';
import { dateArg, defineProgram } from '../../../src/platform/program.ts';

/** The market that `prometheus demo` shows unless told otherwise. */
export const DEFAULT_MARKET = {
  seed: 1,
  instruments: 80,
  start: '2010-01-04',
  end: '2024-12-31',
  newsStart: '2013-01-01',
} as const;

/** Flags that choose a synthetic market; `prometheus demo` takes the same. */
export const syntheticMarketArgs = {
  seed: z.number().int().min(0).default(DEFAULT_MARKET.seed).describe('another seed is another market'),
  instruments: z
    .number()
    .int()
    .min(1)
    .default(DEFAULT_MARKET.instruments)
    .describe('number of companies; more keep the first ones as they are'),
  start: dateArg().default(DEFAULT_MARKET.start).describe('first day of prices'),
  end: dateArg().default(DEFAULT_MARKET.end).describe('last day of prices and news'),
  newsStart: dateArg().default(DEFAULT_MARKET.newsStart).describe('first day of news'),
};

export const dataGenerateSpec = defineProgram({
  name: 'data generate',
  phase: 'P0',
  summary: 'write the synthetic market as CSV files',
  description: `Writes a deterministic synthetic US equity market, the one that \`prometheus demo\` fills its databases with, as
files that \`prometheus data import\` reads: instruments.csv, market_holidays.csv, prices_daily/YYYY.csv.gz,
news/news_YYYY.csv.gz. Equal flags give equal files. The folder must be new, empty, or hold the same market.

  prometheus data generate --output market
  prometheus data import --instruments market/instruments.csv --holidays market/market_holidays.csv \\
    --prices market/prices_daily --news market/news`,
  args: z.object({
    output: z.string().min(1).describe('folder for the files'),
    ...syntheticMarketArgs,
    json: z.boolean().default(false).describe('list the files as JSON on stdout'),
  }),
  reads: [],
  writes: [],
  resource: 'cpu',
});
