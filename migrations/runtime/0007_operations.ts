/** Engine runs and job executions of the original system. */
import { type Kysely, sql } from 'kysely';

export const tables = ['engine_runs', 'job_executions'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE engine_runs (
      run_id varchar(64) PRIMARY KEY,
      as_of_date date NOT NULL,
      region varchar(32) NOT NULL,
      phase varchar(32) NOT NULL,
      error jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL,
      phase_started_at timestamptz,
      phase_completed_at timestamptz
    )
  `.execute(db);
  // Times without zone, as the original writes them.
  await sql`
    CREATE TABLE job_executions (
      execution_id varchar(36) PRIMARY KEY,
      job_id varchar(255) NOT NULL,
      job_type varchar(100) NOT NULL,
      dag_id varchar(100) NOT NULL,
      market_id varchar(20),
      as_of_date date NOT NULL,
      status varchar(20) NOT NULL,
      started_at timestamp,
      completed_at timestamp,
      attempt_number integer NOT NULL,
      error_message text,
      error_details jsonb,
      created_at timestamp NOT NULL,
      updated_at timestamp NOT NULL
    )
  `.execute(db);
}
