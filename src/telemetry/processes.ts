/** What sets of processes use: CPU, memory, IO, threads, open files. Linux only; elsewhere nothing is known. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseAuxv, parsePidIo, parsePidStat, parseStatm, type SystemUnits } from './proc-pid.ts';
import type { ProcessUsage } from './types.ts';

/** Processes that belong together, as a job's do. */
export interface ProcessGroup {
  readonly id: string;
  readonly pids: readonly number[];
  /** Only processes of this name count: a pid told by a server in a container is a stranger's here. */
  readonly command?: string;
}

interface Reading {
  readonly command: string;
  readonly startTicks: number;
  readonly cpuTicks: number;
  readonly threads: number;
  readonly memory: { readonly resident: number; readonly shared: number } | null;
  /** Null for the processes of another user. */
  readonly io: { readonly readBytes: number; readonly writeBytes: number } | null;
  readonly files: number | null;
}

interface Moment {
  /** Seconds of a clock that never jumps. */
  readonly at: number;
  /** Ticks since boot, as start times count; infinite when not known, so that nothing seems to have started since. */
  readonly bootTicks: number;
  readonly readings: ReadonlyMap<number, Reading>;
}

export interface ProcessSamplerOptions {
  /** Where procfs is; another folder in tests. */
  readonly procRoot?: string;
  /** Milliseconds of a clock that never jumps. */
  readonly clock?: () => number;
  readonly units?: SystemUnits;
}

/**
 * Samples groups of processes. CPU and IO are over the time since the previous call: what a process did before it ended
 * between two calls is not seen, what a process did that started between them is.
 */
export class ProcessSampler {
  readonly #root: string;
  readonly #clock: () => number;
  readonly #units: SystemUnits | null;
  #before: Moment | null = null;

  constructor(options: ProcessSamplerOptions = {}) {
    this.#root = options.procRoot ?? '/proc';
    this.#clock = options.clock ?? (() => performance.now());
    this.#units = options.units ?? readUnits(this.#root);
  }

  /** One usage a group, in their order. A pid that has vanished counts as nothing. */
  sample(groups: readonly ProcessGroup[]): ProcessUsage[] {
    const readings = new Map<number, Reading>();
    for (const pid of new Set(groups.flatMap((group) => group.pids))) {
      const reading = this.#read(pid);
      if (reading) readings.set(pid, reading);
    }
    const now: Moment = { at: this.#clock() / 1000, bootTicks: this.#bootTicks(), readings };
    const before = this.#before;
    this.#before = now;
    return groups.map((group) => usageOf(group, before, now, this.#units));
  }

  #read(pid: number): Reading | null {
    const stat = parsePidStat(this.#text(pid, 'stat') ?? '');
    if (!stat) return null;
    return {
      command: stat.command,
      startTicks: stat.startTicks,
      cpuTicks: stat.cpuTicks,
      threads: stat.threads,
      memory: parseStatm(this.#text(pid, 'statm') ?? ''),
      io: parsePidIo(this.#text(pid, 'io') ?? ''),
      files: this.#countFiles(pid),
    };
  }

  #text(pid: number, name: string): string | null {
    try {
      return readFileSync(`${this.#root}/${pid}/${name}`, 'utf8');
    } catch {
      // It has ended, or is not ours to look at.
      return null;
    }
  }

  #bootTicks(): number {
    try {
      const seconds = Number.parseFloat(readFileSync(`${this.#root}/uptime`, 'utf8'));
      return this.#units && Number.isFinite(seconds) ? seconds * this.#units.ticksPerSecond : Number.POSITIVE_INFINITY;
    } catch {
      return Number.POSITIVE_INFINITY;
    }
  }

  #countFiles(pid: number): number | null {
    const folder = `${this.#root}/${pid}/fd`;
    try {
      // Since Linux 6.2 the size of the folder is the count; a process always has some, so 0 is an older kernel.
      return statSync(folder).size || readdirSync(folder).length;
    } catch {
      return null;
    }
  }
}

function usageOf(
  { pids, command }: ProcessGroup,
  before: Moment | null,
  now: Moment,
  units: SystemUnits | null,
): ProcessUsage {
  const present = [...new Set(pids)].filter((pid) => {
    const reading = now.readings.get(pid);
    return reading && (command === undefined || reading.command === command);
  });
  const readings = present.map((pid) => now.readings.get(pid)!);
  const seconds = before ? now.at - before.at : 0;
  const earlier = (pid: number): Reading | null => {
    const then = before?.readings.get(pid);
    return then?.startTicks === now.readings.get(pid)!.startTicks ? then : null;
  };
  /** Growth of a counter over the group, a second. */
  const growth = (counter: (reading: Reading) => number | null): number | null => {
    if (!(seconds > 0) || readings.length === 0) return null;
    let sum = 0;
    let known = false;
    for (const pid of present) {
      const after = counter(now.readings.get(pid)!);
      if (after === null) continue;
      const then = earlier(pid);
      // A process that we only hear of late has a past that is not of this stretch.
      const isNew = now.readings.get(pid)!.startTicks >= before!.bootTicks;
      const base = then ? counter(then) : isNew ? 0 : after;
      if (base === null) continue;
      sum += Math.max(0, after - base);
      known = true;
    }
    return known ? sum / seconds : null;
  };
  const ticks = units && growth((reading) => reading.cpuTicks);
  return {
    processes: present.length,
    cpuCores: units && ticks !== null ? ticks / units.ticksPerSecond : null,
    memoryBytes: units && memoryPages(readings, units.pageBytes),
    readBytesPerSecond: growth((reading) => reading.io?.readBytes ?? null),
    writeBytesPerSecond: growth((reading) => reading.io?.writeBytes ?? null),
    threads: readings.length ? readings.reduce((sum, reading) => sum + reading.threads, 0) : null,
    files: sumKnown(readings.map((reading) => reading.files)),
  };
}

/** Private pages of all, and the shared ones of the process that has most: its workers share the same. */
function memoryPages(readings: readonly Reading[], pageBytes: number): number | null {
  const known = readings.map((reading) => reading.memory).filter((memory) => memory !== null);
  if (known.length === 0) return null;
  const own = known.reduce((sum, { resident, shared }) => sum + resident - shared, 0);
  return (own + Math.max(...known.map(({ shared }) => shared))) * pageBytes;
}

function sumKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) : null;
}

function readUnits(root: string): SystemUnits | null {
  try {
    return parseAuxv(readFileSync(path.join(root, 'self/auxv')));
  } catch {
    return null;
  }
}
