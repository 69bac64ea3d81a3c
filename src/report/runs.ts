/** Backtest runs as the runtime database holds them: a list, and one of them day by day. */
import type { Database } from '../platform/db/databases.ts';
import { UsageError } from '../platform/errors.ts';
import { monthlyReturns } from './returns.ts';
import type { ReportedRun, RunDetail, RunRow } from './types.ts';

/** What the figures are worth of a run that filled at the same close and paid nothing; also where a run does not say. */
const CAVEAT = 'same-close, no costs: not tradable; survivors only';
const POINTS = 60;

interface Found {
  readonly runId: string;
  readonly sleeveId: string;
  readonly start: string;
  readonly end: string;
  readonly createdAt: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, unknown>> | null;
  readonly trades: number | null;
  readonly spark: (number | null)[] | null;
}

const SELECT = `SELECT run_id AS "runId",
    coalesce(config_json->>'sleeve_id', nullif(regexp_replace(universe_id, '_UNIVERSE$', ''), ''), strategy_id) AS "sleeveId",
    start_date::date AS start, end_date::date AS "end", (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt",
    config_json AS config, metrics_json AS metrics,
    coalesce((metrics_json->>'num_trades')::bigint, (SELECT count(*) FROM backtest_trades t WHERE t.run_id = r.run_id)) AS trades,
    (SELECT array_agg(equity_curve_value ORDER BY date)
       FROM (SELECT date, equity_curve_value, row_number() OVER (ORDER BY date) - 1 AS place, count(*) OVER () AS days
               FROM backtest_daily_equity e WHERE e.run_id = r.run_id) curve
      WHERE days <= ${POINTS} OR place = days - 1 OR place = 0
         OR place * (${POINTS} - 1) / (days - 1) > (place - 1) * (${POINTS} - 1) / (days - 1)) AS spark
  FROM backtest_runs r`;

export interface RunFilter {
  /** Newest ones, at most so many. */
  readonly limit: number;
  /** Only runs of this sleeve. */
  readonly sleeve?: string;
}

/** Runs, newest first. */
export async function listRuns(runtime: Database, { limit, sleeve }: RunFilter): Promise<RunRow[]> {
  const { rows } = await runtime.client((client) =>
    client.query<Found>(
      `SELECT * FROM (${SELECT} ORDER BY created_at DESC, run_id COLLATE "C") runs
        WHERE $2::text IS NULL OR "sleeveId" = $2 LIMIT $1`,
      [limit, sleeve ?? null],
    ),
  );
  return rows.map(runRow);
}

/**
 * One run by its id or the beginning of it, day by day. @throws UsageError when no run, or more than one, begins like that.
 */
export async function readRun(runtime: Database, id: string): Promise<RunDetail> {
  return runtime.client(async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      const { rows } = await client.query<Found>(
        `${SELECT} WHERE run_id = $1 OR (left(run_id, length($1)) = $1 AND length($1) >= 4) ORDER BY run_id = $1 DESC LIMIT 2`,
        [id],
      );
      const [found, second] = rows;
      if (!found) throw new UsageError(`there is no run '${id}'`, 'See: prometheus backtests ls');
      if (second && found.runId !== id) {
        throw new UsageError(`more than one run begins with '${id}'`, `Write more of it: ${found.runId}`);
      }
      const { rows: days } = await client.query<{
        date: string;
        equity: number | null;
        drawdown: number | null;
        exposures: Record<string, unknown> | null;
        trades: number;
      }>(
        `SELECT e.date::date AS date, e.equity_curve_value AS equity, e.drawdown, e.exposure_metrics_json AS exposures,
                coalesce(t.n, 0) AS trades
           FROM backtest_daily_equity e
           LEFT JOIN (SELECT trade_date::date AS day, count(*) AS n FROM backtest_trades WHERE run_id = $1 GROUP BY 1) t ON t.day = e.date::date
          WHERE e.run_id = $1 ORDER BY e.date`,
        [found.runId],
      );
      const equity = days.map((day) => finite(day.equity));
      const names = [...new Set(days.flatMap((day) => Object.keys(day.exposures ?? {})))].sort();
      return {
        ...runRow(found),
        config: found.config,
        days: days.map((day) => day.date),
        equity,
        drawdown: days.map((day) => finite(day.drawdown)),
        exposures: Object.fromEntries(names.map((name) => [name, days.map((day) => finite(day.exposures?.[name]))])),
        tradesByDay: days.map((day) => day.trades),
        monthly: monthlyReturns(
          days.map((day) => day.date),
          equity,
        ),
      };
    } finally {
      await client.query('ROLLBACK').catch(() => {});
    }
  });
}

/** Trades of a run that a page lists. */
const LAST_TRADES = 200;

/** The same with the last trades. @throws UsageError as `readRun`. */
export async function readReportedRun(runtime: Database, id: string): Promise<ReportedRun> {
  const run = await readRun(runtime, id);
  return runtime.client(async (client) => {
    const { rows: lastTrades } = await client.query<ReportedRun['lastTrades'][number]>(
      `SELECT * FROM (SELECT trade_date::date AS date, ticker, direction, size, price, decision_metadata_json->>'cause' AS cause
                        FROM backtest_trades WHERE run_id = $1
                       ORDER BY trade_date::date DESC, ticker COLLATE "C" DESC, direction DESC LIMIT ${LAST_TRADES}) last
        ORDER BY date, ticker COLLATE "C", direction`,
      [run.runId],
    );
    return { ...run, lastTrades };
  });
}

const finite = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

function runRow({ config, metrics, spark, ...run }: Found): RunRow {
  const figure = (name: string) => finite(metrics?.[name]);
  return {
    runId: run.runId,
    sleeveId: run.sleeveId,
    backend: [
      text(config.assessment_backend) ?? 'basic',
      ...(config.lambda_experiment_id === undefined ? [] : ['lambda']),
      ...(config.regime_alpha === undefined ? [] : ['regime']),
    ].join('+'),
    start: run.start,
    end: run.end,
    createdAt: run.createdAt,
    complete: figure('cumulative_return') !== null,
    cumulativeReturn: figure('cumulative_return'),
    volatility: figure('annualised_vol'),
    sharpe: figure('annualised_sharpe'),
    maxDrawdown: figure('max_drawdown'),
    trades: run.trades,
    turnoverPerDay: figure('turnover_per_day'),
    breakEvenCostBp: figure('break_even_cost_bp'),
    equalWeightReturn: figure('benchmark_equal_weight_return'),
    buyAndHoldReturn: figure('benchmark_buy_and_hold_return'),
    activeReturn: figure('active_return'),
    beta: figure('beta'),
    tradeListHash: text(metrics?.trade_list_hash),
    // Runs of other systems fill at the close without costs and do not say so.
    caveat: typeof config.caveat === 'string' ? config.caveat : CAVEAT,
    demo: config.demo === true,
    provenance: {
      campaignId: text(config.campaign_id),
      version: text(config.version),
      build: text(config.build),
      gitSha: text(config.git_sha),
      gitDirty: typeof config.git_dirty === 'boolean' ? config.git_dirty : null,
      data: text(config.data_fingerprint),
    },
    spark: (spark ?? []).filter((value) => value !== null && Number.isFinite(value)) as number[],
  };
}
