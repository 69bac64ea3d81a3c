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
import { openDatabase, openDatabases } from '../../src/platform/db/databases.ts';
import {
  dropServer,
  type EmbeddedServer,
  embeddedTargets,
  startServer,
  stopServer,
} from '../../src/platform/db/embedded.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import { DATABASE_NAMES, makeTarget } from '../../src/platform/db/targets.ts';
import { homeAt } from '../../src/platform/home.ts';
import { processStartTime } from '../../src/platform/locks.ts';
import { type TestServer, templateOf } from './test-server.ts';

const PREFIX = 'prometheus-tests-';

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
  const home = homeAt(ownFolder());
  const server = await startServer(home);
  // Nothing here must survive a power cut: waiting for the disk is most of what small tests would do. And making or
  // dropping a database walks all buffers, so there are few.
  await onMaintenance(server, [
    ...['fsync', 'full_page_writes', 'synchronous_commit'].map((setting) => `ALTER SYSTEM SET ${setting} = off`),
    "ALTER SYSTEM SET shared_buffers = '128MB'",
  ]);
  await stopServer(home);
  await startServer(home);
  const databases = openDatabases(embeddedTargets(server), { application: 'test setup' });
  try {
    await migrate(databases.historical, historical);
    await migrate(databases.runtime, runtime);
  } finally {
    await databases.close();
  }
  await onMaintenance(
    server,
    DATABASE_NAMES.map((name) => `ALTER DATABASE prometheus_${name} RENAME TO ${templateOf(name)}`),
  );
  return { socketFolder: server.socketFolder, passfile: server.passfile };
}

/** Runs statements in a database that is neither template. */
async function onMaintenance(server: EmbeddedServer, statements: readonly string[]): Promise<void> {
  const { config } = embeddedTargets(server).runtime;
  const target = makeTarget('runtime', { ...config, database: 'postgres' }, 'the test server');
  const database = openDatabase(target, { application: 'test setup' });
  try {
    await database.client(async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  } finally {
    await database.close();
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
  await dropServer(homeAt(folder));
  // A process that ends just now may still be writing to it.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
