/**
 * Inputs of the regime encoder, one row a day for the market and for each of its sectors: `window`, six channels of the
 * group's last 63 trading days, and `stats`, its figures and those of the market around it.
 */
import type { Panel } from '../../market/panel.ts';
import { lookbackOf } from '../windows.model.ts';
import { type GroupSeries, groupSeries } from './groups.model.ts';
import { instrumentRows, MARKET_WINDOW, ROW_COLUMNS } from './rows.model.ts';
import {
  correlation,
  drawdowns,
  logDecayedVol,
  logDownside,
  logOf,
  logVol,
  mean,
  rootMeanSquare,
  slope,
  total,
} from './series.model.ts';
import type { InputWriter, Source, SourceRequest } from './source.model.ts';

const CHANNELS = 6;
/** A group's window has at least this share of its days. */
const LEAST_SHARE = 0.87;
const CLIP = 8;
const RETURN_SCALE = 0.01;
const SPREAD_SCALE = 0.02;
const BREADTH_SCALE = 0.25;
const DRAWDOWN_SCALE = 0.1;
const DECAY = 0.94;

/** Last day, short, middle and whole window: 1, 5, 21 and 63 days. `market_…` are those of the market. */
const REGIME_STATISTICS = [
  'log_vol_short',
  'log_vol_middle',
  'log_vol',
  'log_vol_decayed',
  'log_downside_middle',
  'log_downside',
  'worst_day',
  'return_short',
  'return_middle',
  'return',
  'drawdown',
  'deepest_drawdown',
  'since_peak',
  'mean_drawdown',
  'autocorrelation',
  'log_dispersion_last',
  'log_dispersion_short',
  'log_dispersion_middle',
  'log_dispersion',
  'breadth_last',
  'breadth_short',
  'breadth_middle',
  'breadth',
  'log_range_last',
  'log_range_short',
  'log_range_middle',
  'log_range',
  'mean_correlation_middle',
  'mean_correlation',
  'log_name_vol_short',
  'log_name_vol_middle',
  'log_name_vol',
  'beta',
  'market_correlation',
  'log_own_vol_middle',
  'own_return_middle',
  'market_log_vol_short',
  'market_log_vol_middle',
  'market_log_vol',
  'market_log_dispersion_middle',
  'market_breadth_middle',
  'market_drawdown',
] as const;

type Statistic = (typeof REGIME_STATISTICS)[number];

export const regimeSource: Source<GroupSeries> = {
  entities: ['MARKET', 'SECTOR'],
  columns: ROW_COLUMNS,
  lookback: (window) => window + lookbackOf(MARKET_WINDOW),
  inputs: [
    { name: 'window', dims: [CHANNELS, 63] },
    { name: 'stats', dims: [REGIME_STATISTICS.length] },
  ],
  features: REGIME_STATISTICS,
  prepare: async ({ panel }) => groupSeries(panel, instrumentRows(panel)),
  due: ({ panel, window }, series) => ({
    entities: series.groups.map(({ entity }) => entity),
    due: dueDays(panel, window, series),
  }),
  writer: regimeWriter,
};

/** G × T: 1 where enough of the last `window` trading days have figures, the day itself among them. */
export function dueDays(panel: Panel, window: number, { ret, groups }: GroupSeries): Uint8Array {
  const T = panel.calendar.days.length;
  const due = new Uint8Array(new SharedArrayBuffer(ret.length));
  for (let g = 0; g < groups.length; g++) {
    let count = 0;
    for (let t = 0; t < T; t++) {
      const at = g * T + t;
      if (!Number.isNaN(ret[at])) count++;
      if (t >= window && !Number.isNaN(ret[at - window])) count--;
      if (t >= window - 1 && count >= Math.floor(LEAST_SHARE * window) && !Number.isNaN(ret[at])) due[at] = 1;
    }
  }
  return due;
}

function regimeWriter({ panel, window }: SourceRequest, all: GroupSeries): InputWriter {
  const T = panel.calendar.days.length;
  const make = () => new Float64Array(window);
  const own = { ret: make(), dispersion: make(), breadth: make(), range: make(), square: make() };
  const market = { ret: make(), dispersion: make(), breadth: make() };
  const [relative, path, marketPath] = [make(), make(), make()];
  return (cell, [channels, stats], k) => {
    const [g, t] = [Math.floor(cell / T), cell % T];
    let count = 0;
    let names = 0;
    for (let s = t - window + 1; s <= t; s++) {
      const at = g * T + s;
      if (Number.isNaN(all.ret[at])) continue;
      own.ret[count] = all.ret[at];
      own.dispersion[count] = all.dispersion[at];
      own.breadth[count] = all.breadth[at];
      own.range[count] = all.range[at];
      own.square[count] = all.square[at];
      // The market comes first among the groups, and has names wherever a sector has.
      market.ret[count] = all.ret[s];
      market.dispersion[count] = all.dispersion[s];
      market.breadth[count] = all.breadth[s];
      relative[count] = all.ret[at] - all.ret[s];
      names += all.names[at];
      count++;
    }
    const falls = drawdowns(own.ret, 0, count, path);
    const target = channels.subarray(k * CHANNELS * window, (k + 1) * CHANNELS * window);
    const clip = (value: number) => Math.max(-CLIP, Math.min(CLIP, value));
    for (let j = 0, s = window - count; j < count; j++, s++) {
      target[s] = clip(own.ret[j] / RETURN_SCALE);
      target[window + s] = clip(relative[j] / RETURN_SCALE);
      target[2 * window + s] = clip(own.dispersion[j] / SPREAD_SCALE - 1);
      target[3 * window + s] = clip((own.breadth[j] - 0.5) / BREADTH_SCALE);
      target[4 * window + s] = clip(own.range[j] / SPREAD_SCALE - 1);
      target[5 * window + s] = clip(path[j] / DRAWDOWN_SCALE);
    }
    const short = Math.max(0, count - Math.round(window / 12));
    const middle = Math.max(0, count - Math.round(window / 3));
    const vol = rootMeanSquare(own.ret, 0, count) + 1e-9;
    const marketFalls = drawdowns(market.ret, 0, count, marketPath);
    const figures: Record<Statistic, number> = {
      log_vol_short: logVol(own.ret, short, count),
      log_vol_middle: logVol(own.ret, middle, count),
      log_vol: logVol(own.ret, 0, count),
      log_vol_decayed: logDecayedVol(own.ret, 0, count, DECAY),
      log_downside_middle: logDownside(own.ret, middle, count),
      log_downside: logDownside(own.ret, 0, count),
      worst_day: own.ret.subarray(0, count).reduce((least, value) => Math.min(least, value), 0) / vol,
      return_short: total(own.ret, short, count) / (vol * Math.sqrt(count - short)),
      return_middle: total(own.ret, middle, count) / (vol * Math.sqrt(count - middle)),
      return: total(own.ret, 0, count) / (vol * Math.sqrt(count)),
      drawdown: path[count - 1] / DRAWDOWN_SCALE,
      deepest_drawdown: falls.deepest / DRAWDOWN_SCALE,
      since_peak: falls.sincePeak / count,
      mean_drawdown: mean(path, 0, count) / DRAWDOWN_SCALE,
      autocorrelation: correlation(own.ret, own.ret, 0, count, 1),
      log_dispersion_last: logOf(own.dispersion[count - 1]),
      log_dispersion_short: logOf(mean(own.dispersion, short, count)),
      log_dispersion_middle: logOf(mean(own.dispersion, middle, count)),
      log_dispersion: logOf(mean(own.dispersion, 0, count)),
      breadth_last: own.breadth[count - 1],
      breadth_short: mean(own.breadth, short, count),
      breadth_middle: mean(own.breadth, middle, count),
      breadth: mean(own.breadth, 0, count),
      log_range_last: logOf(own.range[count - 1]),
      log_range_short: logOf(mean(own.range, short, count)),
      log_range_middle: logOf(mean(own.range, middle, count)),
      log_range: logOf(mean(own.range, 0, count)),
      mean_correlation_middle: meanCorrelation(own.ret, own.square, middle, count, names / count),
      mean_correlation: meanCorrelation(own.ret, own.square, 0, count, names / count),
      log_name_vol_short: logOf(Math.sqrt(mean(own.square, short, count))),
      log_name_vol_middle: logOf(Math.sqrt(mean(own.square, middle, count))),
      log_name_vol: logOf(Math.sqrt(mean(own.square, 0, count))),
      beta: slope(own.ret, market.ret, 0, count),
      market_correlation: correlation(own.ret, market.ret, 0, count),
      log_own_vol_middle: logVol(relative, middle, count),
      own_return_middle: total(relative, middle, count) / DRAWDOWN_SCALE,
      market_log_vol_short: logVol(market.ret, short, count),
      market_log_vol_middle: logVol(market.ret, middle, count),
      market_log_vol: logVol(market.ret, 0, count),
      market_log_dispersion_middle: logOf(mean(market.dispersion, middle, count)),
      market_breadth_middle: mean(market.breadth, middle, count),
      market_drawdown: marketFalls.path[count - 1] / DRAWDOWN_SCALE,
    };
    REGIME_STATISTICS.forEach((name, at) => {
      stats[k * REGIME_STATISTICS.length + at] = figures[name];
    });
    return null;
  };
}

/** Mean correlation between names: how much of their variance their mean keeps, beyond what chance alone would. */
function meanCorrelation(ret: Float64Array, square: Float64Array, from: number, to: number, names: number): number {
  const kept = rootMeanSquare(ret, from, to) ** 2 / (mean(square, from, to) + 1e-12);
  return names > 1 ? (kept - 1 / names) / (1 - 1 / names) : 0;
}
