/** Starting and stopping the embedded server: what stands in the way after a kill, and every way a start can fail. */
import { closeSync, existsSync, openSync, readdirSync, readSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, InterruptedError, UserError } from '../errors.ts';
import { processStartTime } from '../locks.ts';
import { toolFailure } from './embedded-cluster.ts';
import { type Layout, SOCKET_PORT, statIfThere } from './embedded-layout.ts';
import {
  findServer,
  pidFile,
  processesOf,
  readPidFile,
  runTool,
  until,
  workWhileNotReady,
} from './embedded-process.ts';

/** Recovery after a crash replays the log since the last checkpoint: minutes at worst, never cut short. */
const START_SECONDS = 3600;
const STOP_SECONDS = 300;
/** How long children of a killed server may finish by themselves, and how long they may take in all. */
const ORPHANS_MS = { patience: 5_000, limit: 60_000 };
/** A server that is not ready and does nothing is looked at for so long before it is ended, and begun again so often. */
const STUCK = { patienceMs: 10_000, pollMs: 250, restarts: 3 };
const STARTING = 'starting the embedded PostgreSQL';
const LOG_LIMIT = 10 * 1024 * 1024;

/** Starts the server (which must not run) and waits until it takes connections. The caller holds the lock. */
export async function launch(layout: Layout, tcpPort: number | undefined, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + ORPHANS_MS.limit;
  for (let restarts = 0; ; ) {
    await clearTheWay(layout);
    const from = rotateLog(layout);
    let settled = false;
    const starting = runTool(layout, 'pg_ctl', [
      'start',
      '--silent',
      '--wait',
      `--timeout=${START_SECONDS}`,
      `--pgdata=${layout.dataFolder}`,
      `--log=${layout.logFile}`,
    ]).finally(() => {
      settled = true;
    });
    const [result, stuck] = await Promise.all([
      unlessAborted(starting, signal),
      endWhenStuck(layout, () => settled || signal?.aborted === true),
    ]);
    if (result.ok) break;
    if (stuck && restarts++ < STUCK.restarts) continue;
    const log = readLog(layout, from);
    // A process of the killed server that we cannot see still holds its memory: it goes by itself.
    const inTheWay = /pre-existing shared memory block|lock file ".*" already exists/.test(log);
    if (!inTheWay || performance.now() > deadline) throw startFailure(layout, tcpPort, result, log);
    await sleep(200);
  }
  linkSocket(layout);
}

/** Waits for a server that another process has started and that is not ready yet; false when it ends instead. */
export async function waitUntilReady(layout: Layout, signal?: AbortSignal): Promise<boolean> {
  const over = () => signal?.aborted === true || findServer(layout)?.ready !== false;
  await Promise.all([until(over, START_SECONDS * 1000), endWhenStuck(layout, over)]);
  if (signal?.aborted) throw new InterruptedError(STARTING);
  return findServer(layout)?.ready === true;
}

/**
 * Ends a server that can never be ready. Seen of 18.4 under random kills and full disks: a process of it was killed while it
 * recovered, and it waits for ever without a startup process ("in recovery mode"); it was told to stop at the end of a
 * recovery, and startup process and checkpointer wait for each other ("shutting down"). Its next start recovers from the
 * same log, so nothing committed is lost. Watches until `over`; true when it ended one.
 */
async function endWhenStuck(layout: Layout, over: () => boolean): Promise<boolean> {
  let seen = performance.now();
  let before: string | null = null;
  while (!over()) {
    const work = workWhileNotReady(layout);
    if (work === null || work !== before) seen = performance.now();
    before = work;
    if (performance.now() - seen > STUCK.patienceMs) {
      const { pid } = findServer(layout) ?? {};
      if (pid === undefined) return false;
      signal(pid, 'SIGQUIT');
      if (!(await until(() => findServer(layout)?.pid !== pid, ORPHANS_MS.patience))) signal(pid, 'SIGKILL');
      return true;
    }
    await sleep(STUCK.pollMs);
  }
  return false;
}

/** Recovery may take minutes: Ctrl-C ends our waiting, the server goes on by itself. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new InterruptedError(STARTING));
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Stops a running server: open transactions roll back. `fast` flushes all data first; `immediate`, for data that is about
 * to be removed, does not. The caller holds the lock.
 */
export async function halt(layout: Layout, mode: 'fast' | 'immediate'): Promise<void> {
  const server = findServer(layout);
  if (!server) return;
  let settled = false;
  const stopping = runTool(layout, 'pg_ctl', [
    'stop',
    '--silent',
    `--mode=${mode}`,
    '--wait',
    `--timeout=${STOP_SECONDS}`,
    `--pgdata=${layout.dataFolder}`,
  ]).finally(() => {
    settled = true;
  });
  const [result] = await Promise.all([stopping, endWhenStuck(layout, () => settled)]);
  if (!result.ok && findServer(layout)) {
    throw new UserError(
      `the embedded PostgreSQL (process ${server.pid}) did not stop within ${STOP_SECONDS} s`,
      `See ${layout.logFile}, then try again.`,
    );
  }
}

/** Removes what a server that was killed left: its children, a pid file whose pid is somebody else's now, its sockets. */
export async function clearTheWay(layout: Layout): Promise<void> {
  for (const name of readdirSync(layout.socketFolder)) {
    // Nobody listens there: the folder is this server's alone, and it does not run.
    if (name.startsWith('.s.PGSQL.')) rmSync(path.join(layout.socketFolder, name), { force: true });
  }
  const lines = readPidFile(layout);
  if (!lines) return;
  const gone = () => processesOf(layout).length === 0;
  if (!(await until(gone, ORPHANS_MS.patience))) {
    // Busy with a query whose client and server are gone; QUIT makes PostgreSQL drop it, nothing committed is lost. Nor is
    // it by KILL: they write no more, and the next start recovers from the log.
    for (const pid of processesOf(layout)) signal(pid, 'SIGQUIT');
    if (!(await until(gone, ORPHANS_MS.patience))) for (const pid of processesOf(layout)) signal(pid, 'SIGKILL');
    if (!(await until(gone, ORPHANS_MS.limit))) {
      throw new UserError(
        `processes of a PostgreSQL that was killed still use ${layout.dataFolder}: ${processesOf(layout).join(', ')}`,
        'End them (kill -9) and run: prometheus db up',
      );
    }
  }
  // PostgreSQL takes any living process with this pid (and its own user) for the old server and would not start.
  const pid = Math.abs(Number(lines[0]));
  if (Number.isInteger(pid) && processStartTime(pid) !== null) rmSync(pidFile(layout), { force: true });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/** Clients look for the socket under one port; with TCP on another port the server names its socket after that one. */
export function linkSocket(layout: Layout): void {
  const server = findServer(layout);
  const port = server?.tcpPort ?? SOCKET_PORT;
  const link = path.join(layout.socketFolder, `.s.PGSQL.${SOCKET_PORT}`);
  if (port === SOCKET_PORT || existsSync(link)) return;
  rmSync(link, { force: true });
  symlinkSync(`.s.PGSQL.${port}`, link);
}

/** Puts a large log aside (one old one is kept) and returns where this start's part begins. */
function rotateLog(layout: Layout): number {
  const size = statIfThere(layout.logFile)?.size ?? 0;
  if (size < LOG_LIMIT) return size;
  renameSync(layout.logFile, `${layout.logFile}.1`);
  return 0;
}

function readLog(layout: Layout, from: number): string {
  const size = statIfThere(layout.logFile)?.size ?? 0;
  const length = Math.min(size - from, 64 * 1024);
  if (length <= 0) return '';
  const buffer = Buffer.alloc(length);
  const fd = openSync(layout.logFile, 'r');
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, length, size - length));
  } finally {
    closeSync(fd);
  }
}

function startFailure(
  layout: Layout,
  tcpPort: number | undefined,
  result: { ok: boolean; output: string },
  log: string,
) {
  if (tcpPort && /could not bind .*address.*: Address already in use/i.test(log)) {
    return new UserError(
      `TCP port ${tcpPort} is taken by another program`,
      'Give another one: prometheus db up --tcp-port N',
    );
  }
  return toolFailure(layout, 'the embedded PostgreSQL does not start', result, log);
}
