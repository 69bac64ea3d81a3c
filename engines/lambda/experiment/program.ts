/** The program `lambda experiment`: the original's λ̂ models over a λ panel CSV. */
import { formatCount } from '../../../src/format/numbers.ts';
import { type CsvValue, csvLine } from '../../../src/platform/csv.ts';
import { formatDay } from '../../../src/platform/dates.ts';
import { Exit, UsageError, UserError } from '../../../src/platform/errors.ts';
import { log, stage } from '../../../src/platform/events.ts';
import { shortHash } from '../../../src/platform/ids.ts';
import { type Program, parseRange } from '../../../src/platform/program.ts';
import { withOutputFiles } from '../files.ts';
import { appendTrials, countTrials, replacePredictions } from '../ledger.storage.ts';
import { mergeExperiments } from '../merge-csv.ts';
import { UNKNOWN } from '../model.ts';
import type { lambdaExperimentSpec } from '../spec.ts';
import { type ExperimentMetrics, experimentMetrics } from './metrics.ts';
import { predictLambda } from './models.ts';
import { type Pairs, pairsOf } from './pairs.ts';
import { ADDED_COLUMNS, type DensityTable, readDensityTable } from './table.ts';

const RESULT_COLUMNS = [
  'experiment_id',
  'model',
  'train_start',
  'train_end',
  'test_start',
  'test_end',
  'top_quantile',
  'num_pairs_train',
  'num_pairs_test',
  'num_days_uplift',
  'pearson_corr',
  'spearman_corr',
  'avg_uplift',
  'uplift_std_err',
] as const;

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);

export const lambdaExperiment: Program<typeof lambdaExperimentSpec> = async (args, context) => {
  const { events, signal, databases } = context;
  const train = parseRange({ start: args.trainStart, end: args.trainEnd }, ['--train-start', '--train-end']);
  const test = parseRange({ start: args.testStart, end: args.testEnd }, ['--test-start', '--test-end']);
  if (!args.predictOnly && args.output === undefined) {
    throw new UsageError('--output is required', 'Name the CSV of results, or score only: --predict-only');
  }
  stage(events, 'read the panel', 1, 3);
  const table = await readDensityTable(args.input, signal);
  const pairs = pairsOf(table);
  const inside = (k: number, span: { start: number; end: number }) => {
    const day = table.day[pairs.row[k]];
    return day >= span.start && day <= span.end;
  };
  const all = Int32Array.from(pairs.row, (_, k) => k);
  const hasNext = (k: number) => pairs.nextDay[k] >= 0;
  const trainRows = all.filter((k) => hasNext(k) && inside(k, train));
  const testRows = all.filter((k) => inside(k, test) && (args.predictOnly || hasNext(k)));
  if (trainRows.length === 0 && args.model !== 'persistence') {
    throw new UserError(
      `${args.input} has no pair of rows from ${args.trainStart} to ${args.trainEnd} to train on`,
      'Choose a training span that the panel covers.',
    );
  }
  if (testRows.length === 0) {
    throw new UserError(
      `${args.input} has no row to score from ${args.testStart} to ${args.testEnd}`,
      'Choose a test span that the panel covers.',
    );
  }
  stage(events, `fit ${args.model}`, 2, 3);
  const predicted = predictLambda(args.model, table, pairs, trainRows, testRows);
  const testDay = Int32Array.from(testRows, (k) => table.day[pairs.row[k]]);
  const next = Float64Array.from(testRows, (k) => pairs.next[k]);
  const metrics = args.predictOnly ? null : experimentMetrics(predicted, next, testDay, args.topQuantile);
  const result = metrics && resultRow(args, trainRows.length, testRows.length, metrics);

  stage(events, 'write', 3, 3);
  const runId = context.newId();
  const lastTrainingDay = trainRows.reduce((last, k) => Math.max(last, pairs.nextDay[k]), 0);
  const outputs = [result ? args.output : undefined, args.predictionsOutput];
  const written = await withOutputFiles(outputs, signal, (files) =>
    databases.runtime.transaction(async (client) => {
      const rows = await replacePredictions(client, {
        experimentId: args.experimentId,
        runId,
        day: testDay,
        cluster: Array.from(testRows, (k) => table.clusters[table.cluster[pairs.row[k]]]),
        lambdaHat: predicted,
        lambdaZ: null,
        realised: next,
        trainEnd: new Int32Array(testRows.length).fill(train.end),
      });
      await appendTrials(
        client,
        [
          {
            experimentId: args.experimentId,
            program: 'lambda experiment',
            model: args.model,
            marketId: [...new Set(table.clusters.map((cluster) => cluster.market))].join('+'),
            horizonDays: 1,
            trainStart: args.trainStart,
            trainEnd: args.trainEnd,
            testStart: args.testStart,
            testEnd: args.testEnd,
            parameters: {
              top_quantile: args.topQuantile,
              predict_only: args.predictOnly,
              last_training_day: lastTrainingDay ? formatDay(lastTrainingDay) : null,
            },
            metrics: result ?? {},
            dataFingerprint: shortHash(JSON.stringify(table.text), 64),
            runId,
          },
        ],
        context.provenance,
      );
      const trials = await countTrials(client);
      const ids = [args.experimentId];
      if (result) await mergeExperiments(files, args.output!, RESULT_COLUMNS, ids, [Object.values(result)]);
      if (args.predictionsOutput !== undefined) {
        const header = [...table.header, ...ADDED_COLUMNS];
        const lines = predictionRows(table, pairs, testRows, predicted, args.experimentId);
        await mergeExperiments(files, args.predictionsOutput, header, ids, lines);
      }
      files.publish();
      return { rows, trials };
    }),
  );

  const unknown = table.text.length - countKnown(table);
  if (unknown > 0)
    log(
      events,
      'warn',
      `${formatCount(unknown)} of ${formatCount(table.text.length)} rows are clusters of class ${UNKNOWN}`,
    );
  if (lastTrainingDay > train.end) {
    log(
      events,
      'warn',
      `training pairs reach to ${formatDay(lastTrainingDay)}, past --train-end: kept as the original has it; prometheus lambda train has no such overlap`,
    );
  }
  if (result && !args.json) context.stdout(csvLine(RESULT_COLUMNS) + csvLine(Object.values(result)));
  const nameless =
    unknown === table.text.length
      ? `; every row is of class ${UNKNOWN}: campaigns know the classes of their instruments, so this λ̂ reaches none of them`
      : '';
  const scored = result
    ? `${args.experimentId}: ${args.model}, Pearson ${known(metrics!.pearson)?.toFixed(4) ?? 'unknown'} on ${formatCount(testRows.length)} rows; λ next shares all but one day with λ`
    : `${args.experimentId}: ${formatCount(testRows.length)} rows scored by ${args.model}`;
  const summary = `${scored}${nameless}`;
  const counts = { 'console.lambda_predictions': written.rows, 'console.lambda_trials': 1 };
  return {
    exitCode: Exit.done,
    summary,
    rows: counts,
    data: {
      result,
      experiment_id: args.experimentId,
      scored: testRows.length,
      unknown_rows: unknown,
      last_training_day: lastTrainingDay ? formatDay(lastTrainingDay) : null,
      trials: written.trials,
      rows: counts,
    },
  };
};

function resultRow(
  args: {
    experimentId: string;
    model: string;
    trainStart: string;
    trainEnd: string;
    testStart: string;
    testEnd: string;
    topQuantile: number;
  },
  trainPairs: number,
  testPairs: number,
  metrics: ExperimentMetrics,
): Record<(typeof RESULT_COLUMNS)[number], CsvValue> {
  return {
    experiment_id: args.experimentId,
    model: args.model,
    train_start: args.trainStart,
    train_end: args.trainEnd,
    test_start: args.testStart,
    test_end: args.testEnd,
    top_quantile: args.topQuantile,
    num_pairs_train: trainPairs,
    num_pairs_test: testPairs,
    num_days_uplift: metrics.upliftDays,
    pearson_corr: known(metrics.pearson),
    spearman_corr: known(metrics.spearman),
    avg_uplift: known(metrics.uplift),
    uplift_std_err: known(metrics.upliftError),
  };
}

/** The test rows as they stand in the panel, then what the experiment adds; ordered by market, sector, class, date. */
function* predictionRows(
  table: DensityTable,
  pairs: Pairs,
  rows: Int32Array,
  predicted: Float64Array,
  experimentId: string,
): Generator<CsvValue[]> {
  for (let at = 0; at < rows.length; at++) {
    const k = rows[at];
    const row = pairs.row[k];
    yield [
      ...table.text[row],
      known(pairs.next[k]),
      known(pairs.previous[k]),
      known(table.lambda[row] - pairs.previous[k]),
      predicted[at],
      experimentId,
    ];
  }
}

const countKnown = (table: DensityTable): number =>
  table.cluster.reduce((sum, k) => sum + (table.clusters[k].softTargetClass === UNKNOWN ? 0 : 1), 0);
