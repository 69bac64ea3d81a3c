/** What `prometheus worker` does: takes part in the open backfills of every kind, until there is none or for ever. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../platform/db/databases.ts';
import { Exit } from '../platform/errors.ts';
import { log } from '../platform/events.ts';
import type { ProgramContext, ProgramResult } from '../platform/program.ts';
import { type Backfill, type BackfillRequest, oldestOpen } from './backfills.ts';
import type { Share } from './drive.ts';
import type { BackfillKind } from './shard-marks.ts';

/** How long an idle worker waits between two looks for open backfills. */
const IDLE_MS = 2_000;

/** Works on one open backfill until nothing of it is left. */
type Join = (backfill: Backfill, context: ProgramContext) => Promise<Share>;

/** One kind's way to take part. */
export const joinerOf =
  <Spec extends BackfillRequest>(join: (backfill: Backfill<Spec>, context: ProgramContext) => Promise<Share>): Join =>
  (backfill, context) =>
    join(backfill as Backfill<Spec>, context);

export async function joinBackfills(
  joins: Readonly<Record<BackfillKind, Join>>,
  untilIdle: boolean,
  context: ProgramContext,
): Promise<ProgramResult> {
  const { databases, events, signal } = context;
  const total = { shards: 0, rows: 0, failed: 0 };
  // Whoever began a backfill ends it. One whose beginner died stays open for its --resume, with nothing left to do here.
  const finished = new Set<string>();
  for (;;) {
    signal.throwIfAborted();
    const backfill = await oldestOfAny(databases.historical, Object.keys(joins) as BackfillKind[], finished);
    if (!backfill) {
      if (untilIdle) break;
      await pause(IDLE_MS, undefined, { signal });
      continue;
    }
    log(events, 'info', `joins backfill ${backfill.id}: ${backfill.spec.models.join(', ')}`);
    const share = await joins[backfill.kind](backfill, context);
    finished.add(backfill.id);
    total.shards += share.shards;
    total.rows += share.rows;
    total.failed += share.failed;
  }
  const summary = `${total.rows} vectors in ${total.shards} shards of ${finished.size} backfill${finished.size === 1 ? '' : 's'}`;
  return {
    exitCode: total.failed ? Exit.partial : Exit.done,
    summary,
    rows: { embeddings: total.rows },
    // Nothing is due of one who helps: others may have been faster.
    due: 0,
    failures: total.failed,
    data: { backfills: finished.size, ...total },
  };
}

async function oldestOfAny(
  database: Database,
  kinds: readonly BackfillKind[],
  except: ReadonlySet<string>,
): Promise<Backfill | null> {
  for (const kind of kinds) {
    const found = await oldestOpen(database, kind, except);
    if (found) return found;
  }
  return null;
}
