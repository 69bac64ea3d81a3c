/** The tables of `lambda train` as Markdown. */
import { formatDay } from '../../../src/platform/dates.ts';
import type { LoadedPanel } from '../../market/storage.ts';
import type { TrialCount } from '../ledger.storage.ts';
import type { LambdaPanel } from '../model.ts';
import { MODEL, PERSISTENCE_OF_DISPERSION, PERSISTENCE_OF_LAMBDA } from './models.ts';
import { type HorizonResult, verdict } from './result.ts';

interface ReportArgs {
  readonly market: string;
  readonly start: string;
  readonly end: string;
  readonly experimentId: string;
  readonly horizon: readonly number[];
  readonly lookbackDays: number;
  readonly minClusterSize: number;
  readonly refitDays: number;
  readonly embargoDays: number;
  readonly leastTrainingDays: number;
  readonly penalty: number;
  readonly seed: number;
  readonly vectors: readonly string[];
  readonly allowInSample: boolean;
}

/** – for a figure that there are too few days for. */
const figure = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : '–');

const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`;
const header = (cells: readonly string[]) => row(cells) + row(cells.map(() => '---'));

/** The report, line by line. A function of its arguments: the same data and flags give the same bytes. */
export function* reportLines(
  results: readonly HorizonResult[],
  args: ReportArgs,
  panel: LoadedPanel,
  density: LambdaPanel,
  trials: TrialCount,
): Generator<string> {
  const flags = [
    `--market ${args.market} --start ${args.start} --end ${args.end} --experiment-id ${args.experimentId}`,
    ...args.horizon.map((horizon) => `--horizon ${horizon}`),
    `--lookback-days ${args.lookbackDays} --min-cluster-size ${args.minClusterSize} --refit-days ${args.refitDays}`,
    `--embargo-days ${args.embargoDays} --least-training-days ${args.leastTrainingDays} --penalty ${args.penalty} --seed ${args.seed}`,
    ...args.vectors.map((model) => `--vectors ${model}`),
    ...(args.allowInSample ? ['--allow-in-sample'] : []),
  ];
  yield `# λ̂ out of sample\n\nMade by \`prometheus lambda train\`; do not edit.\n\n`;
  yield `\`\`\`sh\nprometheus lambda train ${flags.join(' \\\n  ')} \\\n  --report FILE.md\n\`\`\`\n\n`;
  yield `${panel.instruments.length} instruments of ${args.market}, ${panel.count} trading days, ${density.day.length} rows of λ (data fingerprint \`${panel.fingerprint.slice(0, 12)}\`). `;
  yield `Target: log of a cluster's mean dispersion over the h days after t. Fits every ${args.refitDays} days on all targets that ended ${args.embargoDays} days before; figures from every h-th day, so that no two targets share a day. `;
  yield `Ledger: ${trials.distinct} distinct trials, ${trials.recorded} recorded.\n\n`;
  for (const result of results) {
    if (result.figures) yield* horizonSection(result, density, panel);
  }
  yield `R² = 1 − squared errors / squared distances from the mean. IC = rank correlation across the clusters of a day, mean over days (t-statistic of the mean). "Beyond usual" = the same after each cluster's mean of the last 252 days is taken off forecast and outcome. `;
  yield `"Level moved" = the past value plus its mean distance from the target in training; "slope fitted" = intercept and slope by least squares. Baselines are fitted on the model's own schedule.\n`;
}

function* horizonSection(result: HorizonResult, density: LambdaPanel, panel: LoadedPanel): Generator<string> {
  const figures = result.figures!;
  const [{ name: main }] = result.forecasts;
  const model = figures.get(main)!;
  const known = density.day.filter((_, k) => result.forecasts[0].forecast.trainEnd[k] >= 0);
  const [from, to] = [known[0], known[known.length - 1]].map((d) => formatDay(panel.calendar.days[panel.first + d]));
  yield `## ${result.horizon} trading days ahead\n\n`;
  yield `${model.rows} rows on ${model.days} days, ${from} … ${to}, ${result.forecasts[0].forecast.fits} fits.\n\n`;
  yield header(['model', 'R²', 'IC (t)', 'IC beyond usual (t)']);
  for (const { name, what } of result.forecasts) {
    const f = figures.get(name)!;
    yield row([
      `\`${name}\` ${what}`,
      f.r2.toFixed(3),
      `${f.ic.toFixed(3)} (${f.icT.toFixed(1)})`,
      `${f.icDemeaned.toFixed(3)} (${f.icDemeanedT.toFixed(1)})`,
    ]);
  }
  const gain = (name: string) => (model.r2 - figures.get(name)!.r2).toFixed(3);
  yield `\n\`${main}\` gains ${gain(PERSISTENCE_OF_LAMBDA)} in R² over persistence of λ and ${gain(PERSISTENCE_OF_DISPERSION)} over persistence of 21-day dispersion, both with fitted slopes.\n\n`;
  if (main !== MODEL) yield `Vectors add ${gain(MODEL)} in R² to \`${MODEL}\`.\n\n`;
  const test = result.informationRatio!;
  yield `### Does the assessment signal pay more where λ̂ is high?\n\n`;
  yield `${test.days} days; clusters of a day in thirds by λ̂; the signal (momentum less fragility penalty) inside each cluster against the return of the next ${result.horizon} days.\n\n`;
  yield header([
    'clusters',
    'IC',
    'information ratio of the IC',
    'long-short return a period',
    'its information ratio',
  ]);
  for (const bucket of test.buckets) {
    yield row([
      `${bucket.bucket} λ̂`,
      figure(bucket.ic, 4),
      figure(bucket.icRatio, 2),
      `${figure(1e4 * bucket.returnMean, 1)} bp`,
      figure(bucket.returnRatio, 2),
    ]);
  }
  const interval = ({ low, high }: { low: number; high: number }) => `${figure(low, 2)} … ${figure(high, 2)}`;
  yield row([
    'high − low',
    `${figure(test.icDifference, 4)} (t ${figure(test.icT, 1)})`,
    `${figure(test.icRatioDifference, 2)} (${interval(test.icRatioInterval)})`,
    `${figure(1e4 * test.returnDifference, 1)} bp (t ${figure(test.returnT, 1)})`,
    `${figure(test.returnRatioDifference, 2)} (${interval(test.returnRatioInterval)})`,
  ]);
  yield `\n${verdict(result.horizon, test)}.\n\n`;
}
