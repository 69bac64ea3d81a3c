/** Every stage against the figures of the user's existing system, within the tolerances of contracts §2. */
import { beforeAll, describe, expect, it } from 'vitest';
import { assess } from '../../engines/assessment/model.ts';
import { computeFeatures, type Features, lookbackFor } from '../../engines/backtest/features.ts';
import { drawdowns, meanOfKnown, performance } from '../../engines/backtest/metrics.ts';
import { type SleeveResult, simulateSleeve } from '../../engines/backtest/simulate.ts';
import { REFERENCE_BROKER } from '../../engines/execution/model.ts';
import type { Panel } from '../../engines/market/panel.ts';
import { drawdownScore, SOFT_TARGET_CLASSES, trendScore, volatilityScore } from '../../engines/stability/model.ts';
import { EXCLUSIONS, stabilityMultiplier } from '../../engines/universe/model.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { haveShared, sharedCsv, sharedJson, sharedPanel } from '../helpers/shared-data.ts';

type Row = Record<string, string>;
const HORIZON = 21;

interface Case {
  readonly folder: string;
  readonly limit?: number;
}
const CASES: readonly Case[] = [
  { folder: 'reference/campaign_2014Q1_first20_h21', limit: 20 },
  { folder: 'reference/campaign_2014Q1_all451_h21' },
];

/** Relative to the larger of the two, as figures close to 0 are compared. */
const relative = (a: number, b: number) => (a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b)));
const near = (actual: number, expected: string, tolerance: number, what: string) => {
  if (!(relative(actual, Number(expected)) <= tolerance))
    throw new Error(`${what}: ${actual} is not ${expected} within ${tolerance}`);
};
const nearAbsolute = (actual: number, expected: string, tolerance: number, what: string) => {
  if (!(Math.abs(actual - Number(expected)) <= tolerance))
    throw new Error(`${what}: ${actual} is not ${expected} within ${tolerance}`);
};

describe.skipIf(!haveShared)('parity with ../shared/reference (skipped where ../shared is absent)', () => {
  describe.each(CASES)('$folder', ({ folder, limit }) => {
    let panel: Panel & { first: number; count: number };
    let features: Features;
    let result: SleeveResult;
    let dayOf: Map<string, number>;
    let indexOf: Map<string, number>;

    beforeAll(() => {
      panel = sharedPanel('2014-01-02', '2014-03-31', lookbackFor([HORIZON]), limit);
      features = computeFeatures(panel, {
        first: panel.first,
        count: panel.count,
        transitionHistory: 0,
        horizons: [HORIZON],
        priceField: 'close',
        withOpen: false,
      });
      result = simulateSleeve(features, {
        horizonDays: HORIZON,
        initialCash: 1_000_000,
        broker: REFERENCE_BROKER,
        risk: true,
        snapshotDays: [],
        keepStages: true,
      });
      dayOf = new Map(
        Array.from({ length: panel.count }, (_, d) => [formatDay(panel.calendar.days[panel.first + d]), d]),
      );
      indexOf = new Map(panel.instruments.map((instrument, i) => [instrument.id, i]));
    });

    const cell = (row: Row) => dayOf.get(row.as_of_date)! * panel.instruments.length + indexOf.get(row.instrument_id)!;

    it('equity, drawdown and exposures of each day', () => {
      const rows = sharedCsv(`${folder}/daily_equity.csv`);
      const fall = drawdowns(result.equity);
      expect(rows.map((row) => row.date)).toEqual([...dayOf.keys()]);
      for (const row of rows) {
        const d = dayOf.get(row.date)!;
        nearAbsolute(result.equity[d], row.equity_curve_value, 1e-6, `equity ${row.date}`);
        nearAbsolute(fall[d], row.drawdown, 1e-12, `drawdown ${row.date}`);
        const exposure = JSON.parse(row.exposure_metrics_json) as Record<string, number>;
        expect(result.universeSize[d]).toBe(exposure.universe_size);
        if (exposure.stab_risk_score_mean === undefined) expect(result.targetableRiskMean[d]).toBeNaN();
        else near(result.targetableRiskMean[d], String(exposure.stab_risk_score_mean), 1e-9, `risk mean ${row.date}`);
        if (exposure.stab_p_worsen_any_mean === undefined) expect(result.worsenRiskMean[d]).toBeNaN();
        else near(result.worsenRiskMean[d], String(exposure.stab_p_worsen_any_mean), 1e-9, `worsen mean ${row.date}`);
      }
    });

    it('metrics', () => {
      const reference = sharedJson<{
        runs: { metrics_json: Record<string, number>; num_trades: number; num_days: number }[];
      }>(`${folder}/runs.json`).runs[0];
      const own: Record<string, number> = {
        ...performance(result.equity),
        stab_risk_score_mean_over_run: meanOfKnown(result.targetableRiskMean)!,
        stab_p_worsen_any_mean_over_run: meanOfKnown(result.worsenRiskMean)!,
      } as Record<string, number>;
      for (const [name, value] of Object.entries(reference.metrics_json)) near(own[name], String(value), 1e-9, name);
      expect(result.fills.day.length).toBe(reference.num_trades);
      expect(panel.count).toBe(reference.num_days);
    });

    it('every trade, in order', () => {
      const rows = sharedCsv(`${folder}/trades.csv.gz`);
      expect(result.fills.day.length).toBe(rows.length);
      const position = new Float64Array(panel.instruments.length);
      rows.forEach((row, k) => {
        const i = result.fills.instrument[k];
        const quantity = result.fills.quantity[k];
        const what = `trade ${k} ${row.trade_date} ${row.instrument_id}`;
        expect(panel.instruments[i].id, what).toBe(row.instrument_id);
        expect(result.fills.day[k], what).toBe(dayOf.get(row.trade_date));
        expect(quantity > 0 ? 'BUY' : 'SELL', what).toBe(row.direction);
        const before = position[i];
        position[i] += quantity;
        const scale = Math.max(Math.abs(before), Math.abs(position[i]));
        nearAbsolute(Math.abs(quantity), row.quantity, 1e-9 * scale, what);
        near(result.fills.price[k], row.price, 1e-12, what);
      });
    });

    it.skipIf(limit !== undefined)('states', () => {
      const rows = sharedCsv(`${folder}/stab.csv.gz`);
      const { stability } = features;
      expect(stability.classCode.reduce((sum, code) => sum + (code >= 0 ? 1 : 0), 0)).toBe(rows.length);
      for (const row of rows) {
        const at = cell(row);
        const what = `${row.as_of_date} ${row.instrument_id}`;
        near(stability.sigma[at], row.sigma, 1e-9, `sigma ${what}`);
        near(stability.maxDrawdown[at], row.max_drawdown, 1e-9, `max drawdown ${what}`);
        near(stability.trend[at], row.trend, 1e-9, `trend ${what}`);
        near(volatilityScore(stability.sigma[at]), row.vol_score, 1e-9, `vol score ${what}`);
        near(drawdownScore(stability.maxDrawdown[at]), row.dd_score, 1e-9, `drawdown score ${what}`);
        near(trendScore(stability.trend[at]), row.trend_score, 1e-9, `trend score ${what}`);
        near(stability.score[at], row.overall_score, 1e-9, `score ${what}`);
        expect(SOFT_TARGET_CLASSES[stability.classCode[at]], what).toBe(row.soft_target_class);
      }
    });

    it.skipIf(limit !== undefined)('scores', () => {
      const rows = sharedCsv(`${folder}/scores.csv.gz`);
      expect(rows.length).toBe(panel.instruments.length * panel.count);
      const momentum = features.momentum.get(HORIZON)!;
      for (const row of rows) {
        const at = cell(row);
        const own = assess(momentum[at], features.stability.score[at]);
        const what = `${row.as_of_date} ${row.instrument_id}`;
        near(own.expectedReturn, row.expected_return, 1e-9, `expected return ${what}`);
        near(own.score, row.score, 1e-9, `score ${what}`);
        near(own.confidence, row.confidence, 1e-9, `confidence ${what}`);
        near(own.momentum, row.momentum, 1e-9, `momentum ${what}`);
        near(own.fragilityPenalty, row.fragility_penalty, 1e-9, `penalty ${what}`);
        expect(own.label, what).toBe(row.signal_label);
        expect(String(Number.isNaN(momentum[at])), what).toBe(row.insufficient_history);
      }
    });

    it.skipIf(limit !== undefined)('universe: tiers, scores, reasons, order', () => {
      const rows = sharedCsv(`${folder}/universe.csv.gz`);
      const stages = result.stages!;
      let lastDay = '';
      let rank = 0;
      for (const row of rows) {
        const at = cell(row);
        const d = dayOf.get(row.as_of_date)!;
        const what = `${row.as_of_date} ${row.instrument_id}`;
        const included = stages.exclusion[at] === 0;
        if (row.as_of_date !== lastDay) rank = 0;
        lastDay = row.as_of_date;
        expect(String(included), what).toBe(row.included);
        expect(EXCLUSIONS[stages.exclusion[at]], what).toBe(row.exclusion);
        expect(included ? (stages.rank[at] <= result.core[d] ? 'CORE' : 'SATELLITE') : 'EXCLUDED', what).toBe(row.tier);
        near(stages.universeScore[at], row.score, 1e-9, `score ${what}`);
        if (included) expect(stages.rank[at], what).toBe(++rank);
        if (row.stab_risk_score) {
          const risk = features.transitions.targetable[d * 5 + features.stability.classCode[at]];
          near(risk, row.stab_risk_score, 1e-9, `risk ${what}`);
          near(stabilityMultiplier(risk), row.stab_risk_multiplier, 1e-9, `multiplier ${what}`);
          near(
            features.transitions.worsen[d * 5 + features.stability.classCode[at]],
            row.stab_p_worsen_any,
            1e-9,
            what,
          );
        }
        if (row.avg_volume_63d) near(features.meanVolume[at], row.avg_volume_63d, 1e-9, `volume ${what}`);
        if (row.realised_vol_63d) near(features.stability.sigma[at], row.realised_vol_63d, 1e-9, `vol ${what}`);
        if (row.last_close) near(features.close[at], row.last_close, 0, `close ${what}`);
      }
      expect(rows.length).toBe(panel.instruments.length * panel.count);
    });

    it.skipIf(limit !== undefined)('weights before the risk cap', () => {
      const rows = sharedCsv(`${folder}/weights.csv.gz`);
      expect(result.stages!.weight.reduce((count, w) => count + (w > 0 ? 1 : 0), 0)).toBe(rows.length);
      for (const row of rows)
        near(result.stages!.weight[cell(row)], row.weight, 1e-9, `weight ${row.as_of_date} ${row.instrument_id}`);
    });
  });
});
