/**
 * The repairs of an adopted pair, one at a time. Nothing is dropped or rewritten: a repair makes the schema `console`, removes
 * copies of a row, or builds an index beside whoever works. Each can be killed at any point and asked for again.
 */
import type pg from 'pg';
import type { Database } from '../platform/db/databases.ts';
import { migrate, type TableMigration } from '../platform/db/migrate.ts';
import { errorCode, UserError } from '../platform/errors.ts';
import { readCatalogue } from './catalogue.ts';
import { INDEXES, KEYS, type WantedKey } from './expected.ts';
import { contentOf, present, quote } from './figures.ts';
import { missingIndexes } from './report.ts';
import type { Step } from './types.ts';

/** Which row of a key stays where they do not say the same; null, or where rows have no age: they are left alone. */
export type Keep = 'newest' | 'oldest' | null;

/** One repair at a time in a database; an arbitrary number of ours. */
const LOCK = 7_361_482_096;

/**
 * Does one step; returns what was done, in a sentence. A step that is done already does nothing.
 * @throws UserError when another process repairs the same database, or the data do not allow it.
 */
export async function applyStep(
  database: Database,
  step: Pick<Step, 'id'>,
  keep: Keep,
  migrations: Readonly<Record<string, TableMigration>>,
): Promise<string> {
  const [kind, subject] = step.id.split(':');
  if (kind === 'console') {
    const { applied } = await migrate(database, migrations);
    return applied.length ? `applied ${applied.join(', ')}` : 'was done already';
  }
  return database.client(async (client) => {
    const { rows } = await client.query<{ free: boolean }>('SELECT pg_try_advisory_lock($1) AS free', [LOCK]);
    if (!rows[0].free) {
      throw new UserError(
        `another repair of the ${database.target.label} is under way`,
        'Wait for it; one that was killed ends on the server by itself.',
      );
    }
    try {
      return kind === 'dedupe'
        ? await dedupe(client, database, subject, keep)
        : await buildIndex(client, database, subject);
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [LOCK]).catch(() => {});
    }
  });
}

async function dedupe(client: pg.ClientBase, database: Database, table: string, keep: Keep): Promise<string> {
  const wanted = KEYS[database.target.name].find((one) => one.table === table)!;
  const age = wanted.surrogate[0];
  const catalogue = await readCatalogue(client);
  await client.query('BEGIN');
  try {
    // Readers go on; a writer would make copies behind our back.
    await client.query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
    const copies = keep && age ? wanted.keys.join(', ') : contentOf(catalogue, wanted);
    const order = age ? `${quote(age)} ${keep === 'newest' ? 'DESC' : 'ASC'}, ctid` : 'ctid';
    const { rowCount } = await client.query(
      `WITH ${twice(wanted)},
            ranked AS (SELECT ctid AS place, row_number() OVER (PARTITION BY ${copies} ORDER BY ${order}) AS n
                         FROM ${table} WHERE (${wanted.keys.join(', ')}) IN (SELECT * FROM twice))
       DELETE FROM ${table} t USING ranked WHERE t.ctid = ranked.place AND ranked.n > 1`,
    );
    const { rows } = await client.query<{ left: number }>(`WITH ${twice(wanted)} SELECT count(*) AS left FROM twice`);
    await client.query('COMMIT');
    const said = rowCount ? `removed ${rowCount} rows` : 'nothing to remove';
    if (rows[0].left === 0) return said;
    const how = age ? 'say --keep newest or --keep oldest' : 'settle them by hand';
    return `${said}; ${rows[0].left} keys have rows that do not say the same and are left alone: ${how}`;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

const twice = ({ table, keys }: WantedKey) =>
  `twice AS (SELECT ${keys.join(', ')} FROM ${table} WHERE ${present(keys)} GROUP BY ${keys.join(', ')} HAVING count(*) > 1)`;

async function buildIndex(client: pg.ClientBase, database: Database, name: string): Promise<string> {
  const { name: database_ } = database.target;
  const unique = KEYS[database_].some((one) => one.name === name);
  const wanted = [...KEYS[database_], ...INDEXES[database_]].find((one) => one.name === name)!;
  const catalogue = await readCatalogue(client);
  if (!missingIndexes(database_, catalogue).some((one) => one.name === name)) return 'is there already';
  const index = quote(name);
  // Left by a build that broke off; under our lock nobody is building it.
  const broken = catalogue.indexes.find((one) => one.name === name);
  if (broken?.valid) {
    throw new UserError(
      `an index ${name} is there already and is another one`,
      `Rename yours: ALTER INDEX ${name} RENAME TO …`,
    );
  }
  if (broken) await client.query(`DROP INDEX CONCURRENTLY ${index}`);
  try {
    await client.query(
      `CREATE ${unique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY ${index} ON ${wanted.table} (${wanted.keys.join(', ')})${wanted.where ? ` WHERE ${wanted.where}` : ''}`,
    );
  } catch (error) {
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`).catch(() => {});
    if (errorCode(error) !== '23505') throw error;
    throw new UserError(
      `${wanted.table} has rows of the same key, so that ${name} cannot be made`,
      `Run: prometheus db adopt --apply dedupe:${wanted.table}; rows that do not say the same need --keep or your own hand.`,
    );
  }
  return broken ? 'made anew: a build had broken off' : 'made';
}
