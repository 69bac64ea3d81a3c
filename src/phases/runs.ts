/** The newest backtest run of each sleeve, for a glance. */
import type { Databases } from '../platform/db/databases.ts';
import { RUN_IS_COMPLETE, SLEEVE_OF_RUN } from '../platform/db/run-pairs.ts';
import type { RunSummary } from '../supervisor/protocol.ts';

/** Points of an equity curve that a glance shows. */
const POINTS = 60;
/** Sleeves that a glance shows, those with the newest runs first. */
const SLEEVES = 12;

/** What a run's figures are worth when it filled at the same close and paid nothing; also where a run does not say. */
const CAVEAT = 'same-close, no costs: not tradable; survivors only';

interface Row {
  runId: string;
  sleeveId: string;
  start: string;
  end: string;
  createdAt: number;
  metrics: Record<string, unknown>;
  caveat: string | null;
  trades: number;
  equity: number[] | null;
}

/**
 * The newest complete run of each sleeve, newest first, with at most 60 points of its equity (the first and the last day
 * among them). @throws UserError when the runtime database cannot be read.
 */
export async function latestRuns(databases: Databases): Promise<RunSummary[]> {
  const rows = await databases.runtime.client(async (client) => {
    const { rows } = await client.query<Row>(
      `WITH newest AS (
         SELECT DISTINCT ON (sleeve) * FROM (
           SELECT run_id, ${SLEEVE_OF_RUN} AS sleeve, start_date, end_date, created_at, config_json, metrics_json
             FROM backtest_runs WHERE ${RUN_IS_COMPLETE} AND config_json->'sweep' IS NULL) complete
          ORDER BY sleeve, created_at DESC, run_id COLLATE "C")
       SELECT run_id AS "runId", sleeve AS "sleeveId", start_date::date AS start, end_date::date AS "end",
              (extract(epoch FROM created_at) * 1000)::float8 AS "createdAt", metrics_json AS metrics, config_json->>'caveat' AS caveat,
              coalesce((metrics_json->>'num_trades')::bigint,
                       (SELECT count(*) FROM backtest_trades t WHERE t.run_id = newest.run_id)) AS trades,
              (SELECT array_agg(equity_curve_value ORDER BY date)
                 FROM (SELECT date, equity_curve_value, row_number() OVER (ORDER BY date) - 1 AS place, count(*) OVER () AS days
                         FROM backtest_daily_equity e WHERE e.run_id = newest.run_id) curve
                WHERE days <= $1 OR place = days - 1 OR place = 0
                   OR place * ($1 - 1) / (days - 1) > (place - 1) * ($1 - 1) / (days - 1)) AS equity
         FROM newest ORDER BY created_at DESC, sleeve COLLATE "C" LIMIT $2`,
      [POINTS, SLEEVES],
    );
    return rows;
  });
  return rows.map(({ metrics, caveat, equity, ...run }) => ({
    ...run,
    cumulativeReturn: figure(metrics.cumulative_return),
    sharpe: figure(metrics.annualised_sharpe),
    maxDrawdown: figure(metrics.max_drawdown),
    equity: (equity ?? []).filter(Number.isFinite),
    // Runs of other systems fill at the close without costs and do not say so.
    caveat: caveat ?? CAVEAT,
  }));
}

const figure = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
