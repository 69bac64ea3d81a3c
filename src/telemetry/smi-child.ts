/**
 * One long-lived `nvidia-smi` child (starting one a second would cost more than all other telemetry). A watchdog ends a
 * child that falls silent, as it does when a driver hangs; another one is started after a pause that grows.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { errorCode, errorMessage } from '../platform/errors.ts';

export interface SmiOptions {
  /** Found on PATH. */
  readonly command?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly intervalMs?: number;
  /** A child that says nothing for so long is ended. */
  readonly silenceMs?: number;
  /** Wait before the next child; doubles with every failure up to the longest. */
  readonly backOffMs?: { readonly first: number; readonly longest: number };
}

export const SMI_DEFAULTS: Required<SmiOptions> = {
  command: 'nvidia-smi',
  env: process.env,
  intervalMs: 1000,
  silenceMs: 5000,
  backOffMs: { first: 5000, longest: 60_000 },
};

export interface SmiReader {
  /**
   * Takes a line of either stream. `figures`: the child works; `message`: it says why it does not; null: an empty line.
   */
  take(line: string): 'figures' | { readonly message: string } | null;
  /** The figures are unknown from now on, for this reason. */
  lost(problem: string): void;
  /** Whether a child that has said nothing is well all the same; without it silence is a hang. */
  isWell?(child: ChildProcess): boolean;
}

const MAX_LINE = 4096;
const LAST_WORDS_MS = 200;

/** Keeps a child running from its construction until `close`. */
export class SmiChild {
  readonly #query: string;
  readonly #options: Required<SmiOptions>;
  readonly #reader: SmiReader;
  #child: ChildProcess | null = null;
  #message: string | null = null;
  #failures = 0;
  #watchdog: NodeJS.Timeout | null = null;
  #restart: NodeJS.Timeout | null = null;
  #closed = false;

  /** `query` is the option that says what is asked: `--query-gpu=…`. */
  constructor(query: string, options: Required<SmiOptions>, reader: SmiReader) {
    this.#query = query;
    this.#options = options;
    this.#reader = reader;
    this.#start();
  }

  get hasFailed(): boolean {
    return this.#failures > 0;
  }

  /** What the child said last that was no figure, since it was started. */
  get message(): string | null {
    return this.#message;
  }

  get silence(): string {
    return `nvidia-smi has said nothing for ${this.#options.silenceMs / 1000} s`;
  }

  /** Ends the child for good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#watchdog ?? undefined);
    clearTimeout(this.#restart ?? undefined);
    this.#child?.kill('SIGKILL');
  }

  #start(): void {
    const { command, env, intervalMs } = this.#options;
    const args = [this.#query, '--format=csv,noheader,nounits', '-lms', String(intervalMs)];
    this.#message = null;
    let child: ChildProcess;
    try {
      child = spawn(command, args, { env: { ...env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      // E.g. no process can be made just now. The owner has not seen its constructor return yet.
      queueMicrotask(() => this.#failed(errorMessage(error)));
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
    if (this.#closed) return;
    const taken = this.#reader.take(line);
    if (taken === null) return;
    this.#feedWatchdog();
    if (taken === 'figures') this.#failures = 0;
    else this.#message = taken.message.slice(0, 200);
  }

  #ended(child: ChildProcess, absent: boolean, code: number | null = null): void {
    if (this.#child !== child) return;
    this.#child = null;
    clearTimeout(this.#watchdog ?? undefined);
    if (this.#closed) return;
    this.#failed(this.#message ?? `nvidia-smi ended${code === null ? '' : ` with exit code ${code}`}`, absent);
  }

  #failed(problem: string, forGood = false): void {
    if (this.#closed) return;
    const { first, longest } = this.#options.backOffMs;
    const pause = Math.min(longest, first * 2 ** this.#failures++);
    // A machine without the tool does not get it while we run.
    if (!forGood) this.#restart = setTimeout(() => this.#start(), pause).unref();
    this.#reader.lost(problem);
  }

  #feedWatchdog(): void {
    clearTimeout(this.#watchdog ?? undefined);
    this.#watchdog = setTimeout(() => {
      if (this.#child && this.#reader.isWell?.(this.#child)) {
        this.#failures = 0;
        this.#feedWatchdog();
        return;
      }
      this.#message = this.silence;
      this.#reader.lost(this.silence);
      this.#child?.kill('SIGKILL');
    }, this.#options.silenceMs).unref();
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
