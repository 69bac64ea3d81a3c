/** Opportunity density λ, its forecasts λ̂, and the ledger of every trial that made one, in the product's own schema. */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.opportunity_density', 'console.lambda_predictions', 'console.lambda_trials'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  // A market, a range of days and the two parameters own their rows.
  await sql`
    CREATE TABLE console.opportunity_density (
      market_id text NOT NULL,
      lookback_days integer NOT NULL,
      min_cluster_size integer NOT NULL,
      as_of_date date NOT NULL,
      sector text NOT NULL,
      soft_target_class text NOT NULL,
      num_instruments integer NOT NULL,
      dispersion double precision NOT NULL,
      avg_vol_window double precision NOT NULL,
      lambda_value double precision NOT NULL,
      stab_source text NOT NULL,
      run_id text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (market_id, lookback_days, min_cluster_size, as_of_date, sector, soft_target_class)
    )
  `.execute(db);
  await sql`
    CREATE TABLE console.lambda_predictions (
      experiment_id text NOT NULL,
      as_of_date date NOT NULL,
      market_id text NOT NULL,
      sector text NOT NULL,
      soft_target_class text NOT NULL,
      lambda_hat double precision NOT NULL,
      lambda_z double precision,
      realised double precision,
      train_end date NOT NULL,
      run_id text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (experiment_id, as_of_date, market_id, sector, soft_target_class)
    )
  `.execute(db);
  // Rows are only ever added: a trial stays counted, whatever came of it. Equal keys are the same trial made again.
  await sql`
    CREATE TABLE console.lambda_trials (
      trial_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      trial_key text NOT NULL,
      experiment_id text NOT NULL,
      program text NOT NULL,
      model text NOT NULL,
      market_id text,
      horizon_days integer,
      train_start date,
      train_end date,
      test_start date,
      test_end date,
      parameters jsonb NOT NULL,
      metrics jsonb NOT NULL,
      data_fingerprint text,
      run_id text NOT NULL,
      build text,
      git_sha text,
      recorded_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE INDEX ix_lambda_trials_experiment ON console.lambda_trials (experiment_id, recorded_at DESC)
  `.execute(db);
}
