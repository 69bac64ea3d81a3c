/** Puts together what `db adopt --dry-run` says, and which repairs are open. Changes nothing. */
import type pg from 'pg';
import type { Database, Databases } from '../platform/db/databases.ts';
import { type MigrationState, migrationState, type TableMigration } from '../platform/db/migrate.ts';
import { DATABASE_NAMES, type DatabaseName } from '../platform/db/targets.ts';
import { errorMessage } from '../platform/errors.ts';
import { type Catalogue, columnProblems, isServed, readCatalogue, readOrigin } from './catalogue.ts';
import { EXPECTED, INDEXES, KEYS } from './expected.ts';
import { countDuplicates, countModels, countOrphans, readHolidays, readTwins } from './figures.ts';
import type { AdoptionReport, DatabaseReport, Duplicates, Orphans, Step } from './types.ts';

export type Migrations = Readonly<Record<DatabaseName, Readonly<Record<string, TableMigration>>>>;

/** Reads both databases; whole tables are scanned where no unique key answers. */
export async function readAdoption(databases: Databases, migrations: Migrations): Promise<AdoptionReport> {
  const reports: DatabaseReport[] = [];
  const steps: Step[] = [];
  for (const name of DATABASE_NAMES) {
    const database = databases[name];
    const { report, catalogue } = await database.client((client) => readDatabase(client, name, database));
    reports.push(report);
    steps.push(
      ...(await consoleStep(database, migrations[name], report)),
      ...repairs(name, catalogue, report.duplicates),
    );
  }
  return { databases: reports, pricesWithoutInstrument: await strangers(databases, reports), steps };
}

async function readDatabase(
  client: pg.ClientBase,
  name: DatabaseName,
  database: Database,
): Promise<{ report: DatabaseReport; catalogue: Catalogue }> {
  // One snapshot: figures of different tables fit together.
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const catalogue = await readCatalogue(client);
    const { rows } = await client.query<{ serverVersion: string; encoding: string; collation: string }>(
      `SELECT current_setting('server_version') AS "serverVersion", pg_encoding_to_char(encoding) AS encoding,
              CASE datlocprovider WHEN 'i' THEN 'ICU ' WHEN 'b' THEN 'builtin ' ELSE 'libc ' END || coalesce(datlocale, datcollate) AS collation
         FROM pg_database WHERE datname = current_database()`,
    );
    const ours = Object.keys(EXPECTED[name]);
    const known = new Set([...Object.keys(EXPECTED.historical), ...Object.keys(EXPECTED.runtime), 'alembic_version']);
    const report: DatabaseReport = {
      name,
      database: database.target.config.database ?? '',
      ...(await readOrigin(client, catalogue)),
      ...rows[0],
      columns: columnProblems(name, catalogue),
      unreadable: ours.filter((table) => catalogue.tables.get(table)?.readable === false),
      unwritable: ours.filter((table) => catalogue.tables.get(table)?.writable === false),
      missingIndexes: missingIndexes(name, catalogue).map(({ name: index, table, purpose }) => ({
        name: index,
        table,
        purpose,
      })),
      duplicates: await countDuplicates(client, name, catalogue),
      orphans: await countOrphans(client, name, catalogue),
      models: name === 'historical' ? await countModels(client, catalogue) : [],
      holidays: name === 'historical' ? await readHolidays(client, catalogue) : [],
      twins: await readTwins(client, name, catalogue),
      others: [...catalogue.tables.keys()].filter((table) => !known.has(table)),
    };
    return { report, catalogue };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
}

/** Wanted keys and indexes that nothing does the work of, in a table that has their columns. */
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

function repairs(name: DatabaseName, catalogue: Catalogue, duplicates: readonly Duplicates[]): Step[] {
  const steps: Step[] = [];
  for (const wanted of KEYS[name]) {
    const found = duplicates.find(({ table }) => table === wanted.table);
    if (!found?.rows || !wanted.removable) continue;
    steps.push({
      id: `dedupe:${wanted.table}`,
      database: name,
      what: `remove ${found.rows} copies of rows of ${wanted.table} that are there twice, one transaction`,
      blocked: catalogue.tables.get(wanted.table)!.writable ? null : 'the role may not delete there',
    });
  }
  for (const { name: index, table, unique, purpose } of missingIndexes(name, catalogue)) {
    const twice = unique ? duplicates.find((one) => one.table === table) : undefined;
    let blocked: string | null = null;
    if (!catalogue.tables.get(table)!.owned) blocked = `only the owner of ${table} may make an index`;
    else if (twice && twice.rows === null) blocked = `rows of ${table} cannot be counted`;
    else if (twice?.rows) blocked = `${twice.rows} copies are in the way`;
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
async function strangers(databases: Databases, reports: readonly DatabaseReport[]): Promise<Orphans> {
  const what = 'instruments with prices that are not in instruments';
  const [historical, runtime] = reports;
  const lacks = (report: DatabaseReport, table: string, column: string) =>
    report.unreadable.includes(table) ||
    report.columns.some(
      (one) => one.table === table && (one.column === null || (one.column === column && one.problem === 'is missing')),
    );
  if (lacks(historical, 'prices_daily', 'instrument_id') || lacks(runtime, 'instruments', 'instrument_id')) {
    return { what, rows: null, examples: [] };
  }
  const ids = async (database: Database, table: string) =>
    database.client(async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `SELECT DISTINCT instrument_id AS id FROM ${table} ORDER BY 1`,
      );
      return rows.map((row) => row.id);
    });
  const known = new Set(await ids(databases.runtime, 'instruments'));
  const unknown = (await ids(databases.historical, 'prices_daily')).filter((id) => !known.has(id)).sort();
  return { what, rows: unknown.length, examples: unknown.slice(0, 5) };
}
