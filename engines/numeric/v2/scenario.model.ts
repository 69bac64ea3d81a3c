/**
 * Inputs of the scenario encoder, one row a day for the market: `shocks`, the last 63 trading days in canonical buckets (the
 * market, eleven sectors against it, three factors, three conditions). All of it goes into the components: nothing is cut.
 */
import type { Panel } from '../../market/panel.ts';
import { eligible, lookbackOf } from '../windows.model.ts';
import { type GroupSeries, groupSeries } from './groups.model.ts';
import { dueDays } from './regime.model.ts';
import { eachRow, type InstrumentRows, instrumentRows, MARKET_WINDOW, ROW_COLUMNS } from './rows.model.ts';
import { GICS_SECTORS } from './sectors.model.ts';
import { type SIGNALS, type Signals, signals } from './signals.model.ts';
import type { InputWriter, Source, SourceRequest } from './source.model.ts';

const FACTORS = ['momentum', 'volatility', 'reversal'] as const satisfies readonly (typeof SIGNALS)[number][];
const CONDITIONS = ['range', 'dispersion', 'breadth'] as const;

/** Rows of the grid, in order. */
export const BUCKETS: readonly string[] = ['market', ...GICS_SECTORS, ...FACTORS, ...CONDITIONS];
export const SHOCK_DAYS = 63;
const CLIP = 8;
/** What a shock of 1 is: a return, a factor's return, a change of a logarithm, a share of the names. */
const SCALES = { market: 0.01, sector: 0.005, factor: 0.003, change: 0.25, breadth: 0.25 } as const;

export interface ShockInputs {
  readonly series: GroupSeries;
  /** B × T, bucket-major: scaled shocks, 0 where unknown. On shared memory. */
  readonly shocks: Float32Array;
}

export const scenarioSource: Source<ShockInputs> = {
  entities: ['MARKET'],
  columns: ROW_COLUMNS,
  // Factors are made of the eligible names of the day before, by what their own windows say.
  lookback: (window) => window + 2 * lookbackOf(MARKET_WINDOW),
  inputs: [{ name: 'shocks', dims: [BUCKETS.length, SHOCK_DAYS] }],
  features: BUCKETS,
  prepare: async ({ panel }) => {
    const rows = instrumentRows(panel);
    const series = groupSeries(panel, rows);
    return { series, shocks: shockGrid(panel, rows, series, signals(panel, rows)) };
  },
  due: ({ panel, window }, { series }) => ({
    entities: [series.groups[0].entity],
    due: dueDays(panel, window, { ...series, groups: series.groups.slice(0, 1) }).slice(0, panel.calendar.days.length),
  }),
  writer: scenarioWriter,
};

function scenarioWriter({ panel }: SourceRequest, { shocks }: ShockInputs): InputWriter {
  const T = panel.calendar.days.length;
  const size = BUCKETS.length * SHOCK_DAYS;
  return (cell, [target], k) => {
    const t = cell % T;
    BUCKETS.forEach((_, b) => {
      target.set(shocks.subarray(b * T + t - SHOCK_DAYS + 1, b * T + t + 1), k * size + b * SHOCK_DAYS);
    });
    return null;
  };
}

function shockGrid(panel: Panel, rows: InstrumentRows, series: GroupSeries, signal: Signals): Float32Array {
  const T = panel.calendar.days.length;
  const grid = new Float32Array(new SharedArrayBuffer(BUCKETS.length * T * 4));
  const put = (bucket: string, t: number, value: number) => {
    if (Number.isFinite(value)) grid[BUCKETS.indexOf(bucket) * T + t] = Math.max(-CLIP, Math.min(CLIP, value));
  };
  const sectors = GICS_SECTORS.map((name) => ({ name, g: series.groups.findIndex(({ sector }) => sector === name) }));
  const factors = FACTORS.map((name) => ({ name, ret: factorReturn(panel, rows, signal, name) }));
  for (let t = 1; t < T; t++) {
    put('market', t, series.ret[t] / SCALES.market);
    for (const { name, g } of sectors) if (g > 0) put(name, t, (series.ret[g * T + t] - series.ret[t]) / SCALES.sector);
    for (const { name, ret } of factors) put(name, t, ret[t] / SCALES.factor);
    put('range', t, Math.log(series.range[t] / series.range[t - 1]) / SCALES.change);
    put('dispersion', t, Math.log(series.dispersion[t] / series.dispersion[t - 1]) / SCALES.change);
    put('breadth', t, (series.breadth[t] - 0.5) / SCALES.breadth);
  }
  return grid;
}

/** T: the day's return of a portfolio long and short in proportion to the standardised signal of the day before. */
function factorReturn(
  panel: Panel,
  rows: InstrumentRows,
  signal: Signals,
  name: (typeof SIGNALS)[number],
): Float64Array {
  const T = panel.calendar.days.length;
  const due = eligible(rows, panel, MARKET_WINDOW);
  const [earned, invested] = [new Float64Array(T), new Float64Array(T)];
  eachRow(panel, rows, (row, at, before) => {
    if (before !== at - 1 || !due[before] || !Number.isFinite(rows.ret[row])) return;
    const weight = signal[name][row - 1];
    if (Number.isNaN(weight)) return;
    earned[at % T] += weight * rows.ret[row];
    invested[at % T] += Math.abs(weight);
  });
  return earned.map((sum, t) => (invested[t] > 0 ? sum / invested[t] : Number.NaN));
}
