/**
 * A strict CSV splitter over bytes (RFC 4180): chunks in, records out, memory flat whatever the file holds.
 *
 * Why not a library: the reference price set (1.53 M rows, 93 MB of text) costs csv-parse 14 CPU-s, this 1; and an import
 * must go on after a broken line, name the physical line of every record and stay small before a line of any length.
 */
import { isUtf8 } from 'node:buffer';
import { isMissingToken, numberAt } from './numbers.ts';

const QUOTE = 34;
const COMMA = 44;
const LF = 10;
const CR = 13;

/** Longest record that is read; no row of market data or news comes near it. */
const MAX_RECORD_BYTES = 1 << 20;
const MAX_FIELDS = 1024;

export type RecordProblem =
  | 'line longer than 1 MiB'
  | 'quoted field is not closed'
  | 'text after a closing quote'
  | 'NUL byte'
  | 'more than 1024 fields';

export interface RecordHandler {
  /** A record: read its fields from the reader before returning. */
  record(reader: CsvReader): void;
  /** A physical line that is no record; reading goes on with the next line. */
  bad(line: number, problem: RecordProblem): void;
}

/**
 * Splits pushed chunks into records. During `handler.record` the fields of the current record are read by index;
 * nothing is turned into a string unless asked for.
 */
export class CsvReader {
  /** Number of fields of the current record. */
  count = 0;
  /** Physical line (from 1) on which the current record starts. */
  line = 1;
  /** The bytes that field offsets refer to; valid only inside `handler.record`. */
  buffer: Buffer = Buffer.alloc(0);
  readonly starts = new Int32Array(MAX_FIELDS);
  readonly ends = new Int32Array(MAX_FIELDS);
  readonly #escaped = new Uint8Array(MAX_FIELDS);

  readonly #handler: RecordHandler;
  #carry: Buffer | null = null;
  #first = true;
  #skipping = false;
  /** Line feeds inside quoted fields of the record just scanned. */
  #innerLines = 0;
  #problem: RecordProblem | null = null;

  constructor(handler: RecordHandler) {
    this.#handler = handler;
  }

  /** Takes the next bytes of the file. */
  push(chunk: Buffer): void {
    this.#consume(this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk, false);
  }

  /** The file has ended: a last line without a line feed is a record too. */
  end(): void {
    this.#consume(this.#carry ?? Buffer.alloc(0), true);
  }

  /** Text of a field without its quotes; `''` for a field beyond the record's end. */
  text(index: number): string {
    if (index >= this.count) return '';
    const text = this.buffer.toString('utf8', this.starts[index], this.ends[index]);
    return this.#escaped[index] ? text.replaceAll('""', '"') : text;
  }

  /** False when the bytes of a field are no UTF-8; `text` would hold U+FFFD in their place. */
  isUtf8(index: number): boolean {
    return isUtf8(this.buffer.subarray(this.starts[index], this.ends[index]));
  }

  /** A field as a number; NaN when it is anything else than a plain decimal number. */
  number(index: number): number {
    return numberAt(this.buffer, this.starts[index], this.ends[index]);
  }

  /** True for an empty field and for the words that vendors write in its place (`NaN`, `null`, `N/A`, `-` …). */
  missing(index: number): boolean {
    return isMissingToken(this.text(index));
  }

  #consume(buffer: Buffer, final: boolean): void {
    this.buffer = buffer;
    this.#carry = null;
    let at = 0;
    if (this.#first && buffer.length > 0) {
      if (buffer.length < 3 && !final) {
        this.#carry = buffer;
        return;
      }
      if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) at = 3; // UTF-8 byte-order mark
      this.#first = false;
    }
    const hasNul = buffer.indexOf(0) >= 0;
    while (at < buffer.length) {
      if (this.#skipping) {
        const lineEnd = buffer.indexOf(LF, at);
        if (lineEnd < 0) return;
        at = lineEnd + 1;
        this.line++;
        this.#skipping = false;
        continue;
      }
      const end = this.#scan(buffer, at, final);
      if (end < 0 && this.#problem === null) {
        if (buffer.length - at <= MAX_RECORD_BYTES) {
          this.#carry = at === 0 ? buffer : buffer.subarray(at);
          return;
        }
        // An opening quote without its partner swallows line after line: only its own line is to blame.
        this.#problem = this.#innerLines > 0 ? 'quoted field is not closed' : 'line longer than 1 MiB';
      }
      if (this.#problem !== null) {
        this.#handler.bad(this.line, this.#problem);
        this.#problem = null;
        this.#skipping = true;
        continue;
      }
      const blank = this.count === 1 && this.ends[0] === this.starts[0];
      if (!blank) {
        if (hasNul && buffer.subarray(at, end).includes(0)) this.#handler.bad(this.line, 'NUL byte');
        else this.#handler.record(this);
      }
      this.line += 1 + this.#innerLines;
      at = end;
    }
  }

  /** Finds the fields of the record at `from`; returns where the next one starts, or -1 when the buffer ends before. */
  #scan(buffer: Buffer, from: number, final: boolean): number {
    const { starts, ends } = this;
    const length = buffer.length;
    let at = from;
    let count = 0;
    this.#innerLines = 0;
    for (;;) {
      if (count === MAX_FIELDS) return this.#fail('more than 1024 fields');
      if (buffer[at] === QUOTE) {
        const close = this.#closingQuote(buffer, at + 1, count);
        if (close < 0 || (close + 1 === length && !final)) {
          this.#countInnerLines(buffer, at, length);
          return final ? this.#fail('quoted field is not closed') : -1;
        }
        starts[count] = at + 1;
        ends[count] = close;
        this.#countInnerLines(buffer, at, close);
        at = close + 1;
        if (at < length && buffer[at] !== COMMA && buffer[at] !== LF && buffer[at] !== CR) {
          return this.#fail('text after a closing quote');
        }
      } else {
        starts[count] = at;
        let byte: number;
        while (at < length && (byte = buffer[at]) !== COMMA && byte !== LF && byte !== CR) at++;
        ends[count] = at;
        this.#escaped[count] = 0;
      }
      count++;
      this.count = count;
      if (at >= length) return final ? at : -1;
      const stop = buffer[at++];
      if (stop === COMMA) continue;
      if (stop === LF) return at;
      // CR LF, or a lone CR as old exports end their lines.
      if (at === length) return final ? at : -1;
      return buffer[at] === LF ? at + 1 : at;
    }
  }

  /** Position of the quote that closes a field, or -1; notes whether the field holds doubled quotes. */
  #closingQuote(buffer: Buffer, from: number, field: number): number {
    this.#escaped[field] = 0;
    let at = from;
    for (;;) {
      at = buffer.indexOf(QUOTE, at);
      if (at < 0 || buffer[at + 1] !== QUOTE) return at;
      this.#escaped[field] = 1;
      at += 2;
    }
  }

  #countInnerLines(buffer: Buffer, from: number, to: number): void {
    for (let at = buffer.indexOf(LF, from); at >= 0 && at < to; at = buffer.indexOf(LF, at + 1)) this.#innerLines++;
  }

  #fail(problem: RecordProblem): number {
    this.#problem = problem;
    return -1;
  }
}
