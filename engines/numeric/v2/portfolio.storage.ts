/** Finished runs of portfolios, as the portfolio encoder reads them. */
import { copyOut, sqlLiteral } from '../../../src/platform/db/copy.ts';
import type { Database } from '../../../src/platform/db/databases.ts';

export interface PortfolioRun {
  readonly runId: string;
  readonly portfolioId: string;
  readonly priceField: 'close' | 'adjusted_close';
  readonly equity: readonly EquityDay[];
}

interface EquityDay {
  /** Day number. */
  readonly day: number;
  readonly equity: number;
  readonly drawdown: number;
  /** Mean STAB risk and worsening risk of the universe; NaN where the run has none. */
  readonly risk: number;
  readonly worsen: number;
}

/** One trade: shares bought (+) or sold (−). */
export interface Trade {
  readonly day: number;
  readonly instrumentId: string;
  readonly quantity: number;
  readonly price: number;
}

/** Runs of a market that ended with figures, the oldest first; equity days ascending. */
export async function finishedRuns(runtime: Database, marketId: string): Promise<PortfolioRun[]> {
  return runtime.client(async (client) => {
    const { rows } = await client.query<{ runId: string; portfolioId: string; priceField: string | null }>(
      `SELECT run_id AS "runId", config_json->>'portfolio_id' AS "portfolioId", config_json->>'price_field' AS "priceField"
         FROM backtest_runs
        WHERE config_json->>'market_id' = $1 AND config_json->>'portfolio_id' IS NOT NULL
          AND jsonb_typeof(metrics_json->'cumulative_return') = 'number'
        ORDER BY created_at, run_id COLLATE "C"`,
      [marketId],
    );
    const runs: PortfolioRun[] = [];
    for (const { runId, portfolioId, priceField } of rows) {
      const equity: EquityDay[] = [];
      await copyOut(
        client,
        `SELECT "date"::date, equity_curve_value::float8, drawdown::float8, (exposure_metrics_json->>'stab_risk_score_mean')::float8,
                (exposure_metrics_json->>'stab_p_worsen_any_mean')::float8
           FROM backtest_daily_equity WHERE run_id = ${sqlLiteral(runId)} ORDER BY "date"`,
        (row) => {
          equity.push({
            day: row.date(),
            equity: row.float64(),
            drawdown: row.float64(),
            risk: row.float64(),
            worsen: row.float64(),
          });
        },
      );
      // Runs of other systems do not name their price; theirs is the close.
      runs.push({ runId, portfolioId, priceField: priceField === 'adjusted_close' ? priceField : 'close', equity });
    }
    return runs;
  });
}

/** Calls `visit` with every trade of a run, by day. */
export async function eachTrade(runtime: Database, runId: string, visit: (trade: Trade) => void): Promise<void> {
  await runtime.client((client) =>
    copyOut(
      client,
      `SELECT trade_date::date, instrument_id::text, (CASE WHEN side = 'BUY' THEN quantity ELSE -quantity END)::float8, price::float8
         FROM executed_actions WHERE run_id = ${sqlLiteral(runId)} ORDER BY trade_date, action_id COLLATE "C"`,
      (row) => {
        visit({ day: row.date(), instrumentId: row.text() ?? '', quantity: row.float64(), price: row.float64() });
      },
    ),
  );
}
