/** Space and traffic of the disks that hold given folders. */
import { readFileSync, realpathSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorMessage } from '../platform/errors.ts';
import { type Mount, mountOf, parseDiskTraffic, parseMounts, rate, type Traffic } from './proc-io.ts';
import type { DiskSample } from './types.ts';

/** A folder whose disk is looked at; it need not exist yet. */
export interface DiskPath {
  readonly name: string;
  readonly path: string;
}

/** A dead network disk would hold a reading for minutes. */
const PATIENCE_MS = 500;

type Device = Traffic & { readonly device: string };

/** Reads the disks. Traffic is over the time since the previous call, so the first call has none. */
export class DiskSampler {
  readonly #spaces: readonly DiskSpace[];
  readonly #procRoot: string | null;
  #before: { readonly at: number; readonly devices: ReadonlyMap<string, Device> } | null = null;

  /** Without a `procRoot` (other systems than Linux) only space is told. */
  constructor(paths: readonly DiskPath[], procRoot: string | null) {
    this.#spaces = paths.map((one) => new DiskSpace(one));
    this.#procRoot = procRoot;
  }

  async read(): Promise<DiskSample[]> {
    const at = performance.now();
    const traffic = this.#readTraffic();
    const before = this.#before;
    this.#before = traffic.devices && { at, devices: traffic.devices };
    const seconds = before ? (at - before.at) / 1000 : 0;
    await Promise.all(this.#spaces.map((space) => space.read()));
    return this.#spaces.map(({ where, totalBytes, freeBytes, problem, real }) => {
      const device = traffic.devices && real !== null ? deviceOf(real, traffic.mounts, traffic.devices) : null;
      const then = device ? before?.devices.get(device.device) : undefined;
      return {
        name: where.name,
        path: where.path,
        device: device?.device ?? null,
        totalBytes,
        freeBytes,
        readBytesPerSecond: rate(then?.inBytes, device?.inBytes, seconds),
        writeBytesPerSecond: rate(then?.outBytes, device?.outBytes, seconds),
        problem: problem ?? traffic.problem,
      };
    });
  }

  #readTraffic(): { devices: Map<string, Device> | null; mounts: Mount[]; problem: string | null } {
    if (this.#procRoot === null) return { devices: null, mounts: [], problem: null };
    const proc = (name: string) => readFileSync(path.join(this.#procRoot!, name), 'utf8');
    try {
      return {
        devices: parseDiskTraffic(proc('diskstats')),
        mounts: parseMounts(proc('self/mountinfo')),
        problem: null,
      };
    } catch (error) {
      return { devices: null, mounts: [], problem: `traffic: ${errorMessage(error)}` };
    }
  }
}

/** By the number of the mount, or else (btrfs) by the name of its source. */
function deviceOf(real: string, mounts: readonly Mount[], devices: ReadonlyMap<string, Device>): Device | null {
  const mount = mountOf(mounts, real);
  if (!mount) return null;
  const byNumber = devices.get(mount.number);
  if (byNumber || !mount.source.startsWith('/dev/')) return byNumber ?? null;
  return devices.get(path.basename(realPath(mount.source))) ?? null;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** Space of one file system, read at most once at a time. */
class DiskSpace {
  readonly where: DiskPath;
  totalBytes: number | null = null;
  freeBytes: number | null = null;
  problem: string | null = null;
  /** The folder, or its nearest parent that exists, without links. */
  real: string | null = null;
  #reading: Promise<void> | null = null;

  constructor(where: DiskPath) {
    this.where = where;
  }

  /** Waits for the file system, but not for one that hangs: then the figures are unknown until it answers. */
  async read(): Promise<void> {
    this.#reading ??= diskSpace(this.where.path)
      .then(({ totalBytes, freeBytes, dir }) => {
        // Only after the file system has answered: looking for links would wait without end for a dead one.
        this.real ??= realPath(dir);
        this.#set(totalBytes, freeBytes, null);
      })
      .catch((error) => this.#set(null, null, errorMessage(error)))
      .finally(() => (this.#reading = null));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, 'late')));
    if ((await Promise.race([this.#reading, patience])) === 'late') this.#set(null, null, 'it does not answer');
    clearTimeout(timer);
  }

  #set(totalBytes: number | null, freeBytes: number | null, problem: string | null): void {
    this.totalBytes = totalBytes;
    this.freeBytes = freeBytes;
    this.problem = problem;
  }
}

async function diskSpace(dir: string): Promise<{ totalBytes: number; freeBytes: number; dir: string }> {
  try {
    const { bsize, blocks, bavail } = await statfs(dir);
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, dir };
  } catch (error) {
    // A home that is not made yet will lie on the file system of its parent.
    const parent = path.dirname(dir);
    if (errorCode(error) === 'ENOENT' && parent !== dir) return diskSpace(parent);
    throw error;
  }
}
