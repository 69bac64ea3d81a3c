/** What the GPUs do, through a long-lived `nvidia-smi`; the figures are unknown while none answers. */
import { parseSmiLine, QUERY } from './nvidia-smi.ts';
import { SMI_DEFAULTS, SmiChild, type SmiOptions } from './smi-child.ts';
import type { GpuSample } from './types.ts';

export type GpuMonitorOptions = SmiOptions;

export interface GpuReading {
  readonly gpus: readonly GpuSample[];
  /** Why there is no figure; null when there is one. */
  readonly problem: string | null;
}

/** Watches the GPUs from its construction until `close`. */
export class GpuMonitor {
  readonly #silenceMs: number;
  readonly #child: SmiChild;
  #seen = new Map<number, { gpu: GpuSample; fault: string | null; at: number }>();
  #problem: string | null = 'nvidia-smi has not answered yet';
  #closed = false;
  #onAnswer: (() => void)[] = [];

  constructor(options: GpuMonitorOptions = {}) {
    const all = { ...SMI_DEFAULTS, ...options };
    this.#silenceMs = all.silenceMs;
    this.#child = new SmiChild(`--query-gpu=${QUERY}`, all, {
      take: (line) => this.#take(line),
      lost: (problem) => {
        this.#seen.clear();
        this.#problem = problem;
        this.#answer();
      },
    });
  }

  /** The latest figures; those that stopped coming are left out. */
  latest(): GpuReading {
    const oldest = performance.now() - this.#silenceMs;
    const fresh = [...this.#seen.values()].filter((one) => one.at >= oldest);
    if (fresh.length === 0) {
      return { gpus: [], problem: this.#problem ?? this.#child.message ?? this.#child.silence };
    }
    const gpus = fresh.map((one) => one.gpu).sort((a, b) => a.index - b.index);
    const known = gpus.some((gpu) => gpu.utilisation !== null || gpu.memoryUsedMiB !== null);
    const fault = fresh.find((one) => one.fault)?.fault ?? 'the driver tells no figures';
    return { gpus, problem: known ? null : fault };
  }

  /** Resolves when there is a first answer: a figure, or the reason why there is none. */
  answered(): Promise<void> {
    if (this.#seen.size > 0 || this.#child.hasFailed || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#onAnswer.push(resolve));
  }

  /** Ends the child for good. */
  close(): void {
    this.#closed = true;
    this.#child.close();
    this.#answer();
  }

  #take(line: string): ReturnType<typeof takeResult> {
    const parsed = parseSmiLine(line);
    if (parsed && 'gpu' in parsed) {
      this.#seen.set(parsed.gpu.index, { ...parsed, at: performance.now() });
      this.#problem = null;
      this.#answer();
    }
    return takeResult(parsed);
  }

  #answer(): void {
    for (const resolve of this.#onAnswer.splice(0)) resolve();
  }
}

const takeResult = (parsed: ReturnType<typeof parseSmiLine>) =>
  parsed && 'gpu' in parsed ? ('figures' as const) : parsed;
