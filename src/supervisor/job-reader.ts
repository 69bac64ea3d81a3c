/** What one job says: its logs, events and metrics, followed while they grow. */
import path from 'node:path';
import type { StampedEvent } from '../platform/events.ts';
import { cleanText } from './clean-text.ts';
import { MetricBook, parseEvent } from './job-events.ts';
import { JobFile } from './job-files.ts';
import type { DetailMessage, LogLine } from './protocol.ts';
import { FileTail } from './tail.ts';
import { EVENTS, LOG_LINES } from './wire/detail-book.ts';
import { WrittenTimes } from './written-times.ts';

const FIRST_LOG_BYTES = 256 * 1024;
/** Many more lines than are kept; what a burst wrote beyond that is passed over unread. */
const LOG_BYTES_PER_READ = 256 * 1024;
const EVENT_BYTES = 8 * 1024 * 1024;
const EVENT_LINE_BYTES = 64 * 1024;

/** A line as it was read, with the place of its newline; -1: what stands before all that is read. */
type ReadLine = LogLine & { readonly newline: number };

/**
 * Follows one job folder: `read` gives what was appended since the last call, beginning with the end of what is there.
 * Time and memory are bounded; of a burst only the end is given, and the lines say how much was passed over.
 */
export class JobReader {
  readonly id: string;
  readonly #metrics = new MetricBook();
  readonly #logs: readonly { stream: LogLine['stream']; tail: FileTail }[];
  readonly #times: WrittenTimes;
  readonly #eventTail: FileTail;
  #first = true;

  constructor(folder: string) {
    this.id = path.basename(folder);
    const logTail = (name: string) =>
      new FileTail(path.join(folder, name), { lastBytes: FIRST_LOG_BYTES, maxBytesPerRead: LOG_BYTES_PER_READ });
    this.#logs = [
      { stream: 'out', tail: logTail(JobFile.stdout) },
      { stream: 'err', tail: logTail(JobFile.stderr) },
    ];
    this.#times = new WrittenTimes(path.join(folder, JobFile.times));
    this.#eventTail = new FileTail(path.join(folder, JobFile.events), {
      lastBytes: EVENT_BYTES,
      maxBytesPerRead: EVENT_BYTES,
      maxLineBytes: EVENT_LINE_BYTES,
    });
  }

  /** What is new, or null when nothing is. The first call gives the window as it stands. */
  read(): Omit<DetailMessage, 'type'> | null {
    let changed = this.#first;
    const log: ReadLine[] = [];
    for (const { stream, tail } of this.#logs) {
      const read = tail.read(
        (text, newline) => void log.push({ stream, text, newline }),
        (bytes) =>
          void log.push({ stream, text: `… ${bytes} bytes not shown, the log file holds them …`, newline: -1 }),
      );
      changed ||= read;
    }
    const timed = this.#inOrder(log);
    const events: StampedEvent[] = [];
    const read = this.#eventTail.read((line) => {
      const event = parseEvent(line);
      if (event?.type === 'metric') this.#metrics.push(event);
      else if (event && event.type !== 'progress') events.push(event);
    });
    changed ||= read;
    if (!changed) return null;
    const reset = this.#first;
    this.#first = false;
    const partial = this.#logs.flatMap(({ stream, tail }) => {
      const text = cleanText(tail.partial());
      return text ? [{ stream, text }] : [];
    });
    return {
      jobId: this.id,
      reset,
      timed,
      log: log.slice(-LOG_LINES).map(({ stream, text }) => ({ stream, text: cleanText(text) })),
      partial,
      events: events.slice(-EVENTS),
      metrics: this.#metrics.takeChanged(),
    };
  }

  /**
   * Brings lines of both streams into the order in which the shim saw them; those of one moment, and those that it has not
   * noted yet, stand stdout first. False when no time is known and so nothing was ordered.
   */
  #inOrder(log: ReadLine[]): boolean {
    if (!log.some(({ stream }) => stream === 'out') || !log.some(({ stream }) => stream === 'err')) return true;
    this.#times.read();
    if (!this.#times.known) return false;
    const seen = new Map(
      log.map((line) => [line, line.newline < 0 ? 0 : this.#times.seenAt(line.stream, line.newline)]),
    );
    // Infinite minus infinite is no number: lines that were not noted are of one moment.
    log.sort((a, b) => seen.get(a)! - seen.get(b)! || 0);
    return true;
  }
}
