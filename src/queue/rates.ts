/** What backfills were measured to take: `console.shard_done`. */
import type { Database } from '../platform/db/databases.ts';
import { sumKnown } from './horizon.ts';
import type { ScalingPoint } from './scaling.ts';
import type { BackfillKind } from './shard-marks.ts';

/** Newest backfills that scaling is taken from; one of fewer shards than workers need to fall into step says nothing. */
const SCALING_BACKFILLS = 50;
const LEAST_SHARDS = 4;

/** Newest shards of a model that a rate is taken from. */
const RATE_SHARDS = 200;

/**
 * Shards that time is measured by: of one that found most of its rows there already the time went into looking, and says
 * nothing of what rows take.
 */
export const MOSTLY_WRITTEN = 'rows > 0 AND rows >= coalesce(skipped, 0) AND seconds > 0';

/** Rows a second of one worker, by model; those without were never measured. */
export async function measuredRates(database: Database, models: readonly string[]): Promise<Map<string, number>> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ model: string; rate: number }>(
      `SELECT model, sum(rows) / nullif(sum(seconds), 0) AS rate FROM unnest($1::text[]) AS wanted(model)
        CROSS JOIN LATERAL (SELECT rows, seconds FROM console.shard_done
          WHERE model_id = model AND ${MOSTLY_WRITTEN} ORDER BY done_at DESC LIMIT ${RATE_SHARDS}) newest
        GROUP BY 1`,
      [models],
    );
    return new Map(rows.map(({ model, rate }) => [model, Number(rate)]));
  });
}

/**
 * Seconds in which at least one of the shards was worked on; time in which all rested does not count. `shards` is a query
 * of `done_at` and `seconds`.
 */
export const busySeconds = (shards: string): string => `
  SELECT sum(extract(epoch FROM ended - greatest(began, coalesce(before, began)))) FILTER (WHERE before IS NULL OR ended > before)::float8
    FROM (SELECT began, ended, max(ended) OVER (ORDER BY began, ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM (SELECT done_at - make_interval(secs => seconds) AS began, done_at AS ended FROM (${shards}) s) spans) runs`;

/** How many workers each of the newest finished backfills of a kind had at once, and how fast they were then. */
export async function measuredScaling(
  database: Database,
  kind: BackfillKind,
  rowsPerSecond: ReadonlyMap<string, number>,
): Promise<ScalingPoint[]> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ seconds: number; busy: number; counts: Record<string, number> }>(
      `SELECT d.seconds, (${busySeconds(`SELECT done_at, seconds FROM console.shard_done WHERE backfill_id = b.backfill_id AND ${MOSTLY_WRITTEN}`)}) AS busy, d.counts
         FROM (SELECT backfill_id FROM console.backfills WHERE kind = $1 AND state = 'done'
                ORDER BY created_at DESC LIMIT ${SCALING_BACKFILLS}) b
        CROSS JOIN LATERAL (SELECT sum(seconds)::float8 AS seconds, sum(shards) AS shards, jsonb_object_agg(model_id, rows) AS counts
          FROM (SELECT model_id, sum(rows) AS rows, sum(seconds) AS seconds, count(*) AS shards FROM console.shard_done
                 WHERE backfill_id = b.backfill_id AND ${MOSTLY_WRITTEN} GROUP BY 1) m) d
        WHERE d.shards >= ${LEAST_SHARDS}`,
      [kind],
    );
    return rows.flatMap(({ seconds, busy, counts }) => {
      const expected = sumKnown(
        Object.entries(counts).map(([model, count]) => {
          const rate = rowsPerSecond.get(model);
          return rate ? count / rate : null;
        }),
      );
      return expected && busy ? [{ workers: seconds / busy, slowdown: seconds / expected }] : [];
    });
  });
}
