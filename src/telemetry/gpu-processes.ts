/**
 * Who computes on the GPUs, through a second long-lived `nvidia-smi`. It prints a line for each process and nothing when
 * there is none, so its silence alone proves nothing: a silent child is well as long as it keeps waking up.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { APPS_QUERY, parseAppLine, parseGpuList } from './nvidia-smi.ts';
import { SMI_DEFAULTS, SmiChild, type SmiOptions } from './smi-child.ts';
import type { GpuProcess } from './types.ts';

export interface GpuProcessReading {
  /** By index of the GPU. */
  readonly processes: ReadonlyMap<number, readonly GpuProcess[]>;
  /** Why they are not known; null when they are. */
  readonly problem: string | null;
}

/** GPU memory of some processes, in MiB; 0 when none of them computes there, null when the driver does not tell of one. */
export function gpuMemoryOf(computing: readonly GpuProcess[], pids: readonly number[]): number | null {
  const own = computing.filter((process) => pids.includes(process.pid));
  if (own.some((process) => process.memoryMiB === null)) return null;
  return own.reduce((sum, process) => sum + process.memoryMiB!, 0);
}

/** Lines of a process come once an interval; so many may be missing before it counts as gone. */
const MISSED = 2.5;
const LIST_TIMEOUT_MS = 10_000;

/** Watches from its construction until `close`. */
export class GpuProcessMonitor {
  readonly #options: Required<SmiOptions>;
  readonly #child: SmiChild;
  /** By `uuid pid`. */
  readonly #seen = new Map<string, { readonly gpuUuid: string; readonly process: GpuProcess; readonly at: number }>();
  #indices = new Map<string, number>();
  #listing: Promise<void> | null = null;
  #listedAt = Number.NEGATIVE_INFINITY;
  #problem: string | null = null;
  #wakeUps: string | null = null;

  constructor(options: SmiOptions = {}) {
    this.#options = { ...SMI_DEFAULTS, ...options };
    this.#child = new SmiChild(`--query-compute-apps=${APPS_QUERY}`, this.#options, {
      take: (line) => this.#take(line),
      lost: (problem) => {
        this.#seen.clear();
        this.#problem = problem;
      },
      isWell: (child) => this.#isWell(child),
    });
  }

  /** Who computed within the last few intervals. */
  latest(): GpuProcessReading {
    const processes = new Map<number, GpuProcess[]>();
    if (this.#problem) return { processes, problem: this.#problem };
    const oldest = performance.now() - MISSED * this.#options.intervalMs;
    let unknown = false;
    for (const [key, { gpuUuid, process, at }] of this.#seen) {
      if (at < oldest) {
        this.#seen.delete(key);
        continue;
      }
      const index = this.#indices.get(gpuUuid);
      if (index === undefined) unknown = true;
      else processes.set(index, [...(processes.get(index) ?? []), process]);
    }
    return { processes, problem: unknown ? 'nvidia-smi -L does not tell which GPU has which UUID' : null };
  }

  /** Ends the child for good. */
  close(): void {
    this.#child.close();
  }

  #take(line: string): 'figures' | { readonly message: string } | null {
    const parsed = parseAppLine(line);
    if (!parsed) return null;
    if ('message' in parsed) {
      if (!parsed.none) return parsed;
      this.#problem = null;
      return 'figures';
    }
    this.#problem = null;
    this.#seen.set(`${parsed.gpuUuid} ${parsed.process.pid}`, { ...parsed, at: performance.now() });
    if (!this.#indices.has(parsed.gpuUuid)) this.#list();
    return 'figures';
  }

  /** Learns the indices of the GPUs; not again before the longest pause, when one is not in the list. */
  #list(): void {
    const now = performance.now();
    if (this.#listing || now - this.#listedAt < this.#options.backOffMs.longest) return;
    this.#listedAt = now;
    const { command, env } = this.#options;
    this.#listing = promisify(execFile)(command, ['-L'], {
      env: { ...env, LC_ALL: 'C' },
      timeout: LIST_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
      .then(({ stdout }) => void (this.#indices = parseGpuList(stdout)))
      // The reading says that they are unknown; the watched child says why.
      .catch(() => {})
      .finally(() => (this.#listing = null));
  }

  /** A child that waits for its next look wakes up for it; one that hangs in the driver does not. */
  #isWell(child: ChildProcess): boolean {
    let wakeUps: string | null = null;
    try {
      wakeUps =
        /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1] ?? null;
    } catch {
      // Without procfs nothing tells, and without a sign of life it counts as hanging.
    }
    const well = wakeUps !== null && wakeUps !== this.#wakeUps;
    this.#wakeUps = wakeUps;
    if (well) this.#problem = null;
    return well;
  }
}
