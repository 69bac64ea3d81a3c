/** Which entities have a numeric vector on a day, as bits: counts by day cannot tell a missing vector from a surplus one. */
import { type Kysely, sql } from 'kysely';

export const tables = ['console.numeric_entities'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  // Numbers are given once and kept: backfills under way hold them.
  await sql`
    CREATE TABLE console.numeric_entities (
      entity_type text NOT NULL,
      entity_id text NOT NULL,
      number integer NOT NULL,
      PRIMARY KEY (entity_type, entity_id),
      UNIQUE (entity_type, number)
    )
  `.execute(db);
  // What was counted so far had no such bits: the next refresh counts everything. No default: an older build that still
  // writes must fail, not leave bits out.
  await sql`DELETE FROM console.numeric_coverage`.execute(db);
  await sql`DELETE FROM console.numeric_coverage_state`.execute(db);
  await sql`ALTER TABLE console.numeric_coverage ADD COLUMN entities bit varying NOT NULL`.execute(db);
}
