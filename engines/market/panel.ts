/**
 * The panel: prices of all instruments of a market as dense columns over the trading calendar. It is read once; engines
 * look at it through windows that end at t and cannot reach past it.
 */
import { createHash } from 'node:crypto';
import type { Calendar } from './calendar.ts';

/** Columns of `prices_daily` a panel may hold. */
export type PriceColumn = 'open' | 'high' | 'low' | 'close' | 'adjusted_close' | 'volume';

export interface Instrument {
  readonly id: string;
  readonly issuerId: string;
  readonly symbol: string;
  readonly sector: string | null;
  /** What a share is worth after its last price, when the data knows it. */
  readonly delistingValue: number | null;
}

export interface Panel {
  readonly marketId: string;
  readonly calendar: Calendar;
  /** N instruments in ascending byte order of their ids. */
  readonly instruments: readonly Instrument[];
  /** Each column: N × T doubles, instrument-major (`column[i * T + t]`), on shared memory; NaN where no row exists. */
  readonly columns: Readonly<Partial<Record<PriceColumn, Float64Array>>>;
  /** Price rows read, and how many of them were not used because they lie on a day that is no trading day. */
  readonly rows: number;
  readonly offCalendarRows: number;
  /** SHA-256 over instruments, days and columns: equal panels have equal fingerprints. */
  readonly fingerprint: string;
  /** What is wrong with values that no day can have, where the panel was loaded with them. */
  readonly unusable?: UnusableValues;
}

/** Values that the table holds and no trading day can have: `close is 0`, by column and cell. The column has Infinity there. */
export type UnusableValues = Readonly<Partial<Record<PriceColumn, ReadonlyMap<number, string>>>>;

/** A column filled with NaN, on shared memory so that workers see one copy. */
export function makeColumn(length: number): Float64Array {
  const column = new Float64Array(new SharedArrayBuffer(length * 8));
  column.fill(Number.NaN);
  return column;
}

/** A column that must be there. */
export function columnOf(panel: Panel, name: PriceColumn): Float64Array {
  const column = panel.columns[name];
  if (!column) throw new Error(`the panel was loaded without ${name}`);
  return column;
}

/**
 * The last `n` values of one instrument's column (N × T, instrument-major) ending at day index `t`, oldest first: the as-of
 * view through which engines look at prices. A view of exactly the window: nothing after t can be read through it.
 * @throws RangeError when the window begins before the panel.
 */
export function windowEndingAt(
  column: Float64Array,
  days: number,
  instrument: number,
  t: number,
  n: number,
): Float64Array {
  if (t - n + 1 < 0 || t >= days) throw new RangeError(`the window of ${n} days ending at ${t} leaves the panel`);
  const end = instrument * days + t + 1;
  return column.subarray(end - n, end);
}

/**
 * For each instrument and day (instrument-major, N × T) the number of consecutive trading days with a price that end
 * there: `W(t, n)` is complete exactly when it is ≥ n.
 */
export function completeRuns(close: Float64Array, instruments: number, days: number): Int32Array {
  const runs = new Int32Array(instruments * days);
  for (let i = 0; i < instruments; i++) {
    let run = 0;
    for (let at = i * days, end = at + days; at < end; at++) {
      run = Number.isNaN(close[at]) ? 0 : run + 1;
      runs[at] = run;
    }
  }
  return runs;
}

/** Instrument-major N × T → day-major D × N for the days `from … from + count − 1`. */
export function byDay(
  column: Float64Array,
  instruments: number,
  days: number,
  from: number,
  count: number,
): Float64Array {
  const result = new Float64Array(new SharedArrayBuffer(count * instruments * 8));
  // Blocks of 32 instruments keep both sides of the transposition in cache.
  for (let block = 0; block < instruments; block += 32) {
    const end = Math.min(instruments, block + 32);
    for (let d = 0; d < count; d++) {
      const row = d * instruments;
      for (let i = block; i < end; i++) result[row + i] = column[i * days + from + d];
    }
  }
  return result;
}

/** Content hash of a panel's parts. */
export function panelFingerprint(
  instruments: readonly Instrument[],
  days: Int32Array,
  columns: Readonly<Partial<Record<PriceColumn, Float64Array>>>,
): string {
  const digest = createHash('sha256');
  digest.update(JSON.stringify(instruments));
  digest.update(new Uint8Array(days.buffer, days.byteOffset, days.byteLength));
  for (const name of Object.keys(columns).sort() as PriceColumn[]) {
    const column = columns[name]!;
    digest.update(name);
    // createHash refuses shared memory: hash copies of bounded size.
    const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
    for (let at = 0; at < bytes.length; at += 1 << 22) digest.update(bytes.slice(at, at + (1 << 22)));
  }
  return digest.digest('hex');
}
