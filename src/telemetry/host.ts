/** CPU, memory and disk of this machine, read once a call. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { errorCode, errorMessage } from '../platform/errors.ts';
import { busyShares, type CoreTime, parseCoreTimes, parseLoad, parseMemory } from './proc.ts';
import type { MachineSample } from './types.ts';

export interface HostReading extends Pick<MachineSample, 'cpu' | 'memory' | 'disk'> {
  /** What could not be read, and why: one line each. */
  readonly problems: readonly string[];
}

export interface HostSamplerOptions {
  /** The file system that holds this path is the one looked at; the path itself need not exist yet. */
  readonly diskPath: string;
  /** Where procfs is; another folder in tests. */
  readonly procRoot?: string;
  readonly platform?: NodeJS.Platform;
}

/** Reads the host. CPU shares are over the time since the previous call, so the first call has none. */
export class HostSampler {
  readonly #options: Required<HostSamplerOptions>;
  #before: ReadonlyMap<number, CoreTime> = new Map();
  /** One at a time: a dead network disk would hold every call for minutes. */
  #diskRead: Promise<void> | null = null;
  #disk: { totalBytes: number | null; freeBytes: number | null; problem: string | null } = {
    totalBytes: null,
    freeBytes: null,
    problem: null,
  };

  constructor(options: HostSamplerOptions) {
    this.#options = { procRoot: '/proc', platform: process.platform, ...options };
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
    await this.#readDisk();
    if (this.#disk.problem) problems.push(`disk: ${this.#disk.problem}`);
    return {
      cpu: {
        cores: times.size || os.cpus().length,
        busy: perCore.length ? perCore.reduce((sum, share) => sum + share, 0) / perCore.length : null,
        perCore,
        load1,
      },
      memory: memory ?? { totalBytes: null, usedBytes: null, swapUsedBytes: null },
      disk: { path: this.#options.diskPath, totalBytes: this.#disk.totalBytes, freeBytes: this.#disk.freeBytes },
      problems,
    };
  }

  /** Waits for the file system, but not for one that hangs: then the figures are unknown until it answers. */
  async #readDisk(): Promise<void> {
    this.#diskRead ??= diskSpace(this.#options.diskPath)
      .then((space) => void (this.#disk = { ...space, problem: null }))
      .catch((error) => void (this.#disk = unknownDisk(errorMessage(error))))
      .finally(() => (this.#diskRead = null));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, DISK_PATIENCE_MS, 'late')));
    if ((await Promise.race([this.#diskRead, patience])) === 'late') this.#disk = unknownDisk('it does not answer');
    clearTimeout(timer);
  }
}

const DISK_PATIENCE_MS = 500;

const unknownDisk = (problem: string) => ({ totalBytes: null, freeBytes: null, problem });

/** Free space is what this user may still write. */
async function diskSpace(dir: string): Promise<{ totalBytes: number; freeBytes: number }> {
  try {
    const { bsize, blocks, bavail } = await statfs(dir);
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch (error) {
    // A home that is not made yet will lie on the file system of its parent.
    const parent = path.dirname(dir);
    if (errorCode(error) === 'ENOENT' && parent !== dir) return diskSpace(parent);
    throw error;
  }
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
