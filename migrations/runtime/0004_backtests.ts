/** Backtest runs, their equity curves and trades. */
import { type Kysely, sql } from 'kysely';

export const tables = ['backtest_runs', 'backtest_daily_equity', 'backtest_trades'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE backtest_runs (
      run_id varchar(64) PRIMARY KEY,
      strategy_id varchar(64) NOT NULL,
      config_json jsonb NOT NULL,
      start_date date NOT NULL,
      end_date date NOT NULL,
      universe_id varchar(64),
      metrics_json jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE backtest_daily_equity (
      run_id varchar(64) NOT NULL REFERENCES backtest_runs (run_id),
      "date" date NOT NULL,
      equity_curve_value double precision NOT NULL,
      drawdown double precision,
      exposure_metrics_json jsonb,
      PRIMARY KEY (run_id, "date")
    )
  `.execute(db);
  await sql`
    CREATE TABLE backtest_trades (
      trade_id bigserial PRIMARY KEY,
      run_id varchar(64) NOT NULL REFERENCES backtest_runs (run_id),
      trade_date date NOT NULL,
      ticker varchar(50) NOT NULL,
      direction varchar(8) NOT NULL,
      size double precision NOT NULL,
      price double precision NOT NULL,
      regime_id varchar(64),
      universe_id varchar(64),
      profile_version_id bigint,
      decision_metadata_json jsonb
    )
  `.execute(db);
  await sql`
    CREATE INDEX ix_backtest_trades_run_date ON backtest_trades (run_id, trade_date)
  `.execute(db);
}
