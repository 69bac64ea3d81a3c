/** A gzip file that appears under its name only when it is complete. */
import { once } from 'node:events';
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip, type Gzip } from 'node:zlib';

/** Offset of the byte of a gzip header (RFC 1952) that names the operating system, and its value for "unknown". */
const OS_BYTE = 9;
const OS_UNKNOWN = 255;

export class GzipFile {
  readonly path: string;
  /** Lines given so far, by the writer's own count. */
  rows = 0;
  readonly #gzip: Gzip = createGzip();
  readonly #written: Promise<void>;

  /** Writes beside `path` until `finish`; an earlier attempt that was killed is overwritten. */
  constructor(path: string) {
    this.path = path;
    this.#written = pipeline(this.#gzip, withoutOrigin, createWriteStream(this.#part));
    this.#written.catch(() => {}); // reported by `write` or `finish`, whichever comes next
  }

  get #part(): string {
    return `${this.path}.part`;
  }

  /** Adds text that holds `rows` lines; waits while the disk is behind. */
  async write(text: string, rows: number): Promise<void> {
    this.rows += rows;
    // A pipeline that failed will never drain.
    if (!this.#gzip.write(text)) await Promise.race([once(this.#gzip, 'drain'), this.#written]);
  }

  /** Completes the file and puts it in its place. */
  async finish(): Promise<void> {
    this.#gzip.end();
    await this.#written;
    renameSync(this.#part, this.path);
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    this.#gzip.destroy();
    await this.#written.catch(() => {});
    rmSync(this.#part, { force: true });
  }
}

/** Node writes no time into the header, but the system it runs on: equal content shall be equal bytes. */
async function* withoutOrigin(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of chunks) {
    if (at <= OS_BYTE && OS_BYTE < at + chunk.length) chunk[OS_BYTE - at] = OS_UNKNOWN;
    at += chunk.length;
    yield chunk;
  }
}
