/** One shard, from windows to a commit: its rows and its mark are written together or not at all. */
import { formatDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import {
  DONE_ELSEWHERE,
  describeShard,
  type Failure,
  markShard,
  type ShardOutcome,
  shardId,
} from '../../src/queue/shard-marks.ts';
import type { Panel } from '../market/panel.ts';
import { addToCoverage, joinCoverage } from './coverage.storage.ts';
import { DayChanges } from './day-changes.model.ts';
import type { Encoder } from './encoder.model.ts';
import type { Shard } from './plan.model.ts';
import type { PreparedModel } from './prepare.ts';
import {
  copyVectors,
  existingVectors,
  removeVectors,
  type ShardKey,
  type VectorBatch,
  type VectorRow,
} from './storage.ts';

/** Cells through the graph at a time. */
const BATCH = 1024;

/** What a shard's numbers stand for. */
export interface ShardPlan {
  readonly panel: Panel;
  readonly days: Int32Array;
  readonly models: readonly Omit<PreparedModel, 'inputs'>[];
}

/** What a thread knows of the backfill. Plain data. */
export interface ShardContext extends ShardPlan {
  readonly backfillId: string;
  readonly skipExisting: boolean;
  /** `host/pid` */
  readonly worker: string;
  /** By model: the number by which the roll-up knows each owned entity. */
  readonly bits: readonly Int32Array[];
}

export async function runShard(
  historical: Database,
  context: ShardContext,
  shard: Shard,
  encoder: Encoder,
): Promise<ShardOutcome> {
  const { backfillId, panel, models } = context;
  const { model, window, owned } = models[shard.model];
  const { model_id: modelId, dim } = model.manifest;
  const id = shardId(backfillId, shard.number);
  const entities = owned.subarray(shard.entities.from, shard.entities.to);
  const key = shardKey(context, shard);
  return historical.transaction(async (client) => {
    // The mark protects the rows: after a crash of the server both are there or neither is. And statistics of a table that
    // is being filled are always behind: the planner must not believe that it is still small.
    await client.query('SET LOCAL synchronous_commit = off; SET LOCAL enable_seqscan = off');
    await joinCoverage(client);
    if (!(await markShard(client, id, backfillId, 'numeric'))) return DONE_ELSEWHERE;
    const there = context.skipExisting ? await existingVectors(client, key, window, dim) : null;
    const removed = await removeVectors(client, key, there?.broken ?? null);
    const { rows: cells, skipped } = cellsToDo(context, shard, key.entities, there?.whole ?? null);
    const bits = context.bits[shard.model].subarray(shard.entities.from, shard.entities.to);
    const changes = new DayChanges(key.entities, bits, removed, there?.whole ?? null);
    const failures: Failure[] = [];

    async function* batches(): AsyncGenerator<VectorBatch> {
      const T = panel.calendar.days.length;
      for (let at = 0; at < cells.length; at += BATCH) {
        const rows = cells.slice(at, at + BATCH);
        const { vectors, problems } = await encoder.encode(
          Int32Array.from(rows, ({ entity, t }) => entities[entity] * T + t),
        );
        const found = new Map([...problems, ...notFinite(vectors, dim, rows.length, problems)]);
        for (const [k, reason] of found) {
          failures.push({ entity: key.entities[rows[k].entity].id, date: formatDay(rows[k].day), reason });
        }
        const batch = found.size ? without(rows, vectors, dim, found) : { rows, vectors };
        for (const row of batch.rows) changes.add(row);
        yield batch;
      }
    }

    const rows = cells.length ? await copyVectors(client, key, window, dim, batches()) : 0;
    await addToCoverage(client, modelId, changes.list());
    await describeShard(client, {
      shardId: id,
      modelId,
      firstDate: formatDay(key.days[0]),
      lastDate: formatDay(key.days[key.days.length - 1]),
      rows,
      skipped,
      failed: failures.length,
      removed: removed.reduce((sum, one) => sum + one.rows, 0),
      failures,
      worker: context.worker,
      provider: encoder.provider,
    });
    return { written: true, rows, skipped, failed: failures.length };
  });
}

/** How many of the shard's due cells have a vector that is whole: those that --skip-existing leaves alone. Reads only. */
export async function existingCells(historical: Database, plan: ShardPlan, shard: Shard): Promise<number> {
  const { model, window } = plan.models[shard.model];
  const key = shardKey(plan, shard);
  return historical.transaction(async (client) => {
    await client.query('SET TRANSACTION READ ONLY; SET LOCAL enable_seqscan = off');
    const { whole } = await existingVectors(client, key, window, model.manifest.dim);
    return cellsToDo(plan, shard, key.entities, whole).skipped;
  });
}

/** What a shard owns. */
function shardKey({ panel, days, models }: ShardPlan, shard: Shard): ShardKey {
  const { model, due, owned } = models[shard.model];
  return {
    modelId: model.manifest.model_id,
    entities: Array.from(owned.subarray(shard.entities.from, shard.entities.to), (e) => due.entities[e]),
    days: Array.from(days.subarray(shard.days.from, shard.days.to), (t) => panel.calendar.days[t]),
  };
}

interface Cell extends VectorRow {
  /** Position in the panel's calendar. */
  readonly t: number;
}

/** Due cells of a shard by day, then entity: the order of the table's key. */
function cellsToDo(
  { panel, days, models }: ShardPlan,
  shard: Shard,
  entities: readonly { type: string; id: string }[],
  there: ReadonlySet<string> | null,
): { rows: Cell[]; skipped: number } {
  const { due, owned } = models[shard.model];
  const T = panel.calendar.days.length;
  const rows: Cell[] = [];
  let skipped = 0;
  for (let d = shard.days.from; d < shard.days.to; d++) {
    const t = days[d];
    const day = panel.calendar.days[t];
    for (let entity = 0; entity < entities.length; entity++) {
      if (!due.due[owned[shard.entities.from + entity] * T + t]) continue;
      if (there?.has(`${entities[entity].type}|${entities[entity].id}|${day}`)) skipped++;
      else rows.push({ entity, day, t });
    }
  }
  return { rows, skipped };
}

/** Vectors that the graph made and that cannot be stored: a number in them is none. */
function notFinite(
  vectors: Float32Array,
  dim: number,
  count: number,
  known: ReadonlyMap<number, string>,
): Map<number, string> {
  const found = new Map<number, string>();
  for (let k = 0; k < count; k++) {
    if (known.has(k)) continue;
    let sum = 0;
    for (let at = k * dim, end = at + dim; at < end; at++) sum += 0 * vectors[at];
    if (sum !== 0) found.set(k, 'the graph gave a value that is no finite number');
  }
  return found;
}

/** The batch without the rows that failed. */
function without(
  rows: readonly VectorRow[],
  vectors: Float32Array,
  dim: number,
  failed: ReadonlyMap<number, string>,
): VectorBatch {
  const kept = [...rows.keys()].filter((k) => !failed.has(k));
  const packed = new Float32Array(kept.length * dim);
  kept.forEach((k, at) => {
    packed.set(vectors.subarray(k * dim, (k + 1) * dim), at * dim);
  });
  return { rows: kept.map((k) => rows[k]), vectors: packed };
}
