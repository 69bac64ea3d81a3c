/** Declarations of `backfill numeric-embeddings`, `worker` and `similar`. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';
import { throttleArgs } from '../../src/queue/throttle-args.ts';
import { V1_MODELS } from './v1-ids.model.ts';

const workers = z
  .number()
  .int()
  .min(1)
  .max(256)
  .optional()
  .describe('worker threads of this process (default: one a core)');

const device = z.enum(['auto', 'cpu']).default('auto').describe('auto: CUDA when its libraries load, else the CPU');

export const numericBackfillSpec = defineProgram({
  name: 'backfill numeric-embeddings',
  phase: 'P2',
  summary: 'vectors of price windows, for every eligible entity and trading day',
  description: `
Writes numeric_window_embeddings. The work is cut into shards in the historical database; each shard's rows and its
completion mark commit together, so that any process may be killed at any time, and other machines may join with
prometheus worker. What stood there for the same models, entities and days is replaced.

An instrument is eligible on a day with at least 87 % of a window's rows within three times its calendar days; what is not
eligible is skipped. What was eligible and could not be embedded is listed with the reason, and the exit code is 3.
stdout carries model_id,due,written,skipped,failed, one line a model.

Example (the plan's Phase 2):
  prometheus backfill numeric-embeddings --start-date 2010-01-01 --end-date 2024-12-31 --window-days 63 \\
    --market US_EQ --skip-existing`,
  args: z.object({
    startDate: dateArg().optional().describe('first day'),
    endDate: dateArg().optional().describe('last day'),
    asOf: dateArg().optional().describe('this one day instead of a range'),
    temporalSnapshots: z.boolean().default(false).describe('only the last trading day of each month of the range'),
    windowDays: z
      .number()
      .int()
      .min(2)
      .max(2000)
      .optional()
      .describe('rows of a window (default: that of the model; fitted models take no other)'),
    market: z.string().min(1).default('US_EQ').describe('market'),
    limit: z.number().int().min(1).optional().describe('only the first N instruments by id'),
    models: z.array(z.string()).default([]).describe('model ids (default: the five v1 models of the plan)'),
    skipExisting: z.boolean().default(false).describe('leave vectors that are there as they are'),
    workers,
    device,
    shardCells: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(8192)
      .describe('vectors of a shard: what is lost when a worker dies'),
    ...throttleArgs,
    resume: z.boolean().default(false).describe('go on with the same backfill where it broke off'),
    dryRun: z.boolean().default(false).describe('count what would be written; write nothing'),
    explain: z.boolean().default(false).describe('rows, time and bytes by the rates measured so far; write nothing'),
    json: z.boolean().default(false).describe('print JSON instead of the CSV'),
  }),
  reads: ['historical.prices_daily', 'historical.market_holidays', 'runtime.instruments', 'runtime.issuers'],
  writes: [
    'historical.numeric_window_embeddings',
    'historical.console.shard_done',
    'historical.console.backfills',
    'historical.console.throttles',
    'historical.console.model_fits',
  ],
  resource: 'cpu',
  claims: [{ table: 'historical.numeric_window_embeddings', model: 'models', start: 'startDate', end: 'endDate' }],
  previews: ['dryRun', 'explain'],
  resumes: true,
  work: {
    unit: 'vectors',
    all: { models: V1_MODELS },
    limit: 'limit',
    skips: 'skipExisting',
    manner: ['workers', 'device', 'shardCells', 'json', ...Object.keys(throttleArgs)],
  },
});

export const workerSpec = defineProgram({
  name: 'worker',
  phase: 'P2',
  summary: 'join the backfills and campaigns that are open in these databases',
  description: `
Takes shards of open backfills, and sleeves of campaigns with --distributed, from any machine that reaches both databases
(--historical URL --runtime URL) and holds the same models; a campaign wants the same code too, and the same panel. Shards
of a worker that died are taken over within 30 s. Without --until-idle it waits for work until stopped.`,
  args: z.object({
    workers,
    device,
    untilIdle: z.boolean().default(false).describe('end when nothing is open any more'),
    json: z.boolean().default(false).describe('print the counts as JSON'),
  }),
  reads: [...numericBackfillSpec.reads, 'historical.news_articles', 'historical.news_links', 'runtime.markets'],
  writes: [...numericBackfillSpec.writes, 'historical.text_embeddings'],
  resource: 'cpu',
});

export const similarSpec = defineProgram({
  name: 'similar',
  phase: 'P2',
  summary: 'the nearest vectors to that of an instrument on a day',
  description: `
Exact cosine similarity, over all entities of the same kind on that day, or with --start-date and --end-date over all of
their days in the range. stdout carries rank,entity_id,as_of_date,cosine, nearest first; ties by day, then id.`,
  args: z.object({
    model: z.string().min(1).describe('model id'),
    instrument: z.string().min(1).describe('entity whose vector is compared'),
    asOf: dateArg().describe('day of that vector'),
    topK: z.number().int().min(1).max(100_000).default(10).describe('how many are printed'),
    entityType: z
      .enum(['INSTRUMENT', 'MARKET', 'SECTOR', 'PORTFOLIO'])
      .default('INSTRUMENT')
      .describe('kind of entity'),
    startDate: dateArg().optional().describe('first day of the candidates (default: the same day)'),
    endDate: dateArg().optional().describe('last day of the candidates'),
    json: z.boolean().default(false).describe('print JSON instead of the CSV'),
  }),
  reads: ['historical.numeric_window_embeddings'],
  writes: [],
  resource: 'io',
});

export const coverageRecountSpec = defineProgram({
  name: 'coverage recount',
  phase: 'P2',
  summary: 'count every numeric vector anew for the coverage table',
  description: `
The exact count that a roll-up of numeric vectors is brought back to after others deleted or changed rows; as a job, with R on
the Coverage screen. The same as: prometheus coverage --exact, without the table.`,
  args: z.object({}),
  reads: ['historical.numeric_window_embeddings'],
  writes: ['historical.console.numeric_coverage'],
  // A count that finds what is known already is a good one.
  rowsDue: false,
  resource: 'io',
});
