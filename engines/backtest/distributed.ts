/**
 * Campaigns that several machines work on: each sleeve is a shard of the queue. Whoever takes one simulates it over a panel
 * of its own and records its run. A run's id follows from campaign and sleeve, and it is recorded with all of its rows once:
 * a sleeve that is handed out again after its run was recorded is only marked.
 */
import { createHash } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { formatDay } from '../../src/platform/dates.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { UsageError, UserError } from '../../src/platform/errors.ts';
import { log, stage } from '../../src/platform/events.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import type { Provenance } from '../../src/platform/provenance.ts';
import {
  type Backfill,
  type BackfillRequest,
  openBackfill,
  requireConnections,
  requireSame,
} from '../../src/queue/backfills.ts';
import { drive, type Share } from '../../src/queue/drive.ts';
import {
  DONE_ELSEWHERE,
  describeShard,
  type Mark,
  markedFailures,
  markShard,
  type ShardOutcome,
  shardId,
} from '../../src/queue/shard-marks.ts';
import type { Threads } from '../../src/queue/threads.ts';
import {
  loadPoints,
  originOf,
  type Run,
  recordRun,
  reportCaveat,
  reportDay,
  runIdOf,
  runPoints,
  simulatedDays,
  simulationOf,
  type Task,
  tasksOf,
} from './campaign.ts';
import type { LoadedCampaign } from './load.ts';
import type { CampaignOptions } from './record.ts';
import { inactivity } from './remarks.ts';
import { readSharedRun } from './shared-runs.storage.ts';
import { reportEvery, type SleeveThread, startSleeveThread } from './sleeve-pool.ts';

/** What the plan of a campaign is made over, for sentences. */
const PLANNED_OVER = 'prices, calendar, instruments, or the λ̂, regimes, context or universe dates of it';

/** Options as JSON holds them: a worker has its own number of threads, and there is no infinity. */
type StoredOptions = Omit<CampaignOptions, 'maxWorkers' | 'broker'> & {
  readonly broker: Omit<CampaignOptions['broker'], 'maxParticipation'> & { readonly maxParticipation: number | null };
};

/** What a distributed campaign was asked for; its models are the ids of its sleeves, point by point. */
export interface CampaignRequest extends BackfillRequest {
  readonly market: string;
  readonly points: readonly StoredOptions[];
  /** All of its runs are made by the same code. */
  readonly code: Provenance;
  readonly demo: boolean;
}

interface Sleeved {
  readonly number: number;
  /** Position of the sleeve in the request. */
  readonly model: number;
}

interface PreparedCampaign {
  readonly spec: CampaignRequest;
  readonly tasks: readonly Task[];
  readonly loaded: LoadedCampaign;
}

/** How the runs of points are to be made. */
interface Distribution {
  readonly distributed: boolean;
  readonly waitOnly: boolean;
  readonly resume: boolean;
}

/**
 * Runs of several sets of options as `runPoints` makes them, on this machine alone or with whatever workers join.
 * @throws UsageError for flags that say nothing without `--distributed`.
 */
export async function runAnywhere(
  points: readonly CampaignOptions[],
  batch: number,
  { distributed, waitOnly, resume }: Distribution,
  context: ProgramContext,
): Promise<Run[]> {
  const stray = waitOnly ? '--wait-only' : resume ? '--resume' : null;
  if (!distributed && stray) throw new UsageError(`${stray} says nothing here`, 'Add --distributed.');
  if (!distributed) return runPoints(points, batch, context);
  stage(context.events, 'load prices', 1, 2);
  const prepared = await prepare(requestOf(points, context), points[0].maxWorkers, context);
  const threads = waitOnly ? 0 : threadsFor(prepared, points[0].maxWorkers);
  await requireConnections(context.databases.historical, threads);
  const { backfill, resumed } = await openBackfill(
    context.databases.historical,
    { id: context.newId(), ...planOf(prepared) },
    { resume, build: context.provenance.build, data: PLANNED_OVER, throttle: {} },
  );
  if (resume && !resumed) log(context.events, 'info', 'nothing to resume: this campaign begins anew');
  stage(context.events, 'simulate and record', 2, 2);
  await workOff(backfill, prepared, threads, true, context);
  await requireAll(backfill, context);
  const runs: Run[] = [];
  for (const task of prepared.tasks) runs.push(await recordedRun(backfill, task, prepared.loaded, context));
  for (const { runId } of runs) context.events.emit({ type: 'artifact', kind: 'backtest_run', id: runId });
  reportCaveat(prepared.tasks, prepared.loaded, context);
  return runs;
}

/** A worker's share of a campaign that somebody else began. */
export async function joinCampaign(
  backfill: Backfill<CampaignRequest>,
  workers: number,
  context: ProgramContext,
): Promise<() => Promise<Share>> {
  requireSameCode(backfill, context.provenance);
  const prepared = await prepare(backfill.spec, workers, context);
  requireSame(backfill, planOf(prepared), PLANNED_OVER);
  const threads = threadsFor(prepared, workers);
  await requireConnections(context.databases.historical, threads);
  return () => workOff(backfill, prepared, threads, false, context);
}

async function prepare(spec: CampaignRequest, maxWorkers: number, context: ProgramContext): Promise<PreparedCampaign> {
  const points = spec.points.map(({ broker, ...options }): CampaignOptions => {
    const maxParticipation = broker.maxParticipation ?? Number.POSITIVE_INFINITY;
    return { ...options, maxWorkers, broker: { ...broker, maxParticipation } };
  });
  return { spec, tasks: tasksOf(points), loaded: await loadPoints(points, context) };
}

function requestOf(points: readonly CampaignOptions[], { provenance, home }: ProgramContext): CampaignRequest {
  const [{ start, end, marketId }] = points;
  const { version, build, gitSha, gitDirty } = provenance;
  return {
    start: formatDay(start),
    end: formatDay(end),
    market: marketId,
    models: tasksOf(points).map(({ sleeve }) => sleeve.sleeveId),
    points: points.map(({ maxWorkers: _, broker, ...options }) => {
      const { maxParticipation } = broker;
      return {
        ...options,
        broker: { ...broker, maxParticipation: Number.isFinite(maxParticipation) ? maxParticipation : null },
      };
    }),
    code: { version, build, gitSha, gitDirty },
    demo: home.demo,
  };
}

function planOf({ spec, tasks, loaded }: PreparedCampaign): Omit<Backfill<CampaignRequest>, 'id'> {
  const { panel, lambda, regime, context, dates } = loaded;
  // What is written down of each; the figures themselves stand behind their fingerprints.
  const read = [panel.fingerprint, { ...lambda, hat: null }, { ...regime, risk: null }, context, dates?.fingerprint];
  const dataFingerprint = createHash('sha256').update(JSON.stringify(read)).digest('hex');
  return { kind: 'campaign', spec, dataFingerprint, models: {}, shards: tasks.length, due: tasks.length };
}

/** @throws UserError when this process is another build, or its checkout has other code. */
function requireSameCode({ id, spec }: Backfill<CampaignRequest>, own: Provenance): void {
  const other = (['version', 'build', 'gitSha', 'gitDirty'] as const).find((key) => spec.code[key] !== own[key]);
  if (!other) return;
  throw new UserError(
    `campaign ${id} was begun by other code than this worker's (${other}: ${spec.code[other]}, here ${own[other]})`,
    'Run the worker from the same commit and build, without changes of its own.',
  );
}

const threadsFor = ({ tasks }: PreparedCampaign, workers: number): number =>
  Math.min(workers, tasks.length, availableParallelism());

/** This process's share of a campaign: each thread holds one sleeve at a time. */
function workOff(
  backfill: Backfill<CampaignRequest>,
  prepared: PreparedCampaign,
  threads: number,
  fill: boolean,
  context: ProgramContext,
): Promise<Share> {
  const shards = prepared.tasks.map((_, number): Sleeved => ({ number, model: number }));
  const start = async () => startThreads(backfill, prepared, threads, context);
  return drive({ backfill, shards, start, fill, unit: 'runs' }, context);
}

function startThreads(
  backfill: Backfill<CampaignRequest>,
  prepared: PreparedCampaign,
  count: number,
  context: ProgramContext,
): Threads<Sleeved> {
  const { historical, runtime } = context.databases;
  // A sleeve holds a connection to each database as long as it is at work; the queue must not wait for one of them.
  const targets = { historical: historical.target, runtime: runtime.target };
  const databases = openDatabases(targets, { application: 'campaign shard', maxConnections: Math.max(1, count) });
  const threads = Array.from({ length: count }, startSleeveThread);
  return {
    list: threads.map((thread) => ({
      run: (shard) => runSleeve(backfill, prepared, shard, thread, { ...context, databases }),
    })),
    stop: async () => {
      for (const thread of threads) thread.stop();
      databases.abort();
      await databases.close();
    },
  };
}

/**
 * One sleeve, from features to a commit. The mark is held as long as it is at work, so that a second worker at it waits; it
 * commits after the run, in the other database: a run whose mark was lost is found when the sleeve is taken again.
 */
async function runSleeve(
  backfill: Backfill<CampaignRequest>,
  { spec, tasks, loaded }: PreparedCampaign,
  { number }: Sleeved,
  thread: SleeveThread,
  context: ProgramContext,
): Promise<ShardOutcome> {
  const task = tasks[number];
  const { panel, features } = loaded;
  const id = shardId(backfill.id, number);
  return context.databases.historical.transaction(async (client) => {
    if (!(await markShard(client, id, backfill.id, 'campaign'))) return DONE_ELSEWHERE;
    const result = await thread.simulate(
      { index: number, features, options: simulationOf(task, panel), reportEvery: reportEvery(features) },
      reportDay(task, panel, context.now(), context),
    );
    const { firstDay, lastDay } = simulatedDays(panel);
    const mark: Mark = {
      shardId: id,
      modelId: task.sleeve.sleeveId,
      firstDate: firstDay,
      lastDate: lastDay,
      rows: 1,
      skipped: 0,
      failed: 0,
      removed: 0,
      failures: [],
      worker: `${hostname()}/${process.pid}`,
      provider: 'cpu',
    };
    const unfit = inactivity(result, panel, task.sleeve, task.options.initialCash);
    if (unfit) {
      // Every other worker would find the same: it is done, and whoever began the campaign tells why it failed.
      const failure = { entity: mark.modelId, date: mark.lastDate, reason: `${unfit.message}. ${unfit.fix}` };
      await describeShard(client, { ...mark, rows: 0, failed: 1, failures: [failure] });
      return { written: true, rows: 0, skipped: 0, failed: 1 };
    }
    const origin = originOf({ campaignId: backfill.id, provenance: spec.code, demo: spec.demo }, loaded);
    const how = { ownsStates: number === 0, shared: true };
    await recordRun(task, how, result, loaded, origin, context);
    await describeShard(client, mark);
    return { written: true, rows: 1, skipped: 0, failed: 0 };
  });
}

/** @throws UserError when a sleeve could not be simulated, wherever that was tried. */
async function requireAll({ id }: Backfill<CampaignRequest>, { databases }: ProgramContext): Promise<void> {
  const failures = await markedFailures(databases.historical, id);
  if (failures.length === 0) return;
  const others = failures.length === 1 ? '' : ` So it is with ${failures.length - 1} more.`;
  throw new UserError(
    `${failures[0].reason}${others}`,
    'The runs of the other sleeves are recorded. Once that is mended, run the command again.',
  );
}

/** A run of the campaign, whoever recorded it. @throws UserError when it is not there. */
async function recordedRun(
  { id }: Backfill<CampaignRequest>,
  { sleeve }: Task,
  { panel }: LoadedCampaign,
  { databases }: ProgramContext,
): Promise<Run> {
  const runId = runIdOf(id, sleeve);
  const found = await readSharedRun(databases.runtime, runId);
  if (found) return { runId, sleeve, ...simulatedDays(panel), ...found };
  throw new UserError(
    `the run of ${sleeve.sleeveId} in campaign ${id} is not in the runtime database`,
    'Its workers may have had another one: give all of them the same --runtime, and begin anew without --resume.',
  );
}
