/**
 * The shard queue: which piece of a backfill is free, over pg-boss in the schema `console` of the historical database.
 * A piece whose worker has died is free again within 30 s. A piece may be handed out twice; `shard-marks.ts` makes that
 * harmless.
 */
import { PgBoss } from 'pg-boss';
import type { Database } from '../platform/db/databases.ts';

const SCHEMA = 'console';
/** A worker that has not been heard of for so long is dead; pg-boss takes no less. */
const HEARTBEAT_SECONDS = 10;
/** How often a living worker is heard of. */
const TOUCH_MS = 3_000;
/** How often every process looks for dead workers. */
const WATCH_SECONDS = 5;
/** Deaths that one piece survives. */
const RETRIES = 1_000;
/** No piece takes a day. */
const LONGEST_SECONDS = 86_000;

/** A piece that this process works on. */
interface Claim {
  readonly job: string;
  /** Number of the shard in its backfill's plan. */
  readonly shard: number;
}

export interface ShardQueue {
  /** Makes exactly these shards free; what else waited is forgotten. */
  fill(shards: readonly number[]): Promise<void>;
  /** Whether nothing waits and nobody works on anything of it. */
  isEmpty(): Promise<boolean>;
  /** A free shard, or null when there is none just now. */
  take(): Promise<Claim | null>;
  /** The shard is done and must not be handed out again. */
  complete(claim: Claim): Promise<void>;
  /** Gives back what was taken and not completed, so that others need not wait for its heartbeat to fail. */
  close(): Promise<void>;
  /** Removes the queues of all backfills that are not open: this one has ended, others may have been replaced. */
  remove(): Promise<void>;
}

/** Opens the queue of one backfill; it is made when it is not there. */
export async function openShardQueue(
  database: Database,
  backfillId: string,
  onTrouble: (message: string) => void,
): Promise<ShardQueue> {
  const name = `backfill-${backfillId}`;
  const boss = new PgBoss({
    db: {
      executeSql: (text, values) => database.client((client) => client.query(text, values as unknown[])),
    },
    schema: SCHEMA,
    createSchema: false,
    schedule: false,
    superviseIntervalSeconds: WATCH_SECONDS,
    monitorIntervalSeconds: WATCH_SECONDS,
    reindex: false,
    monitorVacuum: false,
  });
  boss.on('error', (error) => onTrouble(error.message));
  await boss.start();
  await boss.createQueue(name, {
    heartbeatSeconds: HEARTBEAT_SECONDS,
    retryLimit: RETRIES,
    retryDelay: 0,
    expireInSeconds: LONGEST_SECONDS,
  });
  const held = new Set<string>();
  const beat = setInterval(() => {
    // A heartbeat that fails is no failure of the work: at worst another worker does it too.
    if (held.size) boss.touch(name, [...held]).catch((error: Error) => onTrouble(error.message));
  }, TOUCH_MS);
  return {
    fill: async (shards) => {
      await boss.deleteQueuedJobs(name);
      await boss.insert(
        name,
        // In the order of their numbers: consecutive shards append to the same end of the table's key.
        shards.map((shard, k) => ({ data: { shard }, priority: shards.length - k })),
      );
    },
    isEmpty: () =>
      database.client(async (client) => {
        const { rows } = await client.query(
          `SELECT 1 FROM console.job WHERE name = $1 AND state IN ('created', 'retry', 'active') LIMIT 1`,
          [name],
        );
        return rows.length === 0;
      }),
    take: async () => {
      const [job] = await boss.fetch<{ shard: number }>(name);
      if (!job) return null;
      held.add(job.id);
      return { job: job.id, shard: job.data.shard };
    },
    complete: async ({ job }) => {
      held.delete(job);
      await boss.complete(name, job);
    },
    close: async () => {
      clearInterval(beat);
      if (held.size) await boss.fail(name, [...held]).catch((error: Error) => onTrouble(error.message));
      await boss.stop({ graceful: false, close: false });
    },
    remove: () =>
      database.client(async (client) => {
        await client.query(
          `SELECT console.delete_queue(name) FROM console.queue WHERE name LIKE 'backfill-%'
              AND name NOT IN (SELECT 'backfill-' || backfill_id FROM console.backfills WHERE state = 'open')`,
        );
      }),
  };
}
