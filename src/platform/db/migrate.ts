/**
 * Brings a database up to this build. The steps are kysely migrations; which ones ran is kept in the schema `console`, the
 * product's own. A database that the user's Alembic made keeps its tables as they are: only steps that stay inside
 * `console` run there.
 */
import { Kysely, PostgresDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type pg from 'pg';
import { errorCode, errorMessage, UserError } from '../errors.ts';
import type { Database } from './databases.ts';

/** A step may name the tables it makes (`prices_daily`, `console.evidence`). */
export type TableMigration = Migration & { readonly tables?: readonly string[] };
type Migrations = Readonly<Record<string, TableMigration>>;

export interface MigrationState {
  readonly applied: readonly string[];
  /** What `migrate` would run. */
  readonly pending: readonly string[];
  /** Made by Alembic: `migrate` leaves its tables alone. */
  readonly adopted: boolean;
  /** Tables that this build relies on and an adopted database lacks. */
  readonly missing: readonly string[];
}

export interface MigrationOutcome {
  /** What ran just now. */
  readonly applied: readonly string[];
  readonly adopted: boolean;
  readonly missing: readonly string[];
}

const SCHEMA = 'console';
const TABLE = 'migrations';
/** One migrator at a time in a database; an arbitrary number of ours. */
const LOCK = 7_361_482_095;

/**
 * Runs the steps that are due, all or none, and makes the schema `console`. Safe with several processes at once; does
 * nothing (and needs no right to write) when nothing is due.
 * @throws UserError when the database is newer than this build, holds tables of another origin, or the role may not.
 */
export async function migrate(database: Database, migrations: Migrations): Promise<MigrationOutcome> {
  return await database.client(async (client) => {
    const before = await readState(client, database, migrations);
    if (before.upToDate) return { applied: [], adopted: before.adopted, missing: before.missing };
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    try {
      // Read again: another process may have done it while we waited.
      const { adopted } = await readState(client, database, migrations);
      const applied = await run(client, database, due(migrations, adopted));
      const { missing } = await readState(client, database, migrations);
      return { applied, adopted, missing };
    } finally {
      // A connection that broke has given the lock back by itself.
      await client.query('SELECT pg_advisory_unlock($1)', [LOCK]).catch(() => {});
    }
  });
}

/** The steps that `migrate` would run. @throws UserError when the database is newer than this build. */
export async function pendingMigrations(database: Database, migrations: Migrations): Promise<readonly string[]> {
  return (await migrationState(database, migrations)).pending;
}

/** Where a database stands; changes nothing. @throws UserError when it is newer than this build. */
export async function migrationState(database: Database, migrations: Migrations): Promise<MigrationState> {
  const { applied, pending, adopted, missing } = await database.client((client) =>
    readState(client, database, migrations),
  );
  return { applied, pending, adopted, missing };
}

/** Steps for this database: in an adopted one just those that touch nothing but our own schema. */
function due(migrations: Migrations, adopted: boolean): Migrations {
  if (!adopted) return migrations;
  return Object.fromEntries(Object.entries(migrations).filter(([, migration]) => isOurs(migration)));
}

function isOurs(migration: TableMigration): boolean {
  return Boolean(migration.tables?.length && migration.tables.every((table) => table.startsWith(`${SCHEMA}.`)));
}

async function readState(
  client: pg.ClientBase,
  database: Database,
  migrations: Migrations,
): Promise<MigrationState & { upToDate: boolean }> {
  const { rows } = await client.query<{ alembic: boolean; known: boolean }>(
    `SELECT to_regclass('alembic_version') IS NOT NULL AS alembic, to_regclass('${SCHEMA}.${TABLE}') IS NOT NULL AS known`,
  );
  const { alembic, known } = rows[0];
  const applied = known
    ? (await client.query<{ name: string }>(`SELECT name FROM ${SCHEMA}.${TABLE} ORDER BY name COLLATE "C"`)).rows.map(
        (row) => row.name,
      )
    : [];
  const newer = applied.filter((name) => !(name in migrations));
  if (newer.length && newer.length === applied.length) {
    throw new UserError(
      `${database.target.label} is another database than that: its steps are ${newer.join(', ')}`,
      'Look whether the two are swapped in HISTORICAL_DB_… and RUNTIME_DB_…, or in --historical and --runtime.',
    );
  }
  if (newer.length) {
    throw new UserError(
      `${database.target.label} is newer than this build: it has ${newer.join(', ')}`,
      'Update this installation, or use the build that migrated it.',
    );
  }
  const adopted = alembic && applied.every((name) => isOurs(migrations[name]));
  const pending = Object.keys(due(migrations, adopted))
    .filter((name) => !applied.includes(name))
    .sort();
  // Of an adopted database the user's own steps made everything but our schema; of ours, the steps that were run.
  const tables = Object.entries(migrations).flatMap(([name, migration]) =>
    applied.includes(name) || (adopted && !isOurs(migration)) ? (migration.tables ?? []) : [],
  );
  const missing = await client.query<{ name: string }>(
    // By the catalogue: to_regclass does not see into a schema that the role may not use.
    `SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS t (name, n)
      WHERE to_regclass(name) IS NULL AND NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
         WHERE CASE WHEN position('.' IN name) > 0 THEN s.nspname || '.' || c.relname = name
                    ELSE s.nspname = 'public' AND c.relname = name END)
      ORDER BY n`,
    [tables],
  );
  return {
    applied,
    pending,
    adopted,
    missing: missing.rows.map((row) => row.name),
    upToDate: known && pending.length === 0,
  };
}

/** Runs kysely's migrator over the one connection that holds our lock; the steps are one transaction. */
async function run(client: pg.ClientBase, database: Database, migrations: Migrations): Promise<string[]> {
  const connection = { query: client.query.bind(client), release: () => {} };
  const pool = { connect: async () => connection, end: async () => {} } as unknown as pg.Pool;
  const migrator = new Migrator({
    db: new Kysely({ dialect: new PostgresDialect({ pool }) }),
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableSchema: SCHEMA,
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw migrationFailure(error, database);
  return (results ?? []).map((result) => result.migrationName);
}

function migrationFailure(error: unknown, database: Database): unknown {
  const { label, config } = database.target;
  switch (errorCode(error)) {
    case '42P07':
      return new UserError(
        `${label} already holds tables of another origin: ${errorMessage(error)}`,
        'Use an empty database, or one that Alembic made; nothing was changed.',
        { cause: error },
      );
    case '42501':
      return new UserError(
        `${label}: ${errorMessage(error)}`,
        `Let its owner run: GRANT CREATE ON DATABASE ${config.database} TO ${config.user ?? 'your role'} (and CREATE ON SCHEMA public), or use another role.`,
        { cause: error },
      );
    default:
      return error;
  }
}
