/**
 * Locks between processes of one machine: a file that names its living holder.
 *
 * The lock is a symbolic link whose target text is the holder (`pid.start.boot.id`): making one is atomic and exclusive on
 * every file system that PostgreSQL runs on, and it never exists half-written. A holder that was killed is recognised by
 * its pid and start time, so a recycled pid does not keep a lock alive.
 *
 * A dead holder's lock is removed under a guard lock that is named after that holder's random id. The id never recurs, so
 * a waiter that comes late finds another text in the lock file and removes nothing: two waiters cannot both steal it.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, errorMessage, InterruptedError, UserError } from './errors.ts';

export interface LockOptions {
  /** How long to wait for another holder; 0 (the default) fails at once. */
  readonly waitMs?: number;
  /** For the error message: what the lock is for, e.g. `the embedded PostgreSQL`. */
  readonly what?: string;
  /** Ends the waiting, not the work. */
  readonly signal?: AbortSignal;
}

/** Another living process holds the lock. */
export class LockedError extends UserError {
  readonly pid: number;

  constructor(file: string, pid: number, what: string) {
    super(`${what} is in use by process ${pid} (lock ${file})`, 'Wait until it is done, or end that process.');
    this.name = 'LockedError';
    this.pid = pid;
  }
}

/**
 * Runs `work` while this process holds the lock `file`; its folder must exist. Not re-entrant.
 * @throws LockedError when another process still holds it after `waitMs`; InterruptedError when `signal` ends the waiting;
 * UserError when the file cannot be made.
 */
export async function withLock<T>(file: string, work: () => Promise<T> | T, options: LockOptions = {}): Promise<T> {
  const deadline = performance.now() + (options.waitMs ?? 0);
  let pause = 5;
  let own: string | null;
  while ((own = tryAcquire(file)) === null) {
    const pid = lockHolder(file);
    // Without a living holder the lock is just changing hands: look again even when the time is up.
    if (pid !== null && performance.now() >= deadline) {
      throw new LockedError(file, pid, options.what ?? path.basename(file));
    }
    if (options.signal?.aborted) throw new InterruptedError(`waiting for ${options.what ?? path.basename(file)}`);
    await sleep(pause);
    pause = Math.min(pause * 2, 100);
  }
  try {
    return await work();
  } finally {
    release(file, own);
  }
}

/** The pid of the living process that holds the lock, or null when it is free. */
export function lockHolder(file: string): number | null {
  const text = readHolder(file);
  return text !== null && isAlive(text) ? Number(text.split('.')[0]) : null;
}

/** Removes a lock whose holder was killed, which nobody will want again. */
export function removeDeadLock(file: string): void {
  const holder = readHolder(file);
  if (holder !== null && !isAlive(holder) && removeDead(file, holder)) sweepGuards(file);
}

/**
 * When a process started, as an opaque number that tells it from an earlier or later process with the same pid
 * (clock ticks since boot on Linux, milliseconds since 1970 elsewhere); null when it does not run (a zombie does not).
 */
export function processStartTime(pid: number): number | null {
  return readProcess(pid).start;
}

/** `hidden`: whether the process runs cannot be told from its entry (procfs mounted with hidepid). */
function readProcess(pid: number): { start: number | null; hidden: boolean } {
  if (!Number.isInteger(pid) || pid <= 0) return { start: null, hidden: false };
  if (process.platform !== 'linux') return { start: startFromPs(pid), hidden: false };
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    // ESRCH: it ended between open and read.
    return { start: null, hidden: errorCode(error) !== 'ESRCH' && signalReaches(pid) };
  }
  // The command name may hold spaces and parentheses; fields are counted after its last ')'. State is field 3, start 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const gone = fields[0] === 'Z' || fields[0] === 'X';
  return { start: gone ? null : Number(fields[19]), hidden: false };
}

/** Whether a process of this pid runs, be it another one than before. In doubt (procfs mounted with hidepid) it does. */
export function processRuns(pid: number): boolean {
  const { start, hidden } = readProcess(pid);
  return start !== null || hidden;
}

function startFromPs(pid: number): number | null {
  const ps = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
  });
  const match = /^\s*(\S+)\s+(.+?)\s*$/.exec(ps.stdout ?? '');
  if (!match || match[1].startsWith('Z')) return null;
  const start = Date.parse(`${match[2]} UTC`);
  return Number.isNaN(start) ? null : start;
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** Start times count from boot: the same pid and tick can come again after a reboot, the boot id cannot. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

const HOLDER = /^(\d+)\.(\d+)\.([0-9a-f-]*)\.([0-9a-f]{16})$/;

function isAlive(holder: string): boolean {
  const match = HOLDER.exec(holder)!;
  const boot = bootId();
  if (match[3] && boot && match[3] !== boot) return false;
  const { start, hidden } = readProcess(Number(match[1]));
  return start === null ? hidden : start === Number(match[2]);
}

/** The holder's text, or null when there is no lock. */
function readHolder(file: string): string | null {
  let text: string;
  try {
    text = readlinkSync(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    if (errorCode(error) === 'EINVAL') throw foreign(file);
    throw lockFailure(file, error);
  }
  if (!HOLDER.test(text)) throw foreign(file);
  return text;
}

const foreign = (file: string) =>
  new UserError(`${file} is where a lock belongs, but it is something else`, 'Move it away and try again.');

const lockFailure = (file: string, error: unknown) =>
  new UserError(
    `the lock ${file} cannot be made: ${errorMessage(error)}`,
    errorCode(error) === 'ENOSPC' || errorCode(error) === 'EDQUOT'
      ? 'Free some space and try again.'
      : 'See that its folder exists and that you may write in it.',
    { cause: error },
  );

/** Takes the lock and returns our text in it, or null while a living process has it. */
function tryAcquire(file: string): string | null {
  const own = `${process.pid}.${processStartTime(process.pid)}.${bootId()}.${randomBytes(8).toString('hex')}`;
  let stole = false;
  for (;;) {
    try {
      symlinkSync(own, file);
      if (stole) sweepGuards(file);
      return own;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw lockFailure(file, error);
    }
    const holder = readHolder(file);
    if (holder === null) continue;
    if (isAlive(holder) || !removeDead(file, holder)) return null;
    stole = true;
  }
}

/** Removes a dead holder's lock; false when another process is at it. */
function removeDead(file: string, holder: string): boolean {
  const guard = `${file}.${holder.slice(-16)}`;
  const own = tryAcquire(guard);
  if (own === null) return false;
  try {
    if (readHolder(file) === holder) unlinkSync(file);
  } finally {
    release(guard, own);
  }
  return true;
}

/** Guards left by processes killed while they removed a lock: the holder they name is gone, so nobody looks at them. */
function sweepGuards(file: string): void {
  const prefix = `${path.basename(file)}.`;
  try {
    for (const name of readdirSync(path.dirname(file))) {
      if (!name.startsWith(prefix) || !/^[0-9a-f]{16}(\.[0-9a-f]{16})*$/.test(name.slice(prefix.length))) continue;
      const guard = path.join(path.dirname(file), name);
      const holder = readHolder(guard);
      if (holder !== null && !isAlive(holder)) removeIfThere(guard);
    }
  } catch {
    // They are only litter: the lock itself is ours, and the next thief sweeps again.
  }
}

function release(file: string, own: string): void {
  // Nobody takes a living holder's lock; the check only covers a person who removed the file by hand.
  if (readHolder(file) === own) removeIfThere(file);
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw lockFailure(file, error);
  }
}
