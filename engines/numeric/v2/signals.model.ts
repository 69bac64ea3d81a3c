/** Factor signals of each instrument and day, standardised over the names that are eligible on that day. */
import type { Panel } from '../../market/panel.ts';
import { eligible, rowsInWindow } from '../windows.model.ts';
import { eachRow, type InstrumentRows, MARKET_WINDOW } from './rows.model.ts';

export const SIGNALS = ['beta', 'momentum', 'volatility', 'reversal'] as const;

/** One value a price row, cut at ±3 deviations; NaN where the instrument is not eligible. */
export type Signals = Readonly<Record<(typeof SIGNALS)[number], Float32Array>>;

const REVERSAL_ROWS = 5;
const CLIP = 3;

/** From the last 63 rows: beta to the market, sum of returns, volatility, and the last five returns turned round. */
export function signals(panel: Panel, rows: InstrumentRows): Signals {
  const make = () => new Float32Array(rows.day.length).fill(Number.NaN);
  const raw = { beta: make(), momentum: make(), volatility: make(), reversal: make() };
  const due = eligible(rows, panel, MARKET_WINDOW);
  eachRow(panel, rows, (row, at) => {
    if (!due[at]) return;
    // The first row's return is left out: the row before may lie outside of what was loaded.
    const from = row - rowsInWindow(rows, panel, MARKET_WINDOW, at) + 2;
    let [sum, square, market, both, last] = [0, 0, 0, 0, 0];
    for (let k = from; k <= row; k++) {
      const [r, m] = [rows.ret[k], rows.market[k]];
      sum += r;
      square += r * r;
      market += m * m;
      both += r * m;
      if (k > row - REVERSAL_ROWS) last += r;
    }
    raw.beta[row] = market > 0 ? both / market : 0;
    raw.momentum[row] = sum;
    raw.volatility[row] = Math.log(Math.sqrt(square / (row - from + 1)) + 1e-5);
    raw.reversal[row] = -last;
  });
  for (const name of SIGNALS) standardiseByDay(panel, rows, raw[name]);
  return raw;
}

/** Mean 0 and deviation 1 over the names of each day, in place. */
function standardiseByDay(panel: Panel, rows: InstrumentRows, values: Float32Array): void {
  const T = panel.calendar.days.length;
  const [count, sum, square] = [new Int32Array(T), new Float64Array(T), new Float64Array(T)];
  const each = (visit: (row: number, t: number) => void) =>
    eachRow(panel, rows, (row, at) => {
      if (Number.isFinite(values[row])) visit(row, at % T);
      else values[row] = Number.NaN;
    });
  each((row, t) => {
    count[t]++;
    sum[t] += values[row];
  });
  each((row, t) => {
    square[t] += (values[row] - sum[t] / count[t]) ** 2;
  });
  each((row, t) => {
    const deviation = Math.sqrt(square[t] / count[t]);
    const z = deviation > 1e-9 ? (values[row] - sum[t] / count[t]) / deviation : 0;
    values[row] = Math.max(-CLIP, Math.min(CLIP, z));
  });
}
