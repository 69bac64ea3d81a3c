/** Point-in-time proof: what is dated ≤ t must not change when everything after t does. Pure. */
import { computeFeatures, type Features } from '../backtest/features.ts';
import { type SleeveResult, simulateSleeve } from '../backtest/simulate.ts';
import { type BrokerOptions, REFERENCE_BROKER } from '../execution/model.ts';
import type { Panel, PriceColumn } from '../market/panel.ts';

export interface Leak {
  /** Simulated day t after which prices were changed. */
  readonly day: number;
  readonly horizon: number;
  /** The first column that differs on or before t, and the simulated day it differs on. */
  readonly column: string;
  readonly at: number;
}

/** Ways to trade that a campaign can ask for, the reference first: fills, costs, caps on weights. */
export const WAYS: readonly { readonly broker: BrokerOptions; readonly risk: boolean }[] = [
  { broker: REFERENCE_BROKER, risk: true },
  ...(['next_open', 'next_close'] as const).map((fill) => ({
    broker: { fill, slippageBps: 5, commissionBps: 1, wholeShares: true, maxParticipation: 0.01 },
    risk: false,
  })),
];

/** Features, and results of each way to trade for each horizon (horizon-major). */
export function simulateAll(
  panel: Panel,
  first: number,
  count: number,
  horizons: readonly number[],
): { features: Features; results: SleeveResult[] } {
  const features = computeFeatures(panel, {
    first,
    count,
    transitionHistory: 0,
    horizons,
    priceField: 'close',
    withOpen: true,
  });
  const results = horizons.flatMap((horizonDays) =>
    WAYS.map((way) =>
      simulateSleeve(features, { ...way, horizonDays, initialCash: 1_000_000, snapshotDays: [], keepStages: true }),
    ),
  );
  return { features, results };
}

/** The panel with every price and volume after day index `t` replaced: scaled by noise, dropped, or made up. */
export function withOtherFuture(panel: Panel, t: number, random: () => number): Panel {
  const days = panel.calendar.days.length;
  const columns = Object.fromEntries(
    Object.entries(panel.columns).map(([name, column]) => {
      const copy = Float64Array.from(column!);
      for (let i = 0; i < panel.instruments.length; i++) {
        for (let k = i * days + t + 1; k < (i + 1) * days; k++)
          copy[k] = random() < 0.05 ? Number.NaN : (copy[k] || 1) * (0.2 + 2 * random());
      }
      return [name, copy];
    }),
  ) as Partial<Record<PriceColumn, Float64Array>>;
  return { ...panel, columns };
}

/** Compares two simulations on the days 0 … `day`; returns the first difference or null. Bit equality, NaN equals NaN. */
export function firstDifference(
  a: { features: Features; results: SleeveResult[] },
  b: { features: Features; results: SleeveResult[] },
  day: number,
  horizons: readonly number[],
): Omit<Leak, 'day'> | null {
  const n = a.features.instruments;
  const compare = (column: string, horizon: number, x: ArrayLike<number>, y: ArrayLike<number>, width: number) => {
    for (let k = 0; k < (day + 1) * width; k++)
      if (!Object.is(x[k], y[k])) return { column, horizon, at: Math.floor(k / width) };
    return null;
  };
  const { features: f } = a;
  const { features: g } = b;
  for (const name of ['sigma', 'maxDrawdown', 'trend', 'score', 'classCode'] as const) {
    const found = compare(`stability ${name}`, 0, f.stability[name], g.stability[name], n);
    if (found) return found;
  }
  for (const name of ['targetable', 'worsen'] as const) {
    const found = compare(`transition ${name}`, 0, f.transitions[name], g.transitions[name], 5);
    if (found) return found;
  }
  for (const [k, x] of a.results.entries()) {
    const y = b.results[k];
    const horizon = horizons[Math.floor(k / WAYS.length)];
    const { fill } = WAYS[k % WAYS.length].broker;
    const named = (column: string) => (fill === REFERENCE_BROKER.fill ? column : `${column} with --fill ${fill}`);
    for (const name of ['exclusion', 'universeScore', 'rank', 'weight', 'cappedWeight'] as const) {
      const found = compare(named(name), horizon, x.stages![name], y.stages![name], n);
      if (found) return found;
    }
    for (const name of ['equity', 'cash', 'positions', 'universeSize', 'equalWeight', 'buyAndHold'] as const) {
      const found = compare(named(name), horizon, x[name], y[name], 1);
      if (found) return found;
    }
    const [fillsX, fillsY] = [x.fills, y.fills];
    const length = countUpTo(fillsX.day, day);
    if (length !== countUpTo(fillsY.day, day)) return { column: named('number of fills'), horizon, at: day };
    for (const name of ['day', 'instrument', 'quantity', 'price'] as const) {
      for (let k = 0; k < length; k++) {
        if (!Object.is(fillsX[name][k], fillsY[name][k]))
          return { column: named(`fill ${name}`), horizon, at: fillsX.day[k] };
      }
    }
  }
  return null;
}

const countUpTo = (days: Int32Array, day: number) => days.reduce((count, d) => count + (d <= day ? 1 : 0), 0);
