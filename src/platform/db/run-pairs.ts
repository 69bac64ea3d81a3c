/** Which runs with context assessment are set against which basic ones: one rule for `compare` and for the board. */

/** A run that used nothing which had learnt from its own days (`--allow-in-sample`): only such a run is evidence. */
export const RUN_IS_OUT_OF_SAMPLE = `config_json->'in_sample' IS NULL`;

/**
 * The newest pair of each sleeve: a context run, and of the complete basic runs of the same sleeve, market and days the one
 * that read the same data and differs least in its configuration, then the newest. A context run without a basic one gives
 * way to the newest that has one. Runs that λ̂ or regimes moved, and runs in-sample, are of neither side.
 * Parameters: $1 sleeves (`text[]`; null: every one), $2 and $3 first and last day that a run has to cover (day numbers; null:
 * any). Columns: `sleeveId`, `basic` and `context` (run ids), `createdAt` (of the newer one, milliseconds since 1970).
 */
export const RUN_PAIRS = `WITH plain AS (
    SELECT run_id, config_json AS config, start_date, end_date, created_at, coalesce(config_json->>'market_id', 'US_EQ') AS market,
           coalesce(config_json->>'sleeve_id', nullif(regexp_replace(universe_id, '_UNIVERSE$', ''), ''), strategy_id) AS sleeve,
           coalesce(config_json->>'assessment_backend', 'basic') AS backend
      FROM backtest_runs
     WHERE jsonb_typeof(metrics_json->'cumulative_return') = 'number' AND config_json->'lambda_experiment_id' IS NULL
       AND config_json->'regime_alpha' IS NULL AND ${RUN_IS_OUT_OF_SAMPLE}
       AND ($2::int IS NULL OR start_date - date '1970-01-01' <= $2)
       AND ($3::int IS NULL OR end_date - date '1970-01-01' >= $3))
  SELECT DISTINCT ON (c.sleeve) c.sleeve AS "sleeveId", b.run_id AS basic, c.run_id AS context,
         (extract(epoch FROM greatest(b.created_at, c.created_at)) * 1000)::float8 AS "createdAt"
    FROM plain c JOIN plain b USING (sleeve, market, start_date, end_date)
    CROSS JOIN LATERAL (
      SELECT count(*) AS keys FROM jsonb_each(c.config) x FULL JOIN jsonb_each(b.config) y USING (key)
       WHERE x.value IS DISTINCT FROM y.value) differing
   WHERE c.backend = 'context' AND b.backend = 'basic' AND ($1::text[] IS NULL OR c.sleeve = ANY ($1::text[]))
   ORDER BY c.sleeve, c.created_at DESC, c.run_id COLLATE "C",
            c.config->>'data_fingerprint' IS NOT DISTINCT FROM b.config->>'data_fingerprint' DESC,
            differing.keys, b.created_at DESC, b.run_id COLLATE "C"`;
