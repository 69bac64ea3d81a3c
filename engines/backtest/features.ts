/**
 * What every sleeve of a campaign reads: rolling features of all instruments over the simulated days, computed once in
 * one pass and kept on shared memory for the workers. Day-major: `column[d * N + i]`, d = 0 on the first simulated day.
 */
import type { ContextAssessments } from '../assessment/context.model.ts';
import { assessmentWindow, momentumPanel } from '../assessment/model.ts';
import { byDay, columnOf, completeRuns, type Panel, type PriceColumn, windowEndingAt } from '../market/panel.ts';
import { type StabilityPanel, stabilityPanel } from '../stability/model.ts';
import { type TransitionRisk, transitionRisk } from '../stability/transitions.model.ts';
import type { UniverseDates } from '../universe/dates.model.ts';
import { UNIVERSE_WINDOW } from '../universe/model.ts';

/** Trading days without a price after which a mark becomes the delisting value. */
const DELISTING_DAYS = 5;

export interface Features {
  readonly instruments: number;
  readonly count: number;
  readonly close: Float64Array;
  /** Present when the broker fills at the next open. */
  readonly open: Float64Array | null;
  readonly volume: Float64Array;
  /** Last known close, and the delisting value once it is due: what a share is worth that day. */
  readonly mark: Float64Array;
  /** 1 where W(t, 63) is complete. */
  readonly complete: Uint8Array;
  readonly meanVolume: Float64Array;
  readonly stability: StabilityPanel;
  readonly transitions: TransitionRisk;
  /** Momentum by window length in trading days. */
  readonly momentum: ReadonlyMap<number, Float64Array>;
  /** N: NaN where unknown. */
  readonly delistingValue: Float64Array;
  /** Names by day; null without universe dates. */
  readonly dates: UniverseDates | null;
  /** λ̂ of each instrument's cluster, NaN where there is none; null without a provider. */
  readonly lambdaHat: Float64Array | null;
  /** D: risk of the market's regime, NaN on days without a row; null without a weight for it. */
  readonly regimeRisk: Float64Array | null;
  /** What the context backend says; null where no sleeve has it. */
  readonly context: ContextAssessments | null;
}

export interface FeatureRequest {
  /** Index of the first simulated day in the panel, and the number of simulated days. */
  readonly first: number;
  readonly count: number;
  /** Days before `first` whose states are counted as transitions too (0: the reference). */
  readonly transitionHistory: number;
  readonly horizons: readonly number[];
  readonly priceField: Extract<PriceColumn, 'close' | 'adjusted_close'>;
  readonly withOpen: boolean;
  /** Names by day, of the same span; left out without universe dates. */
  readonly dates?: UniverseDates | null;
}

/** Trading days that the features look back on before the first day they are computed for. */
export function lookbackFor(horizons: readonly number[]): number {
  return Math.max(UNIVERSE_WINDOW, ...horizons.map(assessmentWindow)) - 1;
}

/** Computes the features of a panel for a span of days. */
export function computeFeatures(panel: Panel, request: FeatureRequest): Features {
  const { first, count, transitionHistory, dates = null } = request;
  const n = panel.instruments.length;
  const days = panel.calendar.days.length;
  const close = columnOf(panel, request.priceField);
  const volume = columnOf(panel, 'volume');
  const runs = completeRuns(close, n, days);

  const historyFirst = first - transitionHistory;
  const counted = stabilityPanel(close, runs, n, days, historyFirst, count + transitionHistory);
  const risk = transitionRisk(counted.classCode, n, count + transitionHistory);

  const delistingValue = new Float64Array(new SharedArrayBuffer(n * 8));
  panel.instruments.forEach((instrument, i) => {
    delistingValue[i] = instrument.delistingValue ?? Number.NaN;
  });
  const complete = new Uint8Array(new SharedArrayBuffer(count * n));
  const meanVolume = new Float64Array(new SharedArrayBuffer(count * n * 8)).fill(Number.NaN);
  for (let i = 0; i < n; i++) {
    for (let d = 0; d < count; d++) {
      const t = first + d;
      if (runs[i * days + t] < UNIVERSE_WINDOW) continue;
      complete[d * n + i] = 1;
      let sum = 0;
      for (const shares of windowEndingAt(volume, days, i, t, UNIVERSE_WINDOW)) sum += shares;
      meanVolume[d * n + i] = sum / UNIVERSE_WINDOW;
    }
  }
  const momentum = new Map<number, Float64Array>();
  for (const horizon of request.horizons) {
    const window = assessmentWindow(horizon);
    if (!momentum.has(window)) momentum.set(window, momentumPanel(close, runs, n, days, first, count, window));
  }
  return {
    instruments: n,
    count,
    close: byDay(close, n, days, first, count),
    open: request.withOpen ? byDay(openPrices(panel, request.priceField), n, days, first, count) : null,
    volume: byDay(volume, n, days, first, count),
    mark: marks(close, delistingValue, dates?.endsAt ?? null, { n, days, first, count }),
    complete,
    meanVolume,
    stability: transitionHistory ? lastDays(counted, transitionHistory * n) : counted,
    transitions: transitionHistory ? skipDays(risk, transitionHistory * 5) : risk,
    momentum,
    delistingValue,
    dates,
    lambdaHat: null,
    regimeRisk: null,
    context: null,
  };
}

/** Opens on the scale of the price field: with adjusted closes the open is adjusted by the same factor. */
function openPrices(panel: Panel, field: 'close' | 'adjusted_close'): Float64Array {
  const open = columnOf(panel, 'open');
  if (field === 'close') return open;
  const close = columnOf(panel, 'close');
  const adjusted = columnOf(panel, 'adjusted_close');
  return open.map((price, at) => (price * adjusted[at]) / close[at]);
}

function lastDays(states: StabilityPanel, skip: number): StabilityPanel {
  return {
    sigma: states.sigma.subarray(skip),
    maxDrawdown: states.maxDrawdown.subarray(skip),
    trend: states.trend.subarray(skip),
    score: states.score.subarray(skip),
    classCode: states.classCode.subarray(skip),
  };
}

function skipDays(risk: TransitionRisk, skip: number): TransitionRisk {
  return { targetable: risk.targetable.subarray(skip), worsen: risk.worsen.subarray(skip) };
}

/**
 * Carries the last close forward; the delisting value takes its place after 5 trading days without a price, and at once on
 * the simulated day that a listing known to end has ended (`endsAt`).
 */
function marks(
  close: Float64Array,
  delistingValue: Float64Array,
  endsAt: Int32Array | null,
  { n, days, first, count }: { n: number; days: number; first: number; count: number },
): Float64Array {
  const result = new Float64Array(new SharedArrayBuffer(count * n * 8)).fill(Number.NaN);
  for (let i = 0; i < n; i++) {
    let mark = Number.NaN;
    let missing = 0;
    const ended = endsAt === null ? Number.POSITIVE_INFINITY : first + endsAt[i];
    for (let t = 0; t < first + count && t < days; t++) {
      const price = close[i * days + t];
      if (!Number.isNaN(price) && t < ended) {
        mark = price;
        missing = 0;
      } else {
        missing++;
        const due = t === ended || missing === DELISTING_DAYS;
        if (due && !Number.isNaN(mark) && !Number.isNaN(delistingValue[i])) mark = delistingValue[i];
      }
      if (t >= first) result[(t - first) * n + i] = mark;
    }
  }
  return result;
}
