/** λ and the original's λ̂ models against the figures of the user's existing system, and the forecast against persistence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { densityLines } from '../../engines/lambda/density-csv.ts';
import { experimentMetrics } from '../../engines/lambda/experiment/metrics.ts';
import { predictLambda } from '../../engines/lambda/experiment/models.ts';
import { type Pairs, pairsOf } from '../../engines/lambda/experiment/pairs.ts';
import { type DensityTable, readDensityTable } from '../../engines/lambda/experiment/table.ts';
import { evaluationDays, forecastFigures } from '../../engines/lambda/forecast/evaluate.ts';
import {
  densityFeatures,
  forwardTargets,
  trailingLogMeans,
  WARM_UP_DAYS,
} from '../../engines/lambda/forecast/features.ts';
import {
  allForecasts,
  MODEL,
  PERSISTENCE_OF_DISPERSION,
  PERSISTENCE_OF_LAMBDA,
} from '../../engines/lambda/forecast/models.ts';
import { firstForecastDay } from '../../engines/lambda/forecast/walk-forward.ts';
import { type LambdaPanel, lambdaPanel } from '../../engines/lambda/model.ts';
import { columnOf, completeRuns, type Panel } from '../../engines/market/panel.ts';
import { STABILITY_WINDOW, stabilityPanel } from '../../engines/stability/model.ts';
import { parseDay } from '../../src/platform/dates.ts';
import { haveShared, sharedCsv, sharedPanel } from '../helpers/shared-data.ts';

function densityOf(panel: Panel & { first: number; count: number }): LambdaPanel {
  const close = columnOf(panel, 'close');
  const { instruments, first, count } = panel;
  const days = panel.calendar.days.length;
  const runs = completeRuns(close, instruments.length, days);
  const { classCode } = stabilityPanel(close, runs, instruments.length, days, first, count);
  return lambdaPanel({ instruments, close, runs, days, first, count, classCode, lookback: 20, minClusterSize: 5 });
}

const relative = (a: number, b: number) => (a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b)));
/** The largest relative distance of pairs. */
const worst = (pairs: Iterable<readonly [number, number]>) => {
  let most = 0;
  for (const [a, b] of pairs) most = Math.max(most, relative(a, b));
  return most;
};

describe.skipIf(!haveShared)('parity with ../shared/reference/lambda (skipped where ../shared is absent)', () => {
  let folder: string;
  let table: DensityTable;
  let pairs: Pairs;
  let lines: string[];

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'prometheus-lambda-'));
    const panel = sharedPanel('2014-01-01', '2015-12-31', STABILITY_WINDOW - 1);
    const days = panel.calendar.days.subarray(panel.first, panel.first + panel.count);
    lines = [...densityLines('US_EQ', days, densityOf(panel))];
    const file = path.join(folder, 'lambda.csv');
    writeFileSync(file, lines.join(''));
    table = await readDensityTable(file, new AbortController().signal);
    pairs = pairsOf(table);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('λ: every row, in order, within 1e-9', () => {
    const rows = sharedCsv('reference/lambda/lambda_US_EQ_20140101_20151231.csv.gz');
    expect(table.text.length).toBe(rows.length);
    const keys = ['as_of_date', 'market_id', 'sector', 'soft_target_class', 'num_instruments'];
    rows.forEach((row, k) => {
      expect(table.text[k].slice(0, 5)).toEqual(keys.map((key) => row[key]));
    });
    for (const name of ['dispersion', 'avg_vol_window', 'lambda_value']) {
      const own = table.column(name);
      expect(worst(rows.map((row, k) => [own[k], Number(row[name])] as const)), name).toBeLessThan(1e-9);
    }
  });

  const inYear = (year: number) => {
    const [from, to] = [parseDay(`${year}-01-01`), parseDay(`${year}-12-31`)];
    return Int32Array.from(pairs.row, (_, k) => k).filter((k) => {
      const day = table.day[pairs.row[k]];
      return pairs.nextDay[k] >= 0 && day >= from && day <= to;
    });
  };

  it.each(['persistence', 'global_linear_full'] as const)('metrics of %s within 1e-8', (model) => {
    const [train, test] = [inYear(2014), inYear(2015)];
    const predicted = predictLambda(model, table, pairs, train, test);
    const next = Float64Array.from(test, (k) => pairs.next[k]);
    const day = Int32Array.from(test, (k) => table.day[pairs.row[k]]);
    const own = experimentMetrics(predicted, next, day, 0.2);
    const due = sharedCsv('reference/lambda/experiment_metrics.csv').find((row) => row.model === model)!;
    expect([train.length, test.length, own.upliftDays]).toEqual(
      [due.num_pairs_train, due.num_pairs_test, due.num_days_uplift].map(Number),
    );
    const figures = [
      [own.pearson, due.pearson_corr],
      [own.spearman, due.spearman_corr],
      [own.uplift, due.avg_uplift],
      [own.upliftError, due.uplift_std_err],
    ] as const;
    expect(worst(figures.map(([a, b]) => [a, Number(b)] as const))).toBeLessThan(1e-8);
  });

  it('λ̂ of global_linear_full, row by row, within 1e-8', () => {
    const rows = sharedCsv('reference/lambda/predictions_2015_global_linear_full.csv.gz');
    const test = inYear(2015);
    expect(test.length).toBe(rows.length);
    const predicted = predictLambda('global_linear_full', table, pairs, inYear(2014), test);
    rows.forEach((row, at) => {
      const text = table.text[pairs.row[test[at]]];
      expect(text.slice(0, 4)).toEqual([row.as_of_date, row.market_id, row.sector, row.soft_target_class]);
      expect(Number.isNaN(pairs.previous[test[at]])).toBe(row.lambda_prev === '');
    });
    expect(worst(rows.map((row, at) => [predicted[at], Number(row.lambda_hat)] as const))).toBeLessThan(1e-8);
  });
});

describe.skipIf(!haveShared)('the forecast on ../shared/data (skipped where ../shared is absent)', () => {
  it('beats persistence of λ and of 21-day dispersion by 0.08 in R², 5 and 21 days ahead', () => {
    // A part of the span of docs/lambda.md: four years are enough to see it, and quick to read.
    const panel = sharedPanel('2010-04-06', '2015-12-31', STABILITY_WINDOW - 1);
    const density = densityOf(panel);
    const features = densityFeatures(density, panel.count);
    const usual = trailingLogMeans(density, panel.count, 252);
    for (const horizon of [5, 21]) {
      const plan = {
        days: panel.count,
        warmUp: WARM_UP_DAYS,
        horizon,
        refitDays: 63,
        embargoDays: 5,
        leastTrainingDays: 504,
      };
      const target = forwardTargets(density, panel.count, horizon);
      const forecasts = allForecasts(density, features, target, plan, 0.01);
      const days = evaluationDays(firstForecastDay(plan), panel.count, horizon);
      const rows = Int32Array.from(density.day, (_, k) => k).filter(
        (k) =>
          days.has(density.day[k]) &&
          Number.isFinite(target[k]) &&
          forecasts.every(({ forecast }) => Number.isFinite(forecast.predicted[k])),
      );
      const r2 = (name: string) => {
        const { forecast } = forecasts.find((one) => one.name === name)!;
        return forecastFigures(rows, density.day, forecast.predicted, target, usual).r2;
      };
      expect(rows.length).toBeGreaterThan(500);
      expect(r2(MODEL) - r2(PERSISTENCE_OF_LAMBDA), `λ, h=${horizon}`).toBeGreaterThan(0.08);
      expect(r2(MODEL) - r2(PERSISTENCE_OF_DISPERSION), `dispersion, h=${horizon}`).toBeGreaterThan(0.08);
    }
  });
});
