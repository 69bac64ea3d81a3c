/** Embedding vectors of texts, numeric windows and joint contexts (little-endian float32). */
import { type Kysely, sql } from 'kysely';

export const tables = ['text_embeddings', 'numeric_window_embeddings', 'joint_embeddings'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE text_embeddings (
      embedding_id bigserial PRIMARY KEY,
      source_type varchar(32) NOT NULL,
      source_id varchar(64) NOT NULL,
      model_id varchar(64) NOT NULL,
      vector bytea,
      vector_ref varchar(255),
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (source_type, source_id, model_id)
    )
  `.execute(db);
  // The unique key is ours: without it a repeated backfill duplicates its rows.
  await sql`
    CREATE TABLE numeric_window_embeddings (
      embedding_id bigserial PRIMARY KEY,
      entity_type varchar(32) NOT NULL,
      entity_id varchar(64) NOT NULL,
      window_spec jsonb NOT NULL,
      as_of_date date NOT NULL,
      model_id varchar(64) NOT NULL,
      vector bytea,
      vector_ref varchar(255),
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (entity_type, entity_id, as_of_date, model_id)
    )
  `.execute(db);
  await sql`
    CREATE TABLE joint_embeddings (
      joint_id bigserial PRIMARY KEY,
      joint_type varchar(32) NOT NULL,
      as_of_date date NOT NULL,
      entity_scope jsonb NOT NULL,
      model_id varchar(64) NOT NULL,
      vector bytea,
      vector_ref varchar(255),
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `.execute(db);
  await sql`
    CREATE INDEX ix_joint_embeddings_type_date_model ON joint_embeddings (joint_type, as_of_date, model_id)
  `.execute(db);
}
