/** The program `lambda train`: forecasts of cluster dispersion, walk-forward, with baselines, ledger and report. */
import { formatCount } from '../../../src/format/numbers.ts';
import { formatDay } from '../../../src/platform/dates.ts';
import type { Database } from '../../../src/platform/db/databases.ts';
import { Exit, UserError } from '../../../src/platform/errors.ts';
import { log, stage } from '../../../src/platform/events.ts';
import { type Program, parseRange } from '../../../src/platform/program.ts';
import { Random } from '../../../src/platform/random.ts';
import { assess, assessmentWindow, momentumPanel } from '../../assessment/model.ts';
import { columnOf, completeRuns } from '../../market/panel.ts';
import { type LoadedPanel, loadPanel } from '../../market/storage.ts';
import { STABILITY_WINDOW, stabilityPanel } from '../../stability/model.ts';
import { withOutputFiles } from '../files.ts';
import { appendTrials, countTrials, type Predictions, replacePredictions, type Trial } from '../ledger.storage.ts';
import { mergeExperiments } from '../merge-csv.ts';
import {
  daysWithPrices,
  type LambdaInputs,
  type LambdaPanel,
  lambdaPanel,
  membership,
  requireClusters,
} from '../model.ts';
import type { lambdaTrainSpec } from '../spec.ts';
import { byDay, evaluationDays, forecastFigures } from './evaluate.ts';
import { densityFeatures, type Feature, forwardTargets, trailingLogMeans, WARM_UP_DAYS } from './features.ts';
import { informationRatioTest, type SignalPanel } from './information-ratio.ts';
import { allForecasts, type NamedForecast } from './models.ts';
import { forecastColumns, forecastRows } from './predictions.ts';
import { reportLines } from './report.ts';
import { type HorizonResult, verdict } from './result.ts';
import { ClusterVectors } from './vectors.model.ts';
import { eachDayOfVectors, requireForecastable, vectorsLearntFrom } from './vectors.storage.ts';
import { firstForecastDay, type WalkForwardPlan } from './walk-forward.ts';

/** Trading days whose mean is a cluster's usual level: a year. */
const USUAL_WINDOW = 252;
const ASSESSMENT_HORIZON = 21;

type Args = Parameters<typeof lambdaTrain>[0];

export const lambdaTrain: Program<typeof lambdaTrainSpec> = async (args, context) => {
  const { databases, events, signal } = context;
  const { start, end } = parseRange(args);
  stage(events, 'load prices', 1, 4);
  const panel = await loadPanel(databases, {
    marketId: args.market,
    start,
    end,
    lookback: Math.max(args.lookbackDays, STABILITY_WINDOW) - 1,
    columns: ['close'],
    cacheFolder: context.home.cache,
  });
  signal.throwIfAborted();
  stage(events, 'states and λ', 2, 4);
  const { inputs, softTargetScore } = lambdaInputs(panel, args);
  const density = lambdaPanel(inputs);
  requireClusters(density, args.market, args.minClusterSize);
  const features = densityFeatures(density, panel.count);
  const signals = args.predictOnly ? null : signalPanel(panel, inputs, softTargetScore);
  const usual = trailingLogMeans(density, panel.count, USUAL_WINDOW);
  const results: HorizonResult[] = [];
  const horizons = [...new Set(args.horizon)].sort((a, b) => a - b);
  // A range may go on after the last price: what is asked of those days has not happened.
  const pricedDays = daysWithPrices(inputs);
  const planOf = (horizon: number): WalkForwardPlan => ({
    days: pricedDays,
    warmUp: WARM_UP_DAYS,
    horizon,
    refitDays: args.refitDays,
    embargoDays: args.embargoDays,
    leastTrainingDays: args.leastTrainingDays,
  });
  const vectors: Feature[] = [];
  let learntFrom = 0;
  const range = panel.calendar.days.subarray(panel.first, panel.first + panel.count);
  const firstUsed = args.predictOnly ? pricedDays - 1 : firstForecastDay(planOf(horizons[0]));
  for (const modelId of new Set(args.vectors)) {
    const last = await vectorsLearntFrom(databases.historical, context.home.models, modelId, range);
    if (!args.allowInSample) requireForecastable(modelId, last, range[Math.min(firstUsed, pricedDays - 1)]);
    learntFrom = Math.max(learntFrom, last ?? 0);
    vectors.push(...(await vectorFeatures(databases.historical, modelId, panel, inputs, density)));
    signal.throwIfAborted();
  }
  for (const horizon of horizons) {
    signal.throwIfAborted();
    stage(events, `forecast ${horizon} days ahead`, 3, 4);
    const plan = planOf(horizon);
    const target = forwardTargets(density, pricedDays, horizon);
    const forecasts = allForecasts(density, features, target, plan, args.penalty, vectors);
    if (!forecasts[0].forecast.coefficients) {
      const have = `${args.start} … ${args.end} holds ${formatCount(panel.count)} trading days`;
      throw new UserError(
        `${have}; the first forecast needs ${firstForecastDay(plan) + 1} and clusters on them`,
        'Choose a longer range, or fewer --least-training-days.',
      );
    }
    const experimentId = `${args.experimentId}_H${horizon}`;
    if (args.predictOnly) {
      results.push({ horizon, experimentId, forecasts, figures: null, informationRatio: null, target, learntFrom });
      continue;
    }
    const judged = judgedRows(density, forecasts, target, plan);
    if (judged.length === 0) {
      throw new UserError(
        `no target of ${horizon} days ends inside ${args.start} … ${args.end} after the first fit`,
        'Choose a longer range.',
      );
    }
    const figures = new Map(
      forecasts.map(({ name, forecast }) => [
        name,
        forecastFigures(judged, density.day, forecast.predicted, target, usual),
      ]),
    );
    const generator = new Random(args.seed, horizon);
    const informationRatio = informationRatioTest(
      judged,
      density.day,
      density.cluster,
      forecasts[0].forecast.predicted,
      signals!,
      horizon,
      () => generator.uniform(),
    );
    for (const [name, { r2 }] of figures) {
      events.emit({ type: 'metric', name: `R² h=${horizon}`, value: r2, unit: 'share', series: name });
    }
    results.push({ horizon, experimentId, forecasts, figures, informationRatio, target, learntFrom });
  }

  stage(events, 'write', 4, 4);
  const runId = context.newId();
  const predictions = results.map((result) => predictionsOf(result, density, panel, runId, args.predictOnly));
  const lastDay = args.predictOnly ? predictions[0].day[0] : null;
  const outputs = [args.predictionsOutput, args.predictOnly ? undefined : args.report];
  const [trials, rows] = await withOutputFiles(outputs, signal, (files) =>
    databases.runtime.transaction(async (client) => {
      let written = 0;
      for (const one of predictions) written += await replacePredictions(client, one, lastDay);
      const made = args.predictOnly ? [] : results.flatMap((result) => trialsOf(result, args, panel, density, runId));
      await appendTrials(client, made, context.provenance);
      const count = await countTrials(client);
      if (args.predictionsOutput !== undefined) {
        const ids = results.map((result) => result.experimentId);
        const lines = results.flatMap((result, k) => [...forecastRows(predictions[k], density, panel, result.horizon)]);
        const from = lastDay === null ? null : formatDay(lastDay);
        await mergeExperiments(files, args.predictionsOutput, forecastColumns, ids, lines, from);
      }
      if (args.report !== undefined && !args.predictOnly) {
        files.write(args.report, reportLines(results, args, panel, density, count));
      }
      files.publish();
      return [count, { 'console.lambda_predictions': written, 'console.lambda_trials': made.length }] as const;
    }),
  );

  const main = (result: HorizonResult) => result.figures?.get(result.forecasts[0].name)?.r2.toFixed(3);
  const summary = args.predictOnly
    ? `λ̂ of ${formatDay(lastDay!)}: ${predictions.map((one) => `${one.day.length} clusters as ${one.experimentId}`).join(', ')}`
    : `${results.map((result) => `h=${result.horizon}: R² ${main(result)} out of sample`).join(', ')}; ${trials.distinct} distinct trials on the ledger`;
  if (!args.json) context.stdout(plainTable(results));
  for (const { horizon, informationRatio } of results) {
    if (informationRatio) log(events, 'info', verdict(horizon, informationRatio));
  }
  return {
    exitCode: Exit.done,
    summary,
    rows,
    data: {
      market_id: args.market,
      start: args.start,
      end: args.end,
      data_fingerprint: panel.fingerprint,
      trials,
      horizons: results.map((result, k) => ({
        horizon_days: result.horizon,
        experiment_id: result.experimentId,
        scored: predictions[k].day.length,
        first_day: formatDay(predictions[k].day[0]),
        last_day: formatDay(predictions[k].day[predictions[k].day.length - 1]),
        models: result.figures && Object.fromEntries(result.figures),
        coefficients: coefficientsOf(result.forecasts[0]),
        information_ratio: result.informationRatio,
      })),
      rows,
    },
  };
};

/** What λ of a loaded panel is made of, with states computed from its prices; and the states' scores, D × N. */
function lambdaInputs(
  panel: LoadedPanel,
  args: { lookbackDays: number; minClusterSize: number },
): { inputs: LambdaInputs; softTargetScore: Float64Array } {
  const close = columnOf(panel, 'close');
  const { instruments, first, count } = panel;
  const days = panel.calendar.days.length;
  const runs = completeRuns(close, instruments.length, days);
  const stability = stabilityPanel(close, runs, instruments.length, days, first, count);
  const { lookbackDays: lookback, minClusterSize } = args;
  const { classCode, score } = stability;
  return {
    inputs: { instruments, close, runs, days, first, count, classCode, lookback, minClusterSize },
    softTargetScore: score,
  };
}

/** What the embeddings of a model say of every row of λ. */
async function vectorFeatures(
  historical: Database,
  modelId: string,
  panel: LoadedPanel,
  inputs: LambdaInputs,
  density: LambdaPanel,
): Promise<Feature[]> {
  const ids = panel.instruments.map((instrument) => instrument.id);
  const days = panel.calendar.days.subarray(panel.first, panel.first + panel.count);
  const members = membership(inputs);
  let gathered: ClusterVectors | null = null;
  await eachDayOfVectors(historical, modelId, ids, days, (d, dim, vectors, known) => {
    gathered ??= new ClusterVectors(modelId, density, members, ids.length, dim);
    gathered.addDay(d, vectors, known);
  });
  return gathered!.features();
}

/** The assessment signal of the basic backend: momentum less the fragility penalty, before it is clamped to a score. */
function signalPanel(panel: LoadedPanel, inputs: LambdaInputs, softTargetScore: Float64Array): SignalPanel {
  const { close, runs, days, first, count } = inputs;
  const n = panel.instruments.length;
  const window = assessmentWindow(ASSESSMENT_HORIZON);
  const signal = momentumPanel(close, runs, n, days, first, count, window).map((momentum, cell) =>
    Number.isNaN(momentum) ? Number.NaN : assess(momentum, softTargetScore[cell]).expectedReturn,
  );
  return { instruments: n, close, days, first, signal, cluster: membership(inputs) };
}

/** Rows on which every model is judged: days whose targets share nothing, where all forecasts and the target are known. */
function judgedRows(
  density: LambdaPanel,
  forecasts: readonly NamedForecast[],
  target: Float64Array,
  plan: WalkForwardPlan,
): Int32Array {
  const days = evaluationDays(firstForecastDay(plan), plan.days, plan.horizon);
  return Int32Array.from(density.day, (_, k) => k).filter(
    (k) =>
      days.has(density.day[k]) &&
      Number.isFinite(target[k]) &&
      forecasts.every(({ forecast }) => Number.isFinite(forecast.predicted[k])),
  );
}

/** λ̂ rows of a horizon: all of them, or those of the last day that has some. */
function predictionsOf(
  { experimentId, forecasts, target, learntFrom }: HorizonResult,
  density: LambdaPanel,
  panel: LoadedPanel,
  runId: string,
  lastDayOnly: boolean,
): Predictions & { readonly row: Int32Array } {
  const { predicted, trainEnd } = forecasts[0].forecast;
  let row = Int32Array.from(density.day, (_, k) => k).filter((k) => Number.isFinite(predicted[k]));
  if (lastDayOnly) row = row.filter((k) => density.day[k] === density.day[row[row.length - 1]]);
  const lambdaHat = Float64Array.from(row, (k) => Math.exp(predicted[k]));
  const lambdaZ = new Float64Array(row.length).fill(Number.NaN);
  let at = 0;
  for (const own of byDay(row, density.day)) {
    lambdaZ.set(standardScores(lambdaHat.subarray(at, at + own.length)), at);
    at += own.length;
  }
  const dayNumber = (d: number) => panel.calendar.days[panel.first + d];
  return {
    experimentId,
    runId,
    row,
    day: Int32Array.from(row, (k) => dayNumber(density.day[k])),
    cluster: Array.from(row, (k) => ({ market: panel.marketId, ...density.clusters[density.cluster[k]] })),
    lambdaHat,
    lambdaZ,
    realised: Float64Array.from(row, (k) => Math.exp(target[k])),
    trainEnd: Int32Array.from(row, (k) => Math.max(learntFrom, dayNumber(trainEnd[k]))),
  };
}

/** Distances from the mean in deviations; 0 where nothing lies apart. */
function standardScores(values: Float64Array): Float64Array {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length);
  return values.map((value) => (spread > 0 ? (value - centre) / spread : 0));
}

/** One trial a model and horizon. */
function trialsOf(result: HorizonResult, args: Args, panel: LoadedPanel, density: LambdaPanel, runId: string): Trial[] {
  const dayNumber = (d: number) => panel.calendar.days[panel.first + d];
  const dateOf = (d: number) => formatDay(dayNumber(d));
  return result.forecasts.map(({ name, features, forecast }) => {
    const main = name === result.forecasts[0].name;
    const ends = forecast.trainEnd.filter((d) => d >= 0);
    const forecastDays = density.day.filter((_, k) => forecast.trainEnd[k] >= 0);
    return {
      experimentId: result.experimentId,
      program: 'lambda train',
      model: name,
      marketId: panel.marketId,
      horizonDays: result.horizon,
      trainStart: dateOf(WARM_UP_DAYS),
      trainEnd: formatDay(Math.max(main ? result.learntFrom : 0, dayNumber(ends[ends.length - 1]))),
      testStart: dateOf(forecastDays[0]),
      testEnd: dateOf(forecastDays[forecastDays.length - 1]),
      parameters: {
        features,
        lookback_days: args.lookbackDays,
        min_cluster_size: args.minClusterSize,
        refit_days: args.refitDays,
        embargo_days: args.embargoDays,
        least_training_days: args.leastTrainingDays,
        penalty: name.startsWith('har') ? args.penalty : 0,
        ...(args.allowInSample ? { allow_in_sample: true } : {}),
        ...(main && result.learntFrom ? { learnt_from: formatDay(result.learntFrom) } : {}),
      },
      metrics: {
        ...result.figures?.get(name),
        ...(main ? { information_ratio: result.informationRatio } : {}),
      },
      dataFingerprint: panel.fingerprint,
      runId,
    };
  });
}

function coefficientsOf({ features, forecast }: NamedForecast): Record<string, number> {
  return Object.fromEntries(['intercept', ...features].map((name, j) => [name, forecast.coefficients![j]]));
}

/** `horizon,model,rows,r2,ic,ic_demeaned` for stdout. */
function plainTable(results: readonly HorizonResult[]): string {
  const lines = results.flatMap(({ horizon, figures }) =>
    [...(figures ?? [])].map(([name, f]) =>
      [horizon, name, f.rows, f.r2.toFixed(4), f.ic.toFixed(4), f.icDemeaned.toFixed(4)].join(','),
    ),
  );
  return lines.length ? `${['horizon_days,model,rows,r2,ic,ic_demeaned', ...lines].join('\n')}\n` : '';
}
