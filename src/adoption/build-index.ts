/** Builds a wanted index beside whoever works; a partitioned table's part by part. */
import type pg from 'pg';
import type { Database } from '../platform/db/databases.ts';
import { errorCode, UserError } from '../platform/errors.ts';
import { type Catalogue, type Part, readCatalogue, serves } from './catalogue.ts';
import { INDEXES, KEYS, type WantedIndex } from './expected.ts';
import { quote } from './figures.ts';
import { missingIndexes } from './report.ts';

/**
 * Builds one index; returns what was done, in a sentence. What a build that broke off left behind is completed.
 * @throws UserError when rows share the key, or another index has the name.
 */
export async function buildIndex(client: pg.ClientBase, database: Database, name: string): Promise<string> {
  const { name: database_ } = database.target;
  const unique = KEYS[database_].some((one) => one.name === name);
  const wanted = [...KEYS[database_], ...INDEXES[database_]].find((one) => one.name === name)!;
  const catalogue = await readCatalogue(client);
  if (!missingIndexes(database_, catalogue).some((one) => one.name === name)) return 'is there already';
  const { parts } = catalogue.tables.get(wanted.table)!;
  let anew = false;
  for (const part of parts) anew = (await buildPart(client, catalogue, wanted, unique, part)) || anew;
  return anew ? 'made anew: a build had broken off' : 'made';
}

/** The index of one relation, attached to that of the partitioned table above it; whether a broken one lay there. */
async function buildPart(
  client: pg.ClientBase,
  { tables, indexes }: Catalogue,
  wanted: WantedIndex,
  unique: boolean,
  part: Part,
): Promise<boolean> {
  const { parts } = tables.get(wanted.table)!;
  const own = indexNames(wanted, part);
  const found = indexes.find(({ name, schema }) => name === own.name && schema === part.schema);
  // Left by a build that broke off; under our lock nobody is building it. One of a partitioned table waits for its parts.
  const broken = found !== undefined && !found.valid && part.stores;
  const isThere = found !== undefined && (!part.stores || serves(found, wanted, unique));
  if (found?.valid && !(isThere && found.oid === part.oid)) {
    throw new UserError(
      `an index ${own.name} is there already and is another one`,
      `Rename yours: ALTER INDEX ${own.sql} RENAME TO …`,
    );
  }
  if (broken) await client.query(`DROP INDEX CONCURRENTLY ${own.sql}`);
  if (!isThere) await create(client, wanted, unique, part);
  const above = parts.find(({ oid }) => oid === part.parent);
  if (above && !above.stores && !found?.attached) {
    await client.query(`ALTER INDEX ${indexNames(wanted, above).sql} ATTACH PARTITION ${own.sql}`);
  }
  return broken;
}

/** A part's index has the number of its relation in its name. */
function indexNames({ name: plain }: WantedIndex, { oid, parent, schema }: Part): { name: string; sql: string } {
  const name = parent === null ? plain : `${plain}_${oid}`;
  return { name, sql: `${quote(schema)}.${quote(name)}` };
}

async function create(client: pg.ClientBase, wanted: WantedIndex, unique: boolean, part: Part): Promise<void> {
  const { name, sql } = indexNames(wanted, part);
  const kind = unique ? 'UNIQUE INDEX' : 'INDEX';
  const where = wanted.where ? ` WHERE ${wanted.where}` : '';
  const on = `(${wanted.keys.join(', ')})${where}`;
  if (!part.stores) {
    // Empty and invalid until each part's is attached.
    await client.query(`CREATE ${kind} ${quote(name)} ON ONLY ${part.relation} ${on}`);
    return;
  }
  try {
    await client.query(`CREATE ${kind} CONCURRENTLY ${quote(name)} ON ${part.relation} ${on}`);
  } catch (error) {
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${sql}`).catch(() => {});
    if (errorCode(error) !== '23505') throw error;
    throw new UserError(
      `${wanted.table} has rows of the same key, so that ${wanted.name} cannot be made`,
      `Run: prometheus db adopt --apply dedupe:${wanted.table}; rows that do not say the same need --keep or your own hand.`,
    );
  }
}
