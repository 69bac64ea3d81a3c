/** Readers of Linux's /proc texts about the whole machine (proc(5)); pure. */
import type { Pressure } from './types.ts';

/** Busy and total time of a core since boot, in ticks. */
export interface CoreTime {
  readonly busy: number;
  readonly total: number;
}

/** `/proc/stat`: times by core number. Guest time is part of user time already; waiting for disks counts as idle. */
export function parseCoreTimes(text: string): Map<number, CoreTime> {
  const cores = new Map<number, CoreTime>();
  for (const line of text.split('\n')) {
    const match = /^cpu(\d+) (.+)$/.exec(line);
    if (!match) continue;
    const [user, nice, system, idle, iowait = 0, irq = 0, softirq = 0, steal = 0] = match[2]
      .trim()
      .split(/\s+/)
      .map(Number);
    const busy = user + nice + system + irq + softirq + steal;
    const total = busy + idle + iowait;
    if (Number.isFinite(total)) cores.set(Number(match[1]), { busy, total });
  }
  return cores;
}

/** Share of each core busy between two readings, by core number; a core that is new or did not tick is left out. */
export function busyShares(before: ReadonlyMap<number, CoreTime>, after: ReadonlyMap<number, CoreTime>): number[] {
  const shares: number[] = [];
  for (const [core, now] of after) {
    const then = before.get(core);
    const total = then ? now.total - then.total : 0;
    // iowait may run backwards (proc(5)): keep the share a share.
    if (then && total > 0) shares.push(Math.min(1, Math.max(0, (now.busy - then.busy) / total)));
  }
  return shares;
}

export interface MemoryReading {
  readonly totalBytes: number | null;
  readonly usedBytes: number | null;
  readonly swapUsedBytes: number | null;
}

function meminfo(text: string): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const match of text.matchAll(/^(\w+):\s+(\d+) kB$/gm)) bytes.set(match[1], Number(match[2]) * 1024);
  return bytes;
}

/** `/proc/meminfo`: the size of all swap, or null. */
export const parseSwapTotal = (text: string): number | null => meminfo(text).get('SwapTotal') ?? null;

/** `/proc/meminfo`: used is what is not available to new programs, so caches do not count. */
export function parseMemory(text: string): MemoryReading {
  const bytes = meminfo(text);
  const difference = (whole: string, part: string) => {
    const [a, b] = [bytes.get(whole), bytes.get(part)];
    return a === undefined || b === undefined ? null : a - b;
  };
  return {
    totalBytes: bytes.get('MemTotal') ?? null,
    usedBytes: difference('MemTotal', bytes.has('MemAvailable') ? 'MemAvailable' : 'MemFree'),
    swapUsedBytes: difference('SwapTotal', 'SwapFree'),
  };
}

/** `/proc/loadavg`: the one-minute load, or null. */
export function parseLoad(text: string): number | null {
  const load = Number.parseFloat(text);
  return Number.isFinite(load) ? load : null;
}

/** `/proc/loadavg`: the loads of 1, 5 and 15 minutes, or null. */
export function parseLoads(text: string): number[] | null {
  const loads = text.split(' ').slice(0, 3).map(Number.parseFloat);
  return loads.length === 3 && loads.every(Number.isFinite) ? loads : null;
}

/** `/proc/pressure/*` (PSI): shares of the last 10 seconds. The line `full` is missing for the CPU before Linux 5.13. */
export function parsePressure(text: string): Pressure | null {
  const share = (kind: string) => {
    const match = new RegExp(`^${kind} avg10=([0-9.]+)`, 'm').exec(text);
    return match ? Number(match[1]) / 100 : null;
  };
  const some = share('some');
  return some === null ? null : { some, full: share('full') };
}
