/** What training gave for one horizon, and what the information-ratio test says about it. */
import type { ForecastFigures } from './evaluate.ts';
import type { InformationRatioTest } from './information-ratio.ts';
import type { NamedForecast } from './models.ts';

/** What one horizon gave. */
export interface HorizonResult {
  readonly horizon: number;
  readonly experimentId: string;
  readonly forecasts: readonly NamedForecast[];
  /** By model; null when nothing was measured. */
  readonly figures: ReadonlyMap<string, ForecastFigures> | null;
  readonly informationRatio: InformationRatioTest | null;
  readonly target: Float64Array;
  /** Last day (a day number) that the models behind the vectors have learnt from, and so λ̂ too; 0 when there is none. */
  readonly learntFrom: number;
}

/** Judged days that a verdict needs: fewer give ratios that the bootstrap cannot bound. */
const LEAST_DAYS = 20;

/** The information-ratio test in a sentence. */
export function verdict(horizon: number, test: InformationRatioTest): string {
  if (test.days < LEAST_DAYS) {
    return `h=${horizon}: ${test.days} ${test.days === 1 ? 'day' : 'days'} with enough clusters; at least ${LEAST_DAYS} are needed to say whether the assessment signal pays more where λ̂ is high`;
  }
  const { low, high } = test.icRatioInterval;
  const figure = `${test.icRatioDifference.toFixed(2)} (95 % interval ${low.toFixed(2)} … ${high.toFixed(2)})`;
  const head = `h=${horizon}: information ratio of the assessment signal in clusters of high λ̂ minus low λ̂: ${figure}`;
  if (low > 0) return `${head}: higher, so a weight on λ̂ has a case`;
  if (high < 0) return `${head}: lower, so a weight on λ̂ would hurt`;
  return `${head}: no difference that can be told from noise, so nothing here speaks for a weight on λ̂`;
}
