/**
 * Inputs of the encoders of instruments: `window`, six channels over 63 steps, and `stats`, 36 figures in closed form
 * (`embeddings.md` §3). A window is the price rows of the last W trading days with a price, none older than 3·W calendar
 * days; a short one is padded with zeros on its left. A step is one row of a window of 63, four of one of 252.
 */
import { formatDay } from '../../../src/platform/dates.ts';
import type { Panel } from '../../market/panel.ts';
import { eligible, lookbackOf, oldestDay, rowsInWindow, unusableValue } from '../windows.model.ts';
import { type InstrumentRows, instrumentRows, MARKET_WINDOW, ROW_COLUMNS } from './rows.model.ts';
import {
  correlation,
  drawdowns,
  logDecayedVol,
  logDownside,
  logOf,
  logVol,
  mean,
  median,
  moments,
  rootMeanSquare,
  slope,
  total,
} from './series.model.ts';
import type { InputWriter, Source, SourceRequest } from './source.model.ts';

export const CHANNELS = 6;
export const STEPS = 63;
/** Channel values are cut at this, that of volume at half of it. */
const CLIP = 8;
const RETURN_SCALE = 0.02;
const MARKET_SCALE = 0.01;
const DRAWDOWN_SCALE = 0.1;
const DECAY = 0.94;
/** ln(H/L) of a random walk has the mean square 4·ln 2·σ² (M. Parkinson, Journal of Business 53, 1980). */
const PARKINSON = 1 / Math.sqrt(4 * Math.LN2);

/** Short, middle and whole window: 5, 21 and 63 days of 63. */
export const STATISTICS = [
  'log_vol_short',
  'log_vol_middle',
  'log_vol',
  'log_vol_decayed',
  'log_range_short',
  'log_range_middle',
  'log_range',
  'log_move_last',
  'log_downside_middle',
  'log_downside',
  'worst_day',
  'best_day',
  'skewness',
  'log_kurtosis',
  'large_fall_share',
  'expected_shortfall',
  'return_short',
  'return_middle',
  'return',
  'trend',
  'drawdown',
  'deepest_drawdown',
  'since_peak',
  'mean_drawdown',
  'volume_short',
  'volume_middle',
  'volume_spread',
  'volume_move_correlation',
  'log_illiquidity_change',
  'autocorrelation',
  'autocorrelation_of_moves',
  'beta',
  'market_correlation',
  'log_own_vol',
  'log_market_vol_middle',
  'log_market_vol',
] as const;

type Statistic = (typeof STATISTICS)[number];

export const instrumentSource: Source<InstrumentRows> = {
  entities: ['INSTRUMENT'],
  columns: ROW_COLUMNS,
  // The market's return of the oldest day needs to know who was eligible then.
  lookback: (window) => lookbackOf(window) + lookbackOf(MARKET_WINDOW),
  inputs: [
    { name: 'window', dims: [CHANNELS, STEPS] },
    { name: 'stats', dims: [STATISTICS.length] },
  ],
  features: STATISTICS,
  prepare: async ({ panel }) => instrumentRows(panel),
  due: ({ panel, window }, rows) => ({
    entities: panel.instruments.map(({ id }) => ({ type: 'INSTRUMENT', id })),
    due: eligible(rows, panel, window),
  }),
  writer: (request, rows) => instrumentWriter(request, rows),
};

function instrumentWriter({ panel, window }: SourceRequest, rows: InstrumentRows): InputWriter {
  const step = window / STEPS;
  if (!Number.isInteger(step)) throw new RangeError(`a window of ${window} days has no ${STEPS} equal steps`);
  const series = makeSeries(window);
  return (cell, [channels, stats], k) => {
    const problem = readWindow(rows, panel, window, cell, series);
    if (problem) return problem;
    writeChannels(series, step, channels.subarray(k * CHANNELS * STEPS, (k + 1) * CHANNELS * STEPS));
    writeStatistics(series, window, stats.subarray(k * STATISTICS.length, (k + 1) * STATISTICS.length));
    return null;
  };
}

/** The rows of one window, oldest first, in arrays that are used again for the next. */
interface WindowSeries {
  count: number;
  readonly ret: Float64Array;
  readonly market: Float64Array;
  readonly own: Float64Array;
  readonly absolute: Float64Array;
  readonly range: Float64Array;
  /** ln(dollar volume / its median over the window); NaN without volume. */
  readonly volume: Float64Array;
  readonly drawdown: Float64Array;
  readonly scratch: Float64Array;
  deepest: number;
  sincePeak: number;
}

function makeSeries(window: number): WindowSeries {
  const make = () => new Float64Array(window);
  return {
    count: 0,
    ret: make(),
    market: make(),
    own: make(),
    absolute: make(),
    range: make(),
    volume: make(),
    drawdown: make(),
    scratch: make(),
    deepest: 0,
    sincePeak: 0,
  };
}

/** Fills `series` with the window that ends at an eligible cell. Returns why it cannot be used, or null. */
function readWindow(
  rows: InstrumentRows,
  panel: Panel,
  window: number,
  cell: number,
  series: WindowSeries,
): string | null {
  const { days } = panel.calendar;
  const i = Math.floor(cell / days.length);
  const end = rows.offset[i] + rows.until[cell];
  let start = end - rowsInWindow(rows, panel, window, cell);
  // A return needs the row before; one that lies out of reach would make the vector depend on how much was loaded.
  const reaches = start > rows.offset[i] && rows.day[start - 1] >= oldestDay(days[cell % days.length], window);
  if (!reaches) start++;
  const count = end - start;
  series.count = count;
  for (let k = 0, row = start; k < count; k++, row++) {
    const ret = rows.ret[row];
    if (!Number.isFinite(ret)) {
      return (
        unusableValue(panel, i, rows.day[row], ROW_COLUMNS) ??
        unusableValue(panel, i, rows.day[row - 1], ROW_COLUMNS) ??
        `the adjusted close of ${formatDay(rows.day[row])} or the row before is no price`
      );
    }
    series.ret[k] = ret;
    series.market[k] = rows.market[row];
    series.own[k] = ret - rows.market[row];
    series.absolute[k] = Math.abs(ret);
    series.range[k] = rows.range[row];
    series.volume[k] = rows.dollars[row];
    series.scratch[k] = rows.dollars[row];
  }
  const middle = median(series.scratch, count);
  for (let k = 0; k < count; k++) series.volume[k] -= middle;
  const { deepest, sincePeak } = drawdowns(series.ret, 0, count, series.drawdown);
  series.deepest = deepest;
  series.sincePeak = sincePeak;
  return null;
}

/** `target`: six channels of 63 steps, zeros. Returns add up over a step, the other values are its mean, drawdown its last. */
function writeChannels(series: WindowSeries, step: number, target: Float32Array): void {
  const { count } = series;
  const root = Math.sqrt(step);
  const clip = (value: number, limit: number) => Math.max(-limit, Math.min(limit, value));
  for (let to = count, s = STEPS - 1; to > 0; to -= step, s--) {
    const from = Math.max(0, to - step);
    const range = meanOfNumbers(series.range, from, to);
    const volume = meanOfNumbers(series.volume, from, to);
    target[s] = clip(total(series.ret, from, to) / (RETURN_SCALE * root), CLIP);
    target[STEPS + s] = clip(total(series.own, from, to) / (RETURN_SCALE * root), CLIP);
    target[2 * STEPS + s] = Number.isNaN(range) ? 0 : clip(range / RETURN_SCALE - 1, CLIP);
    target[3 * STEPS + s] = Number.isNaN(volume) ? 0 : clip(volume, CLIP / 2);
    target[4 * STEPS + s] = clip(series.drawdown[to - 1] / DRAWDOWN_SCALE, CLIP);
    target[5 * STEPS + s] = clip(total(series.market, from, to) / (MARKET_SCALE * root), CLIP);
  }
}

/** `target`: the figures of `STATISTICS`, in that order. */
function writeStatistics(series: WindowSeries, window: number, target: Float32Array): void {
  const { ret, market, own, absolute, range, volume, count } = series;
  replaceMissing(range, count, 0);
  replaceMissing(volume, count, 0);
  const short = Math.max(0, count - Math.round(window / 12));
  const middle = Math.max(0, count - Math.round(window / 3));
  const vol = rootMeanSquare(ret, 0, count) + 1e-9;
  const { skew, kurtosis } = moments(ret, 0, count);
  const sorted = series.scratch.subarray(0, count);
  sorted.set(ret.subarray(0, count));
  sorted.sort();
  const worst = Math.max(1, Math.round(count / 20));
  const beta = slope(ret, market, 0, count);
  const figures: Record<Statistic, number> = {
    log_vol_short: logVol(ret, short, count),
    log_vol_middle: logVol(ret, middle, count),
    log_vol: logVol(ret, 0, count),
    log_vol_decayed: logDecayedVol(ret, 0, count, DECAY),
    log_range_short: logOf(PARKINSON * rootMeanSquare(range, short, count)),
    log_range_middle: logOf(PARKINSON * rootMeanSquare(range, middle, count)),
    log_range: logOf(PARKINSON * rootMeanSquare(range, 0, count)),
    log_move_last: Math.log(absolute[count - 1] + 0.002),
    log_downside_middle: logDownside(ret, middle, count),
    log_downside: logDownside(ret, 0, count),
    worst_day: sorted[0] / vol,
    best_day: sorted[count - 1] / vol,
    skewness: skew,
    log_kurtosis: Math.log(kurtosis),
    large_fall_share: shareBelow(ret, count, -2 * RETURN_SCALE),
    expected_shortfall: mean(sorted, 0, worst) / RETURN_SCALE,
    return_short: total(ret, short, count) / (vol * Math.sqrt(count - short)),
    return_middle: total(ret, middle, count) / (vol * Math.sqrt(count - middle)),
    return: total(ret, 0, count) / (vol * Math.sqrt(count)),
    trend: trendOf(ret, count),
    drawdown: series.drawdown[count - 1] / DRAWDOWN_SCALE,
    deepest_drawdown: series.deepest / DRAWDOWN_SCALE,
    since_peak: series.sincePeak / count,
    mean_drawdown: mean(series.drawdown, 0, count) / DRAWDOWN_SCALE,
    volume_short: mean(volume, short, count),
    volume_middle: mean(volume, middle, count),
    volume_spread: Math.log(spread(volume, count) + 0.01),
    volume_move_correlation: correlation(absolute, volume, 0, count),
    log_illiquidity_change:
      logIlliquidity(absolute, volume, middle, count) - logIlliquidity(absolute, volume, 0, count),
    autocorrelation: correlation(ret, ret, 0, count, 1),
    autocorrelation_of_moves: correlation(absolute, absolute, 0, count, 1),
    beta,
    market_correlation: correlation(ret, market, 0, count),
    log_own_vol: logVol(own, 0, count),
    log_market_vol_middle: logVol(market, middle, count),
    log_market_vol: logVol(market, 0, count),
  };
  STATISTICS.forEach((name, at) => {
    target[at] = figures[name];
  });
}

/** Mean of those that are numbers; NaN without any. */
function meanOfNumbers(x: Float64Array, from: number, to: number): number {
  let [sum, count] = [0, 0];
  for (let k = from; k < to; k++) {
    if (Number.isNaN(x[k])) continue;
    sum += x[k];
    count++;
  }
  return count ? sum / count : Number.NaN;
}

function replaceMissing(x: Float64Array, count: number, value: number): void {
  for (let k = 0; k < count; k++) if (Number.isNaN(x[k])) x[k] = value;
}

function shareBelow(x: Float64Array, count: number, limit: number): number {
  let below = 0;
  for (let k = 0; k < count; k++) if (x[k] < limit) below++;
  return below / count;
}

/** Correlation of the log price with time. */
function trendOf(ret: Float64Array, count: number): number {
  let [level, sumT, sumL, tt, ll, tl] = [0, 0, 0, 0, 0, 0];
  for (let k = 0; k < count; k++) {
    level += ret[k];
    sumT += k;
    sumL += level;
    tt += k * k;
    ll += level * level;
    tl += k * level;
  }
  const [vt, vl] = [tt - (sumT * sumT) / count, ll - (sumL * sumL) / count];
  return vt > 0 && vl > 1e-12 ? (tl - (sumT * sumL) / count) / Math.sqrt(vt * vl) : 0;
}

/** Standard deviation. */
function spread(x: Float64Array, count: number): number {
  const centre = mean(x, 0, count);
  let sum = 0;
  for (let k = 0; k < count; k++) sum += (x[k] - centre) ** 2;
  return Math.sqrt(sum / count);
}

/** Log of the mean move per unit of (relative) dollar volume (Y. Amihud, Journal of Financial Markets 5, 2002). */
function logIlliquidity(absolute: Float64Array, volume: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) sum += absolute[k] * Math.exp(-volume[k]);
  return Math.log(sum / (to - from) + 1e-6);
}
