/** Markets, issuers, instruments, portfolios and strategies. */
import { type Kysely, sql } from 'kysely';

export const tables = ['markets', 'issuers', 'instruments', 'portfolios', 'strategies'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE markets (
      market_id varchar(50) PRIMARY KEY,
      name varchar(200) NOT NULL,
      region varchar(50) NOT NULL,
      timezone varchar(50) NOT NULL,
      calendar_spec jsonb,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL
    )
  `.execute(db);
  await sql`
    CREATE TABLE issuers (
      issuer_id varchar(50) PRIMARY KEY,
      issuer_type varchar(50) NOT NULL,
      name varchar(200) NOT NULL,
      country varchar(50),
      sector varchar(100),
      industry varchar(100),
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL
    )
  `.execute(db);
  await sql`
    CREATE TABLE instruments (
      instrument_id varchar(50) PRIMARY KEY,
      issuer_id varchar(50) REFERENCES issuers (issuer_id),
      market_id varchar(50) REFERENCES markets (market_id),
      asset_class varchar(50) NOT NULL,
      symbol varchar(50) NOT NULL,
      exchange varchar(50),
      currency varchar(10) NOT NULL,
      multiplier double precision,
      maturity_date date,
      underlying_instrument_id varchar(50),
      status varchar(20) NOT NULL DEFAULT 'ACTIVE',
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL
    )
  `.execute(db);
  await sql`
    CREATE TABLE portfolios (
      portfolio_id varchar(50) PRIMARY KEY,
      name varchar(200) NOT NULL,
      description text,
      base_currency varchar(10) NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL
    )
  `.execute(db);
  await sql`
    CREATE TABLE strategies (
      strategy_id varchar(50) PRIMARY KEY,
      name varchar(200) NOT NULL,
      description text,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL
    )
  `.execute(db);
}
