/** Puts together what `db adopt --dry-run` says, and which repairs are open. Changes nothing. */
import type pg from 'pg';
import { formatCount } from '../format/numbers.ts';
import type { Database, Databases } from '../platform/db/databases.ts';
import { type MigrationState, migrationState, type TableMigration } from '../platform/db/migrate.ts';
import { DATABASE_NAMES, type DatabaseName } from '../platform/db/targets.ts';
import { errorMessage } from '../platform/errors.ts';
import { type Catalogue, columnProblems, columnsOf, isServed, lacks, readCatalogue, readOrigin } from './catalogue.ts';
import { type Keep, pointedAt } from './dedupe.ts';
import { EXPECTED, INDEXES, KEYS } from './expected.ts';
import { countDuplicates, countModels, countOrphans, readTwins } from './figures.ts';
import { readHolidays } from './holidays.ts';
import { type Looker, look } from './look.ts';
import type { AdoptionReport, DatabaseReport, Duplicates, NotLookedAt, Orphans, Step } from './types.ts';

export type Migrations = Readonly<Record<DatabaseName, Readonly<Record<string, TableMigration>>>>;

/**
 * Reads both databases; whole tables are scanned where no unique key answers. `keep`: which copies a step would let stay, for
 * telling whether it could be done.
 */
export async function readAdoption(
  databases: Databases,
  migrations: Migrations,
  keep: Keep = null,
): Promise<AdoptionReport> {
  const reports: DatabaseReport[] = [];
  const steps: Step[] = [];
  const notLookedAt: NotLookedAt[] = [];
  const catalogues: Partial<Record<DatabaseName, Catalogue>> = {};
  for (const name of DATABASE_NAMES) {
    const database = databases[name];
    const { report, catalogue, pointed } = await database.client((client) =>
      readDatabase(client, name, database, keep, notLookedAt),
    );
    reports.push(report);
    catalogues[name] = catalogue;
    steps.push(
      ...(await consoleStep(database, migrations[name], report)),
      ...repairs(name, catalogue, report.duplicates, pointed),
    );
  }
  return {
    databases: reports,
    pricesWithoutInstrument: await strangers(databases, catalogues, notLookedAt),
    notLookedAt,
    steps,
  };
}

/** A row of pg_database, whose columns differ from release to release. */
type DatabaseRow = Readonly<Record<string, unknown>>;

/** A database's collation with who provides it: `ICU en-US`. Servers before 15 know only libc's, 15 and 16 another column for ICU's. */
export function collationOf(row: DatabaseRow): string {
  const providers: DatabaseRow = { i: 'ICU', b: 'builtin' };
  return `${providers[String(row.datlocprovider)] ?? 'libc'} ${row.datlocale ?? row.daticulocale ?? row.datcollate}`;
}

async function readDatabase(
  client: pg.ClientBase,
  name: DatabaseName,
  database: Database,
  keep: Keep,
  notLookedAt: NotLookedAt[],
): Promise<{ report: DatabaseReport; catalogue: Catalogue; pointed: Pointed }> {
  // One snapshot: figures of different tables fit together.
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const catalogue = await readCatalogue(client);
    const looker = { name, client, catalogue, notLookedAt };
    const { rows } = await client.query<{ serverVersion: string; encoding: string; row: DatabaseRow }>(
      `SELECT current_setting('server_version') AS "serverVersion", pg_encoding_to_char(d.encoding) AS encoding, to_jsonb(d) AS row
         FROM pg_database d WHERE datname = current_database()`,
    );
    const [{ serverVersion, encoding, row }] = rows;
    const ours = Object.keys(EXPECTED[name]);
    const known = new Set([...Object.keys(EXPECTED.historical), ...Object.keys(EXPECTED.runtime), 'alembic_version']);
    const report: DatabaseReport = {
      name,
      database: database.target.config.database ?? '',
      ...(await readOrigin(client, catalogue)),
      serverVersion,
      encoding,
      collation: collationOf(row),
      columns: columnProblems(name, catalogue),
      unreadable: ours.filter((table) => catalogue.tables.get(table)?.readable === false),
      unwritable: ours.filter((table) => catalogue.tables.get(table)?.writable === false),
      missingIndexes: missingIndexes(name, catalogue).map(({ name: index, table, purpose }) => ({
        name: index,
        table,
        purpose,
      })),
      duplicates: await countDuplicates(looker),
      orphans: await countOrphans(looker),
      models: name === 'historical' ? await countModels(looker) : [],
      holidays: name === 'historical' ? await readHolidays(looker) : [],
      twins: await readTwins(looker),
      others: [...catalogue.tables.keys()].filter((table) => !known.has(table)),
    };
    return { report, catalogue, pointed: await readPointed(looker, report.duplicates, keep) };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
}

/** By table, the rows of others that keep its copies from being removed. */
type Pointed = ReadonlyMap<string, string>;

async function readPointed(looker: Looker, duplicates: readonly Duplicates[], keep: Keep): Promise<Pointed> {
  const { name, client, catalogue } = looker;
  const pointed = new Map<string, string>();
  for (const wanted of removable(name, duplicates)) {
    const what = `rows that point at copies in ${wanted.table}`;
    const found = await look(looker, what, {}, () => pointedAt(client, catalogue, wanted, keep));
    if (found) pointed.set(wanted.table, found);
  }
  return pointed;
}

/** Keys of tables with copies that a step removes. */
const removable = (name: DatabaseName, duplicates: readonly Duplicates[]) =>
  KEYS[name].filter((wanted) => wanted.removable && duplicates.find(({ table }) => table === wanted.table)?.rows);

/** Wanted keys and indexes that nothing does the work of, in a table that is there. */
export function missingIndexes(name: DatabaseName, catalogue: Catalogue) {
  const all = [
    ...KEYS[name].map((wanted) => ({ ...wanted, unique: true })),
    ...INDEXES[name].map((wanted) => ({ ...wanted, unique: false })),
  ];
  return all.filter((wanted) => catalogue.tables.has(wanted.table) && !isServed(catalogue, wanted, wanted.unique));
}

async function consoleStep(
  database: Database,
  migrations: Readonly<Record<string, TableMigration>>,
  { name, origin }: DatabaseReport,
): Promise<Step[]> {
  const step = {
    id: `console:${name}`,
    database: name,
    what: 'make the schema console, where the product keeps what is its own',
  };
  if (origin === 'unknown') {
    return [{ ...step, blocked: 'tables of unknown origin: neither Alembic nor this product made them' }];
  }
  let state: MigrationState;
  try {
    state = await migrationState(database, migrations);
  } catch (error) {
    return [{ ...step, blocked: errorMessage(error) }];
  }
  if (state.pending.length === 0) return [];
  const may = await database.client(async (client) => {
    const { rows } = await client.query<{ may: boolean }>(
      `SELECT has_database_privilege(current_database(), 'CREATE') OR to_regnamespace('console') IS NOT NULL AS may`,
    );
    return rows[0].may;
  });
  return [{ ...step, blocked: may ? null : 'the role may not create a schema' }];
}

function repairs(
  name: DatabaseName,
  catalogue: Catalogue,
  duplicates: readonly Duplicates[],
  pointed: Pointed,
): Step[] {
  const steps = removable(name, duplicates).map(({ table }): Step => {
    const { rows } = duplicates.find((one) => one.table === table)!;
    return {
      id: `dedupe:${table}`,
      database: name,
      what: `remove ${formatCount(rows)} copies of rows of ${table} that are there twice, one transaction`,
      blocked: catalogue.tables.get(table)!.writable ? (pointed.get(table) ?? null) : 'the role may not delete there',
    };
  });
  for (const wanted of missingIndexes(name, catalogue)) {
    const { name: index, table, unique, purpose } = wanted;
    const twice = unique ? duplicates.find((one) => one.table === table) : undefined;
    let blocked: string | null = null;
    if (!catalogue.tables.get(table)!.owned) blocked = `only the owner of ${table} may make an index`;
    else if (lacks(catalogue, { [table]: columnsOf(wanted) }))
      blocked = lacks(catalogue, { [table]: columnsOf(wanted) });
    else if (twice && twice.rows === null) blocked = `rows of ${table} cannot be counted`;
    else if (twice?.rows) blocked = `${formatCount(twice.rows)} copies are in the way`;
    steps.push({
      id: `index:${index}`,
      database: name,
      what: `${unique ? 'unique index' : 'index'} on ${table}, CONCURRENTLY (${purpose})`,
      blocked,
    });
  }
  return steps;
}

/** Prices of instruments that nobody describes: the two lie in different databases. */
async function strangers(
  databases: Databases,
  catalogues: Partial<Record<DatabaseName, Catalogue>>,
  notLookedAt: NotLookedAt[],
): Promise<Orphans> {
  const what = 'instruments with prices that are not in instruments';
  const ids = async (name: DatabaseName, table: string): Promise<string[] | null> => {
    const why = lacks(catalogues[name]!, { [table]: ['instrument_id'] });
    if (why) {
      notLookedAt.push({ database: name, what, why });
      return null;
    }
    return databases[name].client(async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `SELECT DISTINCT instrument_id::text AS id FROM ${table} ORDER BY 1`,
      );
      return rows.map((row) => row.id);
    });
  };
  const known = await ids('runtime', 'instruments');
  const priced = await ids('historical', 'prices_daily');
  if (!known || !priced) return { what, rows: null, examples: [] };
  const described = new Set(known);
  const unknown = priced.filter((id) => !described.has(id)).sort();
  return { what, rows: unknown.length, examples: unknown.slice(0, 5) };
}
