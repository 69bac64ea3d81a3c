/** What numeric backfills were measured to take. */
import type { Database } from '../../src/platform/db/databases.ts';
import { sumKnown } from './horizon.model.ts';
import type { ScalingPoint } from './scaling.model.ts';

/** Rates as measured; null where nothing was measured yet. */
export interface Rates {
  /** Rows a second of one worker, by model. */
  readonly rowsPerSecond: ReadonlyMap<string, number>;
  /** Bytes on disk of a row, index included. */
  readonly bytesPerRow: number | null;
}

/** Newest backfills that scaling is taken from; one of fewer shards than workers need to fall into step says nothing. */
const SCALING_BACKFILLS = 50;
const LEAST_SHARDS = 4;

/** Newest shards of a model that a rate is taken from. */
const RATE_SHARDS = 200;
/** Fewer rows than this say nothing about the size of one. */
const LEAST_ROWS = 1000;

export async function measuredRates(database: Database, models: readonly string[]): Promise<Rates> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ model: string; rate: number }>(
      `SELECT model, sum(rows) / nullif(sum(seconds), 0) AS rate FROM unnest($1::text[]) AS wanted(model)
        CROSS JOIN LATERAL (SELECT rows, seconds FROM console.shard_done
          WHERE model_id = model AND rows > 0 AND seconds > 0 ORDER BY done_at DESC LIMIT ${RATE_SHARDS}) newest
        GROUP BY 1`,
      [models],
    );
    const size = await client.query<{ bytes: number; rows: number }>(
      `SELECT pg_total_relation_size('numeric_window_embeddings') AS bytes,
              (SELECT coalesce(sum(rows), 0) FROM console.numeric_coverage) AS rows`,
    );
    const { bytes, rows: count } = size.rows[0];
    return {
      rowsPerSecond: new Map(rows.map(({ model, rate }) => [model, Number(rate)])),
      bytesPerRow: count >= LEAST_ROWS ? bytes / count : null,
    };
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

/** How many workers each of the newest finished backfills had at once, and how fast they were then. */
export async function measuredScaling(
  database: Database,
  rowsPerSecond: ReadonlyMap<string, number>,
): Promise<ScalingPoint[]> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ seconds: number; busy: number; counts: Record<string, number> }>(
      `SELECT d.seconds, (${busySeconds('SELECT done_at, seconds FROM console.shard_done WHERE backfill_id = b.backfill_id AND seconds > 0')}) AS busy, d.counts
         FROM (SELECT backfill_id FROM console.backfills WHERE kind = 'numeric' AND state = 'done'
                ORDER BY created_at DESC LIMIT ${SCALING_BACKFILLS}) b
        CROSS JOIN LATERAL (SELECT sum(seconds)::float8 AS seconds, sum(shards) AS shards, jsonb_object_agg(model_id, rows) AS counts
          FROM (SELECT model_id, sum(rows) AS rows, sum(seconds) AS seconds, count(*) AS shards FROM console.shard_done
                 WHERE backfill_id = b.backfill_id AND seconds > 0 GROUP BY 1) m) d
        WHERE d.shards >= ${LEAST_SHARDS}`,
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
