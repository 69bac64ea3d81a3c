/** Decisions of engines and what came of them. */
import { type Kysely, sql } from 'kysely';

export const tables = ['engine_decisions', 'decision_outcomes'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE engine_decisions (
      decision_id varchar(64) PRIMARY KEY,
      engine_name varchar(64) NOT NULL,
      run_id varchar(64),
      strategy_id varchar(64),
      market_id varchar(32),
      as_of_date date NOT NULL,
      config_id varchar(128),
      input_refs jsonb,
      output_refs jsonb,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE decision_outcomes (
      outcome_id bigserial PRIMARY KEY,
      decision_id varchar(64) NOT NULL REFERENCES engine_decisions (decision_id),
      horizon_days integer NOT NULL,
      realized_return double precision,
      realized_pnl double precision,
      realized_drawdown double precision,
      realized_vol double precision,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
}
