/** One shard, from stored vectors to a commit: its rows and its mark are written together or not at all. */
import { formatDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { DONE_ELSEWHERE, describeShard, markShard, type ShardOutcome, shardId } from '../../src/queue/shard-marks.ts';
import { DayBuilder } from './build.ts';
import type { JointShard } from './plan.model.ts';
import type { PreparedJoint } from './prepare.ts';
import { type JointRow, type Owned, removeRows, rowsByDay, writeRows } from './storage.ts';

export async function runJointShard(
  historical: Database,
  { inputs, days, calendar, spec, bad }: PreparedJoint,
  { backfillId, worker }: { backfillId: string; worker: string },
  shard: JointShard,
): Promise<ShardOutcome> {
  const { space } = inputs;
  const id = shardId(backfillId, shard.number);
  const own = days.slice(shard.from, shard.to);
  const [first, last] = [own[0], own[own.length - 1]];
  return historical.transaction(async (client) => {
    // The mark protects the rows: after a crash of the server both are there or neither is.
    await client.query('SET LOCAL synchronous_commit = off');
    if (!(await markShard(client, id, backfillId, 'joint'))) return DONE_ELSEWHERE;
    const owned = ownedBy(inputs);
    const there = spec.skipExisting
      ? await rowsByDay(client, space, { first, last }, owned)
      : new Map<number, number>();
    const due = own.filter((day) => !there.has(day));
    const unusable = new Map<string, string>(shard.number === 0 ? bad : []);
    const builder = new DayBuilder(client, { ...inputs, onBad: (what, reason) => void unusable.set(what, reason) });
    const rows: JointRow[] = [];
    for (const day of due) rows.push(...(await builder.rows(day, calendar.subarray(0, calendar.indexOf(day) + 1))));
    const removed = due.length ? await removeRows(client, space, due.map(formatDay), owned) : 0;
    const written = await writeRows(client, space, rows);
    const skipped = [...there.values()].reduce((sum, count) => sum + count, 0);
    await describeShard(client, {
      shardId: id,
      modelId: space.modelId,
      firstDate: formatDay(first),
      lastDate: formatDay(last),
      rows: written,
      skipped,
      failed: unusable.size,
      removed,
      failures: [...unusable].map(([entity, reason]) => ({ entity, date: formatDay(first), reason })),
      worker,
      provider: 'cpu',
    });
    return { written: true, rows: written, skipped, failed: unusable.size };
  });
}

/** Whose rows a backfill of this kind owns. */
function ownedBy({ space, instruments, region }: PreparedJoint['inputs']): Owned {
  if (space.kind === 'regime') return { key: 'region', ids: [region] };
  if (space.kind === 'profile') {
    return { key: 'issuer_id', ids: [...new Set(instruments.flatMap(({ issuerId }) => issuerId ?? []))] };
  }
  return { key: 'entity_id', ids: instruments.map(({ id }) => id) };
}
