/**
 * Inputs of the portfolio encoder, one row a day for the portfolio of a finished run: a fixed schema of sector weights,
 * factor exposures, risk figures and flags for what is missing, each on a scale of its own.
 */
import { createHash } from 'node:crypto';
import { indexOnOrAfter } from '../../market/calendar.ts';
import { columnOf, type Panel } from '../../market/panel.ts';
import { lookbackOf } from '../windows.model.ts';
import { eachTrade, finishedRuns, type PortfolioRun } from './portfolio.storage.ts';
import { eachRow, type InstrumentRows, instrumentRows, MARKET_WINDOW, ROW_COLUMNS } from './rows.model.ts';
import { GICS_SECTORS } from './sectors.model.ts';
import { logDownside, logVol, rootMeanSquare, slope, total } from './series.model.ts';
import { SIGNALS, type Signals, signals } from './signals.model.ts';
import type { InputWriter, Source, SourceRequest } from './source.model.ts';

/** A value of the schema: it enters as (value − centre) / scale, cut at ±6. */
interface Field {
  readonly name: string;
  readonly centre: number;
  readonly scale: number;
}

const field = (name: string, centre: number, scale: number): Field => ({ name, centre, scale });
/** ln of a daily volatility of 1 %. */
const USUAL_VOL = -4.6;

/** Scales are the sizes that these figures have in long-only equity portfolios; they are part of the model and never move. */
export const SCHEMA: readonly Field[] = [
  ...GICS_SECTORS.map((name) => field(`sector ${name}`, 1 / 11, 0.1)),
  field('sector other', 0, 0.1),
  ...SIGNALS.map((name) => field(`factor ${name}`, 0, 0.5)),
  field('gross', 1, 0.25),
  field('cash', 0, 0.25),
  field('largest_weight', 0.02, 0.03),
  field('log_effective_names', 4, 1.5),
  field('log_names', 4, 1.5),
  field('turnover', 0.05, 0.1),
  field('log_vol_short', USUAL_VOL, 0.5),
  field('log_vol_middle', USUAL_VOL, 0.5),
  field('log_vol', USUAL_VOL, 0.5),
  field('log_downside', USUAL_VOL, 0.5),
  field('return_short', 0, 0.03),
  field('return_middle', 0, 0.06),
  field('return', 0, 0.1),
  field('drawdown', 0, 0.1),
  field('holdings_log_vol_short', USUAL_VOL, 0.5),
  field('holdings_log_vol_middle', USUAL_VOL, 0.5),
  field('holdings_log_vol', USUAL_VOL, 0.5),
  field('holdings_beta', 1, 0.25),
  field('holdings_worst_day', -0.03, 0.02),
  field('stab_risk', 0.3, 0.2),
  field('stab_worsen', 0.1, 0.1),
  field('missing history', 0, 1),
  field('missing stab_risk', 0, 1),
  field('missing stab_worsen', 0, 1),
  field('missing prices', 0, 1),
];
const CLIP = 6;
const SIZE = SCHEMA.length;
const PLACE: ReadonlyMap<string, number> = new Map(SCHEMA.map(({ name }, at) => [name, at]));

export interface PortfolioInputs {
  /** Ascending by byte order. */
  readonly portfolios: readonly string[];
  /** P × T × S: the scaled schema, rows of zeros where not due. On shared memory. */
  readonly values: Float32Array;
  /** P × T: 1 where a finished run has an equity. On shared memory. */
  readonly due: Uint8Array;
  /** P × T: equity of that day; NaN without. On shared memory. */
  readonly equity: Float64Array;
}

export const portfolioSource: Source<PortfolioInputs> = {
  entities: ['PORTFOLIO'],
  columns: ROW_COLUMNS,
  lookback: (window) => window + 2 * lookbackOf(MARKET_WINDOW),
  inputs: [{ name: 'schema', dims: [SIZE] }],
  features: SCHEMA.map(({ name }) => name),
  prepare: async ({ panel, window }, databases) => {
    const runs = await finishedRuns(databases.runtime, panel.marketId);
    const inputs = emptyInputs(panel, runs);
    const rows = instrumentRows(panel);
    const context = { panel, window, rows, signal: signals(panel, rows), returns: denseReturns(panel, rows), inputs };
    // The newest run owns a portfolio's day: it comes last.
    for (const run of runs) await writeRun(context, run, (visit) => eachTrade(databases.runtime, run.runId, visit));
    return inputs;
  },
  fingerprint: ({ portfolios, values, due }) => {
    const digest = createHash('sha256').update(JSON.stringify(portfolios));
    for (const column of [values, due]) {
      digest.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
    }
    return digest.digest('hex');
  },
  due: (_, { portfolios, due }) => ({ entities: portfolios.map((id) => ({ type: 'PORTFOLIO', id })), due }),
  writer: portfolioWriter,
};

function portfolioWriter(_: SourceRequest, { values }: PortfolioInputs): InputWriter {
  return (cell, [target], k) => {
    target.set(values.subarray(cell * SIZE, (cell + 1) * SIZE), k * SIZE);
    return null;
  };
}

function emptyInputs(panel: Panel, runs: readonly PortfolioRun[]): PortfolioInputs {
  const ids = [...new Set(runs.map(({ portfolioId }) => portfolioId))];
  const portfolios = ids.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const cells = portfolios.length * panel.calendar.days.length;
  return {
    portfolios,
    values: new Float32Array(new SharedArrayBuffer(cells * SIZE * 4)),
    due: new Uint8Array(new SharedArrayBuffer(cells)),
    equity: new Float64Array(new SharedArrayBuffer(cells * 8)).fill(Number.NaN),
  };
}

/** N × T log returns since the row before, 0 where there is none. */
function denseReturns(panel: Panel, rows: InstrumentRows): Float32Array {
  const dense = new Float32Array(panel.instruments.length * panel.calendar.days.length);
  eachRow(panel, rows, (row, at) => {
    if (Number.isFinite(rows.ret[row])) dense[at] = rows.ret[row];
  });
  return dense;
}

interface RunContext {
  readonly panel: Panel;
  readonly window: number;
  readonly rows: InstrumentRows;
  readonly signal: Signals;
  readonly returns: Float32Array;
  readonly inputs: PortfolioInputs;
}

type Trades = (visit: Parameters<typeof eachTrade>[2]) => Promise<void>;

/** Follows a run's holdings from its first trade and writes its days that the panel has. */
async function writeRun(context: RunContext, run: PortfolioRun, trades: Trades): Promise<void> {
  const { panel, inputs } = context;
  const { days } = panel.calendar;
  const T = days.length;
  const p = inputs.portfolios.indexOf(run.portfolioId);
  const index = new Map(panel.instruments.map(({ id }, i) => [id, i]));
  const price = columnOf(panel, run.priceField);
  const held = new Float64Array(panel.instruments.length);
  const last = new Float64Array(panel.instruments.length).fill(Number.NaN);
  const traded = new Float64Array(T);
  const byDay = new Map<number, { i: number; quantity: number }[]>();
  await trades(({ day, instrumentId, quantity, price: paid }) => {
    const i = index.get(instrumentId);
    const t = indexOnOrAfter(panel.calendar, day);
    if (t < T && days[t] === day) traded[t] += Math.abs(quantity) * paid;
    if (i === undefined || t === T) return;
    if (day < days[0]) held[i] += quantity;
    else {
      const list = byDay.get(t);
      if (list) list.push({ i, quantity });
      else byDay.set(t, [{ i, quantity }]);
    }
  });
  const equity = new Map(run.equity.map((one, k) => [one.day, k]));
  for (let t = 0; t < T; t++) {
    for (const { i, quantity } of byDay.get(t) ?? []) held[i] += quantity;
    for (let i = 0; i < held.length; i++) {
      const now = price[i * T + t];
      if (now > 0 && now < Number.POSITIVE_INFINITY) last[i] = now;
    }
    const k = equity.get(days[t]);
    if (k === undefined || t < context.window) continue;
    const cell = p * T + t;
    inputs.due[cell] = 1;
    inputs.equity[cell] = run.equity[k].equity;
    const figures = figuresOf(context, run, k, t, held, last, traded);
    for (const [name, value] of figures) {
      const at = PLACE.get(name)!;
      const { centre, scale } = SCHEMA[at];
      // What is missing stays 0; its flag says so.
      const scaled = Number.isFinite(value) ? (value - centre) / scale : 0;
      inputs.values[cell * SIZE + at] = Math.max(-CLIP, Math.min(CLIP, scaled)) / Math.sqrt(SIZE);
    }
  }
}

/** The schema of one day, unscaled; NaN for what is missing. */
function figuresOf(
  { panel, window, rows, signal, returns }: RunContext,
  run: PortfolioRun,
  k: number,
  t: number,
  held: Float64Array,
  last: Float64Array,
  traded: Float64Array,
): Map<string, number> {
  const T = panel.calendar.days.length;
  const { equity, drawdown, risk, worsen } = run.equity[k];
  const figures = new Map<string, number>(GICS_SECTORS.map((name) => [`sector ${name}`, 0]));
  figures.set('sector other', 0);
  const add = (name: string, value: number) => figures.set(name, (figures.get(name) ?? 0) + value);
  const path = new Float64Array(window);
  const market = Float64Array.from({ length: window }, (_, j) => rows.marketReturn[t - window + 1 + j]);
  let [gross, square, largest, names, unpriced] = [0, 0, 0, 0, 0];
  for (let i = 0; i < held.length; i++) {
    if (Math.abs(held[i]) < 1e-9) continue;
    if (Number.isNaN(last[i])) {
      unpriced++;
      continue;
    }
    const weight = (held[i] * last[i]) / equity;
    gross += Math.abs(weight);
    square += weight * weight;
    largest = Math.max(largest, Math.abs(weight));
    names++;
    const sector = panel.instruments[i].sector ?? '';
    add((GICS_SECTORS as readonly string[]).includes(sector) ? `sector ${sector}` : 'sector other', weight);
    const row = rows.offset[i] + rows.until[i * T + t] - 1;
    for (const name of SIGNALS) {
      const z = row >= rows.offset[i] ? signal[name][row] : Number.NaN;
      add(`factor ${name}`, Number.isNaN(z) ? 0 : weight * z);
    }
    for (let j = 0, at = i * T + t - window + 1; j < window; j++, at++) path[j] += weight * returns[at];
  }
  const [short, middle] = [12, 3].map((part) => window - Math.round(window / part));
  const own = Float64Array.from({ length: Math.min(window, k) }, (_, j) => {
    const at = k - Math.min(window, k) + 1 + j;
    return Math.log(run.equity[at].equity / run.equity[at - 1].equity);
  });
  const from = (days: number) => Math.max(0, own.length - (window - days));
  const known = own.length >= window - middle;
  figures.set('gross', gross);
  figures.set('cash', 1 - total(Float64Array.from(sectorWeights(figures)), 0, GICS_SECTORS.length + 1));
  figures.set('largest_weight', largest);
  figures.set('log_effective_names', square > 0 ? Math.log(gross ** 2 / square) : 0);
  figures.set('log_names', Math.log1p(names));
  figures.set('turnover', tradedMean(traded, t, Math.min(k, window - middle)) / (2 * equity));
  figures.set('log_vol_short', known ? logVol(own, from(short), own.length) : Number.NaN);
  figures.set('log_vol_middle', known ? logVol(own, from(middle), own.length) : Number.NaN);
  figures.set('log_vol', known ? logVol(own, 0, own.length) : Number.NaN);
  figures.set('log_downside', known ? logDownside(own, 0, own.length) : Number.NaN);
  figures.set('return_short', known ? total(own, from(short), own.length) : Number.NaN);
  figures.set('return_middle', known ? total(own, from(middle), own.length) : Number.NaN);
  figures.set('return', known ? total(own, 0, own.length) : Number.NaN);
  figures.set('drawdown', drawdown);
  figures.set('holdings_log_vol_short', logVol(path, short, window));
  figures.set('holdings_log_vol_middle', logVol(path, middle, window));
  figures.set('holdings_log_vol', logVol(path, 0, window));
  figures.set('holdings_beta', rootMeanSquare(market, 0, window) > 0 ? slope(path, market, 0, window) : 0);
  figures.set(
    'holdings_worst_day',
    path.reduce((least, value) => Math.min(least, value), 0),
  );
  figures.set('stab_risk', risk);
  figures.set('stab_worsen', worsen);
  figures.set('missing history', known ? 0 : 1);
  figures.set('missing stab_risk', Number.isNaN(risk) ? 1 : 0);
  figures.set('missing stab_worsen', Number.isNaN(worsen) ? 1 : 0);
  figures.set('missing prices', unpriced > 0 ? 1 : 0);
  return figures;
}

const sectorWeights = (figures: ReadonlyMap<string, number>): number[] =>
  [...GICS_SECTORS, 'other'].map((name) => figures.get(`sector ${name}`) ?? 0);

/** Mean traded value of the last `count` days up to t; 0 before there is one. */
function tradedMean(traded: Float64Array, t: number, count: number): number {
  const days = Math.min(count, t);
  return days > 0 ? total(traded, t - days + 1, t + 1) / days : 0;
}
