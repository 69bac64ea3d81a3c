/** Writes a run: all of its rows in one transaction of the runtime database. Ownership of rows: contracts §1. */
import type pg from 'pg';
import { formatDay, MS_PER_DAY } from '../../src/platform/dates.ts';
import { type CopyWriter, copyInto } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { withKnownReferences } from '../../src/platform/db/foreign-keys.ts';
import type { LoadedPanel } from '../market/storage.ts';
import { replaceStates } from '../stability/storage.ts';
import type { Features } from './features.ts';
import { drawdowns, type RunMetrics } from './metrics.ts';
import { exposureJson } from './record.ts';
import { SequentialIds } from './sequential-ids.ts';
import { keepSharedRecord, sharedRecord } from './shared-runs.storage.ts';
import type { SleeveResult } from './simulate.ts';
import type { Sleeve } from './sleeves.ts';
import { writeStages } from './storage-stages.ts';

export interface RunRecord {
  readonly runId: string;
  readonly sleeve: Sleeve;
  readonly config: Record<string, unknown>;
  readonly metrics: RunMetrics;
  readonly panel: LoadedPanel;
  readonly features: Features;
  readonly result: SleeveResult;
  readonly initialCash: number;
  /** Whether the risk engine had a say; without it there are no actions of it. */
  readonly risk: boolean;
  /** Every table of the pipeline, or the standard set. */
  readonly full: boolean;
  /** One run of a campaign writes the states that all of its sleeves share. */
  readonly ownsStates: boolean;
  /** Whether another process may have recorded this very run: then it stays as it is. Left out: none does. */
  readonly shared?: boolean;
}

/** Rows written by table. */
export type RowCounts = Record<string, number>;

/** What the writers of one run share: the run, ready-made bytes of ids, day numbers. */
export interface RunWriter {
  readonly client: pg.ClientBase;
  readonly run: RunRecord;
  readonly counts: RowCounts;
  /** UTF-8 of instrument ids, by index. */
  readonly idBytes: readonly Buffer[];
  /** Day number of simulated day d. */
  readonly dayOf: (d: number) => number;
  copy(table: string, columns: readonly string[], produce: (writer: CopyWriter) => Promise<void> | void): Promise<void>;
}

/** Decision of the run itself; outcomes and actions refer to it. */
const runDecisionId = (runId: string) => runId;

/**
 * Writes one run. Everything lands together or not at all; runs that write the same portfolios wait for each other.
 * Returns the rows written by table.
 */
export async function writeRun(runtime: Database, run: RunRecord): Promise<RowCounts> {
  return runtime.transaction(async (client) => {
    const { panel, sleeve } = run;
    const counts: RowCounts = {};
    const locks = [
      sleeve.universeId,
      sleeve.portfolioId,
      sleeve.assessmentId,
      ...(run.ownsStates ? [`states ${panel.marketId}`] : []),
    ];
    for (const name of [...new Set(locks)].sort()) {
      await client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`prometheus ${name}`]);
    }
    const before = run.shared ? await sharedRecord(client, run.runId) : null;
    if (before) return before.rows;
    const writer: RunWriter = {
      client,
      run,
      counts,
      idBytes: panel.instruments.map((instrument) => Buffer.from(instrument.id)),
      dayOf: (d) => panel.calendar.days[panel.first + d],
      copy: async (table, columns, produce) => {
        counts[table] = await copyInto(client, table, columns, produce);
      },
    };
    await writeRunRow(writer);
    await withKnownReferences(client, runtime.target, async () => {
      await writeEquity(writer);
      await writeTrades(writer);
    });
    await writeDecision(writer);
    await writeActions(writer);
    await writeSnapshots(writer);
    if (run.ownsStates) {
      Object.assign(
        counts,
        await replaceStates(client, {
          runId: run.runId,
          instruments: panel.instruments,
          days: panel.calendar.days.subarray(panel.first, panel.first + panel.count),
          stability: run.features.stability,
          vectors: run.full,
        }),
      );
    }
    if (run.full) await writeStages(writer, runtime.target);
    const { config, metrics } = run;
    if (run.shared) await keepSharedRecord(client, run.runId, { config, metrics, rows: counts });
    return counts;
  });
}

async function writeRunRow({ client, run, counts, dayOf }: RunWriter): Promise<void> {
  await client.query(
    `INSERT INTO backtest_runs (run_id, strategy_id, config_json, start_date, end_date, universe_id, metrics_json)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      run.runId,
      run.sleeve.strategyId,
      run.config,
      formatDay(dayOf(0)),
      formatDay(dayOf(run.result.equity.length - 1)),
      run.sleeve.universeId,
      run.metrics,
    ],
  );
  counts.backtest_runs = 1;
}

async function writeEquity({ run, dayOf, copy }: RunWriter): Promise<void> {
  const { equity } = run.result;
  const fall = drawdowns(equity);
  await copy(
    'backtest_daily_equity',
    ['run_id', 'date', 'equity_curve_value', 'drawdown', 'exposure_metrics_json'],
    async (writer) => {
      for (let d = 0; d < equity.length; d++) {
        writer.row(5);
        writer.text(run.runId);
        writer.date(dayOf(d));
        writer.float64(equity[d]);
        writer.float64(fall[d]);
        writer.jsonb(exposureJson(run.result, d));
        await writer.flushed();
      }
    },
  );
}

const BUY = Buffer.from('BUY');
const SELL = Buffer.from('SELL');
/** Rows between two looks at whether the connection can take more. */
const BATCH = 4096;

async function writeTrades({ run, idBytes, dayOf, copy }: RunWriter): Promise<void> {
  const { fills } = run.result;
  const runId = Buffer.from(run.runId);
  const universeId = Buffer.from(run.sleeve.universeId);
  await copy(
    'backtest_trades',
    ['run_id', 'trade_date', 'ticker', 'direction', 'size', 'price', 'universe_id', 'decision_metadata_json'],
    async (writer) => {
      for (let k = 0; k < fills.day.length; k++) {
        writer.row(8);
        writer.bytes(runId);
        writer.date(dayOf(fills.day[k]));
        writer.bytes(idBytes[fills.instrument[k]]);
        writer.bytes(fills.quantity[k] > 0 ? BUY : SELL);
        writer.float64(Math.abs(fills.quantity[k]));
        writer.float64(fills.price[k]);
        writer.bytes(universeId);
        writer.jsonb(fills.cause[k] ? '{"cause":"delisted"}' : null);
        if (k % BATCH === 0) await writer.flushed();
      }
    },
  );
}

/** One decision a run and its outcome. It is dated the last day, when its figures are known. */
async function writeDecision({ client, run, counts, dayOf }: RunWriter): Promise<void> {
  const { result, sleeve, metrics } = run;
  const last = result.equity.length - 1;
  await client.query(
    `INSERT INTO engine_decisions (decision_id, engine_name, run_id, strategy_id, market_id, as_of_date, config_id, input_refs, output_refs, metadata)
     VALUES ($1, 'BACKTEST', $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      runDecisionId(run.runId),
      run.runId,
      sleeve.strategyId,
      sleeve.marketId,
      formatDay(dayOf(last)),
      sleeve.sleeveId,
      {
        start_date: formatDay(dayOf(0)),
        universe_id: sleeve.universeId,
        assessment_strategy_id: sleeve.assessmentId,
        data_fingerprint: run.panel.fingerprint,
      },
      { portfolio_id: sleeve.portfolioId, trades: result.fills.day.length },
      { run_id: run.runId },
    ],
  );
  await client.query(
    `INSERT INTO decision_outcomes (decision_id, horizon_days, realized_return, realized_pnl, realized_drawdown, realized_vol, metadata)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      runDecisionId(run.runId),
      result.equity.length,
      metrics.cumulative_return,
      result.equity[last] - run.initialCash,
      metrics.max_drawdown,
      metrics.annualised_vol,
      { run_id: run.runId },
    ],
  );
  counts.engine_decisions = 1;
  counts.decision_outcomes = 1;
}

async function writeActions({ run, idBytes, dayOf, copy }: RunWriter): Promise<void> {
  const { fills } = run.result;
  const runId = Buffer.from(run.runId);
  const decisionId = Buffer.from(runDecisionId(run.runId));
  const portfolioId = Buffer.from(run.sleeve.portfolioId);
  const ids = new SequentialIds(run.runId);
  const columns = [
    'action_id',
    'decision_id',
    'run_id',
    'portfolio_id',
    'instrument_id',
    'trade_date',
    'side',
    'quantity',
    'price',
    'slippage',
    'fees',
    'metadata',
  ];
  await copy('executed_actions', columns, async (writer) => {
    for (let k = 0; k < fills.day.length; k++) {
      writer.row(12);
      writer.bytes(ids.next());
      writer.bytes(decisionId);
      writer.bytes(runId);
      writer.bytes(portfolioId);
      writer.bytes(idBytes[fills.instrument[k]]);
      writer.date(dayOf(fills.day[k]));
      writer.bytes(fills.quantity[k] > 0 ? BUY : SELL);
      writer.float64(Math.abs(fills.quantity[k]));
      writer.float64(fills.price[k]);
      writer.float64(fills.slippage[k]);
      writer.float64(fills.commission[k]);
      writer.jsonb(fills.cause[k] ? '{"cause":"delisted"}' : null);
      if (k % BATCH === 0) await writer.flushed();
    }
  });
}

async function writeSnapshots({ client, run, idBytes, dayOf, copy }: RunWriter): Promise<void> {
  const { snapshots } = run.result;
  const last = run.result.equity.length - 1;
  await client.query(
    `DELETE FROM positions_snapshots WHERE portfolio_id = $1 AND mode = 'BACKTEST' AND as_of_date::date BETWEEN $2 AND $3`,
    [run.sleeve.portfolioId, formatDay(dayOf(0)), formatDay(dayOf(last))],
  );
  const portfolioId = Buffer.from(run.sleeve.portfolioId);
  const mode = Buffer.from('BACKTEST');
  const columns = [
    'portfolio_id',
    'timestamp',
    'as_of_date',
    'instrument_id',
    'quantity',
    'avg_cost',
    'market_value',
    'unrealized_pnl',
    'mode',
  ];
  await copy('positions_snapshots', columns, async (writer) => {
    for (let k = 0; k < snapshots.day.length; k++) {
      const quantity = snapshots.quantity[k];
      const value = snapshots.marketValue[k];
      writer.row(9);
      writer.bytes(portfolioId);
      writer.timestamp(dayOf(snapshots.day[k]) * MS_PER_DAY);
      writer.date(dayOf(snapshots.day[k]));
      writer.bytes(idBytes[snapshots.instrument[k]]);
      writer.float64(quantity);
      writer.float64(snapshots.averageCost[k]);
      writer.float64(value);
      writer.float64(value - quantity * snapshots.averageCost[k]);
      writer.bytes(mode);
      if (k % BATCH === 0) await writer.flushed();
    }
  });
}
