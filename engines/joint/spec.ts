/** Declarations of the joint backfills. */
import { z } from 'zod';
import { dateArg, defineProgram } from '../../src/platform/program.ts';
import { throttleArgs } from '../../src/queue/throttle-args.ts';

const weight = (what: string) => z.number().min(0).default(1).describe(`weight of ${what}; 0 leaves it out`);

/** Of those that the news goes into. */
const textModelId = z.string().min(1).default('text-fin-general-v1').describe('model of the news vectors');

/** Flags that all of them share. */
const common = {
  asOf: dateArg().optional().describe('one day, in place of --start and --end'),
  start: dateArg().optional().describe('first day'),
  end: dateArg().optional().describe('last day'),
  marketId: z.string().min(1).default('US_EQ').describe('market'),
  region: z.string().min(1).optional().describe('region (default: that of the market)'),
  skipExisting: z.boolean().default(false).describe('leave days alone that have rows of this model'),
  workers: z.number().int().min(1).max(64).default(2).describe('shards that this process has in work at a time'),
  shardDays: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(21)
    .describe('trading days of a shard: what is lost when a worker dies'),
  ...throttleArgs,
  resume: z.boolean().default(false).describe('go on with the same backfill where it broke off'),
  json: z.boolean().default(false).describe('print JSON instead of the CSV'),
};

const WORDS = `
Rows of the market's entities on these days are replaced, shard by shard, each with its mark in one transaction; a run that is
broken off goes on with --resume, and prometheus worker on any machine takes part. A stored vector that cannot be used (other
length, no finite value) is counted and named, and the exit code is 3, as it is when there is news and no vector of it by the text
model. stdout carries model_id,written,skipped,failed.`;

const READS = ['historical.market_holidays', 'runtime.markets', 'runtime.instruments', 'runtime.issuers'] as const;
const claims = [{ table: 'historical.joint_embeddings', model: 'modelId', start: 'start', end: 'end' }];

export const jointProfilesSpec = defineProgram({
  name: 'backfill joint-profiles',
  phase: 'P4',
  summary: 'what an issuer is: its numeric profile and regime joined with its profile text',
  description: `
Writes joint_embeddings of type PROFILE_CORE_V0, a row an issuer and trading day. v1 is the plain mean of the numeric half
(mean of num-profile and num-regime of the issuer's first instrument by id) and the issuer's profile text
(text-profile-v1): without a text there is no row. v2 joins num-profile, the regime of the sector and, where there is one,
the profile text, each turned into directions of its own.
${WORDS}`,
  args: z.object({
    ...common,
    modelId: z.string().default('joint-profile-core-v1').describe('joint-profile-core-v1 or -v2'),
    profileTextModelId: z.string().min(1).default('text-profile-v1').describe('model of the profile texts'),
    wText: weight('the profile text'),
    wRegime: weight('the regime (v2)'),
  }),
  reads: ['historical.numeric_window_embeddings', 'historical.text_embeddings', ...READS],
  writes: [
    'historical.joint_embeddings',
    'historical.console.shard_done',
    'historical.console.backfills',
    'historical.console.throttles',
  ],
  resource: 'cpu',
  claims,
  resumes: true,
  rowsDue: false,
});

export const jointRegimeSpec = defineProgram({
  name: 'backfill joint-regime-context',
  phase: 'P4',
  summary: 'what kind of day it is: the regime joined with the news of the day',
  description: `
Writes joint_embeddings of type REGIME_CONTEXT_V0 from the regime vector of the day (backfill regime) and its news vectors
(backfill text-embeddings). v1 takes the news of the UTC day and has a row only of days with both; v2 takes what was stamped
up to the close, so that no vector has seen what came after that day's orders, and on a day without news has the regime
alone (branches in entity_scope).
${WORDS}`,
  args: z.object({
    ...common,
    modelId: z.string().default('joint-regime-core-v1').describe('joint-regime-core-v1 or -v2'),
    textModelId,
    wRegime: weight('the regime'),
    wText: weight('the news'),
  }),
  reads: ['runtime.regimes', 'historical.news_articles', 'historical.text_embeddings', ...READS],
  writes: [
    'historical.joint_embeddings',
    'historical.console.shard_done',
    'historical.console.backfills',
    'historical.console.throttles',
  ],
  resource: 'cpu',
  claims,
  resumes: true,
  rowsDue: false,
});

export const jointStabSpec = defineProgram({
  name: 'backfill joint-stab-fragility',
  phase: 'P4',
  summary: 'how fragile an instrument is: its stability window joined with its issuer’s profile',
  description: `
Writes joint_embeddings of type STAB_FRAGILITY_V0, a row an instrument and trading day that has a num-stab vector: joined
with the joint profile of its issuer where there is one (backfill joint-profiles).
${WORDS}`,
  args: z.object({
    ...common,
    modelId: z.string().default('joint-stab-fragility-v1').describe('joint-stab-fragility-v1 or -v2'),
    wStab: weight('the stability window'),
    wProfile: weight('the profile'),
  }),
  reads: ['historical.numeric_window_embeddings', 'historical.joint_embeddings', ...READS],
  writes: [
    'historical.joint_embeddings',
    'historical.console.shard_done',
    'historical.console.backfills',
    'historical.console.throttles',
  ],
  resource: 'cpu',
  claims,
  resumes: true,
});

export const jointAssessmentSpec = defineProgram({
  name: 'backfill joint-assessment-context',
  phase: 'P4',
  summary: 'what is known of an instrument on a day: profile, regime, stability and news joined',
  description: `
Writes joint_embeddings of type ASSESSMENT_CTX_V0, a row an instrument and trading day: the joint profile of its issuer, the
joint regime of its region, its joint stability and the news of the days t − 6 … t, as far as each is there. v1 takes the
mean of all news of these calendar days; v2 takes what was said of the issuer up to the close of the day, else the market's
news up to it, and wants something of the name's own. The branches that were there stand in entity_scope.
${WORDS}`,
  args: z.object({
    ...common,
    modelId: z.string().default('joint-assessment-context-v1').describe('joint-assessment-context-v1 or -v2'),
    textModelId,
    textWindowDays: z
      .number()
      .int()
      .min(1)
      .max(366)
      .default(7)
      .describe('calendar days of news, the day itself included'),
    wProfile: weight('the profile'),
    wRegime: weight('the regime'),
    wStab: weight('the stability'),
    wText: weight('the news'),
  }),
  reads: ['historical.joint_embeddings', 'historical.news_articles', 'historical.text_embeddings', ...READS],
  writes: [
    'historical.joint_embeddings',
    'historical.console.shard_done',
    'historical.console.backfills',
    'historical.console.throttles',
  ],
  resource: 'cpu',
  claims,
  resumes: true,
});
