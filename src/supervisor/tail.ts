/** Following files that grow: reads only what was appended, in bounded memory, whatever the bytes are. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const NEWLINE = 10;
const RETURN = 13;

/**
 * Bytes to lines. A carriage return starts the line over, as on a terminal, so that a progress bar stays one line; a line
 * longer than `maxBytes` keeps its beginning and says how much is left out; broken UTF-8 becomes replacement characters.
 */
export class LineAssembler {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #kept = 0;
  #dropped = 0;
  #returned = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes bytes in; calls back once a finished line, without its newline, and where in `bytes` that newline is. */
  push(bytes: Buffer, onLine: (line: string, newline: number) => void): void {
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, at);
      if (end === -1) break;
      const segment = bytes.subarray(at, end);
      if (this.#isPlain(segment)) onLine(segment.toString('utf8'), end);
      else {
        this.#append(segment);
        onLine(this.#text(), end);
        this.reset();
      }
      at = end + 1;
    }
    this.#append(bytes.subarray(at));
  }

  /** What has come since the last newline; empty when nothing has. */
  partial(): string {
    return this.#text();
  }

  /** Forgets the unfinished line. */
  reset(): void {
    this.#parts = [];
    this.#kept = 0;
    this.#dropped = 0;
    this.#returned = false;
  }

  /** A whole line with nothing to put together, cut or start over, as most are. */
  #isPlain(segment: Buffer): boolean {
    return this.#parts.length === 0 && !this.#returned && segment.length <= this.#maxBytes && !segment.includes(RETURN);
  }

  #append(segment: Buffer): void {
    let end = segment.length;
    while (end > 0 && segment[end - 1] === RETURN) end--;
    if (end > 0) {
      const start = segment.lastIndexOf(RETURN, end - 1) + 1;
      // What follows a return replaces what stood there; a return right before the newline replaces nothing.
      if (start > 0 || this.#returned) this.reset();
      const take = Math.min(end - start, this.#maxBytes - this.#kept);
      // A copy: the caller reuses its buffer.
      if (take > 0) this.#parts.push(Buffer.from(segment.subarray(start, start + take)));
      this.#kept += take;
      this.#dropped += end - start - take;
    }
    if (end < segment.length) this.#returned = true;
  }

  #text(): string {
    if (this.#kept === 0) return '';
    const bytes = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    if (this.#dropped === 0) return bytes.toString('utf8');
    // In stream mode a character that the cut went through is left out.
    return `${new TextDecoder().decode(bytes, { stream: true })} … (+${this.#dropped} bytes)`;
  }
}

/** Shared by all tails: reading is synchronous, and nothing of it is kept. */
const CHUNK = Buffer.allocUnsafe(64 * 1024);

export interface TailOptions {
  /** Begin this far before the end of what is there; the first, cut line is left out. All of it when absent. */
  readonly lastBytes?: number;
  /** Begin here, which is the start of a line; a file that is shorter is read from its start. */
  readonly from?: number;
  /** Read at most this much at once; what is in between is skipped. No limit when absent. */
  readonly maxBytesPerRead?: number;
  readonly maxLineBytes?: number;
}

/** Place of the first newline or return, or -1. */
function firstEnd(bytes: Buffer): number {
  const [newline, back] = [bytes.indexOf(NEWLINE), bytes.indexOf(RETURN)];
  return newline === -1 || back === -1 ? Math.max(newline, back) : Math.min(newline, back);
}

/** Follows one file by lines. A file that is not there yet is empty; one that shrank is read from its start. */
export class FileTail {
  readonly #file: string;
  readonly #options: TailOptions;
  readonly #lines: LineAssembler;
  #offset: number | null = null;
  #lineStart = 0;
  /** Bytes up to the next newline (or return) belong to a line whose beginning was skipped. */
  #cut = false;

  constructor(file: string, options: TailOptions = {}) {
    this.#file = file;
    this.#options = options;
    this.#lines = new LineAssembler(options.maxLineBytes ?? 8192);
    if (options.from) this.#offset = this.#lineStart = options.from;
  }

  /**
   * Reads what was appended since the last call; true when there was anything. Each line is told with the place of its
   * newline in the file; `onSkip` tells bytes left unread.
   */
  read(onLine: (line: string, newline: number) => void, onSkip?: (bytes: number) => void): boolean {
    let fd: number;
    try {
      // Not to wait for a writer, should a named pipe stand where the file belongs.
      fd = openSync(this.#file, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      return false;
    }
    try {
      return this.#readFrom(fd, onLine, onSkip);
    } catch {
      // The disk fails or the file goes away: what was read so far stays, and the next call tries again.
      return false;
    } finally {
      closeSync(fd);
    }
  }

  /** Where in the file the first line begins that has not been told. */
  get lineStart(): number {
    return this.#lineStart;
  }

  /** The line that has no newline yet. */
  partial(): string {
    return this.#cut ? '' : this.#lines.partial();
  }

  #readFrom(fd: number, onLine: (line: string, newline: number) => void, onSkip?: (bytes: number) => void): boolean {
    const size = fstatSync(fd).size;
    const { lastBytes, maxBytesPerRead } = this.#options;
    if (this.#offset === null) {
      this.#offset = 0;
      if (lastBytes !== undefined && size > lastBytes) this.#skipTo(size - lastBytes);
    }
    if (size < this.#offset) {
      this.#offset = 0;
      this.#lineStart = 0;
      this.#cut = false;
      this.#lines.reset();
    }
    if (size === this.#offset) return false;
    if (maxBytesPerRead !== undefined && size - this.#offset > maxBytesPerRead) {
      onSkip?.(size - maxBytesPerRead - this.#offset);
      this.#skipTo(size - maxBytesPerRead);
    }
    // Up to the size seen above: a file that grows as fast as we read does not hold us here.
    while (this.#offset < size) {
      const got = readSync(fd, CHUNK, 0, Math.min(CHUNK.length, size - this.#offset), this.#offset);
      if (got === 0) break;
      const newline = CHUNK.lastIndexOf(NEWLINE, got - 1);
      if (newline !== -1) this.#lineStart = this.#offset + newline + 1;
      const from = this.#offset;
      this.#offset += got;
      this.#take(CHUNK.subarray(0, got), from, onLine);
    }
    return true;
  }

  #take(bytes: Buffer, from: number, onLine: (line: string, newline: number) => void): void {
    if (this.#cut) {
      const end = firstEnd(bytes);
      if (end === -1) return;
      this.#cut = false;
      bytes = bytes.subarray(end + 1);
      from += end + 1;
    }
    this.#lines.push(bytes, (line, newline) => onLine(line, from + newline));
  }

  #skipTo(offset: number): void {
    this.#lines.reset();
    this.#offset = offset;
    this.#cut = true;
  }
}
