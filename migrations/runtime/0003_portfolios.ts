/** From scores to targets: assessments, universes, target portfolios, risk reports. */
import { type Kysely, sql } from 'kysely';

export const tables = [
  'instrument_scores',
  'universe_members',
  'target_portfolios',
  'book_targets',
  'portfolio_risk_reports',
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE instrument_scores (
      score_id varchar(64) PRIMARY KEY,
      strategy_id varchar(50) NOT NULL,
      market_id varchar(50) NOT NULL,
      instrument_id varchar(50) NOT NULL,
      as_of_date date NOT NULL,
      horizon_days integer NOT NULL,
      expected_return double precision NOT NULL,
      score double precision NOT NULL,
      confidence double precision NOT NULL,
      signal_label varchar(32) NOT NULL,
      alpha_components jsonb NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE universe_members (
      universe_member_id varchar(64) PRIMARY KEY,
      universe_id varchar(64) NOT NULL,
      as_of_date date NOT NULL,
      entity_type varchar(32) NOT NULL,
      entity_id varchar(64) NOT NULL,
      tier varchar(16) NOT NULL,
      included boolean NOT NULL,
      score double precision NOT NULL,
      reasons jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (universe_id, as_of_date, entity_type, entity_id)
    )
  `.execute(db);
  await sql`
    CREATE TABLE target_portfolios (
      target_id varchar(64) PRIMARY KEY,
      strategy_id varchar(64) NOT NULL,
      portfolio_id varchar(64) NOT NULL,
      as_of_date date NOT NULL,
      target_positions jsonb NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE book_targets (
      target_id varchar(64) PRIMARY KEY,
      book_id varchar(64) NOT NULL,
      as_of_date date NOT NULL,
      region varchar(32) NOT NULL,
      entity_type varchar(32) NOT NULL,
      entity_id varchar(64) NOT NULL,
      target_weight double precision NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (book_id, as_of_date, region, entity_type, entity_id)
    )
  `.execute(db);
  await sql`
    CREATE TABLE portfolio_risk_reports (
      report_id varchar(64) PRIMARY KEY,
      portfolio_id varchar(64) NOT NULL,
      as_of_date date NOT NULL,
      portfolio_value double precision NOT NULL,
      cash double precision NOT NULL,
      net_exposure double precision NOT NULL,
      gross_exposure double precision NOT NULL,
      leverage double precision NOT NULL,
      risk_metrics jsonb NOT NULL,
      scenario_pnl jsonb,
      exposures_by_sector jsonb,
      exposures_by_factor jsonb,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
}
