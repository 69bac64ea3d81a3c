/** The program `backfill numeric-embeddings`, and a worker's share of one. */
import { availableParallelism } from 'node:os';
import type { z } from 'zod';
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { Exit, UsageError } from '../../src/platform/errors.ts';
import { log, stage } from '../../src/platform/events.ts';
import { type Program, type ProgramContext, type ProgramResult, parseRange } from '../../src/platform/program.ts';
import {
  type Backfill,
  openBackfill,
  requireConnections,
  requireSame,
  totalsByModel,
} from '../../src/queue/backfills.ts';
import { drive, type Share } from '../../src/queue/drive.ts';
import { requireDecision } from '../../src/queue/full-horizon.ts';
import { sumKnown } from '../../src/queue/horizon.ts';
import { measuredRates } from '../../src/queue/rates.ts';
import { reportRejected } from '../../src/queue/rejected.ts';
import { throttleOf } from '../../src/queue/throttle-args.ts';
import { recordFits, requireOwnVectors } from '../models/made-by.storage.ts';
import { numericRowBytes, refreshCoverage } from './coverage.storage.ts';
import { bitsOf } from './entity-bits.storage.ts';
import type { BackfillSpec } from './plan.model.ts';
import { type Prepared, prepare } from './prepare.ts';
import { existingCells } from './shard.ts';
import type { numericBackfillSpec } from './spec.ts';
import { startNumericThreads } from './threads.ts';
import { V1_MODELS } from './v1-ids.model.ts';

/** What a plan was made over, for sentences. */
const plannedOver = ({ models }: Prepared): string =>
  models.some(({ inputsFingerprint }) => inputsFingerprint)
    ? 'prices, calendar, instruments or finished runs'
    : 'prices, calendar or instruments';

export const backfillNumeric: Program<typeof numericBackfillSpec> = async (args, context) => {
  const spec = specOf(args);
  stage(context.events, 'load prices', 1, 2);
  const prepared = await prepare(spec, context);
  warnOfPrices(prepared, context);
  const models = prepared.models.map(({ model }) => model);
  if (spec.skipExisting) await requireOwnVectors(context.databases.historical, 'numeric', models);
  if (args.explain || args.dryRun) return explain(prepared, args, context);
  await requireConnections(context.databases.historical, workersOf(args));
  await requireDecision(context.databases.runtime, spec);
  const wanted: Backfill<BackfillSpec> = { id: context.newId(), ...planOf(prepared) };
  const { historical } = context.databases;
  await recordFits(historical, models);
  const { backfill, resumed } = await openBackfill(historical, wanted, {
    resume: args.resume,
    build: context.provenance.build,
    data: plannedOver(prepared),
    throttle: throttleOf(args),
  });
  if (args.resume && !resumed) log(context.events, 'info', 'nothing to resume: this backfill begins anew');
  // Counted before the first shard adds to it.
  await refreshCoverage(historical);
  stage(context.events, 'embed and write', 2, 2);
  await workOff(backfill, prepared, args, true, context);
  if ((await refreshCoverage(historical)).uncertain) await refreshCoverage(historical, { exact: true });
  return report(backfill, prepared, args.json, context);
};

/** A worker's share of a numeric backfill that somebody else began. */
export async function joinNumeric(
  backfill: Backfill<BackfillSpec>,
  labour: Pick<Args, 'workers' | 'device'>,
  context: ProgramContext,
): Promise<() => Promise<Share>> {
  const prepared = await prepare(backfill.spec, context);
  requireSame(backfill, planOf(prepared), plannedOver(prepared));
  await requireConnections(context.databases.historical, workersOf(labour));
  return () => workOff(backfill, prepared, labour, false, context);
}

type Args = z.infer<(typeof numericBackfillSpec)['args']>;

/** This process's share of a backfill. */
async function workOff(
  backfill: Backfill<BackfillSpec>,
  prepared: Prepared,
  args: Pick<Args, 'workers' | 'device'>,
  fill: boolean,
  context: ProgramContext,
): Promise<Share> {
  const { historical } = context.databases;
  const bits: Int32Array[] = [];
  for (const { owned, due } of prepared.models) {
    bits.push(
      await bitsOf(
        historical,
        Array.from(owned, (e) => due.entities[e]),
      ),
    );
  }
  const labour = { count: workersOf(args), device: args.device };
  const options = { backfillId: backfill.id, prepared, bits, target: historical.target, ...labour };
  return drive(
    { backfill, shards: prepared.shards, start: (onOpened) => startNumericThreads(options, onOpened), fill },
    context,
  );
}

/** @throws UsageError for dates that are missing, contradict each other, or name no range. */
function specOf(args: Args): BackfillSpec {
  const { startDate, endDate, asOf } = args;
  if (asOf !== undefined && (startDate !== undefined || endDate !== undefined)) {
    throw new UsageError('--as-of names one day, --start-date and --end-date a range', 'Give one or the other.');
  }
  const [start, end] = asOf !== undefined ? [asOf, asOf] : [startDate, endDate];
  if (start === undefined || end === undefined) {
    throw new UsageError('the days are missing', 'Give --start-date and --end-date, or --as-of.');
  }
  const range = parseRange({ start, end }, ['--start-date', '--end-date']);
  return {
    market: args.market,
    start: formatDay(range.start),
    end: formatDay(range.end),
    models: [...new Set(args.models.length ? args.models : V1_MODELS)],
    window: args.windowDays ?? null,
    limit: args.limit ?? null,
    snapshots: args.temporalSnapshots,
    skipExisting: args.skipExisting,
    shardCells: args.shardCells,
  };
}

const workersOf = ({ workers }: { workers?: number }) => workers ?? availableParallelism();

function planOf({ spec, panel, models, shards, cells }: Prepared): Omit<Backfill<BackfillSpec>, 'id'> {
  return {
    kind: 'numeric',
    spec,
    dataFingerprint: [panel.fingerprint, ...models.flatMap((one) => one.inputsFingerprint ?? [])].join('+'),
    models: Object.fromEntries(models.map(({ model }) => [model.manifest.model_id, model.fingerprint])),
    shards: shards.length,
    due: cells,
  };
}

function warnOfPrices({ panel }: Prepared, { events }: ProgramContext): void {
  if (panel.offCalendarRows) {
    log(
      events,
      'warn',
      `${panel.offCalendarRows} price rows lie on days that are no trading days; no window holds them`,
    );
  }
  const unusable = Object.values(panel.unusable ?? {}).reduce((sum, { size }) => sum + size, 0);
  if (unusable) {
    log(
      events,
      'warn',
      `${unusable} values of prices_daily are none that a day can have; windows with them are listed`,
    );
  }
}

/** What a run would do, by what was measured so far and, with --skip-existing, by what is there; nothing is written. */
async function explain(prepared: Prepared, args: Args, context: ProgramContext): Promise<ProgramResult> {
  const { historical } = context.databases;
  const rates = args.explain ? await measuredRates(historical, prepared.spec.models) : new Map<string, number>();
  const bytesPerRow = args.explain ? await numericRowBytes(historical) : null;
  const there = args.skipExisting ? await countExisting(prepared, context) : null;
  const models = prepared.models.map(({ model, window, owned, cells }, m) => {
    const rate = rates.get(model.manifest.model_id);
    const skipped = there?.[m] ?? 0;
    const rows = cells - skipped;
    return {
      model_id: model.manifest.model_id,
      window_days: window,
      entities: owned.length,
      days: prepared.days.length,
      rows,
      skipped,
      seconds: rows === 0 ? 0 : rate === undefined ? null : rows / rate / workersOf(args),
      bytes: bytesPerRow === null ? null : Math.round(rows * bytesPerRow),
    };
  });
  const rows = models.reduce((sum, one) => sum + one.rows, 0);
  const skipped = models.reduce((sum, one) => sum + one.skipped, 0);
  const seconds = sumKnown(models.map((one) => one.seconds));
  const bytes = sumKnown(models.map((one) => one.bytes));
  if (!args.json) {
    const head = ['model_id', 'entities', 'days', 'rows', 'seconds', 'bytes', ...(there ? ['skipped'] : [])];
    const lines = models.map((one) => [
      ...[one.model_id, one.entities, one.days, one.rows],
      ...[one.seconds?.toFixed(0) ?? 'UNKN', one.bytes ?? 'UNKN', ...(there ? [one.skipped] : [])],
    ]);
    context.stdout(`${[head, ...lines].map((line) => line.join()).join('\n')}\n`);
  }
  const known = args.explain
    ? `, ${seconds === null ? 'time UNKN (nothing measured yet)' : `about ${Math.ceil(seconds)} s`}, ${bytes === null ? 'bytes UNKN' : `about ${bytes} bytes`}`
    : '';
  const kept = there ? `, ${formatCount(skipped)} are there already` : '';
  const summary = `${formatCount(rows)} vectors in ${formatCount(prepared.shards.length)} shards${kept}${known}; nothing was written`;
  return {
    exitCode: Exit.done,
    summary,
    due: 0,
    data: { rows, skipped, shards: prepared.shards.length, workers: workersOf(args), seconds, bytes, models },
  };
}

/** Cells due of each model whose vectors are there and whole, counted as the shards would: --skip-existing leaves them. */
async function countExisting(prepared: Prepared, { databases, events, signal }: ProgramContext): Promise<number[]> {
  stage(events, 'count what is there', 2, 2);
  const counts = prepared.models.map(() => 0);
  for (const shard of prepared.shards) {
    signal.throwIfAborted();
    counts[shard.model] += await existingCells(databases.historical, prepared, shard);
    events.emit({ type: 'progress', done: shard.number + 1, total: prepared.shards.length, unit: 'shards' });
  }
  return counts;
}

/** What the backfill has done, all machines and all its runs together. */
async function report(
  backfill: Backfill<BackfillSpec>,
  prepared: Prepared,
  json: boolean,
  context: ProgramContext,
): Promise<ProgramResult> {
  const totals = await totalsByModel(context.databases.historical, backfill.id);
  const models = prepared.models.map(({ model, cells }) => {
    const { rows = 0, skipped = 0, failed = 0 } = totals.get(model.manifest.model_id) ?? {};
    return { model_id: model.manifest.model_id, due: cells, written: rows, skipped, failed };
  });
  const failed = models.reduce((sum, one) => sum + one.failed, 0);
  const written = models.reduce((sum, one) => sum + one.written, 0);
  const rejected = await reportRejected(backfill, failed, context);
  if (!json) {
    const lines = models.map((one) => [one.model_id, one.due, one.written, one.skipped, one.failed].join());
    context.stdout(`${['model_id,due,written,skipped,failed', ...lines].join('\n')}\n`);
  }
  const days = prepared.days.length;
  const summary = `${formatCount(written)} vectors of ${models.length} ${models.length === 1 ? 'model' : 'models'}, ${formatCount(days)} days${failed ? `; ${formatCount(failed)} that were due could not be made` : ''}`;
  return {
    exitCode: failed ? Exit.partial : Exit.done,
    summary,
    rows: { numeric_window_embeddings: written },
    // What was skipped stood there already.
    due: models.reduce((sum, one) => sum + one.due - one.skipped, 0),
    failures: failed,
    data: { backfill_id: backfill.id, written, failed, models, ...rejected },
  };
}
