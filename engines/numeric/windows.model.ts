/**
 * Windows of the v1 models (`contracts.md` §5): the last W price rows up to t, none older than 3·W calendar days, with the
 * features close, volume and log return. A row is a day with a price; days without one are not in a window.
 */
import { formatDay } from '../../src/platform/dates.ts';
import { indexOnOrAfter } from '../market/calendar.ts';
import { columnOf, type Panel, type PriceColumn } from '../market/panel.ts';

const FEATURES = 3;
/** A window has at least this share of its rows. */
const LEAST_SHARE = 0.87;
/** A window reaches back so many calendar days for each of its rows. */
const REACH = 3;

/** Which price rows there are: those of all instruments, one behind the other, days without a price left out. */
export interface RowIndex {
  /** Rows of instrument i are `offset[i] … offset[i + 1] − 1`. */
  readonly offset: Int32Array;
  /** Day number of each row. */
  readonly day: Int32Array;
  /** N × T: how many rows of the instrument lie on or before that trading day. */
  readonly until: Int32Array;
}

/** The rows with what v1 takes from them. On shared memory. */
export interface PriceRows extends RowIndex {
  /** Close, volume, log return since the row before, a row; computed as doubles, kept as float32. */
  readonly features: Float32Array;
}

/** Rows that a window of `window` needs at least. */
const leastRows = (window: number): number => Math.floor(LEAST_SHARE * window);

/** Trading days that can lie within the reach of a window. */
export const lookbackOf = (window: number): number => Math.ceil((REACH * window * 5) / 7) + 1;

export function priceRows(panel: Panel): PriceRows {
  const [close, volume] = [columnOf(panel, 'close'), columnOf(panel, 'volume')];
  const days = panel.calendar.days;
  const n = panel.instruments.length;
  const until = sharedInts(close.length);
  const offset = sharedInts(n + 1);
  let total = 0;
  for (const price of close) if (!Number.isNaN(price)) total++;
  const day = sharedInts(total);
  const features = new Float32Array(new SharedArrayBuffer(total * FEATURES * 4));
  let row = 0;
  for (let i = 0; i < n; i++) {
    offset[i] = row;
    let before = Number.NaN;
    for (let t = 0, at = i * days.length; t < days.length; t++, at++) {
      const price = close[at];
      if (!Number.isNaN(price)) {
        day[row] = days[t];
        features[row * FEATURES] = price;
        features[row * FEATURES + 1] = volume[at];
        features[row * FEATURES + 2] = row === offset[i] ? 0 : Math.log(price / before);
        before = price;
        row++;
      }
      until[at] = row - offset[i];
    }
  }
  offset[n] = row;
  return { offset, day, features, until };
}

/** How many rows the window of `window` rows that ends at cell `i * T + t` has: at most `window`, maybe none. */
export function rowsInWindow(rows: RowIndex, panel: Panel, window: number, cell: number): number {
  const days = panel.calendar.days;
  const i = Math.floor(cell / days.length);
  const oldest = oldestDay(days[cell % days.length], window);
  const end = rows.offset[i] + rows.until[cell];
  let start = Math.max(rows.offset[i], end - window);
  while (start < end && rows.day[start] < oldest) start++;
  return end - start;
}

/** The first day (a day number) that a window of `window` rows up to `day` may reach back to. */
export const oldestDay = (day: number, window: number): number => day - REACH * window;

/** N × T, instrument-major: 1 where the window that ends there has enough rows. */
export function eligible(rows: RowIndex, panel: Panel, window: number): Uint8Array {
  const least = leastRows(window);
  const mask = new Uint8Array(new SharedArrayBuffer(rows.until.length));
  for (let cell = 0; cell < mask.length; cell++) {
    if (rows.until[cell] >= least && rowsInWindow(rows, panel, window, cell) >= least) mask[cell] = 1;
  }
  return mask;
}

/**
 * Writes the window of an eligible cell to `target` at `at`: `window` rows of three float32. A short one repeats its last
 * close and volume at the end; the first log return is 0. Returns why the window cannot be used, or null.
 */
export function writeWindow(
  rows: PriceRows,
  panel: Panel,
  window: number,
  cell: number,
  target: Float32Array,
  at: number,
): string | null {
  const i = Math.floor(cell / panel.calendar.days.length);
  const end = rows.offset[i] + rows.until[cell];
  const count = rowsInWindow(rows, panel, window, cell);
  const from = (end - count) * FEATURES;
  target.set(rows.features.subarray(from, end * FEATURES), at);
  target[at + 2] = 0;
  for (let k = count; k < window; k++) {
    target[at + k * FEATURES] = target[at + (count - 1) * FEATURES];
    target[at + k * FEATURES + 1] = target[at + (count - 1) * FEATURES + 1];
    target[at + k * FEATURES + 2] = 0;
  }
  let finite = 0;
  // Zero times anything but a finite number is NaN: one sum tells whether a value is none.
  for (let k = at; k < at + window * FEATURES; k++) finite += 0 * target[k];
  return finite === 0 ? null : problemOf(rows, panel, i, target, at, end - count);
}

/** Which value of instrument i's window is no finite number. */
function problemOf(
  rows: PriceRows,
  panel: Panel,
  i: number,
  target: Float32Array,
  at: number,
  firstRow: number,
): string {
  const names = ['close', 'volume', 'log return'];
  const k = target.subarray(at).findIndex((value) => !Number.isFinite(value));
  const day = rows.day[firstRow + Math.floor(k / FEATURES)];
  return (
    unusableValue(panel, i, day, ['close', 'volume']) ??
    `the ${names[k % FEATURES]} of ${formatDay(day)} is no finite number`
  );
}

/** What is wrong with these columns of instrument i on a day with a price: `prices of 2014-03-05: close is 0`, or null. */
export function unusableValue(panel: Panel, i: number, day: number, columns: readonly PriceColumn[]): string | null {
  const cell = i * panel.calendar.days.length + indexOnOrAfter(panel.calendar, day);
  const column = columns.find((name) => panel.unusable?.[name]?.has(cell));
  return column ? `prices of ${formatDay(day)}: ${panel.unusable![column]!.get(cell)}` : null;
}

const sharedInts = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
