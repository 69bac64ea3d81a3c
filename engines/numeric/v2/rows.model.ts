/**
 * What the v2 encoders take from prices, once a panel: for each price row its return, the market's return over the same
 * span, its range and its dollar volume. All of it is ratios (dollar volume is used as one): a split, or prices in another
 * unit, change nothing.
 */
import { columnOf, type Panel, type PriceColumn } from '../../market/panel.ts';
import { eligible, type RowIndex } from '../windows.model.ts';

export const ROW_COLUMNS: readonly PriceColumn[] = ['adjusted_close', 'close', 'high', 'low', 'volume'];

/** Instruments count for the market's return when they are eligible by this window. */
export const MARKET_WINDOW = 63;

/** One value a price row. On shared memory; float32 where a later difference would not need more. */
export interface InstrumentRows extends RowIndex {
  /**
   * Log return of the adjusted close since the row before; NaN for an instrument's first row, without a price above 0, and
   * on a day with a value that cannot be used.
   */
  readonly ret: Float32Array;
  /** Sum of the market's log returns over the same days. */
  readonly market: Float32Array;
  /** ln(high / low); NaN where one of them is no price. */
  readonly range: Float32Array;
  /** ln(close · volume); NaN without volume. */
  readonly dollars: Float64Array;
  /** T: log of 1 + the equal-weight mean return of the eligible instruments; 0 on the first day. */
  readonly marketReturn: Float32Array;
}

export function instrumentRows(panel: Panel): InstrumentRows {
  const index = rowIndex(panel);
  const [adjusted, close, high, low, volume] = ROW_COLUMNS.map((name) => columnOf(panel, name));
  const total = index.day.length;
  const rows = {
    ...index,
    ret: floats(total),
    market: floats(total),
    range: floats(total),
    dollars: new Float64Array(new SharedArrayBuffer(total * 8)),
    marketReturn: floats(panel.calendar.days.length),
  };
  eachRow(panel, index, (row, at, before) => {
    const usable = before >= 0 && !ROW_COLUMNS.some((name) => panel.unusable?.[name]?.has(at));
    rows.ret[row] = usable ? logRatio(adjusted[at], adjusted[before]) : Number.NaN;
    rows.range[row] = Math.max(0, logRatio(high[at], low[at]));
    rows.dollars[row] = logRatio(close[at] * volume[at], 1);
  });
  writeMarketReturn(panel, rows);
  const T = panel.calendar.days.length;
  eachRow(panel, index, (row, at, before) => {
    let sum = 0;
    if (before >= 0) for (let t = before % T; t < at % T; t++) sum += rows.marketReturn[t + 1];
    rows.market[row] = sum;
  });
  return rows;
}

/** Rows are the days with a close, as in v1: eligibility is the same. */
function rowIndex(panel: Panel): RowIndex {
  const close = columnOf(panel, 'close');
  const { days } = panel.calendar;
  const n = panel.instruments.length;
  let total = 0;
  for (const price of close) if (!Number.isNaN(price)) total++;
  const index = { offset: ints(n + 1), day: ints(total), until: ints(close.length) };
  let row = 0;
  for (let i = 0; i < n; i++) {
    index.offset[i] = row;
    for (let t = 0, at = i * days.length; t < days.length; t++, at++) {
      if (!Number.isNaN(close[at])) index.day[row++] = days[t];
      index.until[at] = row - index.offset[i];
    }
  }
  index.offset[n] = row;
  return index;
}

/** Calls `visit` with each row of all instruments, in order: its number, its cell in the panel, and the cell of the row before (−1 for an instrument's first). */
export function eachRow(
  panel: Panel,
  { until }: RowIndex,
  visit: (row: number, at: number, before: number) => void,
): void {
  const T = panel.calendar.days.length;
  let row = 0;
  for (let i = 0; i < panel.instruments.length; i++) {
    let before = -1;
    for (let at = i * T, count = 0; at < (i + 1) * T; at++) {
      if (until[at] === count) continue;
      count = until[at];
      visit(row++, at, before);
      before = at;
    }
  }
}

/** The equal-weight mean of the simple returns of those that have one since the trading day before, as a log return. */
function writeMarketReturn(panel: Panel, rows: InstrumentRows): void {
  const T = panel.calendar.days.length;
  const due = eligible(rows, panel, MARKET_WINDOW);
  const sum = new Float64Array(T);
  const count = new Int32Array(T);
  eachRow(panel, rows, (row, at, before) => {
    if (before !== at - 1 || !due[at] || !Number.isFinite(rows.ret[row])) return;
    sum[at % T] += Math.expm1(rows.ret[row]);
    count[at % T]++;
  });
  for (let t = 0; t < T; t++) rows.marketReturn[t] = count[t] ? Math.log1p(sum[t] / count[t]) : 0;
}

/** ln(a / b), NaN unless both are finite and above 0. */
function logRatio(a: number, b: number): number {
  return a > 0 && b > 0 && a < Number.POSITIVE_INFINITY && b < Number.POSITIVE_INFINITY ? Math.log(a / b) : Number.NaN;
}

const ints = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
const floats = (length: number) => new Float32Array(new SharedArrayBuffer(length * 4));
