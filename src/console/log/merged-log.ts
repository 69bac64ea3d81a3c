/**
 * All that a job says as one sequence of lines, read from wherever one stands. Nothing of it is ever held as a whole: a place
 * in it is a cut, for each stream the offset before which everything is above.
 */
import { setImmediate } from 'node:timers/promises';
import { inOrder, LOG_STREAMS, type LogLine, type LogStream, lineOf, wordsOf } from './line.ts';
import { firstFrom, type LineBlock } from './line-block.ts';
import { LogFile, type ReadBytes } from './log-file.ts';
import type { Wanted } from './query.ts';
import { LogTimes } from './times.ts';

export type Cut = Readonly<Record<LogStream, number>>;

/** What a walk through the lines looks at. */
export interface Walk {
  readonly streams: readonly LogStream[];
  readonly wanted: Wanted;
  readonly signal: AbortSignal;
  /** True for a block that is known to hold no wanted line: it is not read. */
  readonly barren?: (stream: LogStream, block: number) => boolean;
}

type Place = Pick<LogLine, 'stream' | 'start'>;

export class MergedLog {
  readonly times = new LogTimes();
  readonly files: Readonly<Record<LogStream, LogFile>>;
  readonly #read: ReadBytes;

  constructor(read: ReadBytes, blockBytes?: number) {
    this.#read = read;
    const file = (name: LogStream) => new LogFile(name, read, blockBytes);
    this.files = { out: file('out'), err: file('err'), events: file('events') };
  }

  /** Looks for what has come. `new`: what was known before is void. */
  async refresh(): Promise<'same' | 'grown' | 'new'> {
    const found = await Promise.all(LOG_STREAMS.map((stream) => this.files[stream].refresh()));
    const knewTimes = this.times.known;
    const noted = await this.times.refresh(this.#read);
    if (found.includes('new') || (noted && !knewTimes)) return 'new';
    return noted || found.includes('grown') ? 'grown' : 'same';
  }

  get problem(): string | null {
    return LOG_STREAMS.map((stream) => this.files[stream].problem).find((problem) => problem !== null) ?? null;
  }

  get start(): Cut {
    return { out: 0, err: 0, events: 0 };
  }

  get end(): Cut {
    return { out: this.files.out.size, err: this.files.err.size, events: this.files.events.size };
  }

  /** The cut right before a line. */
  async cutBefore(line: Place): Promise<Cut> {
    // As it is known now: it may not have been noted when the line was read.
    const arrival = this.times.arrival(line.stream, line.start);
    const at = async (stream: LogStream): Promise<number> => {
      if (stream === line.stream) return line.start;
      const earlier = LOG_STREAMS.indexOf(stream) < LOG_STREAMS.indexOf(line.stream);
      const size = this.times.sizeAt(stream, arrival, earlier);
      const file = this.files[stream];
      return size >= file.size ? file.size : file.startFrom(size);
    };
    const [out, err, events] = await Promise.all(LOG_STREAMS.map(at));
    return { out, err, events };
  }

  /** The wanted lines after a cut, in order. */
  async *forward(cut: Cut, walk: Walk): AsyncGenerator<LogLine> {
    yield* this.#merge(walk, (stream, line) => this.#next(stream, line?.end ?? cut[stream], walk), 1);
  }

  /** The wanted lines before a cut, the nearest first. */
  async *backward(cut: Cut, walk: Walk): AsyncGenerator<LogLine> {
    yield* this.#merge(walk, (stream, line) => this.#previous(stream, line?.start ?? cut[stream], walk), -1);
  }

  /**
   * The next line that a walk wants, or going backward the one before, from a line on (`inclusive`: that one counts too) or,
   * without one, from the beginning or the end.
   */
  async next(
    from: LogLine | null,
    { forward, inclusive }: { readonly forward: boolean; readonly inclusive: boolean },
    walk: Walk,
  ): Promise<LogLine | null> {
    const before = from ? await this.cutBefore(from) : forward ? this.start : this.end;
    const cut = from && forward && !inclusive ? { ...before, [from.stream]: from.end } : before;
    for await (const line of forward ? this.forward(cut, walk) : this.backward(cut, walk)) return line;
    return null;
  }

  async *#merge(
    { streams }: Walk,
    step: (stream: LogStream, after: LogLine | null) => Promise<LogLine | null>,
    sign: 1 | -1,
  ): AsyncGenerator<LogLine> {
    const heads: LogLine[] = [];
    for (const stream of streams) {
      const head = await step(stream, null);
      if (head) heads.push(head);
    }
    while (heads.length > 0) {
      let first = 0;
      for (let i = 1; i < heads.length; i++) if (sign * inOrder(heads[i], heads[first]) < 0) first = i;
      const line = heads[first];
      yield line;
      const next = await step(line.stream, line);
      if (next) heads[first] = next;
      else heads.splice(first, 1);
    }
  }

  /** The first wanted line of a stream at or after a place. */
  async #next(stream: LogStream, place: number, walk: Walk): Promise<LogLine | null> {
    const file = this.files[stream];
    for (let index = file.blockOf(place); index < file.blockCount; index++) {
      if (walk.barren?.(stream, index)) continue;
      const block = await this.block(stream, index, walk.signal);
      for (let i = firstFrom(block, place); i < block.starts.length; i++) {
        const words = wordsOf(stream, block, i);
        if (words && walk.wanted(words)) return lineOf(stream, block, i, words, this.times);
      }
    }
    return null;
  }

  /** The last wanted line of a stream that begins before a place. */
  async #previous(stream: LogStream, place: number, walk: Walk): Promise<LogLine | null> {
    if (place <= 0) return null;
    const file = this.files[stream];
    for (let index = file.blockOf(place - 1); index >= 0; index--) {
      if (walk.barren?.(stream, index)) continue;
      const block = await this.block(stream, index, walk.signal);
      for (let i = firstFrom(block, place) - 1; i >= 0; i--) {
        const words = wordsOf(stream, block, i);
        if (words && walk.wanted(words)) return lineOf(stream, block, i, words, this.times);
      }
    }
    return null;
  }

  /** Between blocks everything else has its turn: keys are answered while a log is read. */
  async turn(signal: AbortSignal): Promise<void> {
    await setImmediate();
    signal.throwIfAborted();
  }

  /** The lines that begin in a block. */
  async block(stream: LogStream, index: number, signal: AbortSignal): Promise<LineBlock> {
    const file = this.files[stream];
    const known = file.recall(index);
    if (known) return known;
    await this.turn(signal);
    const block = await file.block(index);
    signal.throwIfAborted();
    return block;
  }
}
