/** The programs `backfill joint-…`, and a worker's share of one. */
import { hostname } from 'node:os';
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import { Exit, UsageError } from '../../src/platform/errors.ts';
import { log, stage } from '../../src/platform/events.ts';
import { type Program, type ProgramContext, type ProgramResult, parseRange } from '../../src/platform/program.ts';
import { type Backfill, openBackfill, requireSame, totalsByModel } from '../../src/queue/backfills.ts';
import { drive, type Share } from '../../src/queue/drive.ts';
import { requireDecision } from '../../src/queue/full-horizon.ts';
import { reportRejected } from '../../src/queue/rejected.ts';
import type { Throttle } from '../../src/queue/throttle.ts';
import { throttleOf } from '../../src/queue/throttle-args.ts';
import { type Branch, type JointKind, jointSpace, versionOf } from './ids.model.ts';
import type { JointBackfillSpec, JointShard } from './plan.model.ts';
import { type PreparedJoint, prepareJoint } from './prepare.ts';
import { readRegion } from './region.storage.ts';
import { runJointShard } from './shard.ts';
import type { jointAssessmentSpec, jointProfilesSpec, jointRegimeSpec, jointStabSpec } from './spec.ts';

/** What a plan was made over, for sentences. */
const PLANNED_OVER = 'vectors, calendar or instruments';

interface JointArgs extends Throttle {
  readonly asOf?: string;
  readonly start?: string;
  readonly end?: string;
  readonly marketId: string;
  readonly region?: string;
  readonly modelId: string;
  readonly skipExisting: boolean;
  readonly workers: number;
  readonly shardDays: number;
  readonly resume: boolean;
  readonly json: boolean;
}

const ONES: Readonly<Record<Branch, number>> = { numeric: 1, profile: 1, regime: 1, stab: 1, text: 1 };

export const backfillJointProfiles: Program<typeof jointProfilesSpec> = (args, context) =>
  run('profile', args, context, {
    weights: { ...ONES, text: args.wText, regime: args.wRegime },
    profileTextModel: args.profileTextModelId,
  });

export const backfillJointRegime: Program<typeof jointRegimeSpec> = (args, context) =>
  run('regime', args, context, {
    weights: { ...ONES, regime: args.wRegime, text: args.wText },
    textModel: args.textModelId,
  });

export const backfillJointStab: Program<typeof jointStabSpec> = (args, context) =>
  run('stab', args, context, { weights: { ...ONES, stab: args.wStab, profile: args.wProfile } });

export const backfillJointAssessment: Program<typeof jointAssessmentSpec> = (args, context) =>
  run('assessment', args, context, {
    weights: { ...ONES, profile: args.wProfile, regime: args.wRegime, stab: args.wStab, text: args.wText },
    textModel: args.textModelId,
    textWindowDays: args.textWindowDays,
  });

interface KindOptions {
  readonly weights: Readonly<Record<Branch, number>>;
  readonly textModel?: string;
  readonly textWindowDays?: number;
  readonly profileTextModel?: string;
}

async function run(
  kind: JointKind,
  args: JointArgs,
  context: ProgramContext,
  options: KindOptions,
): Promise<ProgramResult> {
  const { databases, events } = context;
  requireModel(kind, args.modelId);
  const range = rangeOf(args);
  stage(events, 'read calendar and instruments', 1, 2);
  const spec: JointBackfillSpec = {
    kind,
    market: args.marketId,
    region: args.region ?? (await readRegion(databases.runtime, args.marketId)),
    start: formatDay(range.start),
    end: formatDay(range.end),
    models: [args.modelId],
    textModel: options.textModel ?? null,
    profileTextModel: options.profileTextModel ?? null,
    textWindowDays: options.textWindowDays ?? 1,
    weights: options.weights,
    skipExisting: args.skipExisting,
    shardDays: args.shardDays,
  };
  const prepared = await prepareJoint(spec, context);
  await requireDecision(context.databases.runtime, { ...spec, limit: null });
  const { backfill, resumed } = await openBackfill(
    databases.historical,
    { id: context.newId(), ...planOf(prepared) },
    { resume: args.resume, build: context.provenance.build, data: PLANNED_OVER, throttle: throttleOf(args) },
  );
  if (args.resume && !resumed) log(events, 'info', 'nothing to resume: this backfill begins anew');
  stage(events, `join ${args.modelId}`, 2, 2);
  await workOff(backfill, prepared, args.workers, true, context);
  return report(backfill, prepared, args.json, context);
}

/** A worker's share of a joint backfill that somebody else began. */
export async function joinJoint(
  backfill: Backfill<JointBackfillSpec>,
  workers: number,
  context: ProgramContext,
): Promise<() => Promise<Share>> {
  const prepared = await prepareJoint(backfill.spec, context);
  requireSame(backfill, planOf(prepared), PLANNED_OVER);
  return () => workOff(backfill, prepared, workers, false, context);
}

/** This process's share: much reading and COPY and little arithmetic, so that shards share one thread. */
function workOff(
  backfill: Backfill<JointBackfillSpec>,
  prepared: PreparedJoint,
  workers: number,
  fill: boolean,
  context: ProgramContext,
): Promise<Share> {
  const work = { backfillId: backfill.id, worker: `${hostname()}/${process.pid}` };
  const { historical } = context.databases;
  const thread = { run: (shard: JointShard) => runJointShard(historical, prepared, work, shard) };
  const list = Array.from({ length: workers }, () => thread);
  const start = async () => ({ list, stop: async () => {} });
  return drive({ backfill, shards: prepared.shards, start, fill }, context);
}

function planOf({ spec, fingerprint, shards, due }: PreparedJoint): Omit<Backfill<JointBackfillSpec>, 'id'> {
  // A joint model is a function of this build, not a folder.
  const models = Object.fromEntries(spec.models.map((model) => [model, model]));
  return { kind: 'joint', spec, dataFingerprint: fingerprint, models, shards: shards.length, due };
}

/** Why nothing was written where every input has some vector. */
const NO_ENTITY = 'no entity has on any of these days what a row is joined of';

/** What the backfill has done, all machines and all its runs together. */
async function report(
  backfill: Backfill<JointBackfillSpec>,
  { spec, days, missing, none }: PreparedJoint,
  json: boolean,
  context: ProgramContext,
): Promise<ProgramResult> {
  const [model] = spec.models;
  const {
    rows: written = 0,
    skipped = 0,
    failed = 0,
  } = (await totalsByModel(context.databases.historical, backfill.id)).get(model) ?? {};
  const rejected = await reportRejected(backfill, failed, context);
  if (!json) context.stdout(`model_id,written,skipped,failed\n${[model, written, skipped, failed].join()}\n`);
  // What is missing says it already.
  const nothing = written + skipped + failed > 0 || missing ? null : (none ?? NO_ENTITY);
  const kept = skipped ? `, ${formatCount(skipped)} left as they were` : '';
  const summary = `${formatCount(written)} rows of ${model} on ${formatCount(days.length)} trading days${kept}${failed ? `, ${formatCount(failed)} stored vectors could not be used` : ''}${missing ? `; ${missing}` : ''}${nothing ? `; ${nothing}` : ''}`;
  return {
    exitCode: failed || missing ? Exit.partial : Exit.done,
    summary,
    rows: { joint_embeddings: written },
    // Rows that were left alone, and branches that are not there, are no rows that are missing.
    due: skipped || written ? written : days.length,
    failures: failed,
    data: { backfill_id: backfill.id, model_id: model, days: days.length, written, skipped, failed, ...rejected },
  };
}

function requireModel(kind: JointKind, modelId: string): void {
  if (versionOf(kind, modelId)) return;
  const ids = (['v1', 'v2'] as const).map((one) => jointSpace(kind, one).modelId);
  throw new UsageError(`--model-id ${modelId} is no model of this kind`, `Allowed: ${ids.join(', ')}.`);
}

function rangeOf({ asOf, start, end }: JointArgs): { start: number; end: number } {
  if (asOf !== undefined) {
    if (start !== undefined || end !== undefined) {
      throw new UsageError('--as-of excludes --start and --end', 'Give one day or a range.');
    }
    return { start: parseDay(asOf), end: parseDay(asOf) };
  }
  if (start === undefined || end === undefined)
    throw new UsageError('--start and --end are needed, or --as-of', 'Give them.');
  return parseRange({ start, end });
}
