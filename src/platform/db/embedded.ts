/**
 * The embedded PostgreSQL of a home: made, started, stopped and removed; safe with several processes at once and after
 * kill -9 at any moment. Everything that changes it happens under one lock, `<home>/postgres/lock`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, UsageError, UserError } from '../errors.ts';
import { createHome, type Home } from '../home.ts';
import { lockHolder, withLock } from '../locks.ts';
import { ensureBinaries } from './embedded-binaries.ts';
import { assertOwner, ensureCluster, ensurePassword, ROLE, writeSettings } from './embedded-cluster.ts';
import { clearTheWay, halt, launch, linkSocket, waitUntilReady } from './embedded-control.ts';
import { makeBase, makeServerFolders, removeBase, removeFolder, setupFailure, sweep } from './embedded-folders.ts';
import { type EmbeddedServer, type Layout, layoutOf, SOCKET_PORT } from './embedded-layout.ts';
import { findServer, type RunningServer, readPidFile } from './embedded-process.ts';
import { DATABASE_NAMES, makeTarget, passwordFrom, type Target, type Targets } from './targets.ts';

export type { EmbeddedServer } from './embedded-layout.ts';

export interface StartOptions {
  /** Also listens on 127.0.0.1 at this port; without it on the socket only. */
  readonly tcpPort?: number;
  /** Told in a few words what takes time. */
  readonly onProgress?: (text: string) => void;
  /** Ends waiting for another process or for a recovery; what has begun goes on. */
  readonly signal?: AbortSignal;
}

export interface ServerStatus {
  readonly running: boolean;
  readonly pid: number | null;
  /** Milliseconds since 1970. */
  readonly startedAt: number | null;
  readonly server: EmbeddedServer;
}

const WHAT = 'the embedded PostgreSQL';
/** A first start takes seconds, recovery after a crash minutes. */
const LOCK_WAIT_MS = 3_600_000;
const SOURCE = 'the embedded server';

/** True when the server is gone without having been stopped: its pid file is still there, its process is not. */
export function wasKilled(home: Home): boolean {
  const layout = layoutOf(home);
  return readPidFile(layout) !== null && findServer(layout) === null;
}

/** Where a home's server is, whether or not it exists. Changes nothing. */
export function embeddedServer(home: Home): EmbeddedServer {
  return published(layoutOf(home));
}

function published({ version, base, dataFolder, socketFolder, passfile, logFile }: Layout): EmbeddedServer {
  return { version, base, dataFolder, socketFolder, passfile, logFile };
}

/**
 * Makes sure that the server runs with both databases in it (their tables are the migrations' job). Does nothing when it
 * does; several callers at once start it once. The server outlives the caller.
 * @throws UserError when it cannot be set up or started; UsageError on a bad port.
 */
export async function startServer(home: Home, options: StartOptions = {}): Promise<EmbeddedServer> {
  const say = options.onProgress ?? (() => {});
  assertPort(options.tcpPort);
  const layout = layoutOf(home);
  return await guarded(layout, async () => {
    const running = findServer(layout);
    if (running?.ready && (await isComplete(layout))) {
      assertSamePort(running, options.tcpPort);
      linkSocket(layout);
      return published(layout);
    }
    createHome(home);
    const other = lockHolder(lockFile(layout));
    if (other !== null) say(`waiting for process ${other}, which is setting up PostgreSQL`);
    return published(await locked(layout, () => startLocked(home, options, say), options.signal));
  });
}

async function startLocked(home: Home, options: StartOptions, say: (text: string) => void): Promise<Layout> {
  const { tcpPort, signal } = options;
  // Only now it is certain where the cluster lies: another process may just have made it.
  const layout = layoutOf(home);
  const running = findServer(layout);
  if (running) {
    assertSamePort(running, tcpPort);
    if (!running.ready) say('waiting for PostgreSQL to be ready');
  }
  if (!running || !(await waitUntilReady(layout, signal))) {
    assertPathForShell(layout);
    makeBase(layout);
    await sweep(layout);
    makeServerFolders(layout);
    await ensureBinaries(layout, say);
    await ensureCluster(layout, say);
    writeSettings(layout, tcpPort);
    await clearTheWay(layout);
    await ensurePassword(layout, say);
    say('starting PostgreSQL');
    await launch(layout, tcpPort, signal);
  }
  linkSocket(layout);
  await hasDatabases(layout, { create: true });
  return layout;
}

/** Stops the server; true when it ran. */
export async function stopServer(home: Home): Promise<boolean> {
  const layout = layoutOf(home);
  return await guarded(layout, async () => {
    if (!existsSync(layout.dataFolder)) return false;
    createHome(home);
    return await locked(layout, async () => {
      const running = findServer(layout) !== null;
      await halt(layout, 'fast');
      return running;
    });
  });
}

/** Whether the server runs, since when, and where it is. */
export async function serverStatus(home: Home): Promise<ServerStatus> {
  const layout = layoutOf(home);
  const running = await guarded(layout, () => findServer(layout));
  return {
    running: running !== null,
    pid: running?.pid ?? null,
    startedAt: running?.startedAt ?? null,
    server: published(layout),
  };
}

/** Stops the server and removes it with all its data; returns the folders that were removed. */
export async function dropServer(home: Home): Promise<readonly string[]> {
  const layout = layoutOf(home);
  return await guarded(layout, async () => {
    if (!existsSync(layout.base)) return [];
    createHome(home);
    return await locked(layout, async () => {
      await halt(layout, 'immediate');
      await sweep(layout);
      const removed = foldersOf(layout).filter(removeFolder);
      await rm(layout.passfile, { force: true });
      removed.push(...removeBase(layout));
      return removed;
    });
  });
}

/** What a server has, of this release and of earlier ones; clusters first: half a drop must not leave data that looks alive. */
function foldersOf(layout: Layout): string[] {
  const inBase = readdirSync(layout.base)
    .filter((name) => /^(cluster-\d+|\d+\.\d+|log|socket)$/.test(name))
    .sort((a, b) => Number(b.startsWith('cluster-')) - Number(a.startsWith('cluster-')))
    .map((name) => path.join(layout.base, name));
  return [...new Set([...inBase, layout.socketFolder])];
}

/** The two databases of the embedded server; the password is read when a connection is made. */
export function embeddedTargets(server: EmbeddedServer): Targets {
  return { historical: target(server, 'historical'), runtime: target(server, 'runtime') };
}

function target(server: EmbeddedServer, name: Target['name'], database = `prometheus_${name}`): Target {
  const config = {
    host: server.socketFolder,
    port: SOCKET_PORT,
    database,
    user: ROLE,
    password: () => passwordFrom(server.passfile, SOURCE),
  };
  return makeTarget(name, config, SOURCE, true);
}

/**
 * A libpq URL that psql (and `--historical`, `HISTORICAL_DB_URL`) accept; it never holds a password. For the embedded
 * server give `server`, whose password file it then names.
 */
export function databaseUrl(target: Target, server?: EmbeddedServer): string {
  const { host = 'localhost', port = 5432, database = '', user, ssl } = target.config;
  const parameters: [string, string][] = [];
  let authority = '';
  if (host.startsWith('/')) {
    parameters.push(['host', host], ['port', String(port)]);
    if (user) parameters.push(['user', user]);
  } else {
    const name = host.includes(':') ? `[${host}]` : encodeURIComponent(host);
    authority = `${user ? `${encodeURIComponent(user)}@` : ''}${name}:${port}`;
  }
  if (target.embedded && server) parameters.push(['passfile', server.passfile]);
  if (ssl) parameters.push(['sslmode', typeof ssl === 'object' && ssl.rejectUnauthorized ? 'verify-full' : 'require']);
  // Not URLSearchParams: libpq does not read '+' as a space.
  const query = parameters.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
  return `postgresql://${authority}/${encodeURIComponent(database)}${query ? `?${query}` : ''}`;
}

const lockFile = (layout: Layout): string => path.join(path.dirname(layout.passfile), 'lock');

const locked = <T>(layout: Layout, work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
  withLock(lockFile(layout), work, { waitMs: LOCK_WAIT_MS, what: WHAT, signal });

async function guarded<T>(layout: Layout, work: () => Promise<T> | T): Promise<T> {
  try {
    assertOwner(layout);
    return await work();
  } catch (error) {
    throw setupFailure(error, layout.base);
  }
}

function assertPort(port: number | undefined): void {
  if (port === undefined || (Number.isInteger(port) && port >= 1024 && port <= 65535)) return;
  throw new UsageError(`${port} is no TCP port for the embedded server`, 'Give a number from 1024 to 65535.');
}

function assertSamePort(running: RunningServer, tcpPort: number | undefined): void {
  if (tcpPort === undefined || running.tcpPort === tcpPort) return;
  throw new UserError(
    `${WHAT} already runs ${running.tcpPort ? `on TCP port ${running.tcpPort}` : 'without TCP'}`,
    `Stop it first: prometheus db down, then prometheus db up --tcp-port ${tcpPort}`,
  );
}

/** initdb and pg_ctl pass their paths through a shell and quote them with nothing but double quotes. */
function assertPathForShell(layout: Layout): void {
  if (!/["$`\\\n]/.test(layout.base)) return;
  throw new UserError(
    `PostgreSQL's programs cannot work in ${JSON.stringify(layout.base)}: the path holds one of " $ \` \\ or a line break`,
    'Set PROMETHEUS_HOME to a path without them.',
  );
}

/** Whether a running server has both databases; false also when it has just been stopped by somebody else. */
async function isComplete(layout: Layout): Promise<boolean> {
  try {
    return await hasDatabases(layout);
  } catch (error) {
    if (findServer(layout)?.ready) throw error;
    return false;
  }
}

/** Whether both databases are there; makes them when asked to. */
async function hasDatabases(layout: Layout, { create = false } = {}): Promise<boolean> {
  if (!existsSync(layout.passfile)) {
    throw new UserError(
      `the password file ${layout.passfile} of the running server is gone`,
      'Restart it, which makes a new one: prometheus db down, then prometheus db up',
    );
  }
  // Loaded here: whoever only asks where the server is should not wait for the drivers.
  const { openDatabase } = await import('./databases.ts');
  for (;;) {
    const options = { application: 'db up', maxConnections: 1, statementTimeoutMs: 0 };
    const database = openDatabase(target(layout, 'runtime', 'postgres'), options);
    try {
      return await database.client(async (client) => {
        const wanted = DATABASE_NAMES.map((name) => `prometheus_${name}`);
        const { rows } = await client.query<{ datname: string }>(
          'SELECT datname FROM pg_database WHERE datname = ANY($1)',
          [wanted],
        );
        const missing = wanted.filter((name) => !rows.some((row) => row.datname === name));
        if (!create) return missing.length === 0;
        for (const name of missing) await client.query(`CREATE DATABASE ${name}`);
        return true;
      });
    } catch (error) {
      // Recovering after a crash of one of its processes: it lets clients in when it is done.
      if (errorCode((error as Error).cause) !== '57P03' || !findServer(layout)) throw error;
      await sleep(100);
    } finally {
      await database.close();
    }
  }
}
