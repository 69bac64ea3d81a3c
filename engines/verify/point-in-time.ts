/** Point-in-time proof: what is dated ≤ t must not change when everything after t does. Pure. */
import { computeFeatures, type Features } from '../backtest/features.ts';
import { type SleeveResult, simulateSleeve } from '../backtest/simulate.ts';
import { REFERENCE_BROKER } from '../execution/model.ts';
import type { Panel, PriceColumn } from '../market/panel.ts';

export interface Leak {
  /** Simulated day t after which prices were changed. */
  readonly day: number;
  readonly horizon: number;
  /** The first column that differs on or before t, and the simulated day it differs on. */
  readonly column: string;
  readonly at: number;
}

/** Features and results of the reference sleeve for each horizon. */
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
    withOpen: false,
  });
  const results = horizons.map((horizonDays) =>
    simulateSleeve(features, {
      horizonDays,
      initialCash: 1_000_000,
      broker: REFERENCE_BROKER,
      risk: true,
      snapshotDays: [],
      keepStages: true,
    }),
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
  for (let h = 0; h < horizons.length; h++) {
    const [x, y] = [a.results[h], b.results[h]];
    for (const name of ['exclusion', 'universeScore', 'rank', 'weight', 'cappedWeight'] as const) {
      const found = compare(name, horizons[h], x.stages![name], y.stages![name], n);
      if (found) return found;
    }
    for (const name of ['equity', 'cash', 'positions', 'universeSize', 'equalWeight', 'buyAndHold'] as const) {
      const found = compare(name, horizons[h], x[name], y[name], 1);
      if (found) return found;
    }
    const [fillsX, fillsY] = [x.fills, y.fills];
    const length = countUpTo(fillsX.day, day);
    if (length !== countUpTo(fillsY.day, day)) return { column: 'number of fills', horizon: horizons[h], at: day };
    for (const name of ['day', 'instrument', 'quantity', 'price'] as const) {
      for (let k = 0; k < length; k++) {
        if (!Object.is(fillsX[name][k], fillsY[name][k]))
          return { column: `fill ${name}`, horizon: horizons[h], at: fillsX.day[k] };
      }
    }
  }
  return null;
}

const countUpTo = (days: Int32Array, day: number) => days.reduce((count, d) => count + (d <= day ? 1 : 0), 0);
