/** Which process is meant: a pid alone may have been given to a stranger meanwhile. */
import { readFileSync } from 'node:fs';
import { errorCode, UserError } from '../platform/errors.ts';
import { processStartTime } from '../platform/locks.ts';

/** A process beyond doubt. Start times count from boot, hence the boot's own id; it is empty where there is none. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: number;
  readonly boot: string;
}

let boot: string | undefined;

/** The id of this boot of the machine; empty off Linux. */
function bootId(): string {
  try {
    boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    boot = '';
  }
  return boot;
}

/** The identity of a running process, or null when it does not run. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const startTime = processStartTime(pid);
  return startTime === null ? null : { pid, startTime, boot: bootId() };
}

/** False for a process of an earlier boot: its pid and start time say nothing about the processes of today. */
export const isOfThisBoot = (identity: ProcessIdentity): boolean => identity.boot === bootId();

/** A process of this boot by what a walk through the process list says of it. */
export const identityOf = (one: { readonly pid: number; readonly startTime: number }): ProcessIdentity => ({
  pid: one.pid,
  startTime: one.startTime,
  boot: bootId(),
});

/** True while that very process runs; a zombie, a recycled pid and a pid of an earlier boot do not count. */
export function isAlive(identity: ProcessIdentity): boolean {
  return isOfThisBoot(identity) && processStartTime(identity.pid) === identity.startTime;
}

/**
 * Sends a signal to the process group that `leader` leads, after making sure that the leader is the recorded process.
 * TERM is followed by CONT: what is stopped (SIGSTOP, ^Z) takes it only when it goes on. Returns false, and signals
 * nobody, when the leader is another process. @throws UserError when the group belongs to another user.
 */
export function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(leader)) return false;
  let isSent = false;
  try {
    process.kill(-leader.pid, signal);
    isSent = true;
    if (signal === 'SIGTERM') process.kill(-leader.pid, 'SIGCONT');
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return isSent;
    throw new UserError(
      `process ${leader.pid} may not be signalled by you`,
      'Stop it as the user it runs as, or as root.',
      {
        cause: error,
      },
    );
  }
}

/** Lets a shim that was stopped go on: it records nothing meanwhile. One that runs, or is another user's, stays as it is. */
export function wakeShim(shim: ProcessIdentity): void {
  try {
    signalGroup(shim, 'SIGCONT');
  } catch {
    // Whoever could stop it can let it go on.
  }
}
