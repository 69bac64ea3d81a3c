/** A watched job's output on the reading side: differences in, the whole window out. */
import type { StampedEvent } from '../../platform/events.ts';
import { Ring } from '../../telemetry/ring.ts';
import type { DetailMessage, JobDetail, LogLine, MetricSeries } from '../protocol.ts';

/** Lines and events kept. The files hold the rest: they are the truth, this is a window on their end. */
export const LOG_LINES = 1000;
export const EVENTS = 200;

/** What a reader of a job has been told so far. */
export class DetailBook {
  #id: string | null = null;
  #log = new Ring<LogLine>(LOG_LINES);
  #timed = true;
  #partial: readonly LogLine[] = [];
  #events = new Ring<StampedEvent>(EVENTS);
  #metrics = new Map<string, MetricSeries>();

  /** Takes a difference in; returns the window as it is then, null when nothing is watched. */
  apply(message: Omit<DetailMessage, 'type'>): JobDetail | null {
    if (message.reset || message.jobId !== this.#id) {
      this.#id = message.jobId;
      this.#log = new Ring(LOG_LINES);
      this.#events = new Ring(EVENTS);
      this.#metrics = new Map();
      this.#timed = true;
    }
    this.#timed &&= message.timed;
    for (const line of message.log) this.#log.push(line);
    for (const event of message.events) this.#events.push(event);
    for (const series of message.metrics) this.#metrics.set(`${series.name}\0${series.series}`, series);
    this.#partial = message.partial;
    return this.#detail();
  }

  #detail(): JobDetail | null {
    if (this.#id === null) return null;
    return {
      id: this.#id,
      // A last line without a newline counts too: a prompt, a progress bar, the last words of a killed program.
      log: [...this.#log.toArray(), ...this.#partial].slice(-LOG_LINES),
      timed: this.#timed,
      events: this.#events.toArray(),
      metrics: [...this.#metrics.values()],
    };
  }
}
