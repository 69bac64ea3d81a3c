/** The forecasts that are set side by side: the model, and what it has to beat. */
import type { LambdaPanel } from '../model.ts';
import { type Feature, ownPast, trailingLogMeans } from './features.ts';
import { type Forecast, type WalkForwardPlan, walkForward } from './walk-forward.ts';

export interface NamedForecast {
  readonly name: string;
  /** What it is, for tables. */
  readonly what: string;
  /** Names of what it reads. */
  readonly features: readonly string[];
  readonly forecast: Forecast;
}

/** The model that λ̂ comes from, and the one that reads vectors too, which takes its place where there are some. */
export const MODEL = 'har_ridge';
const VECTOR_MODEL = 'har_vectors';
/** The baselines that the model must beat, each in the stronger of its two forms. */
export const PERSISTENCE_OF_LAMBDA = 'persistence_lambda_fitted';
export const PERSISTENCE_OF_DISPERSION = 'persistence_dispersion_21_fitted';

/**
 * log λ̂ of every model, the one that λ̂ comes from first; all are fitted on the same schedule and read nothing after their
 * day. `vectors`: features of embeddings, none by default.
 */
export function allForecasts(
  panel: LambdaPanel,
  features: readonly Feature[],
  target: Float64Array,
  plan: WalkForwardPlan,
  penalty: number,
  vectors: readonly Feature[] = [],
): NamedForecast[] {
  const ridge = (name: string, what: string, used: readonly Feature[]): NamedForecast => ({
    name,
    what,
    features: used.map((feature) => feature.name),
    forecast: walkForward(panel.day, used, target, plan, penalty),
  });
  /** The past value as it stands, moved by the mean distance of the target from it in training. */
  const shifted = (name: string, what: string, past: Feature): NamedForecast => {
    const distance = target.map((value, k) => value - past.values[k]);
    const forecast = walkForward(panel.day, [], distance, plan, 0);
    const predicted = forecast.predicted.map((value, k) => value + past.values[k]);
    return { name, what, features: [past.name], forecast: { ...forecast, predicted } };
  };
  const fitted = (name: string, what: string, past: Feature): NamedForecast => ({
    name,
    what,
    features: [past.name],
    forecast: walkForward(panel.day, [past], target, plan, 0),
  });
  const logLambda = { name: 'log_lambda', values: panel.lambda.map(Math.log) };
  const past = (window: number) => ({
    name: `log_dispersion_${window}`,
    values: trailingLogMeans(panel, plan.days, window),
  });
  return [
    ...(vectors.length > 0
      ? [ridge(VECTOR_MODEL, 'the same with the vectors of the members: mean, dispersion', [...features, ...vectors])]
      : []),
    ridge(MODEL, 'HAR ridge: own, sector and market dispersion, volatility, count, trend', features),
    ridge('har_own', 'HAR ridge on own dispersion alone', ownPast(features)),
    shifted('persistence_lambda', 'λ as it is (level moved)', logLambda),
    fitted(PERSISTENCE_OF_LAMBDA, 'λ, slope fitted', logLambda),
    shifted('persistence_dispersion_21', '21-day dispersion as it is (level moved)', past(21)),
    fitted(PERSISTENCE_OF_DISPERSION, '21-day dispersion, slope fitted', past(21)),
    fitted('persistence_dispersion_63_fitted', '63-day dispersion, slope fitted', past(63)),
  ];
}
