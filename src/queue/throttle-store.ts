/** Throttles and pauses of backfills, in `console.backfills`. */
import type { Database } from '../platform/db/databases.ts';
import { UserError } from '../platform/errors.ts';
import type { BackfillKind } from './shard-marks.ts';
import type { Throttle } from './throttle.ts';

export interface Standing {
  readonly open: boolean;
  readonly throttle: Throttle;
  readonly paused: boolean;
}

/** Whether a backfill is open, and how it is to go. */
export async function standingOf(database: Database, id: string): Promise<Standing> {
  return database.client(async (client) => {
    const { rows } = await client.query<Standing>(
      `SELECT state = 'open' AS open, throttle, paused_at IS NOT NULL AS paused FROM console.backfills WHERE backfill_id = $1`,
      [id],
    );
    return rows[0] ?? { open: false, throttle: {}, paused: false };
  });
}

export interface OpenBackfill extends Standing {
  readonly id: string;
  readonly kind: BackfillKind;
  readonly models: readonly string[];
  readonly start: string;
  readonly end: string;
}

/** The open backfills of every kind, newest first. */
export async function openBackfills(database: Database): Promise<OpenBackfill[]> {
  return database.client(async (client) => {
    const { rows } = await client.query<OpenBackfill>(
      `SELECT backfill_id AS id, kind, spec -> 'models' AS models, spec ->> 'start' AS start, spec ->> 'end' AS "end",
              true AS open, throttle, paused_at IS NOT NULL AS paused
         FROM console.backfills WHERE state = 'open' ORDER BY created_at DESC, backfill_id COLLATE "C"`,
    );
    return rows;
  });
}

/**
 * Changes how an open backfill goes: settings that are named are replaced, the others stay or, with `fromNothing`, go.
 * @throws UserError when it has ended.
 */
export async function changeThrottle(
  database: Database,
  id: string,
  change: { readonly throttle?: Throttle; readonly paused?: boolean; readonly fromNothing?: boolean },
): Promise<void> {
  const changed = await database.client((client) =>
    client.query(
      `UPDATE console.backfills SET throttle = CASE WHEN $4 THEN '{}' ELSE throttle END || $2,
              paused_at = CASE WHEN $3::boolean THEN coalesce(paused_at, now()) WHEN NOT $3 THEN NULL ELSE paused_at END
        WHERE backfill_id = $1 AND state = 'open'`,
      [id, change.throttle ?? {}, change.paused ?? null, change.fromNothing ?? false],
    ),
  );
  if (changed.rowCount) return;
  throw new UserError(
    `backfill ${id} is not open here: it has ended, or belongs to other databases`,
    'See: prometheus backfill throttle',
  );
}
