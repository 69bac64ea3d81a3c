/** How many lines there are, are shown and match, block by block: counted in the background, whole files of any size. */
import { LOG_STREAMS, type LogStream, wordsOf } from './line.ts';
import { endOf, firstFrom } from './line-block.ts';
import type { Cut, MergedLog } from './merged-log.ts';
import type { Wanted } from './query.ts';

interface BlockCount {
  readonly lines: number;
  readonly shown: number;
  readonly matches: number;
  /** Bytes of events that are figures and no lines. */
  readonly figures: number;
}

export interface Totals extends BlockCount {
  /** Bytes counted so far, and bytes there are, figures included. */
  readonly counted: number;
  readonly bytes: number;
}

const NOTHING: BlockCount = { lines: 0, shown: 0, matches: 0, figures: 0 };
const add = (a: BlockCount, b: BlockCount, sign: 1 | -1 = 1): BlockCount => ({
  lines: a.lines + sign * b.lines,
  shown: a.shown + sign * b.shown,
  matches: a.matches + sign * b.matches,
  figures: a.figures + sign * b.figures,
});

/** What is counted: `shown` null when every line is, `matches` null when nothing is sought. */
export interface Question {
  readonly streams: readonly LogStream[];
  readonly shown: Wanted | null;
  readonly matches: Wanted | null;
}

export class Counts {
  readonly #log: MergedLog;
  #question: Question;
  #blocks = emptyBlocks();
  /** Sums over the blocks counted so far. */
  #sums = emptySums();
  /** Blocks that each file had when its last one was counted. */
  readonly #blockCounts: Record<LogStream, number> = { out: 0, err: 0, events: 0 };
  #growths = 0;

  constructor(log: MergedLog, question: Question) {
    this.#log = log;
    this.#question = question;
  }

  /** Asks anew; what was counted for another question counts no more. */
  ask(question: Question): void {
    this.#question = question;
    this.#blocks = emptyBlocks();
    this.#sums = emptySums();
  }

  /** Forgets the last two blocks of each stream: the files grew, and lines that ended where they did go on. */
  grown(): void {
    this.#growths++;
    for (const stream of LOG_STREAMS) {
      const blocks = this.#blocks[stream];
      const settled = Math.max(0, this.#blockCounts[stream] - 2);
      for (const gone of blocks.splice(settled)) this.#sums[stream] = add(this.#sums[stream], gone, -1);
    }
  }

  /** Counts one more block; false when everything is counted. */
  async step(signal: AbortSignal): Promise<boolean> {
    const [question, growths] = [this.#question, this.#growths];
    const stream = question.streams.find((one) => this.#blocks[one].length < this.#log.files[one].blockCount);
    if (!stream) return false;
    const index = this.#blocks[stream].length;
    const { blockCount } = this.#log.files[stream];
    const count = await this.#count(stream, index, Number.POSITIVE_INFINITY, signal);
    // Another question came meanwhile, or the file grew.
    if (question !== this.#question || growths !== this.#growths) return true;
    this.#blocks[stream].push(count);
    this.#blockCounts[stream] = blockCount;
    this.#sums[stream] = add(this.#sums[stream], count);
    return true;
  }

  get totals(): Totals {
    let counted = 0;
    let bytes = 0;
    let sum = NOTHING;
    for (const stream of this.#question.streams) {
      const { size, blockCount } = this.#log.files[stream];
      bytes += size;
      counted += blockCount === 0 ? 0 : (size * this.#blocks[stream].length) / blockCount;
      sum = add(sum, this.#sums[stream]);
    }
    return { ...sum, counted: Math.round(counted), bytes };
  }

  /** What lies above a cut; null while not all of it is counted. */
  async above(cut: Cut, signal: AbortSignal): Promise<BlockCount | null> {
    let sum = NOTHING;
    for (const stream of this.#question.streams) {
      const index = this.#log.files[stream].blockOf(cut[stream]);
      const blocks = this.#blocks[stream];
      if (blocks.length < index) return null;
      for (let i = 0; i < index; i++) sum = add(sum, blocks[i]);
      if (index < this.#log.files[stream].blockCount)
        sum = add(sum, await this.#count(stream, index, cut[stream], signal));
    }
    return sum;
  }

  /** True when a block is known to hold nothing that is shown (or, with a search, nothing that matches). */
  readonly barren = (stream: LogStream, block: number): boolean => this.#blocks[stream][block]?.shown === 0;
  readonly withoutMatch = (stream: LogStream, block: number): boolean => this.#blocks[stream][block]?.matches === 0;

  async #count(stream: LogStream, index: number, before: number, signal: AbortSignal): Promise<BlockCount> {
    const { shown, matches } = this.#question;
    // Lines that nobody asks anything of are not even looked for. (Some events are figures and no lines: they are read.)
    if (!shown && !matches && stream !== 'events' && before === Number.POSITIVE_INFINITY) {
      await this.#log.turn(signal);
      const lines = await this.#log.files[stream].lineCount(index);
      return { ...NOTHING, lines, shown: lines };
    }
    const block = await this.#log.block(stream, index, signal);
    const end = firstFrom(block, before);
    if (!shown && !matches && stream !== 'events') return { ...NOTHING, lines: end, shown: end };
    const count = { ...NOTHING };
    for (let i = 0; i < end; i++) {
      const words = wordsOf(stream, block, i);
      if (!words) {
        count.figures += endOf(block, i) - block.starts[i];
        continue;
      }
      count.lines++;
      if (shown && !shown(words)) continue;
      count.shown++;
      if (matches?.(words)) count.matches++;
    }
    return count;
  }
}

const emptyBlocks = (): Record<LogStream, BlockCount[]> => ({ out: [], err: [], events: [] });
const emptySums = (): Record<LogStream, BlockCount> => ({ out: NOTHING, err: NOTHING, events: NOTHING });
