/** The gate before backfills of the full horizon: Phase 5 of the plan wants a person's decision first. */
import { parseDay } from '../platform/dates.ts';
import type { Database } from '../platform/db/databases.ts';
import { UserError } from '../platform/errors.ts';

/**
 * Backfills that begin before this day are Phase 5's. The plan's alternative to 1997 is to "keep training windows at
 * something like 2005–2024".
 */
const FULL_HORIZON_BEFORE = '2005-01-01';

/** Up to so many instruments, or days from the first to the last, a backfill is a trial. */
const TRIAL_INSTRUMENTS = 25;
const TRIAL_DAYS = 31;

/**
 * Lets a backfill begin. `start`, `end`: its days, `YYYY-MM-DD`; `limit`: instruments, null for all.
 * @throws UserError when it reaches back over the full horizon and the newest decision on record does not say `extend`.
 */
export async function requireDecision(
  runtime: Database,
  { start, end, limit }: { readonly start: string; readonly end: string; readonly limit: number | null },
): Promise<void> {
  if (start >= FULL_HORIZON_BEFORE || (limit !== null && limit <= TRIAL_INSTRUMENTS)) return;
  if (parseDay(end) - parseDay(start) < TRIAL_DAYS) return;
  const decision = await newestDecision(runtime);
  if (decision === 'extend') return;
  const why = decision === null ? 'nobody has decided that yet' : `the newest decision is to ${decision}`;
  throw new UserError(
    `a backfill from ${start} on is one of the full horizon (before ${FULL_HORIZON_BEFORE}), and ${why}`,
    'See prometheus why P5, then: prometheus decide P5 --runs RUN … --text "…"; or try a month of it.',
  );
}

async function newestDecision(runtime: Database): Promise<string | null> {
  return runtime.client(async (client) => {
    const { rows } = await client.query<{ there: boolean }>(
      `SELECT to_regclass('console.decisions') IS NOT NULL AS there`,
    );
    if (!rows[0].there) return null;
    const newest = await client.query<{ decision: string }>(
      `SELECT decision FROM console.decisions WHERE phase = 'P5' ORDER BY decision_id DESC LIMIT 1`,
    );
    return newest.rows[0]?.decision ?? null;
  });
}
