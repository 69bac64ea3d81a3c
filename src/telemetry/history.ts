/**
 * Figures over time at two resolutions, in fixed memory: all share one clock, a slot a second. What was not known in a
 * slot is a gap. A sample stands for the time since the one before it, but for two slots at most.
 */
import type { HistorySeries } from './types.ts';

export const FINE_MS = 1000;
/** Fine slots in a coarse one. */
export const FACTOR = 30;
export const SLOTS = 240;
/** A sample that comes late fills the slot it missed; one that comes later leaves a gap. */
const LATE_SLOTS = 2;
/** Enough for a chart, and short in a file. */
const DIGITS = 4;

/** A figure's slots by number modulo `SLOTS`; NaN where it was unknown. */
interface Rows {
  readonly fine: Float64Array;
  readonly coarse: Float64Array;
  /** The coarse ones as an array, until another is done. */
  coarsePoints: (number | null)[] | null;
}

/** What is kept of a history: everything but the slots' numbers of long ago. */
export interface HistoryState {
  /** Number of the last fine slot: seconds since 1970. */
  readonly slot: number;
  readonly series: Readonly<Record<string, HistorySeries>>;
}

/** Means of `factor` points each, of those that are known; null where none is. The last mean may be of fewer points. */
export function downSample(points: readonly (number | null)[], factor: number): (number | null)[] {
  const means: (number | null)[] = [];
  for (let from = 0; from < points.length; from += factor) means.push(meanOfKnown(points.slice(from, from + factor)));
  return means;
}

function meanOfKnown(points: readonly (number | null)[]): number | null {
  const known = points.filter((point) => point !== null);
  return known.length ? known.reduce((sum, point) => sum + point, 0) / known.length : null;
}

/** Records figures by name. A figure that is not named in a record is unknown at that time. */
export class TelemetryHistory {
  #slot = Number.NaN;
  readonly #rows = new Map<string, Rows>();
  #cache: Readonly<Record<string, HistorySeries>> | null = null;

  /** Adds what is known at the time `at` (milliseconds since 1970). A clock that was set back begins the history anew. */
  record(at: number, figures: Readonly<Record<string, number | null>>): void {
    const slot = Math.floor(at / FINE_MS);
    if (Number.isNaN(this.#slot) || slot < this.#slot - LATE_SLOTS) {
      this.#rows.clear();
      this.#slot = slot;
    }
    const steps = slot - this.#slot;
    if (steps > 0) this.#advance(slot);
    for (const [name, value] of Object.entries(figures)) {
      if (value === null || !Number.isFinite(value)) continue;
      const { fine } = this.#rowsOf(name);
      const point = Number(value.toPrecision(DIGITS));
      fine[this.#slot % SLOTS] = point;
      if (steps === LATE_SLOTS) fine[(this.#slot - 1) % SLOTS] = point;
    }
    this.#cache = null;
  }

  /** Every figure that was known at some time in its history. */
  series(): Readonly<Record<string, HistorySeries>> {
    if (this.#cache) return this.#cache;
    const series: Record<string, HistorySeries> = {};
    const done = Math.floor(this.#slot / FACTOR) - 1;
    for (const [name, rows] of this.#rows) {
      const fine = pointsOf(rows.fine, this.#slot);
      rows.coarsePoints ??= pointsOf(rows.coarse, done);
      if (fine.length > 0 || rows.coarsePoints.length > 0) series[name] = { fine, coarse: rows.coarsePoints };
      else this.#rows.delete(name);
    }
    this.#cache = series;
    return series;
  }

  /** For a file; null before the first record. */
  save(): HistoryState | null {
    return Number.isNaN(this.#slot) ? null : { slot: this.#slot, series: this.series() };
  }

  /** The history that was saved; what lies between then and the next record becomes a gap. */
  static restore(state: HistoryState): TelemetryHistory {
    const history = new TelemetryHistory();
    history.#slot = state.slot;
    const done = Math.floor(state.slot / FACTOR) - 1;
    for (const [name, { fine, coarse }] of Object.entries(state.series)) {
      const rows = history.#rowsOf(name);
      fill(rows.fine, fine, state.slot);
      fill(rows.coarse, coarse, done);
    }
    return history;
  }

  /** Goes on to a slot: it and those that were left out are empty, and coarse ones that are over are done. */
  #advance(slot: number): void {
    const [before, now] = [this.#slot, slot].map((one) => Math.floor(one / FACTOR));
    for (const rows of this.#rows.values()) {
      const { fine, coarse } = rows;
      if (now > before) {
        // As many as lie in the coarse slot; a gap at its end is no part of them.
        const points = pointsOf(fine, this.#slot).slice(before * FACTOR - this.#slot - 1);
        coarse[before % SLOTS] = downSample(points, FACTOR)[0] ?? Number.NaN;
        rows.coarsePoints = null;
        for (let missed = Math.max(before + 1, now - SLOTS); missed < now; missed++)
          coarse[missed % SLOTS] = Number.NaN;
      }
      for (let missed = Math.max(this.#slot + 1, slot - SLOTS + 1); missed <= slot; missed++) {
        fine[missed % SLOTS] = Number.NaN;
      }
    }
    this.#slot = slot;
  }

  #rowsOf(name: string): Rows {
    let rows = this.#rows.get(name);
    if (!rows) {
      const empty = () => new Float64Array(SLOTS).fill(Number.NaN);
      rows = { fine: empty(), coarse: empty(), coarsePoints: null };
      this.#rows.set(name, rows);
    }
    return rows;
  }
}

/** The slots up to `last`, oldest first, from the first one that is known. */
function pointsOf(row: Float64Array, last: number): (number | null)[] {
  const points: (number | null)[] = [];
  for (let slot = last + 1; slot <= last + SLOTS; slot++) {
    const value = row[slot % SLOTS];
    if (!Number.isNaN(value)) points.push(value);
    else if (points.length > 0) points.push(null);
  }
  return points;
}

function fill(row: Float64Array, points: readonly (number | null)[], last: number): void {
  points.slice(-SLOTS).forEach((point, i, { length }) => {
    row[(last - length + 1 + i) % SLOTS] = point ?? Number.NaN;
  });
}
