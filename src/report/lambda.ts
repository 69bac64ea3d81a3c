/** What the databases hold of λ: heat-map, λ̂ against what came, bucket returns of runs, sensitivity to the weight. */
import type pg from 'pg';
import type { Database } from '../platform/db/databases.ts';
import type { LambdaBuckets, LambdaForecast, LambdaHeat, LambdaOverview, LambdaWeightPoint } from './types.ts';

export interface OverviewOptions {
  readonly marketId: string;
  /** Columns of time. */
  readonly columns: number;
  /** Only this experiment; null: all. */
  readonly experimentId: string | null;
}

const RUNS = 20;

/** Reads everything at one moment. */
export async function lambdaOverview(runtime: Database, options: OverviewOptions): Promise<LambdaOverview> {
  return runtime.client(async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      return {
        heat: await readHeat(client, options),
        forecasts: await readForecasts(client, options),
        buckets: await readBuckets(client, options),
        weights: await readWeights(client, options),
        trials: await readTrials(client, options),
      };
    } finally {
      await client.query('ROLLBACK').catch(() => {});
    }
  });
}

async function readHeat(client: pg.ClientBase, { marketId, columns }: OverviewOptions): Promise<LambdaHeat | null> {
  // The parameters that were computed last.
  const { rows: heads } = await client.query<Omit<LambdaHeat, 'columns' | 'clusters'>>(
    `SELECT market_id AS "marketId", lookback_days AS "lookbackDays", min_cluster_size AS "minClusterSize",
            string_agg(DISTINCT stab_source, ' and ' ORDER BY stab_source) AS "stabSource", min(as_of_date)::text AS first,
            max(as_of_date)::text AS last, count(*) AS rows
       FROM console.opportunity_density WHERE market_id = $1
      GROUP BY market_id, lookback_days, min_cluster_size ORDER BY max(created_at) DESC, lookback_days, min_cluster_size LIMIT 1`,
    [marketId],
  );
  if (heads.length === 0) return null;
  const [head] = heads;
  const { rows: cells } = await client.query<{
    sector: string;
    softTargetClass: string;
    at: number;
    value: number;
    lastLambda: number;
    lastDay: string;
  }>(
    `WITH own AS (
       SELECT * FROM console.opportunity_density WHERE market_id = $1 AND lookback_days = $2 AND min_cluster_size = $3),
     cells AS (
       SELECT sector, soft_target_class, least($6::int - 1, (as_of_date - $4::date) * $6::int / ($5::date - $4::date + 1)) AS at,
              avg(lambda_value) AS value, max(as_of_date) AS last
         FROM own GROUP BY 1, 2, 3)
     SELECT sector, soft_target_class AS "softTargetClass", at, value, lambda_value AS "lastLambda", last::text AS "lastDay"
       FROM cells JOIN own USING (sector, soft_target_class) WHERE as_of_date = last
      ORDER BY sector COLLATE "C", soft_target_class COLLATE "C", at`,
    [head.marketId, head.lookbackDays, head.minClusterSize, head.first, head.last, columns],
  );
  const { rows: starts } = await client.query<{ day: string }>(
    `SELECT ($1::date + ceil(k * ($2::date - $1::date + 1) / $3::numeric)::int)::text AS day FROM generate_series(0, $3::int - 1) AS k ORDER BY k`,
    [head.first, head.last, columns],
  );
  const clusters = new Map<
    string,
    { sector: string; softTargetClass: string; values: (number | null)[]; lastLambda: number; lastDay: string }
  >();
  for (const { sector, softTargetClass, at, value, lastLambda, lastDay } of cells) {
    const key = `${sector}|${softTargetClass}`;
    let own = clusters.get(key);
    if (!own) {
      own = { sector, softTargetClass, values: Array.from({ length: columns }, () => null), lastLambda, lastDay };
      clusters.set(key, own);
    }
    own.values[at] = value;
    Object.assign(own, { lastLambda, lastDay }); // columns come in the order of time
  }
  return { ...head, columns: starts.map((row) => row.day), clusters: [...clusters.values()] };
}

async function readForecasts(
  client: pg.ClientBase,
  { marketId, columns, experimentId }: OverviewOptions,
): Promise<LambdaForecast[]> {
  const { rows } = await client.query<Omit<LambdaForecast, 'tenths' | 'columns'>>(
    `SELECT experiment_id AS "experimentId", count(*) AS rows, min(as_of_date)::text AS first, max(as_of_date)::text AS last,
            max(train_end)::text AS "trainEnd", count(realised) AS realised,
            -- Of what does not vary a correlation is rounding.
            CASE WHEN least(stddev_pop(lambda_hat) / nullif(abs(avg(lambda_hat)), 0), stddev_pop(realised) / nullif(abs(avg(realised)), 0)) > 1e-9
                 THEN corr(lambda_hat, realised) END AS correlation
       FROM console.lambda_predictions WHERE market_id = $1 AND ($2::text IS NULL OR experiment_id = $2)
      GROUP BY 1 ORDER BY experiment_id COLLATE "C"`,
    [marketId, experimentId],
  );
  const forecasts: LambdaForecast[] = [];
  for (const one of rows) {
    const { rows: tenths } = await client.query<LambdaForecast['tenths'][number]>(
      `SELECT avg(lambda_hat) AS "lambdaHat", avg(realised) AS realised, count(*) AS rows
         FROM (SELECT lambda_hat, realised, ntile(10) OVER (ORDER BY lambda_hat, realised) AS tenth
                 FROM console.lambda_predictions WHERE market_id = $1 AND experiment_id = $2 AND realised IS NOT NULL) ranked
        GROUP BY tenth ORDER BY tenth`,
      [marketId, one.experimentId],
    );
    const { rows: series } = await client.query<LambdaForecast['columns'][number]>(
      `SELECT min(as_of_date)::text AS from, avg(lambda_hat) AS "lambdaHat", avg(realised) AS realised
         FROM console.lambda_predictions WHERE market_id = $1 AND experiment_id = $2
        GROUP BY (as_of_date - $3::date) * $5::int / ($4::date - $3::date + 1) ORDER BY 1`,
      [marketId, one.experimentId, one.first, one.last, columns],
    );
    forecasts.push({ ...one, tenths, columns: series });
  }
  return forecasts;
}

async function readBuckets(
  client: pg.ClientBase,
  { marketId, experimentId }: OverviewOptions,
): Promise<LambdaBuckets[]> {
  const { rows } = await client.query<{
    runId: string;
    sleeveId: string;
    start: string;
    end: string;
    experimentId: string | null;
    weight: number | null;
    metrics: Record<string, number | null>;
    caveat: string | null;
  }>(
    `SELECT run_id AS "runId", coalesce(config_json->>'sleeve_id', strategy_id) AS "sleeveId", start_date::date::text AS start,
            end_date::date::text AS "end", config_json->>'lambda_experiment_id' AS "experimentId",
            (config_json->>'lambda_score_weight')::float8 AS weight, metrics_json AS metrics, config_json->>'caveat' AS caveat
       FROM backtest_runs
      WHERE metrics_json->'lambda_bucket_total_num_days' IS NOT NULL AND config_json->'sweep' IS NULL
        AND config_json->>'market_id' = $1 AND ($2::text IS NULL OR config_json->>'lambda_experiment_id' = $2)
      ORDER BY created_at DESC, run_id COLLATE "C" LIMIT $3`,
    [marketId, experimentId, RUNS],
  );
  return rows.map(({ metrics, caveat, ...run }) => {
    const of = (name: string) =>
      ['low', 'mid', 'high'].map((bucket) => metrics[`lambda_bucket_${bucket}_${name}`] ?? null);
    return {
      ...run,
      days: metrics.lambda_bucket_total_num_days ?? 0,
      sameDay: of('mean_daily_return'),
      nextDay: of('next_day_mean_return'),
      caveat: caveat ?? '',
    };
  });
}

async function readWeights(
  client: pg.ClientBase,
  { marketId, experimentId }: OverviewOptions,
): Promise<LambdaWeightPoint[]> {
  const { rows } = await client.query<LambdaWeightPoint>(
    `WITH swept AS (
       SELECT *, config_json->>'campaign_id' AS campaign FROM backtest_runs
        WHERE config_json->'sweep'->'lambda-score-weight' IS NOT NULL AND config_json->>'market_id' = $1
          AND ($2::text IS NULL OR config_json->>'lambda_experiment_id' = $2)),
     newest AS (SELECT campaign FROM swept ORDER BY created_at DESC, run_id COLLATE "C" LIMIT 1)
     SELECT campaign AS "campaignId", run_id AS "runId", config_json->>'sleeve_id' AS "sleeveId",
            (config_json->'sweep'->>'lambda-score-weight')::float8 AS weight,
            (metrics_json->>'annualised_sharpe')::float8 AS sharpe,
            (metrics_json->>'cumulative_return')::float8 AS "cumulativeReturn",
            (metrics_json->>'max_drawdown')::float8 AS "maxDrawdown",
            (metrics_json->>'turnover_per_day')::float8 AS "turnoverPerDay",
            left(metrics_json->>'trade_list_hash', 12) AS trades, coalesce(config_json->>'caveat', '') AS caveat
       FROM swept JOIN newest USING (campaign)
      ORDER BY regexp_replace(config_json->>'sleeve_id', '\\.S[0-9]+$', '') COLLATE "C", 4, config_json->>'sleeve_id' COLLATE "C"`,
    [marketId, experimentId],
  );
  return rows;
}

async function readTrials(
  client: pg.ClientBase,
  { marketId, experimentId }: OverviewOptions,
): Promise<LambdaOverview['trials']> {
  const { rows } = await client.query<LambdaOverview['trials']>(
    `SELECT count(*) AS recorded, count(DISTINCT trial_key) AS distinct FROM console.lambda_trials
      WHERE $1 = ANY (string_to_array(market_id, '+')) AND ($2::text IS NULL OR experiment_id = $2)`,
    [marketId, experimentId],
  );
  return rows[0];
}
