/** What numeric backfills were measured to take. */
import type { Database } from '../../src/platform/db/databases.ts';

/** Rates as measured; null where nothing was measured yet. */
export interface Rates {
  /** Rows a second of one worker, by model. */
  readonly rowsPerSecond: ReadonlyMap<string, number>;
  /** Bytes on disk of a row, index included. */
  readonly bytesPerRow: number | null;
}

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
