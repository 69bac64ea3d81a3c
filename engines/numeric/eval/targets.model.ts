/** What happens after a day: volatility, deepest fall and return of the next trading days. The only code that looks ahead. */
import { columnOf, type Panel } from '../../market/panel.ts';

/** Trading days looked ahead. */
export const HORIZON = 21;
/** Days of them that must have a price. */
const LEAST_DAYS = 19;
const LEAST_VOL = 5e-5;

export interface Future {
  /** ln of the root mean square of the daily log returns. */
  readonly logVol: number;
  /** Deepest fall below the running peak, from the day itself on: 0 … −1. */
  readonly drawdown: number;
  /** Log return to the last day. */
  readonly ret: number;
}

/**
 * The future of a series of levels (T values; NaN where unknown, Infinity where the table holds what no day can have) after day
 * t; null where too little of it is known, or where such a value is among it.
 */
export function futureOf(level: ArrayLike<number>, t: number, offset = 0, days = level.length): Future | null {
  if (t + HORIZON >= days || !(level[offset + t] > 0 && level[offset + t] < Infinity)) return null;
  let [before, peak, square, count, deepest] = [level[offset + t], level[offset + t], 0, 0, 0];
  for (let s = t + 1; s <= t + HORIZON; s++) {
    const now = level[offset + s];
    if (now === Infinity) return null;
    if (!(now > 0)) continue;
    square += Math.log(now / before) ** 2;
    count++;
    before = now;
    peak = Math.max(peak, now);
    deepest = Math.min(deepest, now / peak - 1);
  }
  if (count < LEAST_DAYS) return null;
  return {
    logVol: Math.log(Math.sqrt(square / count) + LEAST_VOL),
    drawdown: deepest,
    ret: Math.log(before / level[offset + t]),
  };
}

/** The future of a cell `i * T + t` of the panel, by adjusted closes. */
export function futureOfInstrument(panel: Panel, cell: number): Future | null {
  const T = panel.calendar.days.length;
  const t = cell % T;
  return futureOf(columnOf(panel, 'adjusted_close'), t, cell - t, T);
}
