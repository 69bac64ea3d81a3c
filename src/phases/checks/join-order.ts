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
 * The first of `inputs` that a backfill wrote after the vectors of `model`, on any day of `first … last` that has both on
 * record; null when there is none. What no backfill of ours wrote has no time.
 */
export function newerInput(
  model: string,
  inputs: readonly JoinedModel[],
  writes: readonly VectorWrite[],
  { first, last }: { first: number; last: number },
): NewerInput | null {
  const joined = lastWrites(writes, model, first, last);
  for (const input of inputs) {
    const written = lastWrites(writes, input.model, first, last, input.daysBefore);
    const stale = [...joined.keys()].filter((k) => written[k] > joined[k] && joined[k] > 0);
    if (stale.length === 0) continue;
    const at = Math.max(...stale.map((k) => written[k]));
    return { model: input.model, first: first + stale[0], last: first + stale.at(-1)!, at };
  }
  return null;
}

/** When the vectors that serve each day were written last; 0 where no backfill is on record. */
function lastWrites(writes: readonly VectorWrite[], model: string, first: number, last: number, daysBefore = 0) {
  const at = new Float64Array(Math.max(0, last - first + 1));
  const own = writes.filter((write) => write.model === model).sort((a, b) => a.at - b.at);
  for (const write of own) {
    const to = Math.min(last, write.last + daysBefore);
    for (let day = Math.max(first, write.first); day <= to; day++) {
      // What stood there already, a backfill that skips it leaves as it was.
      if (!write.addsOnly || at[day - first] === 0) at[day - first] = write.at;
    }
  }
  return at;
}
