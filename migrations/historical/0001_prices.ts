/** Daily prices, what is derived from them, and the calendar. */
import { type Kysely, sql } from 'kysely';

export const tables = [
  'prices_daily',
  'returns_daily',
  'volatility_daily',
  'factors_daily',
  'instrument_factors_daily',
  'correlation_panels',
  'market_holidays',
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE prices_daily (
      instrument_id varchar(50) NOT NULL,
      trade_date date NOT NULL,
      open double precision NOT NULL,
      high double precision NOT NULL,
      low double precision NOT NULL,
      close double precision NOT NULL,
      adjusted_close double precision NOT NULL,
      volume double precision NOT NULL,
      currency varchar(10) NOT NULL,
      metadata jsonb,
      PRIMARY KEY (instrument_id, trade_date)
    )
  `.execute(db);
  await sql`
    CREATE INDEX ix_prices_daily_trade_date ON prices_daily (trade_date)
  `.execute(db);
  await sql`
    CREATE TABLE returns_daily (
      instrument_id varchar(50) NOT NULL,
      trade_date date NOT NULL,
      ret_1d double precision NOT NULL,
      ret_5d double precision NOT NULL,
      ret_21d double precision NOT NULL,
      metadata jsonb,
      PRIMARY KEY (instrument_id, trade_date)
    )
  `.execute(db);
  await sql`
    CREATE TABLE volatility_daily (
      instrument_id varchar(50) NOT NULL,
      trade_date date NOT NULL,
      vol_21d double precision NOT NULL,
      vol_63d double precision NOT NULL,
      metadata jsonb,
      PRIMARY KEY (instrument_id, trade_date)
    )
  `.execute(db);
  await sql`
    CREATE TABLE factors_daily (
      factor_id varchar(64) NOT NULL,
      trade_date date NOT NULL,
      value double precision NOT NULL,
      metadata jsonb,
      PRIMARY KEY (factor_id, trade_date)
    )
  `.execute(db);
  await sql`
    CREATE TABLE instrument_factors_daily (
      instrument_id varchar(50) NOT NULL,
      trade_date date NOT NULL,
      factor_id varchar(64) NOT NULL,
      exposure double precision NOT NULL,
      PRIMARY KEY (instrument_id, trade_date, factor_id)
    )
  `.execute(db);
  await sql`
    CREATE TABLE correlation_panels (
      panel_id varchar(64) PRIMARY KEY,
      start_date date NOT NULL,
      end_date date NOT NULL,
      universe_spec jsonb NOT NULL,
      matrix_ref varchar(255) NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE market_holidays (
      market_id varchar(50) NOT NULL,
      holiday_date date NOT NULL,
      holiday_name varchar(200) NOT NULL,
      source varchar(50) NOT NULL,
      created_at timestamp NOT NULL,
      UNIQUE (market_id, holiday_date)
    )
  `.execute(db);
}
