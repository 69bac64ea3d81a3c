/** CPU, memory, disks and network of this machine, read once a call. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { errorMessage } from '../platform/errors.ts';
import { type DiskPath, DiskSampler } from './disks.ts';
import { NetworkSampler } from './network.ts';
import {
  busyShares,
  type CoreTime,
  parseCoreTimes,
  parseLoad,
  parseLoads,
  parseMemory,
  parsePressure,
  parseSwapTotal,
} from './proc.ts';
import type { MachineSample, PressureSample } from './types.ts';

type HostParts = 'cpu' | 'memory' | 'disk' | 'load' | 'swap' | 'pressure' | 'disks' | 'network';

export interface HostReading extends Required<Pick<MachineSample, HostParts>> {
  /** What could not be read, and why: one line each. */
  readonly problems: readonly string[];
}

export interface HostSamplerOptions {
  /** The file system that holds this path is the one looked at; the path itself need not exist yet. */
  readonly diskPath: string;
  /** Further folders whose disks are looked at: data directories. */
  readonly moreDisks?: readonly DiskPath[];
  /** Where procfs and sysfs are; other folders in tests. */
  readonly procRoot?: string;
  readonly sysRoot?: string;
  readonly platform?: NodeJS.Platform;
}

/** Reads the host. CPU shares are over the time since the previous call, so the first call has none. */
export class HostSampler {
  readonly #options: Required<HostSamplerOptions>;
  #before: ReadonlyMap<number, CoreTime> = new Map();
  readonly #disks: DiskSampler;
  readonly #network: NetworkSampler;

  constructor(options: HostSamplerOptions) {
    this.#options = { moreDisks: [], procRoot: '/proc', sysRoot: '/sys', platform: process.platform, ...options };
    const { diskPath, moreDisks, procRoot, sysRoot, platform } = this.#options;
    const proc = platform === 'linux' ? procRoot : null;
    this.#disks = new DiskSampler([{ name: 'home', path: diskPath }, ...moreDisks], proc);
    this.#network = new NetworkSampler(proc, sysRoot);
  }

  async read(): Promise<HostReading> {
    const problems: string[] = [];
    const attempt = <T>(what: string, work: () => T): T | null => {
      try {
        return work();
      } catch (error) {
        problems.push(`${what}: ${errorMessage(error)}`);
        return null;
      }
    };
    const linux = this.#options.platform === 'linux';
    const proc = (name: string) => readFileSync(path.join(this.#options.procRoot, name), 'utf8');
    const times =
      attempt('CPU', () => nonEmpty(linux ? parseCoreTimes(proc('stat')) : portableCoreTimes())) ?? new Map();
    const perCore = busyShares(this.#before, times);
    this.#before = times;
    const load1 = attempt('load', () => (linux ? parseLoad(proc('loadavg')) : os.loadavg()[0]));
    const memory = attempt('memory', () => (linux ? parseMemory(proc('meminfo')) : portableMemory()));
    const disks = await this.#disks.read();
    const [{ totalBytes, freeBytes, problem }] = disks;
    if (totalBytes === null && problem) problems.push(`disk: ${problem}`);
    return {
      cpu: {
        cores: times.size || os.cpus().length,
        busy: perCore.length ? perCore.reduce((sum, share) => sum + share, 0) / perCore.length : null,
        perCore,
        load1,
      },
      memory: memory ?? { totalBytes: null, usedBytes: null, swapUsedBytes: null },
      disk: { path: this.#options.diskPath, totalBytes, freeBytes },
      load: linux ? silently(() => parseLoads(proc('loadavg'))) : os.loadavg(),
      swap: {
        totalBytes: linux ? silently(() => parseSwapTotal(proc('meminfo'))) : null,
        usedBytes: memory?.swapUsedBytes ?? null,
      },
      pressure: linux ? readPressure(proc) : null,
      disks,
      network: this.#network.read(),
      problems,
    };
  }
}

/** For figures whose failure is told already, or is none: a kernel without them. */
function silently<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

function readPressure(proc: (name: string) => string): PressureSample | null {
  const [cpu, memory, io] = ['cpu', 'memory', 'io'].map((name) =>
    silently(() => parsePressure(proc(`pressure/${name}`))),
  );
  return cpu || memory || io ? { cpu, memory, io } : null;
}

function nonEmpty(times: Map<number, CoreTime>): Map<number, CoreTime> {
  if (times.size === 0) throw new Error('this system does not tell CPU times');
  return times;
}

function portableCoreTimes(): Map<number, CoreTime> {
  return new Map(
    os.cpus().map(({ times: { user, nice, sys, idle, irq } }, core) => {
      const busy = user + nice + sys + irq;
      return [core, { busy, total: busy + idle }];
    }),
  );
}

const portableMemory = () => ({
  totalBytes: os.totalmem(),
  usedBytes: os.totalmem() - os.freemem(),
  swapUsedBytes: null,
});
