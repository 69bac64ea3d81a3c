/** Orders, fills, positions and the actions taken. */
import { type Kysely, sql } from 'kysely';

export const tables = ['orders', 'fills', 'positions_snapshots', 'executed_actions', 'risk_actions'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE orders (
      order_id varchar(64) PRIMARY KEY,
      "timestamp" timestamptz NOT NULL,
      instrument_id varchar(64) NOT NULL,
      side varchar(8) NOT NULL,
      order_type varchar(16) NOT NULL,
      quantity double precision NOT NULL,
      limit_price double precision,
      stop_price double precision,
      status varchar(32) NOT NULL,
      mode varchar(16) NOT NULL,
      portfolio_id varchar(64),
      decision_id varchar(64),
      metadata jsonb
    )
  `.execute(db);
  await sql`
    CREATE TABLE fills (
      fill_id varchar(64) PRIMARY KEY,
      order_id varchar(64) NOT NULL REFERENCES orders (order_id),
      "timestamp" timestamptz NOT NULL,
      instrument_id varchar(64) NOT NULL,
      side varchar(8) NOT NULL,
      quantity double precision NOT NULL,
      price double precision NOT NULL,
      commission double precision,
      mode varchar(16) NOT NULL,
      metadata jsonb
    )
  `.execute(db);
  // Ours: without it each order that is replaced would scan all fills for its foreign key.
  await sql`CREATE INDEX ix_fills_order ON fills (order_id)`.execute(db);
  await sql`
    CREATE TABLE positions_snapshots (
      snapshot_id bigserial PRIMARY KEY,
      portfolio_id varchar(64) NOT NULL,
      "timestamp" timestamptz NOT NULL,
      as_of_date date NOT NULL,
      instrument_id varchar(64) NOT NULL,
      quantity double precision NOT NULL,
      avg_cost double precision NOT NULL,
      market_value double precision NOT NULL,
      unrealized_pnl double precision NOT NULL,
      mode varchar(16) NOT NULL
    )
  `.execute(db);
  await sql`
    CREATE TABLE executed_actions (
      action_id varchar(64) PRIMARY KEY,
      decision_id varchar(64),
      run_id varchar(64),
      portfolio_id varchar(64),
      instrument_id varchar(64),
      trade_date date NOT NULL,
      side varchar(8) NOT NULL,
      quantity double precision NOT NULL,
      price double precision NOT NULL,
      slippage double precision,
      fees double precision,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE risk_actions (
      action_id varchar(64) PRIMARY KEY,
      strategy_id varchar(64),
      instrument_id varchar(64),
      decision_id varchar(64),
      action_type varchar(32) NOT NULL,
      details_json jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
}
