/** Logs in memory, and what is to be seen of them by the plain reading of the whole. */
import { inOrder, LOG_STREAMS, type LogLine, type LogStream } from '../../src/console/log/line.ts';
import type { ReadBytes } from '../../src/console/log/log-file.ts';

/** A job's log that grows as a test says. */
export class LogSource {
  readonly files: Record<LogStream, Buffer> = { out: Buffer.alloc(0), err: Buffer.alloc(0), events: Buffer.alloc(0) };
  readonly records: number[][] = [];
  /** Bytes that were asked for. */
  asked = 0;

  readonly read: ReadBytes = async (file, offset, length) => {
    const all = file === 'times' ? this.#times() : this.files[file];
    this.asked += length;
    return { size: all.length, bytes: all.subarray(offset, offset + length), problem: null };
  };

  append(stream: LogStream, bytes: string | Buffer): void {
    this.files[stream] = Buffer.concat([this.files[stream], Buffer.from(bytes as string)]);
  }

  /** As a shim notes it. */
  note(at: number): void {
    this.records.push([at, ...LOG_STREAMS.map((stream) => this.files[stream].length)]);
  }

  #times(): Buffer {
    const bytes = Buffer.alloc(32 * this.records.length);
    for (const [i, record] of this.records.entries())
      for (const [k, value] of record.entries()) bytes.writeDoubleLE(value, 32 * i + 8 * k);
    return bytes;
  }

  /** When a byte was noted first, looked up from the front. */
  arrival(stream: LogStream, place: number): number {
    if (this.records.length === 0) return 0;
    const field = 1 + LOG_STREAMS.indexOf(stream);
    return this.records.find((record) => record[field] > place)?.[0] ?? Number.POSITIVE_INFINITY;
  }

  /** Every line's place in the merged order; `size` is the size of blocks, at whose ends endless lines are cut. */
  places(streams: readonly LogStream[], size: number): Pick<LogLine, 'stream' | 'start' | 'end' | 'arrival'>[] {
    return streams
      .flatMap((stream) =>
        extents(this.files[stream], size).map(([start, end]) => ({
          stream,
          start,
          end,
          arrival: this.arrival(stream, start),
        })),
      )
      .sort(inOrder);
  }
}

/** Lines of a file by reading it from its beginning, byte by byte. */
export function extents(bytes: Buffer, size: number): [start: number, end: number][] {
  const found: [number, number][] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    const next = at + 1;
    const blockWithoutEnd = next % size === 0 && !bytes.subarray(next - size, next).includes(10);
    if (bytes[at] !== 10 && !blockWithoutEnd) continue;
    found.push([start, next]);
    start = next;
  }
  if (start < bytes.length) found.push([start, bytes.length]);
  return found;
}

/** All lines of a walk. */
export async function gather(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}
