/** One file of a job's log, read by blocks as they are wanted; a few of them are kept. */
import type { LogFile as LogFileName } from '../../supervisor/reads.ts';
import { BLOCK_BYTES, firstFrom, type LineBlock, lineCount, linesOf } from './line-block.ts';

/** Bytes of a file of a job, however far away the supervisor is. */
export type ReadBytes = (
  file: LogFileName,
  offset: number,
  length: number,
) => Promise<{ readonly size: number; readonly bytes: Buffer; readonly problem: string | null }>;

/** Blocks kept of a file: enough for a window and its neighbours, and for going to and fro. */
const KEPT = 6;

export class LogFile {
  /** Why the file cannot be read, or null. */
  problem: string | null = null;
  readonly #name: LogFileName;
  readonly #read: ReadBytes;
  readonly #blockBytes: number;
  /** As much of the file as is known: what came later does not exist until the next `refresh`. */
  #size = 0;
  readonly #raw = new Map<number, Buffer>();
  readonly #lines = new Map<number, LineBlock>();

  constructor(name: LogFileName, read: ReadBytes, blockBytes = BLOCK_BYTES) {
    this.#name = name;
    this.#read = read;
    this.#blockBytes = blockBytes;
  }

  get size(): number {
    return this.#size;
  }

  get blockCount(): number {
    return Math.ceil(this.#size / this.#blockBytes);
  }

  /** Lines that begin before this place are as they will ever be, however the file grows. */
  get settled(): number {
    return Math.max(0, this.blockCount - 2) * this.#blockBytes;
  }

  blockOf(place: number): number {
    return Math.floor(place / this.#blockBytes);
  }

  /** Looks how long the file is now: `same`, `grown`, or `new` when it is shorter than it was and everything known of it is void. */
  async refresh(): Promise<'same' | 'grown' | 'new'> {
    const { size, problem } = await this.#read(this.#name, 0, 0);
    this.problem = problem;
    if (size === this.#size) return 'same';
    const before = this.#size;
    this.#size = size;
    if (size < before) {
      this.#raw.clear();
      this.#lines.clear();
      return 'new';
    }
    // Lines of the two last blocks may have ended where the file did.
    const last = Math.max(0, this.blockOf(before) - 1);
    for (const cache of [this.#raw, this.#lines]) for (const i of [...cache.keys()]) if (i >= last) cache.delete(i);
    return 'grown';
  }

  /** The lines that begin in a block, if they are here already. */
  recall(index: number): LineBlock | undefined {
    return recall(this.#lines, index);
  }

  /** The lines that begin in a block. */
  async block(index: number): Promise<LineBlock> {
    const known = recall(this.#lines, index);
    if (known) return known;
    const before = index === 0 ? null : await this.#bytes(index - 1);
    const block = await this.#bytes(index);
    const after = index + 1 < this.blockCount ? await this.#bytes(index + 1) : null;
    return keep(this.#lines, index, linesOf(index, { before, block, after }, this.#blockBytes));
  }

  /** How many lines begin in a block. */
  async lineCount(index: number): Promise<number> {
    const before = index === 0 ? null : await this.#bytes(index - 1);
    return lineCount({ before, block: await this.#bytes(index) });
  }

  /** The first place at or after `place` where a line begins; the end of the file when none does. */
  async startFrom(place: number): Promise<number> {
    for (let index = this.blockOf(place); index < this.blockCount; index++) {
      const block = await this.block(index);
      const i = firstFrom(block, place);
      if (i < block.starts.length) return block.starts[i];
    }
    return this.#size;
  }

  async #bytes(index: number): Promise<Buffer> {
    const known = recall(this.#raw, index);
    if (known) return known;
    const offset = index * this.#blockBytes;
    const length = Math.max(0, Math.min(this.#blockBytes, this.#size - offset));
    const { bytes, problem } = await this.#read(this.#name, offset, length);
    this.problem = problem;
    return keep(this.#raw, index, bytes);
  }
}

function recall<Value>(cache: Map<number, Value>, key: number): Value | undefined {
  const value = cache.get(key);
  if (value === undefined) return undefined;
  cache.delete(key);
  cache.set(key, value);
  return value;
}

function keep<Value>(cache: Map<number, Value>, key: number, value: Value): Value {
  cache.set(key, value);
  if (cache.size > KEPT) cache.delete(cache.keys().next().value!);
  return value;
}
