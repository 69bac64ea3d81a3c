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
 * Returns false, and signals nobody, when it is not. @throws UserError when the group belongs to another user.
 */
export function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(leader)) return false;
  try {
    process.kill(-leader.pid, signal);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw new UserError(
      `process ${leader.pid} may not be signalled by you`,
      'Stop it as the user it runs as, or as root.',
      {
        cause: error,
      },
    );
  }
}
