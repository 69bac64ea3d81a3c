/** States of entities and regions day by day. */
import { type Kysely, sql } from 'kysely';

export const tables = [
  'stability_vectors',
  'soft_target_classes',
  'fragility_measures',
  'regimes',
  'regime_transitions',
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE stability_vectors (
      stability_id varchar(64) PRIMARY KEY,
      entity_type varchar(32) NOT NULL,
      entity_id varchar(64) NOT NULL,
      as_of_date date NOT NULL,
      vector_components jsonb NOT NULL,
      overall_score double precision NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE soft_target_classes (
      soft_target_id varchar(64) PRIMARY KEY,
      entity_type varchar(32) NOT NULL,
      entity_id varchar(64) NOT NULL,
      as_of_date date NOT NULL,
      soft_target_class varchar(32) NOT NULL,
      soft_target_score double precision NOT NULL,
      weak_profile boolean NOT NULL,
      instability double precision NOT NULL,
      high_fragility double precision NOT NULL,
      complacent_pricing double precision NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE fragility_measures (
      fragility_id varchar(64) PRIMARY KEY,
      entity_type varchar(32) NOT NULL,
      entity_id varchar(64) NOT NULL,
      as_of_date date NOT NULL,
      fragility_score double precision NOT NULL,
      scenario_losses jsonb,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE regimes (
      regime_record_id varchar(64) PRIMARY KEY,
      as_of_date date NOT NULL,
      region varchar(32) NOT NULL,
      regime_label varchar(32) NOT NULL,
      regime_embedding bytea,
      embedding_ref varchar(255),
      confidence double precision NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE TABLE regime_transitions (
      transition_id varchar(64) PRIMARY KEY,
      region varchar(32) NOT NULL,
      from_regime_label varchar(32) NOT NULL,
      to_regime_label varchar(32) NOT NULL,
      as_of_date date NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
}
