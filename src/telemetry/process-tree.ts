/**
 * The processes of a job, wherever they went: each inherits the job's mark in its environment, also one that left the
 * process group (setsid) or whose parent has ended.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Variables that mark the processes of a job; both, for two homes have jobs of the same id. */
export const JOB_MARK = 'PROMETHEUS_JOB';
export const HOME_MARK = 'PROMETHEUS_HOME';

export interface TreeProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Clock ticks since boot: tells it from another process with the same pid. */
  readonly startTime: number;
  /** Its command line, shortened; the bare name of the program where that cannot be read. */
  readonly command: string;
}

const MAX_COMMAND = 200;

/** Marks of processes already looked at: an environment is read once, for it does not change while a program runs. */
const known = new Map<string, string | null>();
const MAX_KNOWN = 20_000;

/**
 * All living processes that carry a job's mark, by job id. Off Linux there are none to be found. A process of another
 * user, whose environment cannot be read, carries no mark of ours.
 */
export function markedProcesses(home: string, procRoot = '/proc'): Map<string, TreeProcess[]> {
  const found = new Map<string, TreeProcess[]>();
  let names: string[];
  try {
    names = readdirSync(procRoot);
  } catch {
    return found;
  }
  for (const name of names) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid <= 0) continue;
    const stat = readStat(path.join(procRoot, name));
    if (!stat) continue;
    const job = jobOf(path.join(procRoot, name), `${pid} ${stat.startTime}`, home);
    if (job === null) continue;
    const list = found.get(job) ?? [];
    list.push({ pid, ...stat });
    found.set(job, list);
  }
  return found;
}

function readStat(folder: string): Omit<TreeProcess, 'pid'> | null {
  try {
    const stat = readFileSync(path.join(folder, 'stat'), 'latin1');
    // The name may hold spaces and parentheses; fields are counted after its last ')'.
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return {
      parent: Number(fields[1]),
      group: Number(fields[2]),
      startTime: Number(fields[19]),
      command: commandOf(folder) || stat.slice(stat.indexOf('(') + 1, end),
    };
  } catch {
    // It has just ended.
    return null;
  }
}

function commandOf(folder: string): string {
  try {
    return readFileSync(path.join(folder, 'cmdline'), 'utf8').replaceAll('\0', ' ').trim().slice(0, MAX_COMMAND);
  } catch {
    return '';
  }
}

function jobOf(folder: string, key: string, home: string): string | null {
  const seen = known.get(`${home}\0${key}`);
  if (seen !== undefined) return seen;
  let job: string | null = null;
  try {
    const variables = readFileSync(path.join(folder, 'environ'), 'utf8').split('\0');
    const value = (name: string) => variables.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    if (value(HOME_MARK) === home) job = value(JOB_MARK) ?? null;
    // A process between fork and exec still shows what its parent had: it is looked at again.
    if (variables.length <= 1) return null;
  } catch {
    return null;
  }
  if (known.size >= MAX_KNOWN) known.clear();
  // Of those without a mark the next program of the same process (after exec) may have one.
  if (job !== null) known.set(`${home}\0${key}`, job);
  return job;
}
