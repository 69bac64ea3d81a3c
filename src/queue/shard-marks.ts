/**
 * Completion marks: one row a shard in `console.shard_done`, inserted in the transaction that holds the shard's rows. Rows
 * and mark are there together or not at all, and a marked shard writes nothing: its effect is exactly once.
 */
import type pg from 'pg';
import type { Database } from '../platform/db/databases.ts';

/** Which engine's work a shard belongs to; a campaign's shards are its sleeves. */
export type BackfillKind = 'numeric' | 'text' | 'joint' | 'campaign';

/** What could not be made although it was due. */
export interface Failure {
  readonly entity: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly reason: string;
}

export interface Mark {
  readonly shardId: string;
  readonly modelId: string;
  /** `YYYY-MM-DD` */
  readonly firstDate: string;
  readonly lastDate: string;
  readonly rows: number;
  /** Due, and there already. */
  readonly skipped: number;
  readonly failed: number;
  /** Rows that stood there and were replaced. */
  readonly removed: number;
  /** All of them. */
  readonly failures: readonly Failure[];
  /** `host/pid` */
  readonly worker: string;
  /** What ran the graph: `cpu`, `cuda`. */
  readonly provider: string;
}

/** What became of a shard. */
export interface ShardOutcome {
  /** False when another worker had done it already: nothing was written. */
  readonly written: boolean;
  readonly rows: number;
  readonly skipped: number;
  readonly failed: number;
}

export const DONE_ELSEWHERE: ShardOutcome = { written: false, rows: 0, skipped: 0, failed: 0 };

/** Name of a shard for ever: the backfill and its number in the plan. */
export const shardId = (backfillId: string, shard: number): string => `${backfillId}/${shard}`;

/**
 * Marks a shard inside the transaction that writes its rows. False when it is marked already: then write nothing.
 * While another transaction is marking the same shard, this waits for its outcome.
 */
export async function markShard(
  client: pg.ClientBase,
  shardId: string,
  backfillId: string,
  kind: BackfillKind,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO console.shard_done (shard_id, backfill_id, kind) VALUES ($1, $2, $3) ON CONFLICT (shard_id) DO NOTHING`,
    [shardId, backfillId, kind],
  );
  return rowCount === 1;
}

/** What the shard turned out to be, in the same transaction, and how long that took by the server's clock. */
export async function describeShard(client: pg.ClientBase, mark: Mark): Promise<void> {
  await client.query(
    `UPDATE console.shard_done SET model_id = $2, first_date = $3, last_date = $4, rows = $5, skipped = $6, failed = $7,
            failures = $8, worker = $9, provider = $10, removed = $11, done_at = clock_timestamp(),
            seconds = extract(epoch FROM clock_timestamp() - transaction_timestamp()) WHERE shard_id = $1`,
    [
      mark.shardId,
      mark.modelId,
      mark.firstDate,
      mark.lastDate,
      mark.rows,
      mark.skipped,
      mark.failed,
      JSON.stringify(mark.failures),
      mark.worker,
      mark.provider,
      mark.removed,
    ],
  );
}

/** Ids of a backfill's marked shards. */
export async function markedShards(database: Database, backfillId: string): Promise<Set<string>> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'SELECT shard_id AS id FROM console.shard_done WHERE backfill_id = $1',
      [backfillId],
    );
    return new Set(rows.map((row) => row.id));
  });
}

export interface MarkTotals {
  readonly shards: number;
  readonly rows: number;
  readonly skipped: number;
  readonly failed: number;
}

/** What a backfill has done so far, on all machines. */
export async function markTotals(database: Database, backfillId: string): Promise<MarkTotals> {
  return database.client(async (client) => {
    const { rows } = await client.query<MarkTotals>(
      `SELECT count(*) AS shards, coalesce(sum(rows), 0) AS rows, coalesce(sum(skipped), 0) AS skipped,
              coalesce(sum(failed), 0) AS failed FROM console.shard_done WHERE backfill_id = $1`,
      [backfillId],
    );
    return rows[0];
  });
}

/** What could not be made, of all of a backfill's marked shards in the order of their models. */
export async function markedFailures(database: Database, backfillId: string): Promise<Failure[]> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ failures: Failure[] }>(
      `SELECT failures FROM console.shard_done WHERE backfill_id = $1 AND failed > 0 ORDER BY model_id COLLATE "C"`,
      [backfillId],
    );
    return rows.flatMap((row) => row.failures);
  });
}
