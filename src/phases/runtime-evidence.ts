/** Looks at the runtime database: backtest runs and what they wrote, recorded evidence. */
import {
  BACKEND_OF_RUN,
  CONTEXT_ALONE,
  RUN_IS_COMPLETE,
  RUN_IS_OUT_OF_SAMPLE,
  RUN_PAIRS,
  SLEEVE_OF_RUN,
} from '../platform/db/run-pairs.ts';
import { OPTION_KEYS } from './campaign.ts';
import { PROOF_RECOMPUTED, PROOF_SAMPLE } from './checks/numeric-proof.ts';
import type { Requirements } from './config.ts';
import type { EquityFigures, EvidenceRow, ForecastRow, PairRow, RunCounts, RunRow, VectorCell } from './evidence.ts';
import type { Probe, Prober, Query } from './probes.ts';

const EPOCH = `date '1970-01-01'`;

export interface Window {
  /** First and last trading day that a run must cover (day numbers). */
  readonly first: number;
  readonly last: number;
}

/**
 * Runs of these sleeves that cover the window: of each sleeve and backend the newest one, the newest complete one, and that
 * of the newest campaign with a complete run of every sleeve. Runs in-sample are none of them.
 */
export function probeRuns(
  prober: Prober,
  sleeves: readonly string[],
  window: Window,
): Promise<Probe<readonly RunRow[]>> {
  return prober.probe('backtest_runs', (query) =>
    query<RunRow>(
      `WITH found AS (
         SELECT run_id, ${SLEEVE_OF_RUN} AS sleeve, config_json, start_date, end_date, created_at, ${RUN_IS_COMPLETE} AS complete,
                nullif(concat_ws(' · ', config_json->>'campaign_id', config_json->>'data_fingerprint', config_json->>'build',
                                 config_json->>'git_sha'), '') AS origin,
                ${BACKEND_OF_RUN} AS backend
           FROM backtest_runs
          WHERE start_date::date - ${EPOCH} <= $2 AND end_date::date - ${EPOCH} >= $3 AND ${RUN_IS_OUT_OF_SAMPLE}),
       ranked AS (
         SELECT *, row_number() OVER (PARTITION BY sleeve, backend ORDER BY created_at DESC, run_id COLLATE "C") AS place,
                row_number() OVER (PARTITION BY sleeve, backend, complete ORDER BY created_at DESC, run_id COLLATE "C") AS place_of_kind
           FROM found WHERE sleeve = ANY ($1::text[])),
       whole AS (
         SELECT DISTINCT ON (backend) backend, origin FROM ranked WHERE complete AND origin IS NOT NULL
          GROUP BY backend, origin HAVING count(DISTINCT sleeve) = cardinality($1::text[])
          ORDER BY backend, max(created_at) DESC)
       SELECT run_id AS "runId", sleeve AS "sleeveId", coalesce(config_json->>'portfolio_id', sleeve || '_PORTFOLIO') AS "portfolioId",
              backend, start_date::date - ${EPOCH} AS start, end_date::date - ${EPOCH} AS "end",
              (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt", complete, origin,
              (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(config_json) WHERE key = ANY ($4::text[])) AS options
         FROM ranked
        WHERE place = 1 OR (complete AND (place_of_kind = 1 OR (backend, origin) IN (SELECT backend, origin FROM whole)))
        ORDER BY sleeve COLLATE "C", created_at DESC`,
      [sleeves, window.first, window.last, OPTION_KEYS],
    ),
  );
}

/** Daily equity of these runs, as figures. */
export function probeEquity(prober: Prober, runIds: readonly string[]): Promise<Probe<readonly EquityFigures[]>> {
  return prober.probe('backtest_daily_equity', (query) =>
    query<EquityFigures>(
      `SELECT run_id AS "runId", count(DISTINCT date::date) AS days, count(*) AS rows,
              min(date)::date - ${EPOCH} AS first, max(date)::date - ${EPOCH} AS last,
              count(*) FILTER (WHERE bad) AS bad,
              min(equity_curve_value) FILTER (WHERE NOT bad) AS min, max(equity_curve_value) FILTER (WHERE NOT bad) AS max
         FROM (SELECT *, equity_curve_value IN ('NaN', 'Infinity', '-Infinity') OR equity_curve_value IS NULL AS bad
                 FROM backtest_daily_equity WHERE run_id = ANY ($1::text[])) e
        GROUP BY 1`,
      [runIds],
    ),
  );
}

/** Trades of each run, and position snapshots of its portfolio inside its days. */
export function probeCounts(prober: Prober, runs: readonly RunRow[]): Promise<Probe<readonly RunCounts[]>> {
  return prober.probe('backtest_trades, positions_snapshots', (query) =>
    query<RunCounts>(
      `SELECT r.run_id AS "runId",
              (SELECT count(*) FROM backtest_trades t WHERE t.run_id = r.run_id) AS trades,
              (SELECT count(*) FROM positions_snapshots p WHERE p.portfolio_id = r.portfolio_id
                  AND p.as_of_date::date BETWEEN ${EPOCH} + r.first AND ${EPOCH} + r.last) AS positions
         FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) AS r(run_id, portfolio_id, first, last)`,
      [runs.map((r) => r.runId), runs.map((r) => r.portfolioId), runs.map((r) => r.start), runs.map((r) => r.end)],
    ),
  );
}

const RECORDED = `SELECT check_id AS "checkId", state, observed, coalesce(reason, '') AS reason, build, (extract(epoch FROM recorded_at) * 1000)::float8 AS at
         FROM console.evidence WHERE check_id = $1`;

/** The newest recorded evidence of a check; null when there is none. */
export function probeRecorded(prober: Prober, checkId: string): Promise<Probe<EvidenceRow | null>> {
  return prober.probe(`console.evidence, ${checkId}`, async (query) => {
    const [row] = await query<EvidenceRow>(`${RECORDED} ORDER BY recorded_at DESC LIMIT 1`, [checkId]);
    return row ?? null;
  });
}

/**
 * The newest proof of numeric vectors that covers the plan or says that a vector of it is wrong; without one the newest of
 * any kind; null when there is none.
 */
export function probeNumericProof(
  prober: Prober,
  { numeric, market }: Requirements,
): Promise<Probe<EvidenceRow | null>> {
  const asked = numeric.models.map((model_id) => ({ model_id, window_days: numeric.windowDays }));
  const whole = { market, limit: null, models: asked };
  const wrong = asked.map((model) => JSON.stringify({ market, models: [{ ...model, state: 'FAIL' }] }));
  return prober.probe('console.evidence, P2.verified', async (query) => {
    const [row] = await query<EvidenceRow>(
      `${RECORDED}
        ORDER BY coalesce(
          (observed @> $2::jsonb AND observed->>'start' <= $4 AND observed->>'end' >= $5
             AND observed->'min_share' >= to_jsonb($6::float8)
             AND observed->'sample' >= to_jsonb($7::int) AND observed->'recompute' >= to_jsonb($8::int))
          OR (observed @> ANY ($3::jsonb[]) AND observed->>'start' <= $5 AND observed->>'end' >= $4), false) DESC,
          recorded_at DESC, evidence_id DESC LIMIT 1`,
      [
        'P2.verified',
        JSON.stringify(whole),
        wrong,
        ...[numeric.start, numeric.end, numeric.minShare, PROOF_SAMPLE, PROOF_RECOMPUTED],
      ],
    );
    return row ?? null;
  });
}

/** The runs of each of these sleeves over the window that context and basic are compared by: those that `compare` takes. */
export const probePairs = (
  prober: Prober,
  sleeves: readonly string[],
  { first, last }: Window,
): Promise<Probe<readonly PairRow[]>> =>
  prober.probe('backtest_runs, paired', (query) =>
    query<PairRow>(
      `SELECT "sleeveId", basic, own AS context, "createdAt" FROM (${RUN_PAIRS}) pairs WHERE basic IS NOT NULL`,
      [sleeves, first, last, CONTEXT_ALONE],
    ),
  );

/** The newest comparison of all of these pairs; without one the newest of any; null when there is none. */
export function probeComparison(prober: Prober, pairs: readonly PairRow[]): Promise<Probe<EvidenceRow | null>> {
  const covered = { pairs: pairs.map(({ basic, context }) => ({ run_ids: [basic, context] })) };
  return prober.probe('console.evidence, P4.comparison', async (query) => {
    const [row] = await query<EvidenceRow>(
      `${RECORDED} ORDER BY observed @> $2::jsonb DESC NULLS LAST, recorded_at DESC LIMIT 1`,
      ['P4.comparison', JSON.stringify(covered)],
    );
    return row ?? null;
  });
}

/**
 * Days with λ by year; a day whose clusters all lack a class does not count. A database without the table has no rows,
 * which is known, not unknown.
 */
export function probeLambda(prober: Prober): Promise<Probe<readonly VectorCell[]>> {
  return prober.probe('console.opportunity_density', async (query) => {
    if (!(await exists(query, 'console.opportunity_density'))) return [];
    return query<VectorCell>(
      `SELECT 'lambda' AS model, extract(year FROM as_of_date)::int AS year, count(*) AS rows,
              count(DISTINCT as_of_date) FILTER (WHERE soft_target_class <> 'UNKNOWN') AS vectors, min(as_of_date) - ${EPOCH} AS first, max(as_of_date) - ${EPOCH} AS last
         FROM console.opportunity_density GROUP BY 2 ORDER BY 2`,
    );
  });
}

/** The active equities of a market, ascending. */
export function probeInstruments(prober: Prober, market: string): Promise<Probe<readonly string[]>> {
  return prober.probe('instruments', async (query) => {
    const rows = await query<{ id: string }>(
      `SELECT instrument_id AS id FROM instruments
        WHERE market_id = $1 AND asset_class = 'EQUITY' AND status = 'ACTIVE' ORDER BY 1`,
      [market],
    );
    return rows.map(({ id }) => id);
  });
}

/** Every model of the training of λ̂ that was measured on most of these days; of equal ones, of the newest. */
export function probeForecast(
  prober: Prober,
  market: string,
  days: { readonly start: string; readonly end: string },
): Promise<Probe<readonly ForecastRow[]>> {
  return prober.probe('console.lambda_trials', async (query) => {
    if (!(await exists(query, 'console.lambda_trials'))) return [];
    return query<ForecastRow>(
      `WITH measured AS (
         SELECT * FROM console.lambda_trials
          WHERE program = 'lambda train' AND market_id = $1 AND jsonb_typeof(metrics->'r2') = 'number'
            -- Vectors that had seen their own future show nothing.
            AND parameters->'allow_in_sample' IS NULL)
       SELECT horizon_days AS horizon, model, (metrics->>'r2')::float8 AS r2, (extract(epoch FROM recorded_at) * 1000)::float8 AS at,
              test_start::text AS start, test_end::text AS "end"
         FROM measured
        WHERE run_id = (SELECT run_id FROM measured GROUP BY 1
                         ORDER BY max(greatest(least(test_end, $3::date) - greatest(test_start, $2::date) + 1, 0)) DESC NULLS LAST,
                                  max(trial_id) DESC LIMIT 1)
        ORDER BY horizon_days, trial_id`,
      [market, days.start, days.end],
    );
  });
}

async function exists(query: Query, table: string): Promise<boolean> {
  const [row] = await query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [table]);
  return row.found;
}
