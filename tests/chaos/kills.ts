/** Who is killed: finding a living victim of each kind, and KILL to it. */
import { readFileSync } from 'node:fs';
import { serverStatus } from '../../src/platform/db/embedded.ts';
import { errorCode } from '../../src/platform/errors.ts';
import { lockHolder } from '../../src/platform/locks.ts';
import type { Random } from '../../src/platform/random.ts';
import { supervisorLock } from '../../src/supervisor/daemon.ts';
import { readJob } from '../../src/supervisor/job-store.ts';
import { isAlive, type ProcessIdentity } from '../../src/supervisor/process-identity.ts';
import type { Tui } from '../helpers/tui.ts';
import type { Workload } from './lanes.ts';
import type { World } from './world.ts';

export const VICTIMS = ['console', 'supervisor', 'shim', 'job', 'PostgreSQL', 'a session of PostgreSQL'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Kill {
  readonly victim: Victim;
  readonly pid: number;
  /** The job that it belonged to. */
  readonly job: string | null;
}

/** Kills one of the kind; null when none lives just now. */
export async function killOne(
  victim: Victim,
  { world, workload, console, random }: { world: World; workload: Workload; console: Tui; random: Random },
): Promise<Kill | null> {
  if (victim === 'console') return kill(victim, console.pid, null);
  if (victim === 'supervisor') return kill(victim, lockHolder(supervisorLock(world.home)), null);
  if (victim === 'shim' || victim === 'job') {
    const living = workload.running().flatMap(({ id }) => {
      const { status } = readJob(world.home, id);
      const identity: ProcessIdentity | null | undefined = victim === 'shim' ? status?.shim : status?.child;
      return identity && isAlive(identity) ? [{ id, pid: identity.pid }] : [];
    });
    if (living.length === 0) return null;
    const { id, pid } = living[random.below(living.length)];
    return kill(victim, pid, id);
  }
  const { pid: postmaster } = await serverStatus(world.home);
  if (victim === 'PostgreSQL' || postmaster === null) return kill(victim, postmaster, null);
  const sessions = childrenOf(postmaster);
  return sessions.length === 0 ? null : kill(victim, sessions[random.below(sessions.length)], null);
}

function kill(victim: Victim, pid: number | null, job: string | null): Kill | null {
  if (pid === null) return null;
  try {
    process.kill(pid, 'SIGKILL');
    return { victim, pid, job };
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return null;
    throw error;
  }
}

export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
