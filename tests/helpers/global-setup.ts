/**
 * One PostgreSQL server for the whole test run, in a home of its own, with a migrated pair of databases that
 * `createTestDatabases` clones. Vitest calls this once a project (integration, e2e); all of them share the server.
 */
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrations as historical } from '../../migrations/historical/index.ts';
import { migrations as runtime } from '../../migrations/runtime/index.ts';
import { type Database, openDatabase } from '../../src/platform/db/databases.ts';
import { dropServer, startServer, stopServer } from '../../src/platform/db/embedded.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import { DATABASE_NAMES, type DatabaseName } from '../../src/platform/db/targets.ts';
import { homeAt } from '../../src/platform/home.ts';
import { processStartTime } from '../../src/platform/locks.ts';
import { startOtherServer, stopOtherServer } from './other-server.ts';
import { type TestServer, targetOn, templateOf } from './test-server.ts';

const PREFIX = 'prometheus-tests-';
/** Binaries of another release than the one that the product carries, to try it on. */
const OTHER = process.env.PROMETHEUS_TEST_POSTGRES;

interface Shared {
  users: number;
  server: Promise<TestServer> | null;
}
// A project may load this module anew: what the projects share lives where all of them see it.
const holder = globalThis as typeof globalThis & { prometheusTestServer?: Shared };
holder.prometheusTestServer ??= { users: 0, server: null };
const shared = holder.prometheusTestServer;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.users++;
  shared.server ??= start();
  project.provide('testServer', await shared.server);
  return async () => {
    if (--shared.users > 0) return;
    shared.server = null;
    await remove(ownFolder());
  };
}

const ownFolder = () => path.join(tmpdir(), `${PREFIX}${process.pid}-${processStartTime(process.pid)}`);

async function start(): Promise<TestServer> {
  await removeLeftovers();
  // The hundreds of processes that tests start share what Node makes of each source file: most of their start is that.
  process.env.NODE_COMPILE_CACHE = path.join(ownFolder(), 'compiled');
  const server = OTHER ? startOtherServer(OTHER, ownFolder()) : await startEmbedded();
  await onMaintenance(
    server,
    DATABASE_NAMES.map((name) => `CREATE DATABASE ${templateOf(name)} TEMPLATE template0`),
  );
  for (const [name, migrations] of [
    ['historical', historical],
    ['runtime', runtime],
  ] as const) {
    await onDatabase(server, name, templateOf(name), (database) => migrate(database, migrations));
  }
  return server;
}

async function startEmbedded(): Promise<TestServer> {
  const home = homeAt(ownFolder());
  const { socketFolder, passfile } = await startServer(home);
  // Nothing here must survive a power cut: waiting for the disk is most of what small tests would do. And making or
  // dropping a database walks all buffers, so there are few.
  await onMaintenance({ socketFolder, passfile }, [
    ...['fsync', 'full_page_writes', 'synchronous_commit'].map((setting) => `ALTER SYSTEM SET ${setting} = off`),
    "ALTER SYSTEM SET shared_buffers = '128MB'",
  ]);
  await stopServer(home);
  await startServer(home);
  return { socketFolder, passfile };
}

/** Runs statements in a database that is neither template. */
const onMaintenance = (server: TestServer, statements: readonly string[]): Promise<void> =>
  onDatabase(server, 'runtime', 'postgres', (database) =>
    database.client(async (client) => {
      for (const statement of statements) await client.query(statement);
    }),
  );

async function onDatabase(
  server: TestServer,
  name: DatabaseName,
  database: string,
  work: (database: Database) => Promise<unknown>,
): Promise<void> {
  const opened = openDatabase(targetOn(server, name, database), { application: 'test setup' });
  try {
    await work(opened);
  } finally {
    await opened.close();
  }
}

/** Servers of test runs that were killed. */
async function removeLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const match = name.startsWith(PREFIX) && /^(\d+)-(\d+)$/.exec(name.slice(PREFIX.length));
    if (!match || processStartTime(Number(match[1])) === Number(match[2])) continue;
    // Another user's, or another run is just removing it: neither may spoil this run.
    await remove(path.join(tmpdir(), name)).catch(() => {});
  }
}

async function remove(folder: string): Promise<void> {
  if (OTHER) stopOtherServer(OTHER, folder);
  else await dropServer(homeAt(folder));
  // A process that ends just now may still be writing to it.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
