/** The processes of a job: naming those that are left, and ending all of them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { processStartTime } from '../platform/locks.ts';
import { markedProcesses, processTree, type TreeProcess } from '../telemetry/process-tree.ts';
import type { ProcessGroup } from '../telemetry/processes.ts';
import {
  type ExitRecord,
  JobFile,
  type JobProcess,
  type JobStatus,
  RECORD_VERSION,
  removeLeftovers,
  type StraysRecord,
  writeRecord,
} from './job-files.ts';
import { identityOf, isAlive, isOfThisBoot, type ProcessIdentity, signalGroup } from './process-identity.ts';

const ROUNDS = 20;

/**
 * The processes of one job, and a memory of them: whatever once was the job's stays so, though its environment, its session
 * and its parent are gone. `leader` is the job's program, which its process group is named after.
 */
export class JobProcesses {
  readonly #home: string;
  readonly #jobId: string;
  readonly #leader: () => ProcessIdentity | null;
  #seen: readonly TreeProcess[] = [];
  #noted = '[]';

  constructor(home: string, jobId: string, leader: () => ProcessIdentity | null) {
    this.#home = home;
    this.#jobId = jobId;
    this.#leader = leader;
  }

  get #folder(): string {
    return path.join(this.#home, 'jobs', this.#jobId);
  }

  /** The living ones, wherever they are; those of another group have left it, signals to the group do not reach them. */
  list(): JobProcess[] {
    const leader = this.#leader();
    return this.#look().map(({ pid, command, group }) => ({ pid, command, escaped: group !== leader?.pid }));
  }

  /** Those that would be known by nothing once their parents have ended. */
  strays(): ProcessIdentity[] {
    return this.#look()
      .filter((one) => one.stray)
      .map(identityOf);
  }

  /** Looks, and leaves word of the strays in the folder, for whoever is to end the job when we are gone. */
  remember(): JobProcess[] {
    const living = this.list();
    const processes = this.#seen.filter((one) => one.stray).map(identityOf);
    const text = JSON.stringify(processes.map((one) => one.pid).sort());
    if (text === this.#noted) return living;
    try {
      writeRecord(this.#folder, JobFile.strays, { version: RECORD_VERSION, processes } satisfies StraysRecord);
      this.#noted = text;
    } catch {
      // A full disk: we know them ourselves, and the next look tries again.
    }
    return living;
  }

  /**
   * KILL to everything: first the group, then what is left elsewhere, again and again until nothing is (a process may fork
   * while the list is read). Each is looked at anew before it is signalled.
   */
  kill(): void {
    // Before the first signal: with its parents a process loses what tells whose it is.
    this.#look();
    const leader = this.#leader();
    if (leader) signalGroup(leader, 'SIGKILL');
    for (let round = 0; round < ROUNDS; round++) {
      const left = this.#look().filter(({ pid, startTime }) => processStartTime(pid) === startTime);
      if (left.length === 0) break;
      for (const { pid } of left) kill(pid);
    }
  }

  #look(): readonly TreeProcess[] {
    const leader = this.#leader();
    const { seen, shim } = readTraces(this.#folder);
    this.#seen = processTree(this.#home, this.#jobId, {
      leader: leader && isOfThisBoot(leader) ? leader : null,
      seen: [...seen, ...this.#seen],
      logs: [JobFile.stdout, JobFile.stderr].map((name) => path.join(this.#folder, name)),
      shim,
    });
    return this.#seen;
  }
}

/** The living processes of a job, as its folder and the process list tell. */
export const processesOfJob = (home: string, jobId: string, leader: ProcessIdentity | null): JobProcess[] =>
  new JobProcesses(home, jobId, () => leader).list();

/** Folders of ended jobs of which nothing is left: nothing can come back. */
const spent = new Set<string>();

/** True once nothing was found of a job that had ended. */
export const isSpent = (home: Home, jobId: string): boolean => spent.has(path.join(home.jobs, jobId));

/**
 * The living processes of a job that has ended: it still writes what they write. A job whose shim saw nothing left has none.
 * Whoever finds first that nothing is left tidies its folder.
 */
export function leftBehind(
  home: Home,
  { id, folder, status, exit }: { id: string; folder: string; status: JobStatus | null; exit: ExitRecord | null },
): JobProcess[] {
  if (spent.has(folder)) return [];
  const child = status?.child ?? null;
  const mayHaveLeft = child !== null && isOfThisBoot(child) && (exit === null || exit.survivors.length > 0);
  const left = mayHaveLeft ? processesOfJob(home.root, id, child) : [];
  // Its shim has a last word to write when the exit record stands already.
  if (left.length === 0 && !(status?.shim && isAlive(status.shim))) {
    spent.add(folder);
    removeLeftovers(folder, exit === null);
  }
  return left;
}

/** KILL to everything of a job: see `JobProcesses.kill`. */
export const killJob = (home: string, jobId: string, leader: ProcessIdentity | null): void =>
  new JobProcesses(home, jobId, () => leader).kill();

/** The jobs that have living processes, with all of them. */
export function runningJobs(home: Home): ProcessGroup[] {
  return [...markedProcesses(home.root)].map(([id, processes]) => ({ id, pids: processes.map((one) => one.pid) }));
}

/** What its shim and whoever stopped it saw of a job, and the shim itself. Light: the shim loads this, without schemas. */
function readTraces(folder: string): { seen: ProcessIdentity[]; shim: number | null } {
  const read = (name: string): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    } catch {
      // There is none, or it is empty (a full disk).
      return {};
    }
  };
  const lists = [read(JobFile.strays).processes, read(JobFile.stop).strays];
  const seen = lists.flatMap((list) => (Array.isArray(list) ? (list as ProcessIdentity[]) : []));
  const shim = read(JobFile.status).shim as ProcessIdentity | null | undefined;
  return { seen: seen.filter(isOfThisBoot), shim: shim?.pid ?? null };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH' && errorCode(error) !== 'EPERM') throw error;
  }
}
