/**
 * The processes of a job, wherever they went: each inherits the job's mark in its environment, also one that left the
 * process group (setsid) or whose parent has ended. One that cleaned its environment is found by the session it is in, by
 * its parent, by the log that it writes to, or because it was seen as one of the job's before.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { maskText, maskWords } from '../platform/secrets.ts';

/**
 * Variables that mark the processes of a job; both, for two homes have jobs of the same id. An empty job marks what a job
 * may start but what is no part of any: a supervisor, a database server.
 */
export const JOB_MARK = 'PROMETHEUS_JOB';
export const HOME_MARK = 'PROMETHEUS_HOME';
/** The folder of the job: enough by itself, where a program has taken one of the others away. */
export const FOLDER_MARK = 'PROMETHEUS_JOB_FOLDER';

export interface TreeProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Tells it from another process with the same pid; as `processStartTime` gives it. */
  readonly startTime: number;
  /** Its command line, shortened, without passwords; the bare name of the program where that cannot be read. */
  readonly command: string;
  /** Neither its environment nor its session tells whose it is: only who saw it knows once its parent has ended. */
  readonly stray: boolean;
}

/** A process by pid and start time: the one that leads the session and group of a job's program, or one seen before. */
interface Leader {
  readonly pid: number;
  readonly startTime: number;
}

/** What is known of a job's processes beside their environments. */
export interface JobTraces {
  /** The job's program as it was recorded; null: not known. */
  readonly leader: Leader | null;
  /** Processes that were the job's when they were seen. */
  readonly seen?: readonly Leader[];
  /** Files that only the job's processes, and its shim, have as their output. */
  readonly logs?: readonly string[];
  /** Not the job's though its output goes there: a shim of a build that did not mark it as none's. */
  readonly shim?: number | null;
}

const MAX_COMMAND = 200;

/** Marks of processes already looked at, and those without one: an environment is read once for each program that runs. */
const known = new Map<string, string | null>();
const MAX_KNOWN = 20_000;
/** The same for whether it writes to the log of a job. */
const writers = new Map<string, boolean>();

/**
 * All living processes that carry a job's mark, by job id. Off Linux there are none to be found. A process of another
 * user, whose environment cannot be read, carries no mark of ours.
 */
export function markedProcesses(home: string, procRoot = '/proc'): Map<string, TreeProcess[]> {
  const found = new Map<string, TreeProcess[]>();
  for (const one of livingProcesses(procRoot)) {
    const job = jobOf(one, home, procRoot);
    if (!job) continue;
    const list = found.get(job) ?? [];
    list.push(treeProcess(one, procRoot, false));
    found.set(job, list);
  }
  return found;
}

/**
 * The living processes of one job: those that carry its mark, those of the session that its program began, those seen before,
 * those that write to its log, and whatever descends from any of these; not what is marked as another job's or as no job's.
 * Off Linux only its process group is known.
 */
export function processTree(home: string, job: string, traces: JobTraces, procRoot = '/proc'): TreeProcess[] {
  const processes = livingProcesses(procRoot);
  const { leader, seen = [], logs = [], shim = null } = traces;
  if (processes.length === 0 && leader !== null) return groupFromPs(leader);
  // The pid may belong to a stranger by now, and then so does the session that is named after it.
  const holder = processes.find((one) => one.pid === leader?.pid);
  const session = leader === null || (holder && holder.startTime !== leader.startTime) ? null : leader.pid;
  const before = new Map(seen.map((one) => [one.pid, one.startTime]));
  const marks = new Map(processes.map((one) => [one.pid, jobOf(one, home, procRoot)]));
  const isForeign = ({ pid }: ProcStat) => pid === shim || ![null, job].includes(marks.get(pid)!);
  const isNamed = (one: ProcStat) => one.session === session || marks.get(one.pid) === job;
  const found = new Map<number, ProcStat>();
  for (const one of processes) {
    if (isNamed(one)) found.set(one.pid, one);
    else if (isForeign(one)) continue;
    else if (before.get(one.pid) === one.startTime || writesTo(logs, one, procRoot)) found.set(one.pid, one);
  }
  // Children of children: until a round finds none.
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const one of processes) {
      if (!found.has(one.pid) && found.has(one.parent) && !isForeign(one)) found.set(one.pid, one);
    }
  }
  return [...found.values()].map((one) => treeProcess(one, procRoot, !isNamed(one)));
}

interface ProcStat extends Omit<TreeProcess, 'command' | 'stray'> {
  readonly name: string;
  readonly session: number;
  /** Where its environment lies: another place after exec. */
  readonly environment: string;
}

function livingProcesses(procRoot: string): ProcStat[] {
  let names: string[];
  try {
    names = readdirSync(procRoot);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && pid > 0 ? (readStat(pid, path.join(procRoot, name)) ?? []) : [];
  });
}

/** `/proc/PID/stat` (proc(5)); null for one that has ended. */
function readStat(pid: number, folder: string): ProcStat | null {
  let stat: string;
  try {
    stat = readFileSync(path.join(folder, 'stat'), 'latin1');
  } catch {
    // It has just ended.
    return null;
  }
  // The name may hold spaces and parentheses; fields are counted after its last ')'. State is field 3.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: Number(fields[19]),
    environment: `${fields[47]}-${fields[48]}`,
    name: stat.slice(stat.indexOf('(') + 1, end),
  };
}

const treeProcess = (
  { pid, parent, group, startTime, name }: ProcStat,
  procRoot: string,
  stray: boolean,
): TreeProcess => ({
  pid,
  parent,
  group,
  startTime,
  command: commandOf(path.join(procRoot, String(pid))) || name,
  stray,
});

/** Whether its output or error output goes to one of these files. Those are opened once: what is found holds until exec. */
function writesTo(logs: readonly string[], one: ProcStat, procRoot: string): boolean {
  if (logs.length === 0) return false;
  const key = `${procRoot}\0${logs[0]}\0${one.pid} ${one.startTime} ${one.environment}`;
  const seen = writers.get(key);
  if (seen !== undefined) return seen;
  const writes = [1, 2].some((fd) => {
    try {
      return logs.includes(readlinkSync(path.join(procRoot, String(one.pid), 'fd', String(fd))));
    } catch {
      // It has no such output, has just ended, or is not ours to look at.
      return false;
    }
  });
  if (writers.size >= MAX_KNOWN) writers.clear();
  writers.set(key, writes);
  return writes;
}

function commandOf(folder: string): string {
  try {
    const words = readFileSync(path.join(folder, 'cmdline'), 'utf8').split('\0');
    return maskWords(words).join(' ').trim().slice(0, MAX_COMMAND);
  } catch {
    return '';
  }
}

/** The job of this home whose mark it carries; empty for one that says that it is of none, null for one that says nothing. */
function jobOf({ pid, startTime, environment }: ProcStat, home: string, procRoot: string): string | null {
  // Between fork and exec a process shows its parent's environment. Where that lies changes with exec, so that what is
  // remembered of the parent's is not believed of the program that follows.
  const key = `${procRoot}\0${home}\0${pid} ${startTime} ${environment}`;
  const seen = known.get(key);
  if (seen !== undefined) return seen;
  let job: string | null = null;
  try {
    const variables = readFileSync(path.join(procRoot, String(pid), 'environ'), 'utf8').split('\0');
    const value = (name: string) => variables.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    const mark = value(JOB_MARK) ?? null;
    const folder = value(FOLDER_MARK) ?? '';
    if (mark === '' || (mark !== null && value(HOME_MARK) === home)) job = mark;
    else if (path.dirname(folder) === path.join(home, 'jobs')) job = path.basename(folder);
  } catch {
    return null;
  }
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(key, job);
  return job;
}

/** Without procfs: `ps`, as on macOS. */
function groupFromPs(leader: Leader): TreeProcess[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat=,lstart=,command='], {
    encoding: 'utf8',
    env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
  });
  const processes = parsePs(stdout ?? '');
  const holder = processes.find((one) => one.pid === leader.pid);
  if (holder && holder.startTime !== leader.startTime) return [];
  return processes.filter((one) => one.group === leader.pid);
}

/** Lines of `ps -o pid=,ppid=,pgid=,stat=,lstart=,command=` with times in UTC; zombies are left out. */
export function parsePs(text: string): TreeProcess[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\S+\s+[\d:]+\s+\d+)\s+(.*)$/.exec(line);
    if (!match || match[4].startsWith('Z')) return [];
    const [pid, parent, group] = match.slice(1, 4).map(Number);
    const startTime = Date.parse(`${match[5]} UTC`);
    const command = maskText(match[6].trim()).slice(0, MAX_COMMAND);
    return [{ pid, parent, group, startTime, command, stray: false }];
  });
}
