/** The market and its sectors as series of days: mean return, dispersion, breadth, range over the names that count. */
import type { Panel } from '../../market/panel.ts';
import type { Entity } from '../encoder.model.ts';
import { eligible } from '../windows.model.ts';
import { eachRow, type InstrumentRows, MARKET_WINDOW } from './rows.model.ts';

/** A mean of fewer names is no aggregate. */
const LEAST_NAMES = 2;

interface Group {
  readonly entity: Entity;
  /** Null for the whole market. */
  readonly sector: string | null;
}

/** G × T arrays, group-major; NaN on a day with too few names. On shared memory. */
export interface GroupSeries {
  /** The market first, then its sectors in byte order. */
  readonly groups: readonly Group[];
  /** Log of 1 + the equal-weight mean return. */
  readonly ret: Float64Array;
  /** Standard deviation of the names' log returns on that day. */
  readonly dispersion: Float64Array;
  /** Share of the names that rose. */
  readonly breadth: Float64Array;
  /** Mean ln(high / low). */
  readonly range: Float64Array;
  /** Mean square of the names' log returns. */
  readonly square: Float64Array;
  readonly names: Int32Array;
}

const FIGURES = ['ret', 'dispersion', 'breadth', 'range', 'square'] as const;

/** Groups that a market has: itself, and each sector that an instrument names. */
function groupsOf(panel: Panel): Group[] {
  const sectors = new Set(panel.instruments.map(({ sector }) => sector).filter((sector) => sector !== null));
  const sorted = [...sectors].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return [
    { entity: { type: 'MARKET', id: panel.marketId }, sector: null },
    ...sorted.map((sector): Group => ({ entity: { type: 'SECTOR', id: `${panel.marketId}|${sector}` }, sector })),
  ];
}

/** Instruments count on the days when they are eligible and have a return since the trading day before. */
export function groupSeries(panel: Panel, rows: InstrumentRows): GroupSeries {
  const groups = groupsOf(panel);
  const T = panel.calendar.days.length;
  const size = groups.length * T;
  const make = () => new Float64Array(new SharedArrayBuffer(size * 8));
  const series = { ret: make(), dispersion: make(), breadth: make(), range: make(), square: make() };
  const names = new Int32Array(new SharedArrayBuffer(size * 4));
  const ranged = new Int32Array(size);
  const sum = new Float64Array(size);
  const due = eligible(rows, panel, MARKET_WINDOW);
  const ownGroup = panel.instruments.map(({ sector }) =>
    sector === null ? -1 : groups.findIndex((group) => group.sector === sector),
  );
  eachRow(panel, rows, (row, at, before) => {
    const ret = rows.ret[row];
    if (before !== at - 1 || !due[at] || !Number.isFinite(ret)) return;
    const own = ownGroup[Math.floor(at / T)];
    for (const g of own < 0 ? [0] : [0, own]) {
      const to = g * T + (at % T);
      names[to]++;
      series.ret[to] += Math.expm1(ret);
      sum[to] += ret;
      series.square[to] += ret * ret;
      if (ret > 0) series.breadth[to]++;
      if (Number.isNaN(rows.range[row])) continue;
      series.range[to] += rows.range[row];
      ranged[to]++;
    }
  });
  for (let at = 0; at < size; at++) {
    const count = names[at];
    if (count < LEAST_NAMES) {
      for (const name of FIGURES) series[name][at] = Number.NaN;
      continue;
    }
    series.ret[at] = Math.log1p(series.ret[at] / count);
    series.square[at] /= count;
    series.breadth[at] /= count;
    series.range[at] = ranged[at] ? series.range[at] / ranged[at] : 0;
    series.dispersion[at] = Math.sqrt(Math.max(0, series.square[at] - (sum[at] / count) ** 2));
  }
  return { groups, ...series, names };
}
