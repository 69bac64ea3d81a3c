/** λ and λ̂: formulas against plain implementations, and nothing after t in what is used at t. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lambdaBuckets } from '../../engines/backtest/lambda-buckets.ts';
import { experimentMetrics } from '../../engines/lambda/experiment/metrics.ts';
import { evaluationDays, forecastFigures } from '../../engines/lambda/forecast/evaluate.ts';
import { densityFeatures, forwardTargets, WARM_UP_DAYS } from '../../engines/lambda/forecast/features.ts';
import { informationRatioTest } from '../../engines/lambda/forecast/information-ratio.ts';
import { allForecasts } from '../../engines/lambda/forecast/models.ts';
import { ClusterVectors } from '../../engines/lambda/forecast/vectors.model.ts';
import { firstForecastDay, type WalkForwardPlan } from '../../engines/lambda/forecast/walk-forward.ts';
import { className, countStates, lambdaPanel, membership } from '../../engines/lambda/model.ts';
import { columnOf, completeRuns, type Panel } from '../../engines/market/panel.ts';
import { stabilityPanel } from '../../engines/stability/model.ts';
import { Random } from '../../src/platform/random.ts';
import { smallMarket } from '../helpers/small-market.ts';

const LOOKBACK = 20;

/** λ of a panel from day `first` on, states computed. */
function densityOf(panel: Panel, first: number, minClusterSize = 3) {
  const close = columnOf(panel, 'close');
  const n = panel.instruments.length;
  const days = panel.calendar.days.length;
  const runs = completeRuns(close, n, days);
  const count = days - first;
  const { classCode } = stabilityPanel(close, runs, n, days, first, count);
  const inputs = {
    instruments: panel.instruments,
    close,
    runs,
    days,
    first,
    count,
    classCode,
    lookback: LOOKBACK,
    minClusterSize,
  };
  return { inputs, density: lambdaPanel(inputs) };
}

/** The panel without its last days. */
function truncated(panel: Panel, days: number): Panel {
  const all = panel.calendar.days.length;
  const columns = Object.fromEntries(
    Object.entries(panel.columns).map(([name, column]) => {
      const cut = new Float64Array(panel.instruments.length * days);
      panel.instruments.forEach((_, i) => {
        cut.set(column!.subarray(i * all, i * all + days), i * days);
      });
      return [name, cut];
    }),
  );
  return { ...panel, columns, calendar: { ...panel.calendar, days: panel.calendar.days.slice(0, days) } };
}

const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
const deviation = (list: readonly number[]) =>
  Math.sqrt(list.reduce((sum, x) => sum + (x - mean(list)) ** 2, 0) / (list.length - 1));

describe('λ', () => {
  it('equals a plain implementation of the formulas', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const panel = smallMarket({ seed, instruments: 24, days: 100, gaps: 0.01 });
        const { inputs, density } = densityOf(panel, 70);
        const close = columnOf(panel, 'close');
        const rows = new Map<string, number>();
        density.day.forEach((d, k) => {
          const { sector, softTargetClass } = density.clusters[density.cluster[k]];
          rows.set(`${d}|${sector}|${softTargetClass}`, k);
        });
        let found = 0;
        for (let d = 0; d < inputs.count; d++) {
          const clusters = new Map<string, number[]>();
          panel.instruments.forEach((instrument, i) => {
            const window = Array.from({ length: LOOKBACK }, (_, k) => close[i * 100 + 70 + d - LOOKBACK + 1 + k]);
            if (window.some(Number.isNaN)) return;
            const name = `${d}|${instrument.sector ?? 'UNKNOWN'}|${className(inputs.classCode[d * 24 + i])}`;
            clusters.set(name, [...(clusters.get(name) ?? []), i]);
          });
          for (const [name, members] of clusters) {
            if (members.length < 3) {
              expect(rows.has(name)).toBe(false);
              continue;
            }
            found++;
            const k = rows.get(name)!;
            const returnsOf = (i: number) =>
              Array.from({ length: LOOKBACK - 1 }, (_, s) => {
                const at = i * 100 + 70 + d - s;
                return close[at] / close[at - 1] - 1;
              });
            const dispersion = deviation(members.map((i) => returnsOf(i)[0]));
            const vol = mean(members.map((i) => deviation(returnsOf(i))));
            expect(density.size[k]).toBe(members.length);
            expect(density.dispersion[k]).toBeCloseTo(dispersion, 12);
            expect(density.averageVol[k]).toBeCloseTo(vol, 12);
            expect(density.lambda[k]).toBe(density.dispersion[k] + density.averageVol[k]);
          }
        }
        expect(density.day.length).toBe(found);
      }),
      { numRuns: 15 },
    );
  });

  it('rows come by day, sector, class in byte order', () => {
    const { density } = densityOf(smallMarket({ seed: 3, instruments: 30, days: 90 }), 65);
    const keys = Array.from(density.day, (d, k) => {
      const { sector, softTargetClass } = density.clusters[density.cluster[k]];
      return `${String(d).padStart(5, '0')}|${sector}|${softTargetClass}`;
    });
    expect(keys).toEqual([...keys].sort());
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('instruments without a state form clusters of class UNKNOWN, and the report counts days without any', () => {
    const panel = smallMarket({ seed: 4, instruments: 20, days: 70 });
    const { inputs } = densityOf(panel, 40);
    const blank = { ...inputs, classCode: new Int8Array(inputs.classCode.length).fill(-1) };
    const density = lambdaPanel(blank);
    expect(new Set(density.cluster.map((k) => k)).size).toBeGreaterThan(1);
    expect([...density.cluster].every((k) => density.clusters[k].softTargetClass === 'UNKNOWN')).toBe(true);
    const counts = countStates(density, blank);
    expect(counts.daysWithoutStates).toHaveLength(30);
    expect(counts.daysWithoutPrices).toEqual([]);
    // The last two days of everybody taken away: they are without prices, which is not the fault of states.
    const { days } = inputs;
    const cut = Float64Array.from(inputs.close, (close, k) => (k % days >= days - 2 ? Number.NaN : close));
    const without = countStates(density, { ...blank, close: cut });
    expect([without.daysWithoutPrices, without.daysWithoutStates.length]).toEqual([[28, 29], 28]);
    expect(counts.unknownRows).toBe(density.day.length);
  });
});

const PLAN = { warmUp: WARM_UP_DAYS, horizon: 5, refitDays: 20, embargoDays: 5, leastTrainingDays: 70 };
const planFor = (days: number): WalkForwardPlan => ({ ...PLAN, days });

function forecastsOf(panel: Panel) {
  const { density, inputs } = densityOf(panel, 65, 3);
  const target = forwardTargets(density, inputs.count, PLAN.horizon);
  const features = densityFeatures(density, inputs.count);
  return { density, target, features, forecasts: allForecasts(density, features, target, planFor(inputs.count), 0.01) };
}

describe('λ̂', () => {
  const panel = smallMarket({ seed: 12, instruments: 40, days: 330 });
  const whole = forecastsOf(panel);

  it('removing all data after t changes no λ̂ used at or before t', () => {
    let compared = 0;
    const changed: string[] = [];
    for (const days of [245, 268, 271, 299, 329]) {
      const cut = forecastsOf(truncated(panel, days));
      cut.forecasts.forEach(({ name, forecast }, m) => {
        forecast.predicted.forEach((value, k) => {
          if (!Object.is(value, whole.forecasts[m].forecast.predicted[k]))
            changed.push(`${name}, ${days} days, row ${k}`);
          if (Number.isFinite(value)) compared++;
        });
      });
      cut.features.forEach((feature, j) => {
        feature.values.forEach((value, k) => {
          if (!Object.is(value, whole.features[j].values[k])) changed.push(`${feature.name}, ${days} days, row ${k}`);
        });
      });
    }
    expect(changed).toEqual([]);
    expect(compared).toBeGreaterThan(1000);
  });

  it('training ends an embargo before the day it is used on', () => {
    const { density, forecasts } = whole;
    let used = 0;
    for (const { forecast } of forecasts) {
      density.day.forEach((d, k) => {
        if (Number.isNaN(forecast.predicted[k])) return;
        used++;
        expect(forecast.trainEnd[k]).toBeLessThanOrEqual(d - PLAN.embargoDays);
        expect(forecast.trainEnd[k]).toBeGreaterThan(0);
      });
    }
    expect(used).toBeGreaterThan(100);
    const first = density.day[forecasts[0].forecast.predicted.findIndex(Number.isFinite)];
    expect(first).toBeGreaterThanOrEqual(firstForecastDay(planFor(265)));
  });

  it('targets are the log of the mean dispersion of the days ahead and share none with the features', () => {
    const { density, target } = whole;
    const byCluster = new Map<string, number>();
    density.day.forEach((d, k) => {
      byCluster.set(`${density.cluster[k]}|${d}`, density.dispersion[k]);
    });
    let known = 0;
    density.day.forEach((d, k) => {
      const ahead = [1, 2, 3, 4, 5]
        .map((step) => byCluster.get(`${density.cluster[k]}|${d + step}`))
        .filter((value) => value !== undefined);
      if (ahead.length < 3 || d + 5 >= 265) expect(target[k]).toBeNaN();
      else {
        known++;
        expect(target[k]).toBeCloseTo(Math.log(mean(ahead)), 9);
      }
    });
    expect(known).toBeGreaterThan(500);
  });

  it('judged days are a horizon apart; a perfect forecast has R² and IC of 1', () => {
    expect([...evaluationDays(10, 30, 7)]).toEqual([10, 17, 24]);
    const day = Int32Array.from({ length: 60 }, (_, k) => Math.floor(k / 6));
    const generator = new Random(1);
    const target = Float64Array.from(day, () => generator.normal());
    const rows = Int32Array.from(day.keys());
    const figures = forecastFigures(rows, day, target, target, new Float64Array(60));
    expect(figures).toMatchObject({ r2: 1, days: 10, rows: 60 });
    expect(figures.ic).toBeCloseTo(1, 12);
    expect(forecastFigures(rows, day, new Float64Array(60).fill(mean([...target])), target, target).r2).toBeCloseTo(
      0,
      12,
    );
  });
});

describe('information-ratio test', () => {
  /** Signals that tell the future in clusters of high λ̂ and nothing in the others. */
  it('finds the signal where it is, and nothing where there is none', () => {
    const generator = new Random(8);
    const [n, count, clusters, horizon] = [90, 120, 9, 1];
    const days = count + horizon;
    const outcome = Float64Array.from({ length: n * days }, () => 0.02 * generator.normal());
    const close = new Float64Array(n * days);
    const signal = new Float64Array(n * count);
    const cluster = new Int32Array(n * count);
    for (let i = 0; i < n; i++) {
      let price = 100;
      for (let t = 0; t < days; t++) {
        price *= 1 + outcome[i * days + t];
        close[i * days + t] = price;
      }
      for (let d = 0; d < count; d++) {
        cluster[d * n + i] = i % clusters;
        const skill = i % clusters >= 6 ? 0.5 : 0;
        signal[d * n + i] = skill * outcome[i * days + d + 1] + 0.02 * generator.normal();
      }
    }
    const day = Int32Array.from({ length: clusters * count }, (_, k) => Math.floor(k / clusters));
    const ofRow = Int32Array.from(day, (_, k) => k % clusters);
    const lambda = Float64Array.from(ofRow, (c) => 0.01 + 0.001 * c);
    const test = informationRatioTest(
      Int32Array.from(day.keys()),
      day,
      ofRow,
      lambda,
      { instruments: n, close, days, first: 0, signal, cluster },
      horizon,
      () => generator.uniform(),
    );
    expect(test.days).toBe(count);
    expect(test.buckets.map((bucket) => bucket.bucket)).toEqual(['low', 'mid', 'high']);
    expect(Math.abs(test.buckets[0].ic)).toBeLessThan(0.06);
    expect(test.buckets[2].ic).toBeGreaterThan(0.2);
    expect(test.icRatioInterval.low).toBeGreaterThan(0);
    expect(test.icT).toBeGreaterThan(5);
  });
});

describe('figures of the original', () => {
  it('uplift: the top of a day against the others, days with fewer than 5 clusters left out', () => {
    const day = Int32Array.from([0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    const predicted = Float64Array.from([1, 2, 3, 4, 5, 9, 8, 7, 6, 3, 3, 3, 3, 3]);
    const next = Float64Array.from([1, 1, 1, 1, 6, 0, 0, 0, 0, 1, 2, 3, 4, 5]);
    const metrics = experimentMetrics(predicted, next, day, 0.2);
    // Day 1 has four clusters; on day 2 every λ̂ reaches the quantile, so that there are no others.
    expect(metrics.upliftDays).toBe(1);
    expect(metrics.uplift).toBe(5);
    expect(metrics.upliftError).toBeNaN();
  });

  it('buckets: cut after ⌊n/3⌋ and 2⌊n/3⌋, the same day and the next', () => {
    const equity = Float64Array.from([100, 101, 103, 102, 106, 107]);
    const lambda = Float64Array.from([5, 1, Number.NaN, 3, 2, 4]);
    const figures = lambdaBuckets(lambda, equity);
    // Days 1, 3, 4, 5 have λ̂ from the second on; by λ̂: 1, 4, 3, 5.
    expect(figures.lambda_bucket_total_num_days).toBe(4);
    expect(figures.lambda_bucket_low_num_days).toBe(1);
    expect(figures.lambda_bucket_high_num_days).toBe(2);
    expect(figures.lambda_bucket_low_mean_daily_return).toBeCloseTo(101 / 100 - 1, 12);
    expect(figures.lambda_bucket_mid_mean_daily_return).toBeCloseTo(106 / 102 - 1, 12);
    const high = (102 / 103 - 1 + (107 / 106 - 1)) / 2;
    expect(figures.lambda_bucket_high_minus_low_return_diff).toBeCloseTo(high - 0.01, 12);
    // Next day: days 0, 1, 3, 4 by λ̂: 1, 4, 3, 0.
    expect(figures.lambda_bucket_low_next_day_mean_return).toBeCloseTo(103 / 101 - 1, 12);
    expect(figures.lambda_bucket_high_next_day_num_days).toBe(2);
  });

  it('too few days leave buckets empty, not made up', () => {
    const figures = lambdaBuckets(Float64Array.from([Number.NaN, 1]), Float64Array.from([1, 2]));
    expect(figures.lambda_bucket_total_num_days).toBe(1);
    expect(figures.lambda_bucket_low_mean_daily_return).toBeNull();
    expect(figures.lambda_bucket_high_minus_low_return_diff).toBeNull();
  });
});

describe('membership', () => {
  it('is −1 exactly where the look-back is not complete', () => {
    const { inputs } = densityOf(smallMarket({ seed: 6, instruments: 16, days: 80, gaps: 0.02 }), 30);
    const members = membership(inputs);
    members.forEach((cluster, cell) => {
      const [d, i] = [Math.floor(cell / 16), cell % 16];
      expect(cluster >= 0).toBe(inputs.runs[i * 80 + 30 + d] >= LOOKBACK);
    });
  });
});

describe('vectors of clusters', () => {
  const DIM = 6;
  const panel = smallMarket({ seed: 21, instruments: 24, days: 90 });
  const { density, inputs } = densityOf(panel, 65, 3);
  const members = membership(inputs);
  const n = panel.instruments.length;
  const random = new Random(5);
  const days = Array.from({ length: inputs.count }, () => ({
    vectors: Float32Array.from({ length: n * DIM }, () => random.normal()),
    known: Uint8Array.from({ length: n }, () => (random.uniform() < 0.9 ? 1 : 0)),
  }));
  const featuresOf = (count: number) => {
    const gathered = new ClusterVectors('m', density, members, n, DIM);
    for (let d = 0; d < count; d++) gathered.addDay(d, days[d].vectors, days[d].known);
    return gathered.features();
  };

  it('are the mean distance from the mean of the members that have one, and means that add up', () => {
    const features = featuresOf(inputs.count);
    const dispersion = features[features.length - 1];
    expect(dispersion.name).toBe('m:log_dispersion');
    let compared = 0;
    density.day.forEach((d, k) => {
      const own = Array.from({ length: n }, (_, i) => i).filter(
        (i) => members[d * n + i] === density.cluster[k] && days[d].known[i],
      );
      if (own.length < 2 || own.length < density.size[k] / 2) {
        expect(dispersion.values[k]).toBeNaN();
        return;
      }
      const vectorOf = (i: number) => [...days[d].vectors.subarray(i * DIM, (i + 1) * DIM)];
      const mean = Array.from({ length: DIM }, (_, j) => own.reduce((sum, i) => sum + vectorOf(i)[j], 0) / own.length);
      const squares = own.map((i) => vectorOf(i).reduce((sum, value, j) => sum + (value - mean[j]) ** 2, 0));
      const expected = Math.sqrt(squares.reduce((a, b) => a + b) / own.length);
      expect(Math.exp(dispersion.values[k])).toBeCloseTo(expected, 10);
      compared++;
    });
    expect(compared).toBeGreaterThan(50);
  });

  it('of a day read nothing after it', () => {
    const [whole, cut] = [featuresOf(inputs.count), featuresOf(12)];
    const until = density.day.findIndex((d) => d >= 12);
    cut.forEach((feature, j) => {
      expect(feature.values.subarray(0, until)).toEqual(whole[j].values.subarray(0, until));
      expect(feature.values.subarray(until).every(Number.isNaN)).toBe(true);
    });
  });
});
