/**
 * What the log lines of a program that is not ours mean: progress, metrics, rows, failures. Its lines are followed while it
 * runs and told as events, so that it looks like a job of ours; at its end they are the verdict. Light: the shim loads it.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { ProgramEvent } from '../platform/events.ts';
import type { ScriptReading } from '../platform/program.ts';
import { JobFile, type JobSpec, type Verdict } from './job-files.ts';
import { FileTail } from './tail.ts';

/** Longer lines keep this much of their beginning, which is where a pattern looks. */
const MAX_LINE_BYTES = 16 * 1024;
/** Progress and metrics of one name are told no more often than this: a fast program prints thousands of lines a second. */
const EVENT_INTERVAL_MS = 200;

const TRACEBACK = 'Traceback (most recent call last):';

/** Reads lines one by one; pure but for the `emit` it is given. */
export class LineReader {
  readonly #progress: readonly RegExp[];
  readonly #metrics: readonly { name: string; unit: string; pattern: RegExp }[];
  readonly #rows: readonly RegExp[];
  readonly #failures: readonly { pattern: RegExp; count: 'last' | 'sum' }[];
  readonly #fatal: readonly RegExp[];
  readonly #emit: (event: ProgramEvent) => void;
  readonly #now: () => number;
  readonly #told = new Map<string, number>();
  readonly #held = new Map<string, ProgramEvent>();
  readonly #inTraceback = new Set<string>();
  #rowCount: number | null = null;
  #failureCount: number | null = null;
  #fatalLine: string | null = null;

  constructor(reading: ScriptReading, emit: (event: ProgramEvent) => void, now: () => number) {
    const compile = (pattern: string) => new RegExp(pattern);
    this.#progress = reading.progress.map(compile);
    this.#metrics = reading.metrics.map(({ pattern, ...rest }) => ({ ...rest, pattern: compile(pattern) }));
    this.#rows = reading.rows.map(compile);
    this.#failures = reading.failures.map(({ pattern, count }) => ({ pattern: compile(pattern), count }));
    this.#fatal = reading.fatal.map(compile);
    this.#emit = emit;
    this.#now = now;
  }

  /** Takes in one line of a stream (`out` or `err`). */
  push(stream: string, line: string): void {
    this.#readTraceback(stream, line);
    for (const pattern of this.#progress) {
      const { done, total, unit } = pattern.exec(line)?.groups ?? {};
      if (done === undefined) continue;
      const known = figure(total);
      this.#tell('progress', { type: 'progress', done: figure(done) ?? 0, total: known, unit: unit || 'steps' });
      break;
    }
    for (const { name, unit, pattern } of this.#metrics) {
      const value = figure(pattern.exec(line)?.groups?.value);
      if (value !== null) this.#tell(`metric ${name}`, { type: 'metric', name, value, unit });
    }
    for (const pattern of this.#rows) {
      const rows = figure(pattern.exec(line)?.groups?.rows);
      if (rows !== null) this.#rowCount = (this.#rowCount ?? 0) + rows;
    }
    for (const { pattern, count } of this.#failures) {
      const failures = figure(pattern.exec(line)?.groups?.failures);
      if (failures === null) continue;
      this.#failureCount = count === 'last' ? failures : (this.#failureCount ?? 0) + failures;
    }
    if (this.#fatal.some((pattern) => pattern.test(line))) this.#fatalLine ??= line.trim().slice(0, 300);
  }

  /** Tells what was held back, at the end. */
  flush(): void {
    for (const event of this.#held.values()) this.#emit(event);
    this.#held.clear();
  }

  /** What the lines prove so far. */
  verdict(rowsDue: boolean): Verdict {
    return {
      rows: this.#rowCount,
      failures: this.#failureCount,
      fatal: this.#fatalLine,
      rowsDue,
      status: null,
    };
  }

  /** Python prints a traceback's frames indented, and the exception as the first line that is not. */
  #readTraceback(stream: string, line: string): void {
    if (line.includes(TRACEBACK)) this.#inTraceback.add(stream);
    else if (this.#inTraceback.has(stream) && line !== '' && !/^[\s|+]/.test(line)) {
      this.#inTraceback.delete(stream);
      // The last one counts: earlier ones were caught on the way ("During handling of the above exception …").
      this.#fatalLine = line.trim().slice(0, 300);
    }
  }

  #tell(key: string, event: ProgramEvent): void {
    const now = this.#now();
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < EVENT_INTERVAL_MS) {
      this.#held.set(key, event);
      return;
    }
    this.#held.delete(key);
    this.#told.set(key, now);
    this.#emit(event);
  }
}

/** `12`, `1,234`, `61.5`; null for anything else. */
function figure(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text.replaceAll(',', '').replaceAll('_', ''));
  return text.trim() !== '' && Number.isFinite(value) ? value : null;
}

/** Follows both logs of a job and writes what they mean into its events. */
export class LogLifter {
  readonly #tails: readonly { stream: string; tail: FileTail }[];
  readonly #reader: LineReader;
  readonly #events: number;
  readonly #rowsDue: boolean;

  constructor(folder: string, spec: Pick<JobSpec, 'rowsDue'> & { readonly script: ScriptReading }, now: () => number) {
    this.#events = openSync(path.join(folder, JobFile.events), 'a', 0o600);
    this.#rowsDue = spec.rowsDue;
    this.#reader = new LineReader(spec.script, (event) => this.#write({ t: now(), ...event }), now);
    this.#tails = [
      { stream: 'out', tail: new FileTail(path.join(folder, JobFile.stdout), { maxLineBytes: MAX_LINE_BYTES }) },
      { stream: 'err', tail: new FileTail(path.join(folder, JobFile.stderr), { maxLineBytes: MAX_LINE_BYTES }) },
    ];
  }

  /** Reads what was appended since the last time. */
  read(): void {
    for (const { stream, tail } of this.#tails) tail.read((line) => this.#reader.push(stream, line));
  }

  /** Reads to the very end and gives the verdict. */
  finish(): Verdict {
    this.read();
    for (const { stream, tail } of this.#tails) {
      const last = tail.partial();
      if (last) this.#reader.push(stream, last);
    }
    this.#reader.flush();
    const verdict = this.#reader.verdict(this.#rowsDue);
    const words = [
      verdict.rows === null ? '' : `${verdict.rows} rows`,
      verdict.failures === null ? '' : `${verdict.failures} failures`,
    ];
    const summary = words.filter(Boolean).join(', ');
    if (summary) {
      this.#write({ t: Date.now(), type: 'result', status: verdict.fatal ? 'failed' : 'done', summary });
    }
    closeSync(this.#events);
    return verdict;
  }

  #write(event: object): void {
    try {
      writeSync(this.#events, `${JSON.stringify(event)}\n`);
    } catch {
      // A full disk: the figures are only for people; the verdict is kept in memory.
    }
  }
}
