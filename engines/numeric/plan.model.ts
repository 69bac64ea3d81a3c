/** Cuts a backfill into shards: model × days × entities. Pure: every worker works out the same plan from the same panel. */
import { civilFromDay } from '../../src/platform/dates.ts';

/** What a backfill was asked for; equal requests are the same backfill. */
export interface BackfillSpec {
  readonly market: string;
  /** `YYYY-MM-DD` */
  readonly start: string;
  readonly end: string;
  readonly models: readonly string[];
  /** Rows of a window; null leaves it to each model. */
  readonly window: number | null;
  /** Only so many instruments. */
  readonly limit: number | null;
  /** Only the last trading day of each month. */
  readonly snapshots: boolean;
  readonly skipExisting: boolean;
  /** Cells of a shard. The default makes 12 MB of vectors: a fraction of a second of v1, a second or two of a fitted model. */
  readonly shardCells: number;
}

/** Positions `from … to − 1`. */
interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Shard {
  readonly number: number;
  /** Position of the model in the spec. */
  readonly model: number;
  /** Of the chosen days. */
  readonly days: Span;
  /** Of the model's owned entities. */
  readonly entities: Span;
}

/** Entities of a shard at most, so that one also spans several days. */
const SHARD_ENTITIES = 2048;

/**
 * The shards of a plan. Days lead, so that consecutive shards append to the end of the table's key.
 * `entities` counts those of each model.
 */
export function planShards(entities: readonly number[], days: number, cells: number): Shard[] {
  const most = Math.min(SHARD_ENTITIES, cells);
  const shards: Shard[] = [];
  entities.forEach((count, model) => {
    for (let day = 0; day < days; ) {
      const width = Math.max(1, Math.floor(cells / Math.max(1, Math.min(count, most))));
      const span = { from: day, to: Math.min(days, day + width) };
      for (let from = 0; from < count; from += most) {
        const to = Math.min(count, from + most);
        shards.push({ number: shards.length, model, days: span, entities: { from, to } });
      }
      day = span.to;
    }
  });
  return shards;
}

/** Positions of `days` (day numbers, ascending) that are the last of their month. */
export function monthEnds(days: Int32Array): number[] {
  const ends: number[] = [];
  const monthOf = (day: number) => {
    const { year, month } = civilFromDay(day);
    return year * 12 + month;
  };
  for (let t = 0; t < days.length; t++) {
    if (t + 1 === days.length || monthOf(days[t + 1]) !== monthOf(days[t])) ends.push(t);
  }
  return ends;
}
