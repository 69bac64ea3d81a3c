/** Throttles and pauses of backfills, in `console.throttles`. A backfill without a row there goes as fast as it can. */
import type pg from 'pg';
import type { Database } from '../platform/db/databases.ts';
import { UserError } from '../platform/errors.ts';
import type { BackfillKind } from './shard-marks.ts';
import type { Throttle } from './throttle.ts';

export interface Standing {
  readonly throttle: Throttle;
  readonly paused: boolean;
}

const STANDING = `coalesce(t.settings, '{}') AS throttle, t.paused_at IS NOT NULL AS paused
  FROM console.backfills b LEFT JOIN console.throttles t USING (backfill_id)`;

/** How a backfill is to go. */
export async function standingOf(database: Database, id: string): Promise<Standing> {
  return database.client(async (client) => {
    const { rows } = await client.query<Standing>(`SELECT ${STANDING} WHERE backfill_id = $1`, [id]);
    return rows[0];
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
              ${STANDING} WHERE state = 'open' ORDER BY created_at DESC, backfill_id COLLATE "C"`,
    );
    return rows;
  });
}

export interface ThrottleChange {
  /** Settings that are named are replaced; the others stay or, with `fromNothing`, go. */
  readonly throttle?: Throttle;
  readonly fromNothing?: boolean;
  readonly paused?: boolean;
}

/** Changes how an open backfill goes. @throws UserError when it has ended. */
export async function changeThrottle(database: Database, id: string, change: ThrottleChange): Promise<void> {
  if (await database.client((client) => writeThrottle(client, id, change))) return;
  throw new UserError(
    `backfill ${id} is not open here: it has ended, or belongs to other databases`,
    'See: prometheus backfill throttle',
  );
}

/** The same on a client, inside whatever transaction it is in; false when no such backfill is open. */
export async function writeThrottle(
  client: pg.ClientBase,
  id: string,
  { throttle = {}, fromNothing = false, paused }: ThrottleChange,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO console.throttles AS t (backfill_id, settings, paused_at)
       SELECT backfill_id, $2, CASE WHEN $3::boolean THEN now() END FROM console.backfills WHERE backfill_id = $1 AND state = 'open'
     ON CONFLICT (backfill_id) DO UPDATE SET
       settings = CASE WHEN $4 THEN '{}' ELSE t.settings END || excluded.settings,
       paused_at = CASE WHEN $3 IS NULL THEN t.paused_at WHEN $3 THEN coalesce(t.paused_at, now()) END`,
    [id, throttle, paused ?? null, fromNothing],
  );
  return rowCount === 1;
}
