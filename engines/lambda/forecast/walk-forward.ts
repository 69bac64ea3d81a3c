/**
 * Walk-forward forecasts: a model is fitted again every so many days on all that was known well before, and used until the
 * next fit. Nothing dated after a day reaches a forecast used on it.
 */
import { RidgeSums } from '../../linear/model.ts';
import type { Feature } from './features.ts';

export interface WalkForwardPlan {
  /** Days of the panel, and those at its start that are not used. */
  readonly days: number;
  readonly warmUp: number;
  readonly horizon: number;
  /** Trading days between two fits. */
  readonly refitDays: number;
  /** Days between the last day a target reads and the first day the fit is used on. */
  readonly embargoDays: number;
  /** Days of targets before the first fit. */
  readonly leastTrainingDays: number;
}

export interface Forecast {
  /** Per row; NaN before the first fit and where a feature is missing. */
  readonly predicted: Float64Array;
  /** Per row: the last day that training read (index), −1 before the first fit. */
  readonly trainEnd: Int32Array;
  /** Coefficients of the last fit, intercept first. */
  readonly coefficients: Float64Array | null;
  readonly fits: number;
}

/** First day (index) on which a forecast is made. */
export const firstForecastDay = (plan: WalkForwardPlan): number =>
  plan.warmUp + plan.leastTrainingDays + plan.horizon + plan.embargoDays;

/**
 * Ridge forecasts of `target` from `features`. A row of day d trains the fit used from day r on when d + horizon + embargo
 * ≤ r: its target has ended before the embargo. `day` is ascending.
 */
export function walkForward(
  day: Int32Array,
  features: readonly Feature[],
  target: Float64Array,
  plan: WalkForwardPlan,
  penalty: number,
): Forecast {
  const columns = features.map((feature) => feature.values);
  const usable = (k: number) => columns.every((column) => Number.isFinite(column[k]));
  const predicted = new Float64Array(day.length).fill(Number.NaN);
  const trainEnd = new Int32Array(day.length).fill(-1);
  const sums = new RidgeSums(features.length);
  let coefficients: Float64Array | null = null;
  let fits = 0;
  let added = 0;
  let at = 0;
  for (let r = firstForecastDay(plan); r < plan.days; r += plan.refitDays) {
    const last = r - plan.horizon - plan.embargoDays;
    for (; added < day.length && day[added] <= last; added++) {
      if (day[added] < plan.warmUp || !Number.isFinite(target[added]) || !usable(added)) continue;
      sums.add(columns, added, target[added]);
    }
    while (at < day.length && day[at] < r) at++;
    if (sums.count <= features.length) continue;
    coefficients = sums.solve(penalty);
    fits++;
    for (; at < day.length && day[at] < r + plan.refitDays; at++) {
      if (!usable(at)) continue;
      let value = coefficients[0];
      for (let j = 0; j < columns.length; j++) value += coefficients[j + 1] * columns[j][at];
      predicted[at] = value;
      trainEnd[at] = last + plan.horizon;
    }
  }
  return { predicted, trainEnd, coefficients, fits };
}
