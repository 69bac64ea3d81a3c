/**
 * The figures of a job over its whole life, in bounded memory: what it told as metrics, and what its processes used. Kept
 * with the job as `series.json`. Light: the shim of every job loads it.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { StampedEvent } from '../platform/events.ts';
import { cleanText } from './clean-text.ts';
import { JobFile, writeRecord } from './job-files.ts';
import type { JobSeries, KeptSeries } from './reads.ts';
import { FileTail } from './tail.ts';

/** Points kept of a series. When they are full, each two become one, and from then on a point stands for twice as much. */
export const SERIES_POINTS = 360;
/** Series kept of a job; what comes after them is counted, not kept. */
const MAX_SERIES = 200;
const VERSION = 1;
/** Events are read up to here behind what the file covers; a job that says more while nobody kept its series loses some. */
const EVENT_BYTES = 16 * 1024 * 1024;
const EVENT_LINE_BYTES = 64 * 1024;

/** Where a series comes from: told by the program, or measured on its processes. */
type Source = KeptSeries['source'];

/** `[time of its last value (ms), values, mean, lowest, highest, simulated date of its last value or null]` */
type Point = [t: number, count: number, mean: number, low: number, high: number, at: string | null];

interface Entry {
  readonly source: Source;
  readonly name: string;
  readonly series: string;
  unit: string;
  last: number;
  /** Values that a full point stands for. */
  stride: number;
  points: Point[];
}

interface SeriesFile {
  readonly version: typeof VERSION;
  /** Bytes of the events that are in. */
  readonly events: number;
  readonly dropped: readonly string[];
  readonly entries: readonly Entry[];
}

export interface SeriesValue {
  readonly source: Source;
  readonly name: string;
  readonly series?: string;
  readonly unit: string;
  readonly value: number;
  readonly at?: string;
}

/** Takes values in, and gives points out. */
export class SeriesBook {
  readonly #entries = new Map<string, Entry>();
  readonly #dropped = new Set<string>();

  /** Adds a value told or measured at `t` (milliseconds since 1970). What is no number is not known, and leaves no point. */
  push(t: number, { source, name, series = '', unit, value, at }: SeriesValue): void {
    if (!Number.isFinite(value) || !Number.isFinite(t)) return;
    const key = `${source}\0${name}\0${series}`;
    let entry = this.#entries.get(key);
    if (!entry) {
      if (this.#entries.size >= MAX_SERIES) {
        if (this.#dropped.size < MAX_SERIES) this.#dropped.add(key);
        return;
      }
      entry = { source, name, series, unit, last: value, stride: 1, points: [] };
      this.#entries.set(key, entry);
    }
    entry.unit = unit;
    entry.last = value;
    add(entry, [t, 1, value, value, value, at ?? null]);
  }

  /** Every series in the order in which they first appeared, with at most `points` points each. */
  series(points = SERIES_POINTS): KeptSeries[] {
    return [...this.#entries.values()].map(({ points: kept, stride: _, ...entry }) => {
      const some = merged(kept, Math.ceil(kept.length / points));
      return {
        ...entry,
        t: some.map((point) => point[0]),
        mean: some.map((point) => point[2]),
        low: some.map((point) => point[3]),
        high: some.map((point) => point[4]),
        at: some.some((point) => point[5] !== null) ? some.map((point) => point[5]) : null,
      };
    });
  }

  get dropped(): number {
    return this.#dropped.size;
  }

  /** For the file. `events`: how many bytes of the events are in. */
  save(events: number): SeriesFile {
    return { version: VERSION, events, dropped: [...this.#dropped], entries: [...this.#entries.values()] };
  }

  static restore({ entries, dropped }: SeriesFile): SeriesBook {
    const book = new SeriesBook();
    for (const entry of entries) book.#entries.set(`${entry.source}\0${entry.name}\0${entry.series}`, entry);
    for (const key of dropped) book.#dropped.add(key);
    return book;
  }
}

function add(entry: Entry, point: Point): void {
  const { points, stride } = entry;
  const last = points.at(-1);
  if (last && last[1] < stride) {
    points[points.length - 1] = join(last, point);
    return;
  }
  if (points.length >= SERIES_POINTS) {
    entry.points = merged(points, 2);
    entry.stride = 2 * stride;
  }
  entry.points.push(point);
}

/** Each `size` points as one. */
function merged(points: readonly Point[], size: number): Point[] {
  if (size <= 1) return [...points];
  const groups: Point[] = [];
  for (let from = 0; from < points.length; from += size) groups.push(points.slice(from, from + size).reduce(join));
  return groups;
}

function join(a: Point, b: Point): Point {
  const count = a[1] + b[1];
  const [low, high] = [Math.min(a[3], b[3]), Math.max(a[4], b[4])];
  // Of the means, not of sums: the figures may be as large as figures get. Rounding may not carry it beyond its bounds.
  const mean = Math.min(high, Math.max(low, a[2] * (a[1] / count) + b[2] * (b[1] / count)));
  return [b[0], count, mean, low, high, b[5] ?? a[5]];
}

/** The series of one job folder: what its file holds, and what its events have said since. */
export class FolderSeries {
  readonly #folder: string;
  readonly book: SeriesBook;
  readonly #tail: FileTail;

  constructor(folder: string) {
    this.#folder = folder;
    const file = readFile(folder);
    this.book = file ? SeriesBook.restore(file) : new SeriesBook();
    this.#tail = new FileTail(path.join(folder, JobFile.events), {
      from: file?.events ?? 0,
      maxBytesPerRead: EVENT_BYTES,
      maxLineBytes: EVENT_LINE_BYTES,
    });
  }

  /** Takes in the metrics of the events that came since the last call. */
  read(): void {
    this.#tail.read((line) => {
      const metric = line.includes('"metric"') ? parseMetric(line) : null;
      if (metric) this.book.push(metric.t, { ...metric, source: 'program' });
    });
  }

  /** Replaces the file. */
  write(): void {
    writeRecord(this.#folder, JobFile.series, this.book.save(this.#tail.lineStart), { dense: true });
  }
}

/** The series of a job as they are now, whether it runs or not, and whoever kept them. */
export function readJobSeries(folder: string, { name, series, points }: SeriesQuery = {}): JobSeries {
  const kept = new FolderSeries(folder);
  kept.read();
  const all = kept.book.series(points);
  const wanted = all.filter((one) => (name ?? one.name) === one.name && (series ?? one.series) === one.series);
  return { series: wanted, dropped: kept.book.dropped };
}

interface SeriesQuery {
  readonly name?: string;
  readonly series?: string;
  readonly points?: number;
}

/** A file that is missing, or of another build, is read as none: the events still hold what the program told. */
function readFile(folder: string): SeriesFile | null {
  try {
    const file = JSON.parse(readFileSync(path.join(folder, JobFile.series), 'utf8')) as SeriesFile;
    return file.version === VERSION && Array.isArray(file.entries) && Array.isArray(file.dropped) ? file : null;
  } catch {
    return null;
  }
}

type Metric = Extract<StampedEvent, { type: 'metric' }>;

/** The metric in a line of events, or null. Texts come from a program, and end on a terminal. */
function parseMetric(line: string): Metric | null {
  let event: Partial<Metric> | null;
  try {
    event = JSON.parse(line);
  } catch {
    return null;
  }
  if (event?.type !== 'metric' || typeof event.t !== 'number' || typeof event.value !== 'number') return null;
  if (typeof event.name !== 'string' || typeof event.unit !== 'string') return null;
  const text = (value: unknown) => (typeof value === 'string' ? cleanText(value.replaceAll('\n', ' ')) : undefined);
  return {
    ...{ type: 'metric', t: event.t, value: event.value },
    ...{ name: text(event.name)!, unit: text(event.unit)!, series: text(event.series), at: text(event.at) },
  };
}
