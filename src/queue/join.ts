/** What `prometheus worker` does: takes part in the open backfills and campaigns of every kind, until there is none or for ever. */
import { setTimeout as pause } from 'node:timers/promises';
import { formatCount } from '../format/numbers.ts';
import type { Database } from '../platform/db/databases.ts';
import { Exit, UserError } from '../platform/errors.ts';
import { log } from '../platform/events.ts';
import type { ProgramContext, ProgramResult } from '../platform/program.ts';
import { type Backfill, type BackfillRequest, oldestOpen } from './backfills.ts';
import type { Share } from './drive.ts';
import type { BackfillKind } from './shard-marks.ts';

/** How long an idle worker waits between two looks for open backfills. */
const IDLE_MS = 2_000;

/** Makes an open backfill's plan here; what it returns works until nothing of it is left. */
type Join = (backfill: Backfill, context: ProgramContext) => Promise<() => Promise<Share>>;

/** One kind's way to take part. */
export const joinerOf =
  <Spec extends BackfillRequest>(
    join: (backfill: Backfill<Spec>, context: ProgramContext) => Promise<() => Promise<Share>>,
  ): Join =>
  (backfill, context) =>
    join(backfill as Backfill<Spec>, context);

export async function joinBackfills(
  joins: Readonly<Record<BackfillKind, Join>>,
  untilIdle: boolean,
  context: ProgramContext,
): Promise<ProgramResult> {
  const { databases, events, signal } = context;
  const total = { shards: 0, rows: 0, runs: 0, failed: 0 };
  // Whoever began a backfill ends it. One whose beginner died stays open for its --resume, with nothing left to do here.
  const finished = new Set<string>();
  const refused = new Set<string>();
  for (;;) {
    signal.throwIfAborted();
    const backfill = await oldestOfAny(
      databases.historical,
      Object.keys(joins) as BackfillKind[],
      new Set([...finished, ...refused]),
    );
    if (!backfill) {
      if (untilIdle) break;
      await pause(IDLE_MS, undefined, { signal });
      continue;
    }
    log(events, 'info', `joins backfill ${backfill.id}: ${backfill.spec.models.join(', ')}`);
    let work: () => Promise<Share>;
    try {
      work = await joins[backfill.kind](backfill, context);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // Another model or other prices here say nothing of the next backfill.
      log(events, 'warn', `does not join backfill ${backfill.id}: ${error.message}. ${error.fix}`);
      refused.add(backfill.id);
      continue;
    }
    const share = await work();
    finished.add(backfill.id);
    total.shards += share.shards;
    total[backfill.kind === 'campaign' ? 'runs' : 'rows'] += share.rows;
    total.failed += share.failed;
  }
  const runs = total.runs ? `${total.runs} run${total.runs === 1 ? '' : 's'} and ` : '';
  const could = `${runs}${formatCount(total.rows)} vectors in ${formatCount(total.shards)} shards of ${finished.size} backfill${finished.size === 1 ? '' : 's'}`;
  const summary = refused.size ? `${could}; could not join ${[...refused].join(', ')}` : could;
  return {
    exitCode: refused.size ? Exit.failed : total.failed ? Exit.partial : Exit.done,
    summary,
    rows: { embeddings: total.rows, ...(total.runs && { backtest_runs: total.runs }) },
    // Nothing is due of one who helps: others may have been faster.
    due: 0,
    failures: total.failed,
    data: { backfills: finished.size, refused: [...refused], ...total },
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
