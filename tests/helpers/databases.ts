/** Databases for a test: a fresh, migrated pair on the run's PostgreSQL server, cloned from templates in milliseconds. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { inject } from 'vitest';
import { type Databases, openDatabase, openDatabases } from '../../src/platform/db/databases.ts';
import { databaseUrl } from '../../src/platform/db/embedded.ts';
import { DATABASE_NAMES, type DatabaseName, type Target, type Targets } from '../../src/platform/db/targets.ts';
import { targetOn, templateOf } from './test-server.ts';

export interface TestDatabases {
  readonly targets: Targets;
  /** Open pools on both; closed by `drop`. */
  readonly databases: Databases;
  /** libpq URLs, for `--historical`, `--runtime`, `HISTORICAL_DB_URL`, psql. */
  readonly urls: Readonly<Record<DatabaseName, string>>;
  /** Removes both, whoever is still connected. */
  drop(): Promise<void>;
}

/** A pair of databases of the test's own, with all tables and no rows. Call `drop` when the test is done. */
export async function createTestDatabases(): Promise<TestDatabases> {
  // Copying files beats the default (through the log) by far on a server that never waits for the disk.
  return createPair((name, version) => `TEMPLATE ${templateOf(name)} ${version >= 15 ? 'STRATEGY file_copy' : ''}`);
}

/**
 * A pair without any tables that sorts by the rules of a language, as a server that was set up by hand may do. Before 15 a
 * database cannot: there its columns are what can.
 */
export const createCollatedDatabases = (): Promise<TestDatabases> =>
  createPair((_name, version) => `TEMPLATE template0 ${version >= 15 ? "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" : ''}`);

async function createPair(how: (name: DatabaseName, version: number) => string): Promise<TestDatabases> {
  const id = randomBytes(6).toString('hex');
  const databaseOf = (name: DatabaseName) => `test_${name}_${id}`;
  await onServer((name, version) => `CREATE DATABASE ${databaseOf(name)} ${how(name, version)}`);
  const targets: Targets = {
    historical: testTarget('historical', databaseOf('historical')),
    runtime: testTarget('runtime', databaseOf('runtime')),
  };
  const databases = openDatabases(targets, { application: 'test' });
  return {
    targets,
    databases,
    urls: { historical: testUrl(targets.historical), runtime: testUrl(targets.runtime) },
    drop: async () => {
      await databases.close();
      await onServer((name) => `DROP DATABASE IF EXISTS ${databaseOf(name)} WITH (FORCE)`);
    },
  };
}

/** The same without any tables, for tests of migrations. */
export async function createEmptyDatabases(): Promise<TestDatabases> {
  const pair = await createTestDatabases();
  for (const name of DATABASE_NAMES) {
    await pair.databases[name].client(async (client) => {
      await client.query('DROP SCHEMA public, console CASCADE');
      await client.query('CREATE SCHEMA public');
    });
  }
  return pair;
}

const testTarget = (name: DatabaseName, database: string): Target => targetOn(inject('testServer'), name, database);

const testUrl = (target: Target): string =>
  `${databaseUrl(target)}&passfile=${encodeURIComponent(inject('testServer').passfile)}`;

/** Runs a statement for each database of a pair, side by side; `version` is the server's major release. */
async function onServer(statement: (name: DatabaseName, version: number) => string): Promise<void> {
  const server = openDatabase(testTarget('runtime', 'postgres'), { application: 'test helper', maxConnections: 2 });
  try {
    const version = await server.client(majorVersion);
    await Promise.all(DATABASE_NAMES.map((name) => server.client((client) => client.query(statement(name, version)))));
  } finally {
    await server.close();
  }
}

/** The server's major release: 18. */
export async function majorVersion(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ n: number }>(`SELECT current_setting('server_version_num')::int / 10000 AS n`);
  return rows[0].n;
}
