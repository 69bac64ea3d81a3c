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
  readonly #raw = new Kept<Buffer>();
  readonly #lines = new Kept<LineBlock>();

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
    for (const kept of [this.#raw, this.#lines]) kept.forgetFrom(last);
    return 'grown';
  }

  /** The lines that begin in a block, if they are here already. */
  recall(index: number): LineBlock | undefined {
    return this.#lines.recall(index);
  }

  /** The lines that begin in a block. */
  async block(index: number): Promise<LineBlock> {
    const known = this.#lines.recall(index);
    if (known) return known;
    const before = index === 0 ? null : await this.#bytes(index - 1);
    const block = await this.#bytes(index);
    const after = index + 1 < this.blockCount ? await this.#bytes(index + 1) : null;
    return this.#lines.keep(index, linesOf(index, { before, block, after }, this.#blockBytes));
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
    const known = this.#raw.recall(index);
    if (known) return known;
    const offset = index * this.#blockBytes;
    const length = Math.max(0, Math.min(this.#blockBytes, this.#size - offset));
    const { bytes, problem } = await this.#read(this.#name, offset, length);
    this.problem = problem;
    return this.#raw.keep(index, bytes);
  }
}

/**
 * The blocks that were asked for last. A list, no Map: a Map that entries go into and out of leaves behind tables that point at
 * its newer ones, and with them V8 holds every block that was ever kept until it collects the whole heap.
 */
class Kept<Value> {
  /** The one asked for last stands last. */
  #blocks: { readonly index: number; readonly value: Value }[] = [];

  recall(index: number): Value | undefined {
    const at = this.#blocks.findIndex((one) => one.index === index);
    if (at === -1) return undefined;
    const [block] = this.#blocks.splice(at, 1);
    this.#blocks.push(block);
    return block.value;
  }

  keep(index: number, value: Value): Value {
    this.#blocks = this.#blocks.filter((one) => one.index !== index).slice(1 - KEPT);
    this.#blocks.push({ index, value });
    return value;
  }

  /** Drops this block and later ones. */
  forgetFrom(index: number): void {
    this.#blocks = this.#blocks.filter((one) => one.index < index);
  }

  clear(): void {
    this.#blocks = [];
  }
}
