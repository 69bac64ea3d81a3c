/** When what was written by a job: the notes of its shim (`log-times.ts`), read as they come. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { TIMES_RECORD_BYTES } from './protocol.ts';

const FIELDS = TIMES_RECORD_BYTES / 8;
const CHUNK_RECORDS = 4096;

export class WrittenTimes {
  readonly #file: string;
  /** Moment, then the sizes of `out`, `err` and `events`, of each note; no field ever goes back. */
  readonly #notes: number[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  /** False: nothing was noted (a job of an older version, or one that has said nothing). */
  get known(): boolean {
    return this.#notes.length > 0;
  }

  /** Takes in what was noted since the last call. */
  read(): void {
    let fd: number;
    try {
      fd = openSync(this.#file, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      return;
    }
    try {
      const bytes = Buffer.allocUnsafe(CHUNK_RECORDS * TIMES_RECORD_BYTES);
      for (;;) {
        const got = readSync(fd, bytes, 0, bytes.length, 8 * this.#notes.length);
        const fields = FIELDS * Math.floor(got / TIMES_RECORD_BYTES);
        for (let i = 0; i < fields; i++) this.#notes.push(bytes.readDoubleLE(8 * i));
        if (fields === 0) return;
      }
    } catch {
      // The disk fails: what is known stays.
    } finally {
      closeSync(fd);
    }
  }

  /** When the byte at a place of a stream was first seen; infinite while it was not seen yet. */
  seenAt(stream: 'out' | 'err', place: number): number {
    const field = stream === 'out' ? 1 : 2;
    let low = 0;
    let high = this.#notes.length / FIELDS;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#notes[middle * FIELDS + field] > place) high = middle;
      else low = middle + 1;
    }
    return this.#notes[low * FIELDS] ?? Number.POSITIVE_INFINITY;
  }
}
