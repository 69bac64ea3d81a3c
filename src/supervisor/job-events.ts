/** What the event stream of a job says: the lines, their digest for lists, and the series of its metrics. */
import { z } from 'zod';
import type { StampedEvent } from '../platform/events.ts';
import { Ring } from '../telemetry/ring.ts';
import { cleanText } from './clean-text.ts';
import { Pace } from './pace.ts';
import type { JobView, MetricSeries } from './protocol.ts';

/** Texts come from a program, and end on a terminal. */
const text = z.string().transform((value) => cleanText(value.replaceAll('\n', ' ')));
const t = z.number();

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stage'), t, name: text, index: z.number().optional(), of: z.number().optional() }),
  z.object({
    type: z.literal('progress'),
    t,
    done: z.number(),
    total: z.number().nullable(),
    unit: text,
    label: text.optional(),
  }),
  z.object({
    type: z.literal('metric'),
    t,
    name: text,
    value: z.number(),
    unit: text,
    series: text.optional(),
    at: text.optional(),
  }),
  z.object({ type: z.literal('log'), t, level: z.enum(['debug', 'info', 'warn', 'error']), message: text }),
  z.object({ type: z.literal('artifact'), t, kind: text, id: text, path: text.optional() }),
  z.object({ type: z.literal('paused'), t, reason: text.nullable() }),
  z.object({
    type: z.literal('result'),
    t,
    status: z.enum(['done', 'partial', 'failed']),
    summary: text,
    rows: z.record(text, z.number()).optional(),
    due: z.number().optional(),
    failures: z.number().optional(),
  }),
]);

/** The event in a line, or null when the line holds none: half-written, foreign, or with a figure that is not a number. */
export function parseEvent(line: string): StampedEvent | null {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = eventSchema.safeParse(json);
  return parsed.success ? parsed.data : null;
}

/** More parallel bars than this are not told apart. */
const MAX_BARS = 1000;

/** Stage, progress, pace and summary of a job as of its last event. */
export class EventDigest {
  #stage: string | null = null;
  #paused: string | null = null;
  #result: Extract<StampedEvent, { type: 'result' }> | null = null;
  #bars = new Map<string, { done: number; total: number | null; unit: string }>();
  #done = 0;
  readonly #pace = new Pace();

  push(event: StampedEvent): void {
    if (event.type === 'stage') {
      this.#stage = event.of ? `${event.name} (${event.index ?? '?'}/${event.of})` : event.name;
      this.#bars.clear();
      this.#done = 0;
      this.#pace.reset();
    } else if (event.type === 'progress') {
      const label = event.label ?? '';
      const before = this.#bars.get(label);
      if (!before && this.#bars.size >= MAX_BARS) return;
      this.#bars.set(label, event);
      this.#done += event.done - (before?.done ?? 0);
      if (this.#paused === null) this.#pace.push(event.t, this.#done);
    } else if (event.type === 'paused') {
      this.#paused = event.reason;
      // A rest says nothing about how fast it works.
      this.#pace.reset();
    } else if (event.type === 'result') this.#result = event;
  }

  get stage(): string | null {
    return this.#stage;
  }

  /** Why it rests on purpose; null while it works. */
  get paused(): string | null {
    return this.#paused;
  }

  get summary(): string | null {
    return this.#result?.summary ?? null;
  }

  /** Parallel bars of the stage added up; the total is unknown as soon as one of them is. `now` null: it has ended. */
  progress(now: number | null): JobView['progress'] {
    const bars = [...this.#bars.values()];
    if (bars.length === 0) return null;
    const done = this.#done;
    const total = bars.some((bar) => bar.total === null) ? null : bars.reduce((sum, bar) => sum + bar.total!, 0);
    const left = total === null || now === null ? null : Math.max(0, total - done);
    return { done, total, unit: bars[0].unit, rate: this.#pace.rate(now), eta: this.#pace.eta(left, now) };
  }
}

/** Points kept of each series; series kept of a job (beyond that the oldest goes). */
const POINTS = 240;
const MAX_SERIES = 200;

/** The metric series of a job. */
export class MetricBook {
  #series = new Map<string, { name: string; series: string; unit: string; last: number; points: Ring<number> }>();
  #changed = new Set<string>();

  push(event: Extract<StampedEvent, { type: 'metric' }>): void {
    const key = `${event.name}\0${event.series ?? ''}`;
    let entry = this.#series.get(key);
    if (!entry) {
      if (this.#series.size >= MAX_SERIES) this.#series.delete(this.#series.keys().next().value!);
      entry = { name: event.name, series: event.series ?? '', unit: event.unit, last: 0, points: new Ring(POINTS) };
      this.#series.set(key, entry);
    }
    entry.unit = event.unit;
    entry.last = event.value;
    entry.points.push(event.value);
    this.#changed.add(key);
  }

  /** The series that got points since the last call, in the order in which they first appeared. */
  takeChanged(): MetricSeries[] {
    const changed = [...this.#series].filter(([key]) => this.#changed.has(key));
    this.#changed.clear();
    return changed.map(([, entry]) => ({ ...entry, points: entry.points.toArray() }));
  }
}
