/** The server's processes: whether it runs, what a killed one left behind, and how its programs are called. */
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, errorMessage, UserError } from '../errors.ts';
import { processStartTime } from '../locks.ts';
import type { Layout } from './embedded-layout.ts';

/** What `postmaster.pid` says about a server that really runs. */
export interface RunningServer {
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The TCP port, null when it listens on its socket only. */
  readonly tcpPort: number | null;
  /** False while it starts, recovers or stops. */
  readonly ready: boolean;
}

export const pidFile = (layout: Layout): string => path.join(layout.dataFolder, 'postmaster.pid');

/** The lines of `postmaster.pid`, or null when there is none. */
export function readPidFile(layout: Layout): string[] | null {
  try {
    return readFileSync(pidFile(layout), 'utf8').split('\n');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}

/** The server, when it runs. A pid file whose pid has gone to another program counts as not running. */
export function findServer(layout: Layout): RunningServer | null {
  const lines = readPidFile(layout);
  const pid = Number(lines?.[0]);
  if (!lines || !(pid > 0) || processStartTime(pid) === null || !servesFolder(pid, layout.dataFolder)) return null;
  return {
    pid,
    startedAt: Number(lines[2]) * 1000,
    tcpPort: lines[5]?.trim() ? Number(lines[3]) : null,
    ready: lines[7]?.trim() === 'ready',
  };
}

/** Whether a living process is a PostgreSQL of this data folder: every one of them has it as its working directory. */
function servesFolder(pid: number, dataFolder: string): boolean {
  if (process.platform !== 'linux') return commandOf(pid).includes(`postgres -D ${dataFolder}`);
  try {
    return (
      readFileSync(`/proc/${pid}/comm`, 'utf8') === 'postgres\n' && readlinkSync(`/proc/${pid}/cwd`) === dataFolder
    );
  } catch (error) {
    // A process of another user shows its command line only.
    if (errorCode(error) !== 'EACCES' && errorCode(error) !== 'EPERM') return false;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`postgres\0-D\0${dataFolder}\0`);
  }
}

function commandOf(pid: number): string {
  try {
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/**
 * Processes of this data folder: after kill -9 of the server its children live on for a moment (or for as long as a query
 * takes) and keep the shared memory. Linux only; elsewhere the server's own check has to do.
 */
export function processesOf(layout: Layout): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && servesFolder(pid, layout.dataFolder))
    .filter((pid) => processStartTime(pid) !== null);
}

/** Processes of the server itself, by the names that it gives them; all others serve clients. */
const OWN_PROCESS =
  /^postgres: (.*: )?(startup|checkpointer|background writer|walwriter|io worker|archiver|wal summarizer|autovacuum launcher|logical replication launcher)\b/;

/**
 * What a server that is not ready (it starts, recovers or stops) has worked so far, as a text that changes while it works;
 * null for one that is ready, does not run, or still serves a client from before. One that waits for a disk is at work.
 * Linux only; elsewhere always null.
 */
export function workWhileNotReady(layout: Layout): string | null {
  const server = process.platform === 'linux' ? findServer(layout) : null;
  if (!server || server.ready) return null;
  const work: string[] = [];
  for (const pid of processesOf(layout)) {
    if (pid === server.pid) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state, , , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (OWN_PROCESS.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) {
        if (state === 'D' || state === 'R') return null;
        work.push(`${pid} ${user} ${system}`);
      } else if (isOlderThan(pid, REFUSAL_MS)) return null;
    } catch {
      // It has just ended.
    }
  }
  return work.sort().join('\n');
}

/** A process that only tells a client that there is no entry lives shorter than this. */
const REFUSAL_MS = 2_000;

function isOlderThan(pid: number, ageMs: number): boolean {
  try {
    return Date.now() - statSync(`/proc/${pid}`).ctimeMs > ageMs;
  } catch {
    return false; // It has just ended.
  }
}

/** Waits until `condition` holds; false when it does not within the time. */
export async function until(condition: () => boolean, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (!condition()) {
    if (performance.now() >= deadline) return false;
    await sleep(20);
  }
  return true;
}

export interface ToolResult {
  readonly ok: boolean;
  /** What it printed on either stream. */
  readonly output: string;
}

/**
 * Runs initdb, pg_ctl or postgres as the server's user, with a clean environment, in a session of its own: Ctrl-C in our
 * terminal does not reach it, and if we are killed it finishes what it does.
 */
export function runTool(layout: Layout, program: string, args: readonly string[], input = ''): Promise<ToolResult> {
  const file = path.join(layout.binaries, 'bin', program);
  const { promise, resolve, reject } = Promise.withResolvers<ToolResult>();
  const fail = (error: unknown) => reject(cannotRun(file, layout, error));
  try {
    const child = spawn(file, args, {
      cwd: layout.base,
      // Nothing of our environment: it may hold passwords, and PG* variables would change what the programs do.
      // The empty mark: a server that a job happens to start is no part of that job (process-tree.ts).
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', PROMETHEUS_JOB: '' },
      detached: true,
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      ...(layout.account ?? {}),
    });
    let output = '';
    child.on('error', fail);
    child.stdout!.on('data', (chunk) => (output += chunk));
    child.stderr!.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
    child.stdin?.on('error', () => {}); // it ended before it read all: its exit code says so
    child.stdin?.end(input);
  } catch (error) {
    fail(error);
  }
  return promise;
}

function cannotRun(file: string, layout: Layout, error: unknown): UserError {
  const who = layout.account ? ` as user ${layout.account.uid}` : '';
  const fix =
    errorCode(error) === 'EACCES'
      ? 'See that the file system is not mounted noexec and that this user may pass its folders.'
      : layout.account
        ? 'Run as an ordinary user, or give HISTORICAL_DB_URL and RUNTIME_DB_URL.'
        : 'Give HISTORICAL_DB_URL and RUNTIME_DB_URL of a server of your own.';
  return new UserError(`${file} cannot be run${who}: ${errorMessage(error)}`, fix, { cause: error });
}
