/**
 * When a job said what: its logs carry no times of their own, so its shim notes now and then how long they are. Light: the
 * shim of every job loads it.
 */
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { JobFile } from './job-files.ts';

/** Four doubles: `TIMES_RECORD_BYTES` of the protocol, whose schemas are too heavy for a shim. */
const RECORD_BYTES = 32;
/**
 * A job that has run for long is looked at less often: every 1/36,000 of its age. So the first hours are known to a quarter
 * of a second, and a month of logs needs 8 MB of records.
 */
const LOOKS_PER_AGE = 36_000;

/** Writes the records of one job. A full disk costs records, never the job. */
export class LogTimes {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #failed: (error: unknown) => void;
  readonly #startedAt: number;
  #fd: number | null = null;
  #records = 0;
  #last: readonly number[] = [0, 0, 0, 0];
  #dueAt = 0;

  /** `failed` hears why a note could not be written. */
  constructor(folder: string, now: () => number, failed: (error: unknown) => void = () => {}) {
    this.#folder = folder;
    this.#now = now;
    this.#failed = failed;
    this.#startedAt = now();
  }

  /** Notes the sizes when they have changed and it is time for a look. */
  look(): void {
    // A clock that was set back must not make later bytes older.
    const at = Math.max(this.#now(), this.#last[0]);
    if (at < this.#dueAt) return;
    this.#dueAt = at + (at - this.#startedAt) / LOOKS_PER_AGE;
    this.#note(at);
  }

  /** Notes the last sizes; to be called when nothing more comes. */
  close(): void {
    this.#note(Math.max(this.#now(), this.#last[0]));
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #note(at: number): void {
    const sizes = [JobFile.stdout, JobFile.stderr, JobFile.events].map((name, i) =>
      // A log that a program cut off begins anew; what was noted of it stays true for what follows.
      Math.max(this.#last[i + 1], statSync(path.join(this.#folder, name), { throwIfNoEntry: false })?.size ?? 0),
    );
    if (sizes.every((size, i) => size === this.#last[i + 1])) return;
    const record = Buffer.alloc(RECORD_BYTES);
    for (const [i, value] of [at, ...sizes].entries()) record.writeDoubleLE(value, 8 * i);
    try {
      this.#fd ??= openSync(path.join(this.#folder, JobFile.times), 'w', 0o600);
      // In its own place: half of a record on a full disk is written over by the next.
      if (writeSync(this.#fd, record, 0, RECORD_BYTES, RECORD_BYTES * this.#records) < RECORD_BYTES) return;
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#records++;
    this.#last = [at, ...sizes];
  }
}
