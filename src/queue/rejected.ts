/** What of a backfill was due and could not be made: the first items in the log and the result, all of them in a file. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { formatCount } from '../format/numbers.ts';
import { csvLine } from '../platform/csv.ts';
import type { Database } from '../platform/db/databases.ts';
import { log } from '../platform/events.ts';
import type { ProgramContext } from '../platform/program.ts';
import type { Backfill } from './backfills.ts';
import type { Failure } from './shard-marks.ts';

/** Items named in the log, and in the result; the file has all. */
const LOGGED = 20;
const IN_RESULT = 1_000;

interface Rejected extends Failure {
  readonly model: string;
}

/** As the result of a backfill has them. */
export interface RejectedItems {
  /** The first thousand. */
  readonly failures: readonly Rejected[];
  /** The file that has all; null when there is none. */
  readonly failures_file: string | null;
}

/**
 * Lists what all workers of a backfill could not make in `<home>/logs/rejected-<kind>-<start of id>.csv`, whatever its number,
 * and names the file and the first items in the log. `failed` is the number that the marks counted.
 */
export async function reportRejected(
  { id, kind }: Backfill,
  failed: number,
  { databases, home, events }: ProgramContext,
): Promise<RejectedItems> {
  if (!failed) return { failures: [], failures_file: null };
  await mkdir(home.logs, { recursive: true });
  const file = path.join(home.logs, `rejected-${kind}-${id.slice(0, 8)}.csv`);
  // Beside its place until it is whole: the file that is there has all.
  const draft = `${file}.${process.pid}`;
  const failures: Rejected[] = [];
  let listed = 0;
  try {
    const output = await open(draft, 'w');
    try {
      await output.write(csvLine(['model_id', 'item', 'date', 'reason']));
      for await (const items of rejectedByShard(databases.historical, id)) {
        await output.write(items.map((one) => csvLine([one.model, one.entity, one.date, one.reason])).join(''));
        failures.push(...items.slice(0, IN_RESULT - failures.length));
        listed += items.length;
      }
    } finally {
      await output.close();
    }
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  for (const { model, entity, date, reason } of failures.slice(0, LOGGED)) {
    log(events, 'warn', `${model} ${entity} ${date}: ${reason}`);
  }
  events.emit({ type: 'artifact', kind: 'rejected items', id: path.basename(file), path: file });
  const more = listed > LOGGED ? `and ${formatCount(listed - LOGGED)} more: ` : '';
  log(events, 'warn', `${more}all ${listed} are listed in ${file}`);
  if (listed < failed) {
    log(
      events,
      'warn',
      `${formatCount(failed - listed)} more were counted by a build that kept only the first of each shard`,
    );
  }
  return { failures, failures_file: file };
}

/** Shard after shard in the order of their days, so that never more than one shard's items are in memory. */
async function* rejectedByShard(database: Database, backfillId: string): AsyncGenerator<Rejected[]> {
  const shards = await database.client(async (client) => {
    const { rows } = await client.query<{ id: string; model: string }>(
      `SELECT shard_id AS id, model_id AS model FROM console.shard_done WHERE backfill_id = $1 AND failed > 0
        ORDER BY first_date, model_id COLLATE "C", shard_id COLLATE "C"`,
      [backfillId],
    );
    return rows;
  });
  for (const { id, model } of shards) {
    yield await database.client(async (client) => {
      const { rows } = await client.query<{ failures: Failure[] }>(
        'SELECT failures FROM console.shard_done WHERE shard_id = $1',
        [id],
      );
      return rows[0].failures.map((one) => ({ ...one, model }));
    });
  }
}
