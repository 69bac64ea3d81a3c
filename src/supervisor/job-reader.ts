/** What one job says: its logs, events and metrics, followed while they grow. */
import path from 'node:path';
import type { StampedEvent } from '../platform/events.ts';
import { Ring } from '../telemetry/ring.ts';
import { cleanText } from './clean-text.ts';
import { MetricBook, parseEvent } from './job-events.ts';
import { JobFile } from './job-files.ts';
import type { JobDetail } from './protocol.ts';
import { FileTail } from './tail.ts';

type LogLine = JobDetail['log'][number];
type Stream = LogLine['stream'];

/** Lines and events kept. The files hold the rest: they are the truth, this is a window on their end. */
const LOG_LINES = 1000;
const EVENTS = 200;
/** Enough for the pace over the last minute of several parallel bars. */
const PROGRESS_EVENTS = 2000;
const FIRST_LOG_BYTES = 256 * 1024;
const LOG_BYTES_PER_READ = 1024 * 1024;
const EVENT_BYTES = 8 * 1024 * 1024;
const EVENT_LINE_BYTES = 64 * 1024;

/** Follows one job folder; `poll` reads what was appended, `detail` tells the window. Time and memory are bounded. */
export class JobReader {
  readonly id: string;
  readonly #log = new Ring<LogLine>(LOG_LINES);
  /** Apart, so that frequent progress does not push out what was said; each with its place in the stream. */
  readonly #events = new Ring<[place: number, event: StampedEvent]>(EVENTS);
  readonly #progress = new Ring<[place: number, event: StampedEvent]>(PROGRESS_EVENTS);
  #place = 0;
  readonly #metrics = new MetricBook();
  readonly #logs: readonly { stream: Stream; tail: FileTail }[];
  readonly #eventTail: FileTail;
  #detail: JobDetail | null = null;

  constructor(folder: string) {
    this.id = path.basename(folder);
    const logTail = (name: string) =>
      new FileTail(path.join(folder, name), { lastBytes: FIRST_LOG_BYTES, maxBytesPerRead: LOG_BYTES_PER_READ });
    this.#logs = [
      { stream: 'out', tail: logTail(JobFile.stdout) },
      { stream: 'err', tail: logTail(JobFile.stderr) },
    ];
    this.#eventTail = new FileTail(path.join(folder, JobFile.events), {
      lastBytes: EVENT_BYTES,
      maxBytesPerRead: EVENT_BYTES,
      maxLineBytes: EVENT_LINE_BYTES,
    });
  }

  /** Reads what was appended since the last call; true when the detail is another one now. */
  poll(): boolean {
    let changed = this.#detail === null;
    for (const { stream, tail } of this.#logs) {
      const add = (text: string) => this.#log.push({ stream, text });
      const read = tail.read(
        (line) => add(cleanText(line)),
        (bytes) => add(`… ${bytes} bytes not shown, the log file holds them …`),
      );
      changed ||= read;
    }
    const read = this.#eventTail.read((line) => this.#take(parseEvent(line)));
    changed ||= read;
    if (changed) this.#detail = this.#build();
    return changed;
  }

  /** The window as of the last poll. Events leave out metrics, which are told as series. */
  detail(): JobDetail {
    return (this.#detail ??= this.#build());
  }

  #take(event: StampedEvent | null): void {
    if (!event) return;
    if (event.type === 'metric') this.#metrics.push(event);
    else (event.type === 'progress' ? this.#progress : this.#events).push([this.#place++, event]);
  }

  #build(): JobDetail {
    const log = this.#log.toArray();
    for (const { stream, tail } of this.#logs) {
      // A last line without a newline counts too: a prompt, a progress bar, the last words of a killed program.
      const partial = tail.partial();
      if (partial) log.push({ stream, text: cleanText(partial) });
    }
    const events = [...this.#events.toArray(), ...this.#progress.toArray()].sort((a, b) => a[0] - b[0]);
    return {
      id: this.id,
      log: log.slice(-LOG_LINES),
      events: events.map(([, event]) => event),
      metrics: this.#metrics.list(),
    };
  }
}
