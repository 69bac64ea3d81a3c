/** When a backfill last wrote vectors: what a proof of them records, and what the board holds proofs and runs against. */

/**
 * `$1` model ids, `$2` and `$3` first and last day. One row: `at`, the end of the newest backfill with rows of these models
 * and days, or its last shard while it is open (ISO, UTC, to the microsecond: comparable as text); null without one.
 */
export const LAST_VECTOR_WRITE = `
  SELECT to_char(max(coalesce(b.ended_at, d.last)) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
    FROM console.backfills b
   CROSS JOIN LATERAL (
     SELECT max(done_at) AS last FROM console.shard_done
      WHERE backfill_id = b.backfill_id AND model_id = ANY ($1::text[]) AND (rows > 0 OR removed > 0)
        AND first_date <= $3::date AND last_date >= $2::date) d
   WHERE d.last IS NOT NULL`;
