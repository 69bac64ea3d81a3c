/** When what part of a log came, from the notes of the job's shim. */
import { LOG_STREAMS, type LogStream } from './line.ts';
import type { ReadBytes } from './log-file.ts';

const READ_BYTES = 256 * 1024;
/** A moment and the size of each stream: `TIMES_RECORD_BYTES` of the protocol, whose schemas the first frame does not wait for. */
const FIELDS = 1 + LOG_STREAMS.length;
const RECORD_BYTES = 8 * FIELDS;

/** Grows with the file it reads. Times never go back, nor do sizes. */
export class LogTimes {
  #values = new Float64Array(0);
  #count = 0;

  /** False: nothing is known of any line's time (an old job, or one that has just begun). */
  get known(): boolean {
    return this.#count > 0;
  }

  /** Reads what was noted since the last call; true when anything was. */
  async refresh(read: ReadBytes): Promise<boolean> {
    const before = this.#count;
    for (;;) {
      const { bytes } = await read('times', this.#count * RECORD_BYTES, READ_BYTES);
      const records = Math.floor(bytes.length / RECORD_BYTES);
      if (records === 0) return this.#count > before;
      this.#append(bytes, records);
    }
  }

  /** When the byte at a place was first seen; 0 while no time is known at all, infinite while it was not seen yet. */
  arrival(stream: LogStream, place: number): number {
    if (this.#count === 0) return 0;
    const field = 1 + LOG_STREAMS.indexOf(stream);
    const i = this.#first((record) => this.#at(record, field) > place);
    return i === this.#count ? Number.POSITIVE_INFINITY : this.#at(i, 0);
  }

  /** How much of a stream had come at a moment, what came in that very moment included or not. */
  sizeAt(stream: LogStream, moment: number, inclusive: boolean): number {
    if (this.#count === 0) return moment > 0 || inclusive ? Number.POSITIVE_INFINITY : 0;
    if (moment === Number.POSITIVE_INFINITY && inclusive) return Number.POSITIVE_INFINITY;
    const later = this.#first((record) => (inclusive ? this.#at(record, 0) > moment : this.#at(record, 0) >= moment));
    return later === 0 ? 0 : this.#at(later - 1, 1 + LOG_STREAMS.indexOf(stream));
  }

  #at(record: number, field: number): number {
    return this.#values[record * FIELDS + field];
  }

  /** The first record of which a condition holds that holds of all later ones too. */
  #first(holds: (record: number) => boolean): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #append(bytes: Buffer, records: number): void {
    const needed = (this.#count + records) * FIELDS;
    if (needed > this.#values.length) {
      const grown = new Float64Array(Math.max(needed, 2 * this.#values.length));
      grown.set(this.#values);
      this.#values = grown;
    }
    for (let i = 0; i < records * FIELDS; i++) {
      this.#values[this.#count * FIELDS + i] = bytes.readDoubleLE(8 * i);
    }
    this.#count += records;
  }
}
