/** `prometheus lambda show`: λ over clusters and time, λ̂ against what came, bucket returns, sensitivity to the weight. */
import { z } from 'zod';
import { positiveBounds, sparkline } from '../format/spark.ts';
import type { Database } from '../platform/db/databases.ts';
import { Exit, UserError } from '../platform/errors.ts';
import { lambdaOverview } from '../report/lambda.ts';
import type { LambdaBuckets, LambdaForecast, LambdaHeat, LambdaOverview, LambdaWeightPoint } from '../report/types.ts';
import { defineCommand } from './command.ts';
import { printFigures } from './json.ts';
import { cell, Report } from './plain-text.ts';

const PRINTED_COLUMNS = 40;

export const lambdaShow = defineCommand({
  name: 'lambda show',
  summary: 'λ by cluster and time, λ̂ against what came, bucket returns of runs, sensitivity to the weight',
  description: `
Reads console.opportunity_density (the parameters computed last), console.lambda_predictions, the newest runs with λ̂ and
the newest sweep over --lambda-score-weight. --json prints the figures behind each table.`,
  args: z.object({
    market: z.string().min(1).default('US_EQ').describe('market'),
    experimentId: z.string().min(1).optional().describe('one experiment (default: all)'),
    columns: z.number().int().min(1).max(400).default(PRINTED_COLUMNS).describe('columns of time'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  run: async (args, cli) => {
    const databases = await cli.databases({ application: 'lambda show', readOnly: true });
    const overview = await lambdaOverview(databases.runtime, {
      marketId: args.market,
      columns: args.columns,
      experimentId: args.experimentId ?? null,
    });
    if (args.experimentId !== undefined && overview.forecasts.length === 0) {
      throw await noSuchExperiment(databases.runtime, args.market, args.experimentId);
    }
    if (args.json) {
      printFigures(cli, overview);
      return Exit.done;
    }
    const report = new Report(cli);
    printOverview(report, overview);
    report.print(cli);
    return Exit.done;
  },
});

async function noSuchExperiment(runtime: Database, marketId: string, experimentId: string): Promise<UserError> {
  const { forecasts } = await lambdaOverview(runtime, { marketId, columns: 1, experimentId: null });
  const names = forecasts.map((one) => one.experimentId).join(', ');
  return new UserError(
    `there is no experiment '${experimentId}' of ${marketId}: on record are ${names || 'none'}`,
    'Name one of them, or make it: prometheus lambda train.',
  );
}

const figure = (value: number | null, digits: number) => (value === null ? '–' : value.toFixed(digits));
const basisPoints = (value: number | null) => (value === null ? '–' : (value * 1e4).toFixed(1));

function printOverview(report: Report, { heat, forecasts, buckets, weights, trials }: LambdaOverview): void {
  if (heat) printHeat(report, heat);
  else report.line('no λ yet: Phase 3 (optional) computes it, prometheus backfill opportunity-density');
  printForecasts(report, forecasts, trials);
  printRuns(report, buckets, weights);
}

function printForecasts(report: Report, forecasts: readonly LambdaForecast[], trials: LambdaOverview['trials']): void {
  report.line();
  report.line(`λ̂ ON RECORD (${trials.distinct} distinct trials of ${trials.recorded})`);
  if (forecasts.length === 0) {
    report.line('no λ̂ yet: Phase 3 (optional) trains it, prometheus lambda train');
    return;
  }
  report.table<LambdaForecast>(
    [
      { title: 'EXPERIMENT', grow: true, cell: (one) => cell(one.experimentId) },
      { title: 'FIRST', cell: (one) => cell(one.first) },
      { title: 'LAST', cell: (one) => cell(one.last) },
      { title: 'ROWS', align: 'right', cell: (one) => cell(String(one.rows)) },
      { title: 'CORR', align: 'right', cell: (one) => cell(figure(one.correlation, 3)) },
      {
        title: 'CAME, BY TENTHS OF λ̂',
        min: 21,
        cell: (one) =>
          cell(
            sparkline(
              one.tenths.map((tenth) => tenth.realised),
              10,
              { ascii: report.ascii },
            ),
          ),
      },
    ],
    forecasts,
  );
}

/** What runs made of λ̂: their days by thirds of it, and the newest sweep over its weight. */
function printRuns(report: Report, buckets: readonly LambdaBuckets[], weights: readonly LambdaWeightPoint[]): void {
  report.line();
  report.line('RETURNS BY THIRDS OF THE DAYS’ λ̂, bp a day (same day is no forecast)');
  if (buckets.length === 0) {
    report.line('no run with λ̂ yet: Phase 3 (optional) makes them, prometheus phases run P3');
  } else {
    report.table<LambdaBuckets>(
      [
        { title: 'RUN', cell: (one) => cell(one.runId.slice(0, 8)) },
        { title: 'SLEEVE', grow: true, cell: (one) => cell(one.sleeveId) },
        { title: 'WEIGHT', align: 'right', cell: (one) => cell(String(one.weight ?? '–')) },
        { title: 'SAME low/mid/high', align: 'right', cell: (one) => cell(one.sameDay.map(basisPoints).join(' / ')) },
        { title: 'NEXT low/mid/high', align: 'right', cell: (one) => cell(one.nextDay.map(basisPoints).join(' / ')) },
      ],
      buckets,
    );
  }
  report.line();
  report.line('NEWEST SWEEP OVER THE WEIGHT OF λ̂ (equal trades are equal hashes)');
  if (weights.length === 0) {
    report.line('no sweep yet: prometheus sweep … --grid lambda-score-weight=0,5,20,50');
  } else {
    report.table<LambdaWeightPoint>(
      [
        { title: 'SLEEVE', grow: true, cell: (one) => cell(one.sleeveId) },
        { title: 'WEIGHT', align: 'right', cell: (one) => cell(String(one.weight)) },
        { title: 'SHARPE', align: 'right', cell: (one) => cell(figure(one.sharpe, 4)) },
        { title: 'RETURN', align: 'right', cell: (one) => cell(figure(one.cumulativeReturn, 6)) },
        { title: 'TURNOVER', align: 'right', cell: (one) => cell(figure(one.turnoverPerDay, 4)) },
        { title: 'TRADES', cell: (one) => cell(one.trades) },
      ],
      weights,
    );
  }
  const runs = [...buckets, ...weights];
  for (const caveat of new Set(runs.map((run) => run.caveat).filter(Boolean))) {
    const all = runs.every((run) => run.caveat === caveat);
    report.line(`note: ${caveat}${all ? '' : ' (some of the runs)'}`);
  }
}

function printHeat(report: Report, heat: LambdaHeat): void {
  const { min, max } = positiveBounds(heat.clusters.map((cluster) => cluster.values));
  report.line(
    `λ OF ${heat.marketId}, ${heat.first} … ${heat.last}, look-back ${heat.lookbackDays}, at least ${heat.minClusterSize} members, states: ${heat.stabSource}`,
  );
  report.table<LambdaHeat['clusters'][number]>(
    [
      { title: 'SECTOR', grow: true, cell: (one) => cell(one.sector) },
      { title: 'CLASS', cell: (one) => cell(one.softTargetClass) },
      { title: 'LAST', align: 'right', cell: (one) => cell(one.lastLambda.toFixed(4)) },
      {
        title: `${min.toFixed(4)} … ${max.toFixed(4)}, BY LOGS`,
        min: Math.min(PRINTED_COLUMNS, heat.columns.length),
        cell: (one) => cell(sparkline(one.values, PRINTED_COLUMNS, { ascii: report.ascii, min, max, log: true })),
      },
    ],
    heat.clusters,
  );
}
