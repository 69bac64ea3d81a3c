/** How fast a log grows: what came in the last seconds, not between two looks, of which most find one line or none. */
import type { Totals } from './counts.ts';

const SPAN_MS = 5000;

export interface Rate {
  readonly perSecond: number;
  /** Lines as far as they are counted; bytes, figures included, of a log that is too long to be counted. */
  readonly unit: 'lines' | 'bytes';
}

interface Look {
  readonly at: number;
  readonly lines: number;
  readonly bytes: number;
  readonly counted: boolean;
}

export class Inflow {
  #looks: Look[] = [];

  /** What there was at `at`, milliseconds of any clock. */
  saw(at: number, { lines, bytes, counted }: Totals): void {
    const last = this.#looks.at(-1);
    // Another log, or other streams of it, began.
    if (last && bytes < last.bytes) this.#looks = [];
    this.#looks.push({ at, lines, bytes, counted: counted >= bytes });
    // The first one is the last from before the span, so that the whole of it is seen.
    while (this.#looks.length > 2 && at - this.#looks[1].at >= SPAN_MS) this.#looks.shift();
  }

  /** Nothing that was seen so far can be compared with what comes. */
  forget(): void {
    this.#looks = [];
  }

  /** Null when nothing came, or nothing is known yet. */
  get rate(): Rate | null {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    if (!first || !last || last.at <= first.at) return null;
    const unit = first.counted && last.counted ? 'lines' : 'bytes';
    const perSecond = (1000 * (last[unit] - first[unit])) / (last.at - first.at);
    return perSecond > 0 ? { perSecond, unit } : null;
  }
}
