/**
 * What the log lines of a program that is not ours mean: progress, metrics, rows, failures. Its lines are followed while it
 * runs and told as events, so that it looks like a job of ours; at its end they are the verdict. Light: the shim loads it.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { formatCount } from '../format/numbers.ts';
import { Exit } from '../platform/errors.ts';
import type { ProgramEvent } from '../platform/events.ts';
import type { ScriptReading } from '../platform/program.ts';
import { JobFile, type JobSpec, type Verdict } from './job-files.ts';
import { LinePattern } from './line-pattern.ts';
import { FileTail } from './tail.ts';
import { TracebackReader } from './traceback-reader.ts';

/** Longer lines keep this much of their beginning, which is where a pattern looks. */
const MAX_LINE_BYTES = 16 * 1024;
/** Progress and metrics of one name are told no more often than this: a fast program prints thousands of lines a second. */
const EVENT_INTERVAL_MS = 200;

const MAX_FATAL = 300;

/** Reads lines one by one; pure but for the `emit` it is given. */
export class LineReader {
  readonly #progress: readonly LinePattern[];
  readonly #metrics: readonly { name: string; unit: string; pattern: LinePattern }[];
  readonly #rows: readonly LinePattern[];
  readonly #failures: { readonly pattern: LinePattern; readonly count: 'last' | 'sum'; found: number | null }[];
  readonly #skipped: readonly LinePattern[];
  readonly #fatal: readonly LinePattern[];
  readonly #emit: (event: ProgramEvent) => void;
  readonly #now: () => number;
  readonly #told = new Map<string, number>();
  readonly #held = new Map<string, ProgramEvent>();
  readonly #tracebacks = new TracebackReader();
  #rowCount: number | null = null;
  #anySkipped = false;
  #fatalLine: string | null = null;

  constructor(reading: ScriptReading, emit: (event: ProgramEvent) => void, now: () => number) {
    const compile = (pattern: string) => new LinePattern(pattern);
    this.#progress = reading.progress.map(compile);
    this.#metrics = reading.metrics.map(({ pattern, ...rest }) => ({ ...rest, pattern: compile(pattern) }));
    this.#rows = reading.rows.map(compile);
    this.#failures = reading.failures.map(({ pattern, count }) => ({ pattern: compile(pattern), count, found: null }));
    this.#skipped = (reading.skipped ?? []).map(compile);
    this.#fatal = reading.fatal.map(compile);
    this.#emit = emit;
    this.#now = now;
  }

  /** Takes in one line of a stream (`out` or `err`). */
  push(stream: string, line: string): void {
    const exception = this.#tracebacks.push(stream, line);
    // The last one counts: earlier ones were caught on the way ("During handling of the above exception …").
    if (exception !== null) this.#setFatal(exception);
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
      const rows = count(pattern.exec(line)?.groups?.rows);
      if (rows !== null) this.#rowCount = (this.#rowCount ?? 0) + rows;
    }
    for (const one of this.#failures) {
      const failures = count(one.pattern.exec(line)?.groups?.failures);
      if (failures !== null) one.found = one.count === 'last' ? failures : (one.found ?? 0) + failures;
    }
    for (const pattern of this.#skipped) {
      if ((count(pattern.exec(line)?.groups?.skipped) ?? 0) > 0) this.#anySkipped = true;
    }
    if (this.#fatalLine === null && this.#fatal.some((pattern) => pattern.test(line))) this.#setFatal(line);
  }

  /** Tells what was held back and whose pause is over: the last value of a burst, when no line follows. */
  tellDue(): void {
    for (const [key, event] of this.#held) this.#tell(key, event);
  }

  /** Tells what was held back, at the end. */
  flush(): void {
    for (const event of this.#held.values()) this.#emit(event);
    this.#held.clear();
  }

  /** What the lines prove so far. */
  verdict(rowsDue: boolean): Verdict {
    const counts = this.#failures.flatMap(({ found }) => found ?? []);
    // Several patterns count the same failures (each day's, and the total): they are not added to each other.
    const failures = counts.length === 0 ? null : Math.max(...counts);
    const allThere = this.#anySkipped && !this.#rowCount && !failures;
    return {
      rows: this.#rowCount,
      failures,
      fatal: this.#fatalLine ?? this.#tracebacks.unnamed,
      rowsDue: rowsDue && !allThere,
      status: null,
    };
  }

  #setFatal(line: string): void {
    this.#fatalLine = line.trim().slice(0, MAX_FATAL);
    this.#tell('fatal', { type: 'log', level: 'error', message: this.#fatalLine });
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

/** A number of things. A figure that no count can have (negative, or beyond what is exact) is none. */
function count(text: string | undefined): number | null {
  const value = figure(text);
  return value !== null && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : null;
}

/** `12`, `1,234`, `61.5`; null for anything else. */
function figure(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null;
  const plain = Number(text);
  const value = Number.isNaN(plain) ? Number(text.replaceAll(',', '').replaceAll('_', '')) : plain;
  return Number.isFinite(value) ? value : null;
}

/** Follows both logs of a job and writes what they mean into its events. */
export class LogLifter {
  readonly #tails: readonly { stream: string; tail: FileTail }[];
  readonly #reader: LineReader;
  readonly #events: number;
  readonly #rowsDue: boolean;
  readonly #partialCode: number | null;
  readonly #now: () => number;
  readonly #failed: (error: unknown) => void;
  #torn = false;

  /** `failed` hears why an event could not be written. */
  constructor(
    folder: string,
    spec: Pick<JobSpec, 'rowsDue'> & { readonly script: ScriptReading },
    now: () => number,
    failed: (error: unknown) => void = () => {},
  ) {
    this.#failed = failed;
    this.#events = openSync(path.join(folder, JobFile.events), 'a', 0o600);
    this.#rowsDue = spec.rowsDue;
    this.#partialCode = spec.script.partialCode === undefined ? Exit.partial : spec.script.partialCode;
    this.#now = now;
    this.#reader = new LineReader(spec.script, (event) => this.#write({ t: now(), ...event }), now);
    this.#tails = [
      { stream: 'out', tail: new FileTail(path.join(folder, JobFile.stdout), { maxLineBytes: MAX_LINE_BYTES }) },
      { stream: 'err', tail: new FileTail(path.join(folder, JobFile.stderr), { maxLineBytes: MAX_LINE_BYTES }) },
    ];
  }

  /** Reads what was appended since the last time. Called again and again, whether anything was or not. */
  read(): void {
    for (const { stream, tail } of this.#tails) tail.read((line) => this.#reader.push(stream, line));
    this.#reader.tellDue();
  }

  /** Reads to the very end and gives the verdict. `told`: what the script itself said as events, which comes first. */
  finish(told: Verdict): Verdict {
    this.read();
    for (const { stream, tail } of this.#tails) {
      const last = tail.partial();
      if (last) this.#reader.push(stream, last);
    }
    this.#reader.flush();
    const lifted = this.#reader.verdict(this.#rowsDue);
    const verdict: Verdict = {
      rows: told.rows ?? lifted.rows,
      failures: told.failures ?? lifted.failures,
      fatal: lifted.fatal,
      rowsDue: told.rowsDue && lifted.rowsDue,
      status: told.status,
      partialCode: this.#partialCode,
    };
    if (told.status === null) this.#writeResult(verdict);
    closeSync(this.#events);
    return verdict;
  }

  #writeResult({ rows, failures, fatal }: Verdict): void {
    const words = [
      rows === null ? '' : `${formatCount(rows)} rows`,
      failures === null ? '' : `${formatCount(failures)} failures`,
      fatal ?? '',
    ];
    const summary = words.filter(Boolean).join(', ');
    if (!summary) return;
    const status = fatal ? 'failed' : failures ? 'partial' : 'done';
    this.#write({ t: this.#now(), type: 'result', status, summary, ...(failures === null ? {} : { failures }) });
  }

  #write(event: object): void {
    const line = Buffer.from(`${this.#torn ? '\n' : ''}${JSON.stringify(event)}\n`);
    try {
      // On a disk that is just full a part of a line may land: the next one begins on a line of its own.
      this.#torn = writeSync(this.#events, line) < line.length;
    } catch (error) {
      this.#failed(error);
      // The figures are only for people; the verdict is kept in memory.
    }
  }
}
