/** Whether joint vectors are of the vectors that stand now: what they are joined of must not have been written after them. Pure. */
import type { VectorWrite } from '../evidence.ts';

/** A model whose vectors go into another's, those of so many days before included. */
export interface JoinedModel {
  readonly model: string;
  readonly daysBefore: number;
}

export interface NewerInput {
  readonly model: string;
  /** First and last day number of those whose vectors are older than what they are joined of. */
  readonly first: number;
  readonly last: number;
  /** When it was written last, milliseconds since 1970. */
  readonly at: number;
}

/**
 * The first of `inputs` that a backfill wrote after the vectors of `model`, on any of `days` (trading days, ascending) that has
 * both on record; null when there is none. What no backfill of ours wrote has no time. Shards reach from their first trading
 * day to their last: on the days between two of them nothing is on record, though shards cut otherwise lie over it.
 */
export function newerInput(
  model: string,
  inputs: readonly JoinedModel[],
  writes: readonly VectorWrite[],
  days: Int32Array,
): NewerInput | null {
  const joined = lastWrites(writes, model, days);
  for (const input of inputs) {
    const written = lastWrites(writes, input.model, days, input.daysBefore);
    const stale = [...days.keys()].filter((k) => joined[k] > 0 && written[k] > joined[k]);
    if (stale.length === 0) continue;
    const at = Math.max(...stale.map((k) => written[k]));
    return { model: input.model, first: days[stale[0]], last: days[stale.at(-1)!], at };
  }
  return null;
}

/** When the vectors that serve each day were written last; 0 where no backfill is on record. */
function lastWrites(writes: readonly VectorWrite[], model: string, days: Int32Array, daysBefore = 0): Float64Array {
  const at = new Float64Array(days.length);
  const own = writes.filter((write) => write.model === model).sort((a, b) => a.at - b.at);
  for (const write of own) {
    for (const [k, day] of days.entries()) {
      if (day < write.first || day > write.last + daysBefore) continue;
      // What stood there already, a backfill that skips it leaves as it was.
      if (!write.addsOnly || at[k] === 0) at[k] = write.at;
    }
  }
  return at;
}
