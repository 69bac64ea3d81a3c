/** Lines of JSON over a socket: whole lines in, whole lines out, and an end to what is too long. */

/** A snapshot of thousands of jobs fits many times over; more than this in one line is no message of ours. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

const NEWLINE = 10;

/** Cuts a stream of bytes into lines. A character may be split between two chunks. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #size = 0;

  constructor(onLine: (line: string) => void, maxBytes = MAX_LINE_BYTES) {
    this.#onLine = onLine;
    this.#maxBytes = maxBytes;
  }

  /** Takes bytes in. Returns false when a line is too long: the peer does not speak this protocol. */
  push(bytes: Buffer): boolean {
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, at);
      if (end === -1) break;
      this.#parts.push(bytes.subarray(at, end));
      const line = Buffer.concat(this.#parts).toString('utf8');
      this.#parts = [];
      this.#size = 0;
      at = end + 1;
      if (line) this.#onLine(line);
    }
    const rest = bytes.subarray(at);
    this.#parts.push(rest);
    this.#size += rest.length;
    return this.#size <= this.#maxBytes;
  }
}

/** The value in a line, or undefined when it is not JSON. */
export function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
