/**
 * GPUs through one long-lived `nvidia-smi` child (starting one a second would cost more than all other telemetry). A
 * watchdog ends a child that falls silent, as it does when a driver hangs; the figures are unknown until one answers again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { errorCode, errorMessage } from '../platform/errors.ts';
import { parseSmiLine, QUERY } from './nvidia-smi.ts';
import type { GpuSample } from './types.ts';

export interface GpuMonitorOptions {
  /** Found on PATH. */
  readonly command?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly intervalMs?: number;
  /** A child that says nothing for so long is ended. */
  readonly silenceMs?: number;
  /** Wait before the next child; doubles with every failure up to the longest. */
  readonly backOffMs?: { readonly first: number; readonly longest: number };
}

export interface GpuReading {
  readonly gpus: readonly GpuSample[];
  /** Why there is no figure; null when there is one. */
  readonly problem: string | null;
}

const MAX_LINE = 4096;
const LAST_WORDS_MS = 200;

/** Watches the GPUs from its construction until `close`. */
export class GpuMonitor {
  readonly #options: Required<GpuMonitorOptions>;
  #child: ChildProcess | null = null;
  #seen = new Map<number, { gpu: GpuSample; fault: string | null; at: number }>();
  #message: string | null = null;
  #problem: string | null = 'nvidia-smi has not answered yet';
  #failures = 0;
  #watchdog: NodeJS.Timeout | null = null;
  #restart: NodeJS.Timeout | null = null;
  #closed = false;
  #onAnswer: (() => void)[] = [];

  constructor(options: GpuMonitorOptions = {}) {
    this.#options = {
      command: 'nvidia-smi',
      env: process.env,
      intervalMs: 1000,
      silenceMs: 5000,
      backOffMs: { first: 5000, longest: 60_000 },
      ...options,
    };
    this.#start();
  }

  /** The latest figures; those that stopped coming are left out. */
  latest(): GpuReading {
    const oldest = performance.now() - this.#options.silenceMs;
    const fresh = [...this.#seen.values()].filter((one) => one.at >= oldest);
    if (fresh.length === 0) return { gpus: [], problem: this.#problem ?? this.#message ?? this.#silence() };
    const gpus = fresh.map((one) => one.gpu).sort((a, b) => a.index - b.index);
    const known = gpus.some((gpu) => gpu.utilisation !== null || gpu.memoryUsedMiB !== null);
    const fault = fresh.find((one) => one.fault)?.fault ?? 'the driver tells no figures';
    return { gpus, problem: known ? null : fault };
  }

  /** Resolves when there is a first answer: a figure, or the reason why there is none. */
  answered(): Promise<void> {
    if (this.#seen.size > 0 || this.#failures > 0 || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#onAnswer.push(resolve));
  }

  /** Ends the child for good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#watchdog ?? undefined);
    clearTimeout(this.#restart ?? undefined);
    this.#child?.kill('SIGKILL');
    this.#answer();
  }

  #start(): void {
    const { command, env, intervalMs } = this.#options;
    const args = [`--query-gpu=${QUERY}`, '--format=csv,noheader,nounits', '-lms', String(intervalMs)];
    this.#message = null;
    let child: ChildProcess;
    try {
      child = spawn(command, args, { env: { ...env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      // E.g. no process can be made just now.
      this.#failed(errorMessage(error));
      return;
    }
    this.#child = child;
    let absent = false;
    child.on('error', (error) => {
      absent = errorCode(error) === 'ENOENT' || errorCode(error) === 'EACCES';
      this.#message = absent ? 'no nvidia-smi on this machine' : errorMessage(error);
      // A child that never existed has no exit.
      if (child.pid === undefined) this.#ended(child, absent);
    });
    // Only once it is really gone is another one started: a child stuck in the driver must not be joined by more.
    // Its last words, which say what went wrong, may arrive after its exit.
    child.on('exit', (code) => setTimeout(() => this.#ended(child, absent, code), LAST_WORDS_MS).unref());
    child.on('close', (code) => this.#ended(child, absent, code));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('error', () => {});
      lines(stream, (line) => child === this.#child && this.#take(line));
    }
    this.#feedWatchdog();
  }

  #take(line: string): void {
    const parsed = parseSmiLine(line);
    if (!parsed || this.#closed) return;
    this.#feedWatchdog();
    if ('message' in parsed) {
      this.#message = parsed.message.slice(0, 200);
      return;
    }
    this.#seen.set(parsed.gpu.index, { ...parsed, at: performance.now() });
    this.#failures = 0;
    this.#problem = null;
    this.#answer();
  }

  #ended(child: ChildProcess, absent: boolean, code: number | null = null): void {
    if (this.#child !== child) return;
    this.#child = null;
    clearTimeout(this.#watchdog ?? undefined);
    if (this.#closed) return;
    this.#failed(this.#message ?? `nvidia-smi ended${code === null ? '' : ` with exit code ${code}`}`, absent);
  }

  #failed(problem: string, forGood = false): void {
    this.#seen.clear();
    this.#problem = problem;
    const { first, longest } = this.#options.backOffMs;
    const pause = Math.min(longest, first * 2 ** this.#failures++);
    // A machine without the tool does not get it while we run.
    if (!forGood) this.#restart = setTimeout(() => this.#start(), pause).unref();
    this.#answer();
  }

  #feedWatchdog(): void {
    clearTimeout(this.#watchdog ?? undefined);
    this.#watchdog = setTimeout(() => {
      this.#message = this.#silence();
      this.#problem = this.#message;
      this.#seen.clear();
      this.#child?.kill('SIGKILL');
      this.#answer();
    }, this.#options.silenceMs).unref();
  }

  #silence(): string {
    return `nvidia-smi has said nothing for ${this.#options.silenceMs / 1000} s`;
  }

  #answer(): void {
    for (const resolve of this.#onAnswer.splice(0)) resolve();
  }
}

function lines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!.slice(0, MAX_LINE);
    for (const part of parts) onLine(part);
  });
}
