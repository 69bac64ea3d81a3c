/**
 * How fast a job goes and how long it still takes, from its own reports. Pure: times come in with the reports.
 *
 * The stretch behind is cut into pieces of equal time; the rate is the median of the pieces' rates, the range of the time
 * left comes from their first and last deciles. Few pieces, or a job gone quiet: no figure.
 */

/** The last this long counts: an older pace says little about the one of now. */
const WINDOW_MS = 300_000;
/** Reports closer together than this are one. */
const GRAIN_MS = 250;
const PIECES = 12;
/** A rate needs this many reports and this much time; before that it would be noise. */
const MIN_REPORTS = 3;
const MIN_SPAN_MS = 400;
/** A range needs this many pieces. */
const MIN_PIECES = 3;
/** Silent for this long and for ten times its usual pause: no pace. */
const SILENT_MS = 30_000;

export class Pace {
  #reports: { t: number; done: number }[] = [];

  reset(): void {
    this.#reports = [];
  }

  /** Takes a report in: `done` units at the time `t` (milliseconds). */
  push(t: number, done: number): void {
    const last = this.#reports[this.#reports.length - 1];
    const before = this.#reports[this.#reports.length - 2];
    // The newest report always stands; between two that stand lies a grain at least.
    if (last && before && last.t - before.t < GRAIN_MS) this.#reports.pop();
    this.#reports.push({ t, done });
    if (this.#reports.length > 2 && t - this.#reports[1].t > WINDOW_MS && this.#reports.length % 64 === 0) {
      const from = this.#reports.findIndex((one) => t - one.t <= WINDOW_MS);
      this.#reports.splice(0, Math.max(0, from - 1));
    }
  }

  /** Units a second; null when unknown. `now` null: the job has ended, and silence means nothing. */
  rate(now: number | null): number | null {
    const rates = this.#rates(now);
    return rates.length === 0 ? null : median(rates);
  }

  /** Seconds left for `left` more units, with the range that the spread of the rates gives. */
  eta(left: number | null, now: number | null): { seconds: number; low: number; high: number } | null {
    if (left === null || now === null) return null;
    if (left === 0) return { seconds: 0, low: 0, high: 0 };
    const rates = this.#rates(now);
    if (rates.length < MIN_PIECES) return null;
    const sorted = rates.toSorted((a, b) => a - b);
    const [slow, middle, fast] = [quantile(sorted, 0.1), quantile(sorted, 0.5), quantile(sorted, 0.9)];
    if (slow <= 0) return null;
    return { seconds: left / middle, low: left / fast, high: left / slow };
  }

  /** Rates of the pieces of the window, oldest first; a single one while the window is short. */
  #rates(now: number | null): number[] {
    const last = this.#reports[this.#reports.length - 1];
    if (!last) return [];
    const inside = this.#reports.filter((one) => last.t - one.t <= WINDOW_MS);
    const span = last.t - inside[0].t;
    if (inside.length < MIN_REPORTS || span < MIN_SPAN_MS) return [];
    const pause = span / (inside.length - 1);
    if (now !== null && now - last.t > Math.max(SILENT_MS, 10 * pause)) return [];
    const pieces = Math.min(PIECES, inside.length - 1, Math.floor(span / GRAIN_MS));
    if (pieces < MIN_PIECES) return positive([((last.done - inside[0].done) * 1000) / span]);
    const rates: number[] = [];
    let from = inside[0];
    for (let i = 1; i <= pieces; i++) {
      const until = inside[0].t + (span * i) / pieces;
      const to = i === pieces ? last : inside.findLast((one) => one.t <= until)!;
      if (to.t === from.t) continue;
      rates.push(((to.done - from.done) * 1000) / (to.t - from.t));
      from = to;
    }
    return positive(rates);
  }
}

/** A stage that went back (a retry) has no pace in that piece. */
const positive = (rates: number[]) => rates.filter((rate) => rate > 0);

const median = (values: readonly number[]) =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** Linear interpolation between the two nearest of sorted values. */
function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}
