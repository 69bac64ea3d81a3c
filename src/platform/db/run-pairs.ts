/** Which runs are set against which basic ones: one rule for `compare` and for the board. */
import { CODE, NO_DIFFERENCE } from '../run-differences.ts';

/** A run's sleeve: named by our runs, else the stem of its universe, else its strategy. */
export const SLEEVE_OF_RUN = `coalesce(config_json->>'sleeve_id', nullif(regexp_replace(universe_id, '_UNIVERSE$', ''), ''), strategy_id)`;
/** A run has ended when its metrics are there. */
export const RUN_IS_COMPLETE = `coalesce(jsonb_typeof(metrics_json->'cumulative_return') = 'number', false)`;
/** A run that used nothing which had learnt from its own days (`--allow-in-sample`): only such a run is evidence. */
export const RUN_IS_OUT_OF_SAMPLE = `config_json->'in_sample' IS NULL`;

/**
 * `basic` or `context`; with `+lambda` and `+regime` when λ̂ or change risk of regimes moved the universe. A run that ended and
 * whose λ̂ reached no member on any day has `+lambda-unmatched`: it is no run with λ̂, and no baseline either.
 */
export const BACKEND_OF_RUN = `(coalesce(config_json->>'assessment_backend', 'basic')
  || CASE WHEN config_json->'lambda_experiment_id' IS NULL THEN ''
          WHEN ${RUN_IS_COMPLETE} AND jsonb_typeof(metrics_json->'lambda_score_coverage_over_run') IS DISTINCT FROM 'number' THEN '+lambda-unmatched'
          ELSE '+lambda' END
  || CASE WHEN config_json->'regime_alpha' IS NULL THEN '' ELSE '+regime' END)`;

const list = (keys: readonly string[]) => keys.map((key) => `'${key}'`).join(', ');

/**
 * The newest pair of each sleeve and backend: a run that tries something, and of the complete basic runs of the same sleeve,
 * market and days the one that read the same data and differs least in its configuration, then the newest. A run without a
 * basic one gives way to the newest that has one, and stands alone where none has. Runs in-sample are of neither side.
 * Whether a pair is on equal terms is for `run-differences.ts` to say.
 * Parameters: $1 sleeves (`text[]`; null: every one), $2 and $3 first and last day that a run has to cover (day numbers; null:
 * any), $4 backends that are tried (a regular expression over `BACKEND_OF_RUN`). Columns: `sleeveId`, `backend`, `own` and `basic`
 * (run ids; `basic` null: none), `createdAt` (of the newer one, milliseconds since 1970), `ownIsOlder`.
 */
export const RUN_PAIRS = `WITH ended AS (
    SELECT run_id, config_json AS config, start_date::date AS start_date, end_date::date AS end_date, created_at, coalesce(config_json->>'market_id', 'US_EQ') AS market,
           ${SLEEVE_OF_RUN} AS sleeve, ${BACKEND_OF_RUN} AS backend
      FROM backtest_runs
     WHERE ${RUN_IS_COMPLETE} AND ${RUN_IS_OUT_OF_SAMPLE}
       AND ($2::int IS NULL OR start_date::date - date '1970-01-01' <= $2)
       AND ($3::int IS NULL OR end_date::date - date '1970-01-01' >= $3)),
  basic AS (SELECT * FROM ended WHERE backend = 'basic')
  SELECT DISTINCT ON (c.sleeve, c.backend) c.sleeve AS "sleeveId", c.backend, c.run_id AS own, b.run_id AS basic,
         (extract(epoch FROM greatest(b.created_at, c.created_at)) * 1000)::float8 AS "createdAt", c.created_at < b.created_at AS "ownIsOlder"
    FROM ended c LEFT JOIN basic b USING (sleeve, market, start_date, end_date)
    CROSS JOIN LATERAL (
      SELECT count(*) AS keys FROM jsonb_each(c.config) x FULL JOIN jsonb_each(b.config) y USING (key)
       WHERE x.value IS DISTINCT FROM y.value AND key NOT IN (${list(NO_DIFFERENCE)})
         AND NOT (key IN (${list(CODE)}) AND c.config->>'build' = b.config->>'build')) differing
   WHERE c.backend ~ $4 AND ($1::text[] IS NULL OR c.sleeve = ANY ($1::text[]))
   ORDER BY c.sleeve, c.backend, b.run_id IS NULL, c.created_at DESC, c.run_id COLLATE "C",
            c.config->>'data_fingerprint' IS NOT DISTINCT FROM b.config->>'data_fingerprint' DESC,
            differing.keys, b.created_at DESC, b.run_id COLLATE "C"`;

/** Backends that are tried by context alone. */
export const CONTEXT_ALONE = '^context$';
