/**
 * A pair of databases as the user's own system leaves it: Alembic made every table in both, without the keys and indexes that
 * are this product's; prices lost their key on the way; text is sorted by the rules of a language.
 */

import { MIGRATIONS } from '../../src/cli/schema.ts';
import { DATABASE_NAMES } from '../../src/platform/db/targets.ts';
import { createCollatedDatabases, majorVersion, type TestDatabases } from './databases.ts';

const AS_THEIRS = `
  ALTER TABLE prices_daily DROP CONSTRAINT prices_daily_pkey;
  ALTER TABLE numeric_window_embeddings DROP CONSTRAINT numeric_window_embeddings_key;
  CREATE INDEX idx_numeric_window ON numeric_window_embeddings (entity_type, entity_id, as_of_date, model_id);
  DROP INDEX ux_news_articles_external_id, ix_news_articles_timestamp, ix_text_embeddings_issuer_day, ix_fills_order;
  CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
  INSERT INTO alembic_version VALUES ('0031_probabilities');
  CREATE TABLE their_notes (note text);
`;

/** Every column of text sorted by the rules of a language: on servers whose databases cannot be. */
const COLLATED = `DO $$ DECLARE c record; BEGIN
  FOR c IN SELECT attrelid::regclass AS t, attname AS a, format_type(atttypid, atttypmod) AS type FROM pg_attribute
             JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped AND attcollation <> 0 LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s COLLATE "en-US-x-icu"', c.t, c.a, c.type);
  END LOOP; END $$`;

/** Both databases with all tables and no rows. Call `drop` when the test is done. */
export async function createAlembicPair(): Promise<TestDatabases> {
  const pair = await createCollatedDatabases();
  const steps = DATABASE_NAMES.flatMap((name) => Object.values(MIGRATIONS[name])).filter(
    ({ tables }) => !tables?.some((table) => table.startsWith('console.')),
  );
  for (const name of DATABASE_NAMES) {
    const db = pair.databases[name].kysely<unknown>();
    for (const step of steps) await step.up(db);
    await pair.databases[name].client(async (client) => {
      await client.query(AS_THEIRS);
      if ((await majorVersion(client)) < 15) await client.query(COLLATED);
    });
  }
  return pair;
}
