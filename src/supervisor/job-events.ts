/** What the event stream of a job says: the lines, their digest for lists, and the series of its metrics. */
import { z } from 'zod';
import type { StampedEvent } from '../platform/events.ts';
import { Ring } from '../telemetry/ring.ts';
import { cleanText } from './clean-text.ts';
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
  z.object({
    type: z.literal('result'),
    t,
    status: z.enum(['done', 'partial', 'failed']),
    summary: text,
    rows: z.record(text, z.number()).optional(),
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

/** Stage, progress and summary of a job as of its last event. */
export class EventDigest {
  #stage: string | null = null;
  #summary: string | null = null;
  #bars = new Map<string, { done: number; total: number | null; unit: string }>();

  push(event: StampedEvent): void {
    if (event.type === 'stage') {
      this.#stage = event.of ? `${event.name} (${event.index ?? '?'}/${event.of})` : event.name;
      this.#bars.clear();
    } else if (event.type === 'progress') {
      const label = event.label ?? '';
      if (this.#bars.size < MAX_BARS || this.#bars.has(label)) this.#bars.set(label, event);
    } else if (event.type === 'result') this.#summary = event.summary;
  }

  get stage(): string | null {
    return this.#stage;
  }

  get summary(): string | null {
    return this.#summary;
  }

  /** Parallel bars of the stage added up; the total is unknown as soon as one of them is. */
  get progress(): JobView['progress'] {
    const bars = [...this.#bars.values()];
    if (bars.length === 0) return null;
    return {
      done: bars.reduce((sum, bar) => sum + bar.done, 0),
      total: bars.some((bar) => bar.total === null) ? null : bars.reduce((sum, bar) => sum + bar.total!, 0),
      unit: bars[0].unit,
    };
  }
}

/** Points kept of each series; series kept of a job (beyond that the oldest goes). */
const POINTS = 240;
const MAX_SERIES = 200;

/** The metric series of a job. */
export class MetricBook {
  #series = new Map<string, { name: string; series: string; unit: string; last: number; points: Ring<number> }>();

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
  }

  /** In the order in which the series first appeared. */
  list(): MetricSeries[] {
    return [...this.#series.values()].map((entry) => ({ ...entry, points: entry.points.toArray() }));
  }
}
