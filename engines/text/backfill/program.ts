/** The program `backfill text-embeddings`, and a worker's share of one. */
import { availableParallelism } from 'node:os';
import type { z } from 'zod';
import { formatCount } from '../../../src/format/numbers.ts';
import { dayOfInstant, formatDay } from '../../../src/platform/dates.ts';
import { Exit, UsageError, UserError } from '../../../src/platform/errors.ts';
import { log, stage } from '../../../src/platform/events.ts';
import { type Program, type ProgramContext, type ProgramResult, parseRange } from '../../../src/platform/program.ts';
import {
  type Backfill,
  openBackfill,
  requireConnections,
  requireSame,
  totalsByModel,
} from '../../../src/queue/backfills.ts';
import { drive, type Share } from '../../../src/queue/drive.ts';
import { requireDecision } from '../../../src/queue/full-horizon.ts';
import { reportRejected } from '../../../src/queue/rejected.ts';
import { throttleOf } from '../../../src/queue/throttle-args.ts';
import { recordFits, requireOwnVectors } from '../../models/made-by.storage.ts';
import type { Device } from '../../onnx/session.ts';
import type { textBackfillSpec } from '../spec.ts';
import { newsExtent } from './news.storage.ts';
import { SOURCES, type TextBackfillSpec, type TextSource } from './plan.model.ts';
import { type PreparedText, prepareText } from './prepare.ts';
import { existingOfShard } from './shard.ts';
import { startTextThreads } from './threads.ts';

/** What a plan was made over, for sentences. */
const PLANNED_OVER = 'news, calendar or instruments';

type Args = z.infer<(typeof textBackfillSpec)['args']>;

interface Labour {
  readonly workers?: number;
  readonly device: Device;
}

export const backfillText: Program<typeof textBackfillSpec> = async (args, context) => {
  stage(context.events, 'count news', 1, 2);
  const prepared = await prepareText(await specOf(args, context), context);
  const { historical } = context.databases;
  if (args.skipExisting) await requireOwnVectors(historical, 'text', prepared.models);
  if (args.dryRun) return count(prepared, args, context);
  await requireConnections(historical, workersOf(args));
  await requireDecision(context.databases.runtime, { ...prepared.spec, limit: null });
  await recordFits(historical, prepared.models);
  const { backfill, resumed } = await openBackfill(
    historical,
    { id: context.newId(), ...planOf(prepared) },
    { resume: args.resume, build: context.provenance.build, data: PLANNED_OVER, throttle: throttleOf(args) },
  );
  if (args.resume && !resumed) log(context.events, 'info', 'nothing to resume: this backfill begins anew');
  stage(context.events, 'embed and write', 2, 2);
  await workOff(backfill, prepared, args, true, context);
  return report(backfill, prepared, args.json, context);
};

/** Threads of this process: each has a connection of its own. */
const workersOf = ({ workers = availableParallelism() }: Labour) => workers;

/** A worker's share of a text backfill that somebody else began. */
export async function joinText(
  backfill: Backfill<TextBackfillSpec>,
  labour: Labour,
  context: ProgramContext,
): Promise<() => Promise<Share>> {
  const prepared = await prepareText(backfill.spec, context);
  requireSame(backfill, planOf(prepared), PLANNED_OVER);
  await requireConnections(context.databases.historical, workersOf(labour));
  return () => workOff(backfill, prepared, labour, false, context);
}

/** This process's share of a backfill. */
function workOff(
  backfill: Backfill<TextBackfillSpec>,
  prepared: PreparedText,
  labour: Labour,
  fill: boolean,
  context: ProgramContext,
): Promise<Share> {
  const { target } = context.databases.historical;
  const folder = context.home.models;
  const options = {
    backfillId: backfill.id,
    prepared,
    target,
    folder,
    count: workersOf(labour),
    device: labour.device,
  };
  return drive(
    { backfill, shards: prepared.shards, start: (onOpened) => startTextThreads(options, onOpened), fill },
    context,
  );
}

/** @throws UsageError for a limit that would cut issuer days short; UserError when there is no news at all. */
async function specOf(args: Args, { databases }: ProgramContext): Promise<TextBackfillSpec> {
  if (args.limit !== undefined && args.source.includes('NEWS_ISSUER_DAY')) {
    throw new UsageError(
      '--limit counts articles, and an issuer day is made of all of its own',
      'Leave out --source NEWS_ISSUER_DAY, or the limit.',
    );
  }
  const wanted = args.limit === undefined ? SOURCES : SOURCES.slice(0, 1);
  const chosen = args.source.length ? SOURCES.filter((source) => args.source.includes(source)) : wanted;
  let { start, end } = args;
  if (start === undefined || end === undefined) {
    const extent = await newsExtent(databases.historical);
    if (!extent) throw new UserError('news_articles is empty', 'Import news: prometheus data import --news FILE');
    start ??= formatDay(dayOfInstant(extent.first));
    end ??= formatDay(dayOfInstant(extent.last));
  }
  const range = parseRange({ start, end });
  return {
    market: args.market,
    start: formatDay(range.start),
    end: formatDay(range.end),
    models: [...new Set(args.modelId)],
    sources: chosen,
    limit: args.limit ?? null,
    skipExisting: args.skipExisting,
    shardTexts: args.shardTexts,
  };
}

const dueOfModel = ({ due }: PreparedText): number => due.NEWS + due.NEWS_ISSUER_DAY;

function planOf(prepared: PreparedText): Omit<Backfill<TextBackfillSpec>, 'id'> {
  return {
    kind: 'text',
    spec: prepared.spec,
    dataFingerprint: prepared.fingerprint,
    models: Object.fromEntries(prepared.models.map(({ manifest, fingerprint }) => [manifest.model_id, fingerprint])),
    shards: prepared.shards.length,
    due: dueOfModel(prepared) * prepared.models.length,
  };
}

/** What a run would write, with --skip-existing less what is there; nothing is written. */
async function count(prepared: PreparedText, args: Args, context: ProgramContext): Promise<ProgramResult> {
  const { spec, due, shards } = prepared;
  const there = args.skipExisting ? await countExisting(prepared, context) : null;
  const models = spec.models.map((model, m) => {
    const { NEWS = 0, NEWS_ISSUER_DAY = 0 } = there?.[m] ?? {};
    return {
      model_id: model,
      news: due.NEWS - NEWS,
      news_issuer_day: due.NEWS_ISSUER_DAY - NEWS_ISSUER_DAY,
      skipped: NEWS + NEWS_ISSUER_DAY,
    };
  });
  const rows = models.reduce((sum, one) => sum + one.news + one.news_issuer_day, 0);
  const skipped = models.reduce((sum, one) => sum + one.skipped, 0);
  if (!args.json) {
    const head = ['model_id', 'news', 'news_issuer_day', ...(there ? ['skipped'] : [])];
    const lines = models.map((one) => [
      ...[one.model_id, one.news, one.news_issuer_day],
      ...(there ? [one.skipped] : []),
    ]);
    context.stdout(`${[head, ...lines].map((line) => line.join()).join('\n')}\n`);
  }
  const work = `${formatCount(due.NEWS)} articles and ${formatCount(due.NEWS_ISSUER_DAY)} issuer days in ${formatCount(shards.length)} shards`;
  const left = there ? `; ${formatCount(rows)} vectors are to be made, ${formatCount(skipped)} are there already` : '';
  const data = { start: spec.start, end: spec.end, due, rows, skipped, shards: shards.length, models };
  return { exitCode: Exit.done, summary: `${work}${left}; nothing was written`, due: 0, data };
}

/** Vectors due of each model that are there and whole, by source, as the shards themselves look: --skip-existing leaves them. */
async function countExisting(
  { models, shards, context: reading }: PreparedText,
  { databases, events, signal }: ProgramContext,
): Promise<Record<TextSource, number>[]> {
  stage(events, 'count what is there', 2, 2);
  const counts = models.map(() => ({ NEWS: 0, NEWS_ISSUER_DAY: 0 }));
  for (const shard of shards) {
    signal.throwIfAborted();
    const { model_id, dim } = models[shard.model].manifest;
    const found = await existingOfShard(databases.historical, reading, shard, model_id, dim);
    for (const source of SOURCES) counts[shard.model][source] += found[source];
    events.emit({ type: 'progress', done: shard.number + 1, total: shards.length, unit: 'shards' });
  }
  return counts;
}

/** What the backfill has done, all machines and all its runs together. */
async function report(
  backfill: Backfill<TextBackfillSpec>,
  prepared: PreparedText,
  json: boolean,
  context: ProgramContext,
): Promise<ProgramResult> {
  const totals = await totalsByModel(context.databases.historical, backfill.id);
  const models = prepared.spec.models.map((model) => {
    const { rows = 0, skipped = 0, failed = 0 } = totals.get(model) ?? {};
    return { model_id: model, due: dueOfModel(prepared), written: rows, skipped, failed };
  });
  const written = models.reduce((sum, one) => sum + one.written, 0);
  const failed = models.reduce((sum, one) => sum + one.failed, 0);
  const rejected = await reportRejected(backfill, failed, context);
  if (!json) {
    const lines = models.map((one) => [one.model_id, one.due, one.written, one.skipped, one.failed].join());
    context.stdout(`${['model_id,due,written,skipped,failed', ...lines].join('\n')}\n`);
  }
  const { start, end } = prepared.spec;
  const summary = `${formatCount(written)} vectors of ${models.length} models, ${start} → ${end}${failed ? `; ${formatCount(failed)} that were due could not be made` : ''}`;
  return {
    exitCode: failed ? Exit.partial : Exit.done,
    summary,
    rows: { text_embeddings: written },
    // What was skipped stood there already.
    due: models.reduce((sum, one) => sum + one.due - one.skipped, 0),
    failures: failed,
    data: { backfill_id: backfill.id, start, end, due: prepared.due, written, failed, models, ...rejected },
  };
}
