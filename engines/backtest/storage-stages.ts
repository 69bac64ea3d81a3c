/** The day-owned tables of `--persist full`: scores, universes, targets, risk, orders and fills of every day. */
import { formatDay, MS_PER_DAY } from '../../src/platform/dates.ts';
import { withKnownReferences } from '../../src/platform/db/foreign-keys.ts';
import type { Target } from '../../src/platform/db/targets.ts';
import { keyId } from '../../src/platform/ids.ts';
import { contextLabel } from '../assessment/context.model.ts';
import { assess, assessmentWindow } from '../assessment/model.ts';
import { FILL_REBALANCE } from '../execution/fill-log.ts';
import { SOFT_TARGET_CLASSES } from '../stability/model.ts';
import { clusterId, EXCLUSIONS, NOT_A_MEMBER, NOT_LISTED, stabilityMultiplier } from '../universe/model.ts';
import type { Features } from './features.ts';
import { SequentialIds } from './sequential-ids.ts';
import type { Sleeve } from './sleeves.ts';
import type { RunWriter } from './storage.ts';

const REGION = 'US';
const MODE = 'BACKTEST';
/** Rows between two looks at whether the connection can take more. */
const BATCH = 4096;

/** Replaces every stage of the run's days inside the run's transaction. */
export async function writeStages(writer: RunWriter, target: Target): Promise<void> {
  await writeScores(writer);
  await writeUniverse(writer);
  await writeTargets(writer);
  await writeRiskReports(writer);
  if (writer.run.risk) await writeRiskActions(writer);
  await removeOrders(writer);
  await writeOrders(writer);
  await withKnownReferences(writer.client, target, () => writeFills(writer));
}

/** Deletes what stood on the run's days, by the natural key of the table. */
async function removeDays({ client, run, dayOf }: RunWriter, table: string, key: string, value: string): Promise<void> {
  await client.query(`DELETE FROM ${table} WHERE ${key} = $1 AND as_of_date::date BETWEEN $2 AND $3`, [
    value,
    formatDay(dayOf(0)),
    formatDay(dayOf(run.result.equity.length - 1)),
  ]);
}

async function writeScores(context: RunWriter): Promise<void> {
  const { run, dayOf, idBytes, copy } = context;
  const { sleeve, features, panel } = run;
  await removeDays(context, 'instrument_scores', 'strategy_id', sleeve.assessmentId);
  const assessed = assessmentAt(sleeve, features);
  const metadata = JSON.stringify({ run_id: run.runId });
  const columns = [
    'score_id',
    'strategy_id',
    'market_id',
    'instrument_id',
    'as_of_date',
    'horizon_days',
    'expected_return',
    'score',
    'confidence',
    'signal_label',
    'alpha_components',
    'metadata',
  ];
  await copy('instrument_scores', columns, async (writer) => {
    for (let d = 0; d < features.count; d++) {
      const date = formatDay(dayOf(d));
      for (let i = 0; i < features.instruments; i++) {
        const at = d * features.instruments + i;
        const own = assessed(at);
        writer.row(12);
        writer.text(keyId('instrument_scores', sleeve.assessmentId, panel.instruments[i].id, date, sleeve.horizonDays));
        writer.text(sleeve.assessmentId);
        writer.text(sleeve.marketId);
        writer.bytes(idBytes[i]);
        writer.date(dayOf(d));
        writer.int32(sleeve.horizonDays);
        writer.float64(own.expectedReturn);
        writer.float64(own.score);
        writer.float64(own.confidence);
        writer.text(own.label);
        writer.jsonb(own.components);
        writer.jsonb(metadata);
      }
      await writer.flushed();
    }
  });
}

interface StoredAssessment {
  readonly expectedReturn: number;
  readonly score: number;
  readonly confidence: number;
  readonly label: string;
  /** `alpha_components` as JSON. */
  readonly components: string;
}

/** What the sleeve's backend says of a cell (day × N + instrument). */
function assessmentAt(sleeve: Sleeve, features: Features): (at: number) => StoredAssessment {
  const { context } = features;
  if (sleeve.backend === 'context' && context) {
    return (at) => {
      const expected = context.expectedReturn[at];
      const known = !Number.isNaN(expected);
      return {
        expectedReturn: known ? expected : 0,
        score: context.score[at],
        confidence: context.confidence[at],
        label: contextLabel(expected),
        components: known ? '{"context":true}' : '{"context":false}',
      };
    };
  }
  const momentum = features.momentum.get(assessmentWindow(sleeve.horizonDays))!;
  return (at) => {
    const own = assess(momentum[at], features.stability.score[at]);
    const missing = Number.isNaN(momentum[at]) ? ',"insufficient_history":true' : '';
    return { ...own, components: `{"momentum":${own.momentum},"fragility_penalty":${own.fragilityPenalty}${missing}}` };
  };
}

async function writeUniverse(context: RunWriter): Promise<void> {
  const { run, dayOf, idBytes, copy } = context;
  const { sleeve, features, panel } = run;
  const { exclusion, universeScore, rank } = run.result.stages!;
  await removeDays(context, 'universe_members', 'universe_id', sleeve.universeId);
  const columns = [
    'universe_member_id',
    'universe_id',
    'as_of_date',
    'entity_type',
    'entity_id',
    'tier',
    'included',
    'score',
    'reasons',
  ];
  await copy('universe_members', columns, async (writer) => {
    for (let d = 0; d < features.count; d++) {
      const date = formatDay(dayOf(d));
      for (let i = 0; i < features.instruments; i++) {
        const at = d * features.instruments + i;
        writer.row(9);
        writer.text(keyId('universe_members', sleeve.universeId, date, 'INSTRUMENT', panel.instruments[i].id));
        writer.text(sleeve.universeId);
        writer.date(dayOf(d));
        writer.text('INSTRUMENT');
        writer.bytes(idBytes[i]);
        writer.text(rank[at] === 0 ? 'EXCLUDED' : rank[at] <= run.result.core[d] ? 'CORE' : 'SATELLITE');
        writer.bool(exclusion[at] === 0);
        writer.float64(universeScore[at]);
        writer.jsonb(JSON.stringify(universeReasons(context, d, i)));
      }
      await writer.flushed();
    }
  });
}

/** What is known of a member by the filter that decided: excluded rows carry what was known by then. */
function universeReasons({ run }: Pick<RunWriter, 'run'>, d: number, i: number): Record<string, unknown> {
  const { features, panel, sleeve } = run;
  const at = d * features.instruments + i;
  const code = run.result.stages!.exclusion[at];
  const { stability, transitions } = features;
  const reasons: Record<string, unknown> = {
    sector: panel.instruments[i].sector ?? 'UNKNOWN',
    market_id: sleeve.marketId,
  };
  if (code > 0) reasons[EXCLUSIONS[code]] = true;
  if (code === 1 || code === NOT_LISTED || code === NOT_A_MEMBER) return reasons;
  reasons.realised_vol_63d = finite(stability.sigma[at]);
  reasons.avg_volume_63d = features.meanVolume[at];
  reasons.last_close = features.close[at];
  if (code === 2 || code === 3) return reasons;
  const classCode = stability.classCode[at];
  reasons.soft_target_score = stability.score[at];
  reasons.soft_target_class = SOFT_TARGET_CLASSES[classCode];
  reasons.weak_profile = false;
  reasons.cluster_id = clusterId(sleeve.marketId, panel.instruments[i].sector, classCode);
  reasons.assessment_score = assessmentAt(sleeve, features)(at).score;
  if (code > 0) return reasons;
  if (features.lambdaHat && !Number.isNaN(features.lambdaHat[at])) reasons.lambda_score = features.lambdaHat[at];
  const risk = transitions.targetable[d * 5 + classCode];
  if (!Number.isNaN(risk)) {
    reasons.stab_risk_score = risk;
    reasons.stab_p_worsen_any = transitions.worsen[d * 5 + classCode];
    reasons.stab_risk_multiplier = stabilityMultiplier(risk);
  }
  if (features.regimeRisk && !Number.isNaN(features.regimeRisk[d])) reasons.regime_risk_score = features.regimeRisk[d];
  return reasons;
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);

async function writeTargets(context: RunWriter): Promise<void> {
  const { run, dayOf, idBytes, copy } = context;
  const { sleeve, features, panel } = run;
  const { cappedWeight, weight } = run.result.stages!;
  await removeDays(context, 'target_portfolios', 'portfolio_id', sleeve.portfolioId);
  await removeDays(context, 'book_targets', 'book_id', sleeve.portfolioId);
  const metadata = JSON.stringify({ run_id: run.runId });
  await copy(
    'target_portfolios',
    ['target_id', 'strategy_id', 'portfolio_id', 'as_of_date', 'target_positions', 'metadata'],
    async (writer) => {
      for (let d = 0; d < features.count; d++) {
        const weights: Record<string, number> = {};
        for (let i = 0; i < features.instruments; i++) {
          const value = cappedWeight[d * features.instruments + i];
          if (value !== 0) weights[panel.instruments[i].id] = value;
        }
        writer.row(6);
        writer.text(keyId('target_portfolios', sleeve.strategyId, sleeve.portfolioId, formatDay(dayOf(d))));
        writer.text(sleeve.strategyId);
        writer.text(sleeve.portfolioId);
        writer.date(dayOf(d));
        writer.jsonb(JSON.stringify({ weights }));
        writer.jsonb(metadata);
        await writer.flushed();
      }
    },
  );
  await copy(
    'book_targets',
    ['target_id', 'book_id', 'as_of_date', 'region', 'entity_type', 'entity_id', 'target_weight', 'metadata'],
    async (writer) => {
      for (let d = 0; d < features.count; d++) {
        const date = formatDay(dayOf(d));
        for (let i = 0; i < features.instruments; i++) {
          const value = weight[d * features.instruments + i];
          if (value === 0) continue;
          writer.row(8);
          writer.text(keyId('book_targets', sleeve.portfolioId, date, REGION, 'INSTRUMENT', panel.instruments[i].id));
          writer.text(sleeve.portfolioId);
          writer.date(dayOf(d));
          writer.text(REGION);
          writer.text('INSTRUMENT');
          writer.bytes(idBytes[i]);
          writer.float64(value);
          writer.jsonb(metadata);
        }
        await writer.flushed();
      }
    },
  );
}

async function writeRiskReports(context: RunWriter): Promise<void> {
  const { run, dayOf, copy } = context;
  const { features, panel, sleeve, result } = run;
  await removeDays(context, 'portfolio_risk_reports', 'portfolio_id', sleeve.portfolioId);
  const columns = [
    'report_id',
    'portfolio_id',
    'as_of_date',
    'portfolio_value',
    'cash',
    'net_exposure',
    'gross_exposure',
    'leverage',
    'risk_metrics',
    'exposures_by_sector',
    'metadata',
  ];
  await copy('portfolio_risk_reports', columns, async (writer) => {
    for (let d = 0; d < features.count; d++) {
      const equity = result.equity[d];
      const invested = equity - result.cash[d];
      const bySector: Record<string, number> = {};
      let largest = 0;
      for (let i = 0; i < features.instruments; i++) {
        const value = result.stages!.cappedWeight[d * features.instruments + i];
        if (value === 0) continue;
        const sector = panel.instruments[i].sector ?? 'UNKNOWN';
        bySector[sector] = (bySector[sector] ?? 0) + value;
        largest = Math.max(largest, value);
      }
      writer.row(11);
      writer.text(keyId('portfolio_risk_reports', sleeve.portfolioId, formatDay(dayOf(d))));
      writer.text(sleeve.portfolioId);
      writer.date(dayOf(d));
      writer.float64(equity);
      writer.float64(result.cash[d]);
      writer.float64(invested / equity);
      // Long only: gross equals net.
      writer.float64(invested / equity);
      writer.float64(invested / equity);
      writer.jsonb(JSON.stringify({ largest_weight: largest, positions: result.positions[d] }));
      writer.jsonb(JSON.stringify(bySector));
      writer.jsonb(JSON.stringify({ run_id: run.runId }));
      await writer.flushed();
    }
  });
}

async function writeRiskActions({ run, dayOf, idBytes, copy }: RunWriter): Promise<void> {
  const { features, sleeve } = run;
  const { weight, cappedWeight } = run.result.stages!;
  const ids = new SequentialIds(run.runId);
  await copy(
    'risk_actions',
    ['action_id', 'strategy_id', 'instrument_id', 'decision_id', 'action_type', 'details_json'],
    async (writer) => {
      for (let d = 0; d < features.count; d++) {
        const date = formatDay(dayOf(d));
        for (let i = 0; i < features.instruments; i++) {
          const at = d * features.instruments + i;
          if (weight[at] === 0) continue;
          writer.row(6);
          writer.bytes(ids.next());
          writer.text(sleeve.strategyId);
          writer.bytes(idBytes[i]);
          writer.text(run.runId);
          writer.text(cappedWeight[at] === weight[at] ? 'OK' : 'CAPPED');
          writer.jsonb(
            `{"run_id":"${run.runId}","as_of_date":"${date}","original_weight":${weight[at]},"adjusted_weight":${cappedWeight[at]}}`,
          );
        }
        await writer.flushed();
      }
    },
  );
}

const sideOf = (run: RunWriter['run'], k: number) => (run.result.fills.quantity[k] > 0 ? 'BUY' : 'SELL');

/** Natural key of an order: a portfolio sends at most one a day, instrument and cause. */
function orderId({ run, dayOf }: RunWriter, k: number): string {
  const { fills } = run.result;
  const instrument = run.panel.instruments[fills.instrument[k]].id;
  return keyId('orders', run.sleeve.portfolioId, instrument, formatDay(dayOf(fills.orderDay[k])), fills.cause[k]);
}

async function removeOrders({ client, run, dayOf }: RunWriter): Promise<void> {
  const range = [run.sleeve.portfolioId, formatDay(dayOf(0)), formatDay(dayOf(run.result.equity.length - 1))];
  const ours = `SELECT order_id FROM orders WHERE portfolio_id = $1 AND mode = '${MODE}' AND ("timestamp" AT TIME ZONE 'UTC')::date BETWEEN $2 AND $3`;
  await client.query(`DELETE FROM fills WHERE order_id IN (${ours})`, range);
  await client.query(`DELETE FROM orders WHERE order_id IN (${ours})`, range);
}

/**
 * The orders that filled, each of the day it was decided on; with `--fill next_…` its fill is of the day after. An order
 * that did not fill at all ended with its day and leaves no row.
 */
async function writeOrders(context: RunWriter): Promise<void> {
  const { run, dayOf, idBytes, copy } = context;
  const { fills } = run.result;
  const metadata = JSON.stringify({ run_id: run.runId });
  const columns = [
    'order_id',
    '"timestamp"',
    'instrument_id',
    'side',
    'order_type',
    'quantity',
    'status',
    'mode',
    'portfolio_id',
    'decision_id',
    'metadata',
  ];
  await copy('orders', columns, async (writer) => {
    for (let k = 0; k < fills.day.length; k++) {
      writer.row(11);
      writer.text(orderId(context, k));
      writer.timestamp(dayOf(fills.orderDay[k]) * MS_PER_DAY);
      writer.bytes(idBytes[fills.instrument[k]]);
      writer.text(sideOf(run, k));
      writer.text(fills.cause[k] === FILL_REBALANCE ? 'MARKET' : 'DELISTING');
      writer.float64(Math.abs(fills.ordered[k]));
      writer.text(fills.quantity[k] === fills.ordered[k] ? 'FILLED' : 'PARTIAL');
      writer.text(MODE);
      writer.text(run.sleeve.portfolioId);
      writer.text(run.runId);
      writer.jsonb(metadata);
      if (k % BATCH === 0) await writer.flushed();
    }
  });
}

async function writeFills(context: RunWriter): Promise<void> {
  const { run, dayOf, idBytes, copy } = context;
  const { fills } = run.result;
  const metadata = JSON.stringify({ run_id: run.runId });
  const columns = [
    'fill_id',
    'order_id',
    '"timestamp"',
    'instrument_id',
    'side',
    'quantity',
    'price',
    'commission',
    'mode',
    'metadata',
  ];
  await copy('fills', columns, async (writer) => {
    for (let k = 0; k < fills.day.length; k++) {
      const order = orderId(context, k);
      writer.row(10);
      writer.text(keyId('fills', order));
      writer.text(order);
      writer.timestamp(dayOf(fills.day[k]) * MS_PER_DAY);
      writer.bytes(idBytes[fills.instrument[k]]);
      writer.text(sideOf(run, k));
      writer.float64(Math.abs(fills.quantity[k]));
      writer.float64(fills.price[k]);
      writer.float64(fills.commission[k]);
      writer.text(MODE);
      writer.jsonb(metadata);
      if (k % BATCH === 0) await writer.flushed();
    }
  });
}
