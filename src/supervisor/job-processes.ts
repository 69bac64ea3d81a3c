/** The processes of a job: naming those that are left, and ending all of them. */
import { errorCode } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { processStartTime } from '../platform/locks.ts';
import { markedProcesses, processTree, type TreeProcess } from '../telemetry/process-tree.ts';
import type { ProcessGroup } from '../telemetry/processes.ts';
import type { JobProcess } from './job-files.ts';
import { isOfThisBoot, type ProcessIdentity, signalGroup } from './process-identity.ts';

/**
 * The living processes of a job, wherever they are. `leader` is its program, which its process group is named after; those
 * of another group have left it, and signals to the group do not reach them.
 */
export function processesOfJob(home: string, jobId: string, leader: ProcessIdentity | null): JobProcess[] {
  return living(home, jobId, leader).map(({ pid, command, group }) => ({
    pid,
    command,
    escaped: group !== leader?.pid,
  }));
}

/** The jobs that have living processes, with all of them. */
export function runningJobs(home: Home): ProcessGroup[] {
  return [...markedProcesses(home.root)].map(([id, processes]) => ({ id, pids: processes.map((one) => one.pid) }));
}

/**
 * KILL to everything of a job: first its group, then what is left of it elsewhere, again and again until nothing is
 * (a process may fork while the list is read). Each is looked at anew before it is signalled. Returns how many were hit.
 */
export function killJob(home: string, jobId: string, leader: ProcessIdentity | null): number {
  let hit = leader && signalGroup(leader, 'SIGKILL') ? 1 : 0;
  for (let round = 0; round < ROUNDS; round++) {
    const left = living(home, jobId, leader).filter(({ pid, startTime }) => processStartTime(pid) === startTime);
    if (left.length === 0) break;
    for (const { pid } of left) if (kill(pid)) hit++;
  }
  return hit;
}

const ROUNDS = 20;

function living(home: string, jobId: string, leader: ProcessIdentity | null): TreeProcess[] {
  return processTree(home, jobId, leader && isOfThisBoot(leader) ? leader : null);
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH' || errorCode(error) === 'EPERM') return false;
    throw error;
  }
}
