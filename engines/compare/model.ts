/** Figures of two runs over the days that both have, with block-bootstrap intervals of each and of their difference. Pure. */
import { formatCount } from '../../src/format/numbers.ts';
import { LEAST_SHARED_DAYS, tooFewShared } from '../../src/platform/shared-days.ts';
import type { ComparedFigure, ComparedSlice, RunComparison } from '../../src/report/types.ts';
import { type RecordedTrials, spreadOf } from '../meta/evidence.model.ts';
import {
  bootstrapIntervals,
  dailySharpe,
  deviation,
  expectedMaximumSharpe,
  mean,
  probabilisticSharpe,
  quantile,
  TRADING_DAYS,
} from '../statistics/model.ts';

/** One run day by day, dates ascending. */
export interface RunSeries {
  /** ISO dates. */
  readonly dates: readonly string[];
  readonly equity: readonly number[];
  /** What each day records of itself: size of the universe, mean risk, mean λ̂ … */
  readonly exposures: readonly Readonly<Record<string, number>>[];
  /** Dollars traded by day, delistings left out. */
  readonly traded: ReadonlyMap<string, number>;
}

/** Shared days of two runs; returns have one entry fewer than days. */
export interface Shared {
  readonly dates: readonly string[];
  /** Place of each shared day in the series of each run. */
  readonly places: readonly (readonly [number, number])[];
  readonly onlyA: number;
  readonly onlyB: number;
  readonly returns: readonly [Float64Array, Float64Array];
  /** Traded since the shared day before, over the equity of that day: one entry a return. */
  readonly traded: readonly [Float64Array, Float64Array];
}

export interface Bootstrap {
  readonly draws: number;
  readonly coverage: number;
  readonly uniform: () => number;
}

/** Fewer days than this give no interval. */
const LEAST_DAYS = 20;
/** Further costs that are tried, in basis points of traded value. */
const COSTS = [0, 2, 5, 10, 20, 50];
const THIRDS = ['low third', 'middle third', 'high third'];

const usable = (value: number) => Number.isFinite(value) && value > 0;
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const minus = (b: number | null, a: number | null): number | null => (a === null || b === null ? null : b - a);

/** Lays the runs over each other by date; days whose equity is missing or not positive in a run are not shared. */
export function sharedDays(a: RunSeries, b: RunSeries): Shared {
  const placeInB = new Map(b.dates.map((date, k) => [date, k]));
  const places: [number, number][] = [];
  a.dates.forEach((date, k) => {
    const other = placeInB.get(date);
    if (other !== undefined && usable(a.equity[k]) && usable(b.equity[other])) places.push([k, other]);
  });
  const returnsOf = (side: 0 | 1) => {
    const run = [a, b][side];
    return Float64Array.from(places.slice(1), (place, k) => run.equity[place[side]] / run.equity[places[k][side]] - 1);
  };
  const tradedOf = (side: 0 | 1) => {
    const run = [a, b][side];
    return Float64Array.from(places.slice(1), (place, k) => {
      let sum = 0;
      for (let d = places[k][side] + 1; d <= place[side]; d++) sum += run.traded.get(run.dates[d]) ?? 0;
      return sum / run.equity[places[k][side]];
    });
  };
  return {
    dates: places.map(([k]) => a.dates[k]),
    places,
    onlyA: a.dates.length - places.length,
    onlyB: b.dates.length - places.length,
    returns: [returnsOf(0), returnsOf(1)],
    traded: [tradedOf(0), tradedOf(1)],
  };
}

const compound = (returns: ArrayLike<number>) => {
  let wealth = 1;
  for (let k = 0; k < returns.length; k++) wealth *= 1 + returns[k];
  return wealth - 1;
};

function maxDrawdown(returns: ArrayLike<number>): number {
  let wealth = 1;
  let peak = 1;
  let deepest = 0;
  for (let k = 0; k < returns.length; k++) {
    wealth *= 1 + returns[k];
    peak = Math.max(peak, wealth);
    deepest = Math.min(deepest, wealth / peak - 1);
  }
  return deepest;
}

const annualSharpe = (returns: ArrayLike<number>) => dailySharpe(returns) * Math.sqrt(TRADING_DAYS);
const FIGURES: readonly { name: string; unit: ComparedFigure['unit']; of: (r: ArrayLike<number>) => number }[] = [
  { name: 'cumulative return', unit: 'share', of: compound },
  { name: 'mean return a year', unit: 'share', of: (r) => mean(r) * TRADING_DAYS },
  { name: 'volatility a year', unit: 'share', of: (r) => deviation(r) * Math.sqrt(TRADING_DAYS) },
  { name: 'Sharpe ratio a year', unit: 'ratio', of: annualSharpe },
  { name: 'max drawdown', unit: 'share', of: maxDrawdown },
];
const SHARPE = 3;

/** Does a series move at all? Without, its Sharpe ratio is unknown. */
const moves = (returns: ArrayLike<number>) => deviation(returns) > 0;

/** The usual figures of both runs, each with its interval, and the paired difference B − A with its own. */
export function figuresOf({ returns, traded }: Shared, bootstrap: Bootstrap, trials: RecordedTrials): ComparedFigure[] {
  const n = returns[0].length;
  const intervals =
    n >= LEAST_DAYS
      ? bootstrapIntervals(
          returns,
          ([a, b]) =>
            FIGURES.flatMap(({ of }) => {
              const [x, y] = [of(a), of(b)];
              return [x, y, y - x];
            }),
          bootstrap,
        )
      : [];
  const known = (k: number, side: 0 | 1) => (k === SHARPE ? n > 1 && moves(returns[side]) : n > (k === 2 ? 1 : 0));
  const pair = (at: number): [number, number] | null =>
    intervals[at] && Number.isFinite(intervals[at].low) ? [intervals[at].low, intervals[at].high] : null;
  const figures = FIGURES.map(({ name, unit, of }, k): ComparedFigure => {
    const a = known(k, 0) ? finite(of(returns[0])) : null;
    const b = known(k, 1) ? finite(of(returns[1])) : null;
    return {
      name,
      unit,
      a,
      b,
      difference: minus(b, a),
      intervalA: a === null ? null : pair(3 * k),
      intervalB: b === null ? null : pair(3 * k + 1),
      interval: a === null || b === null ? null : pair(3 * k + 2),
    };
  });
  const benchmark = expectedMaximumSharpe(spreadOf(trials, n) / Math.sqrt(TRADING_DAYS), trials.distinct);
  const probability = (side: 0 | 1, against: number) => finite(probabilisticSharpe(returns[side], against));
  const plain = (name: string, unit: ComparedFigure['unit'], [a, b]: readonly (number | null)[]) => ({
    name,
    unit,
    a,
    b,
    difference: minus(b, a),
  });
  const turnover = traded.map((one) => (n > 0 ? mean(one) / 2 : null));
  return [
    ...figures,
    plain('P(Sharpe > 0)', 'ratio', [probability(0, 0), probability(1, 0)]),
    plain('deflated Sharpe ratio', 'ratio', [probability(0, benchmark), probability(1, benchmark)]),
    plain('turnover a day', 'share', turnover),
  ];
}

/** Return and Sharpe ratio after further costs on what was traded, to first order: the trades stay as they were. */
export function costsOf({ returns, traded }: Shared): RunComparison['costs'] {
  const n = returns[0].length;
  return COSTS.map((bp) => {
    const net = returns.map((own, side) => own.map((value, k) => value - (bp / 1e4) * traded[side][k]));
    const figure = (name: string, unit: ComparedFigure['unit'], [a, b]: (number | null)[]): ComparedFigure => ({
      name,
      unit,
      a,
      b,
      difference: minus(b, a),
    });
    return {
      bp,
      cumulative: figure(
        'cumulative return',
        'share',
        net.map((one) => (n > 0 ? compound(one) : null)),
      ),
      sharpe: figure(
        'Sharpe ratio a year',
        'ratio',
        net.map((one) => (n > 1 && moves(one) ? annualSharpe(one) : null)),
      ),
    };
  });
}

/** Returns of calendar years over the shared days. */
export function yearsOf({ dates, returns }: Shared): RunComparison['years'] {
  const years = [...new Set(dates.slice(1).map((date) => date.slice(0, 4)))];
  return years.map((year) => {
    const days = [...returns[0].keys()].filter((k) => dates[k + 1].startsWith(year));
    const [a, b] = returns.map((own) => compound(days.map((k) => own[k])));
    return { name: year, unit: 'share', a, b, difference: b - a, days: days.length };
  });
}

/** Means of the daily records over the shared days. */
export function exposuresOf(a: RunSeries, b: RunSeries, { places }: Shared): ComparedFigure[] {
  const names = [...new Set([a, b].flatMap((run) => run.exposures.flatMap((day) => Object.keys(day))))].sort();
  return names.map((name) => {
    const [x, y] = ([0, 1] as const).map((side) => {
      const run = [a, b][side];
      const values = places.map((place) => run.exposures[place[side]][name]).filter(Number.isFinite);
      return values.length ? mean(values) : null;
    });
    return { name, unit: name === 'universe_size' ? 'count' : 'ratio', a: x, b: y, difference: minus(y, x) };
  });
}

/**
 * Mean daily returns by a label of the shared day before, so that nothing but what was known then tells the days apart.
 * @param labelOf label of shared day k; null: the return after it is in no slice.
 */
export function slicesBy(
  by: string,
  { returns }: Shared,
  labels: readonly (string | null)[],
  order: readonly string[],
  bootstrap: Bootstrap,
): ComparedSlice[] {
  return order.flatMap((name) => {
    const days = [...returns[0].keys()].filter((k) => labels[k] === name);
    if (days.length === 0) return [];
    const [x, y] = returns.map((own) => Float64Array.from(days, (k) => own[k] * 1e4));
    const [a, b] = [mean(x), mean(y)];
    const [interval] =
      days.length >= LEAST_DAYS ? bootstrapIntervals([y.map((v, k) => v - x[k])], ([d]) => [mean(d)], bootstrap) : [];
    return [
      {
        by,
        name,
        unit: 'bp' as const,
        days: days.length,
        a,
        b,
        difference: b - a,
        interval: interval ? ([interval.low, interval.high] as const) : null,
      },
    ];
  });
}

/** Thirds of the known values, as labels; null for days without one, or when the values do not differ. */
export function thirds(values: readonly (number | null)[]): { labels: (string | null)[]; order: readonly string[] } {
  const known = values.filter((value) => value !== null);
  if (known.length < 3 || Math.min(...known) === Math.max(...known))
    return { labels: values.map(() => null), order: [] };
  const [low, high] = [quantile(known, 1 / 3), quantile(known, 2 / 3)];
  return {
    labels: values.map((v) => (v === null ? null : THIRDS[v <= low ? 0 : v <= high ? 1 : 2])),
    order: THIRDS,
  };
}

/**
 * Thirds that hold unequal numbers of days, in words: days of equal values stand in one of them; '' when they are equal to a day
 * or two.
 */
export function unequalThirds(labels: readonly (string | null)[], order: readonly string[]): string {
  const days = order.map((name) => labels.filter((label) => label === name).length);
  return days.length > 0 && Math.max(...days) - Math.min(...days) > 2
    ? 'not of equal size: days of equal values stand together'
    : '';
}

/** Values that the shared days record under a name: of the second run, else of the first; null where neither does. */
export function recorded(a: RunSeries, b: RunSeries, { places }: Shared, name: string): (number | null)[] {
  return places.map(([k, other]) => b.exposures[other][name] ?? a.exposures[k][name] ?? null);
}

const signed = (value: number) => `${value > 0 ? '+' : ''}${value.toFixed(2)}`;

/** The figure that a verdict rests on. */
export const sharpeOf = (figures: readonly ComparedFigure[]): ComparedFigure => figures[SHARPE];

/** Whether two runs came to the same trades, and to some. */
export const haveSameTrades = ({ same, changed, onlyA, onlyB }: RunComparison['trades']): boolean =>
  same > 0 && changed + onlyA + onlyB === 0;

/** What is to be kept in mind of the intervals of so many shared days; null when nothing is, or there are none. */
export const cautionOf = (shared: number): string | null =>
  shared > 0 && shared < LEAST_SHARED_DAYS
    ? `intervals over ${formatCount(shared)} shared days are too narrow: chance alone lies outside of them more often than they say`
    : null;

/** The verdict over one pair, from the Sharpe ratios' paired difference. */
export function verdictOf(
  names: readonly [string, string],
  figures: readonly ComparedFigure[],
  { shared, sameTrades, coverage }: { shared: number; sameTrades: boolean; coverage: number },
): { beyondNoise: boolean; verdict: string } {
  const [a, b] = names;
  const { difference, interval } = sharpeOf(figures);
  if (sameTrades) return { beyondNoise: false, verdict: `${a} and ${b} made the same trades.` };
  const none = (why: string) => ({ beyondNoise: false, verdict: `No verdict on ${b} against ${a}: ${why}.` });
  if (shared < LEAST_SHARED_DAYS) return none(tooFewShared(shared));
  if (difference === null || !interval) return none('the equity of a run does not move');
  const figure = `difference of Sharpe ratios ${signed(difference)}, ${(coverage * 100).toFixed(1)} % interval ${signed(interval[0])} … ${signed(interval[1])} over ${formatCount(shared - 1)} days`;
  if (interval[0] <= 0 && interval[1] >= 0)
    return { beyondNoise: false, verdict: `No evidence that ${b} differs from ${a} (${figure}).` };
  return {
    beyondNoise: true,
    verdict: `${b} is ${difference > 0 ? 'better' : 'worse'} than ${a} by more than noise (${figure}).`,
  };
}
