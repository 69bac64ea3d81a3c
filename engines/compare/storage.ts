/** Rows that a comparison reads: runs, their days and trades, regimes. */
import type pg from 'pg';
import type { Database } from '../../src/platform/db/databases.ts';
import { CONTEXT_ALONE, RUN_IS_COMPLETE, RUN_PAIRS, SLEEVE_OF_RUN } from '../../src/platform/db/run-pairs.ts';
import { UsageError } from '../../src/platform/errors.ts';
import type { Config } from '../../src/platform/run-differences.ts';
import type { ComparedTrade, RunComparison } from '../../src/report/types.ts';
import { TRIAL } from '../meta/storage.ts';
import type { RunSeries } from './model.ts';

export interface StoredRun {
  readonly runId: string;
  readonly sleeveId: string;
  readonly marketId: string;
  readonly backend: string;
  readonly horizon: number | null;
  readonly start: string;
  readonly end: string;
  readonly config: Config;
  readonly caveat: string;
  /** Equal for runs that made the same trades. */
  readonly trial: string;
}

const RUN = `SELECT run_id AS "runId", start_date::date AS start, end_date::date AS "end", config_json AS config,
    ${SLEEVE_OF_RUN} AS "sleeveId",
    coalesce(config_json->>'market_id', 'US_EQ') AS "marketId", coalesce(config_json->>'assessment_backend', 'basic') AS backend,
    (config_json->>'assessment_horizon_days')::int AS horizon,
    coalesce(config_json->>'caveat', 'same-close, no costs: not tradable; survivors only') AS caveat,
    ${TRIAL} AS trial
  FROM backtest_runs r`;

/**
 * A complete run by its id or the beginning of it. @throws UsageError when there is none, when more than one begins like
 * that, or when it did not end.
 */
export async function findRun(client: pg.ClientBase, id: string): Promise<StoredRun> {
  const { rows } = await client.query<StoredRun & { complete: boolean | null }>(
    `SELECT *, (SELECT ${RUN_IS_COMPLETE} FROM backtest_runs c WHERE c.run_id = found."runId") AS complete
       FROM (${RUN} WHERE left(run_id, length($1)) = $1 ORDER BY run_id = $1 DESC, run_id COLLATE "C" LIMIT 2) found`,
    [id],
  );
  const [run, second] = rows;
  if (!run) throw new UsageError(`there is no run '${id}'`, 'See: prometheus backtests ls');
  if (second && run.runId !== id)
    throw new UsageError(`more than one run begins with '${id}'`, `Write more of it: ${run.runId}`);
  if (!run.complete) throw new UsageError(`run '${id}' has no figures: it did not end`, 'See: prometheus backtests ls');
  return run;
}

/** Which pairs are asked for: of these sleeves (none: of every one), over these days (day numbers; null: any). */
export interface PairRequest {
  readonly sleeves: readonly string[];
  readonly first: number | null;
  readonly last: number | null;
}

/** The newest basic and context run of each sleeve over the same days, by horizon: those that the board looks at. */
export async function newestPairs(
  client: pg.ClientBase,
  { sleeves, first, last }: PairRequest,
): Promise<[StoredRun, StoredRun][]> {
  const { rows: found } = await client.query<{ basic: string; context: string }>(
    `SELECT basic, own AS context FROM (${RUN_PAIRS}) pairs WHERE basic IS NOT NULL`,
    [sleeves.length ? sleeves : null, first, last, CONTEXT_ALONE],
  );
  const { rows: runs } = await client.query<StoredRun>(`${RUN} WHERE run_id = ANY ($1)`, [
    found.flatMap(({ basic, context }) => [basic, context]),
  ]);
  const byId = new Map(runs.map((run) => [run.runId, run]));
  return found
    .map(({ basic, context }): [StoredRun, StoredRun] => [byId.get(basic)!, byId.get(context)!])
    .sort(([, a], [, b]) => (a.horizon ?? 0) - (b.horizon ?? 0));
}

/** A run's days and what it traded on each. */
export async function readSeries(client: pg.ClientBase, runId: string): Promise<RunSeries> {
  const { rows } = await client.query<{
    date: string;
    equity: number | null;
    exposures: Record<string, unknown> | null;
  }>(
    `SELECT date::date AS date, equity_curve_value AS equity, exposure_metrics_json AS exposures FROM backtest_daily_equity WHERE run_id = $1 ORDER BY 1`,
    [runId],
  );
  const { rows: traded } = await client.query<{ date: string; value: number }>(
    `SELECT trade_date::date AS date, sum(size * price) AS value FROM backtest_trades
      WHERE run_id = $1 AND decision_metadata_json->>'cause' IS DISTINCT FROM 'delisted' GROUP BY 1`,
    [runId],
  );
  return {
    dates: rows.map((row) => row.date),
    equity: rows.map((row) => row.equity ?? Number.NaN),
    exposures: rows.map(
      ({ exposures }) =>
        Object.fromEntries(Object.entries(exposures ?? {}).filter(([, v]) => Number.isFinite(v))) as Record<
          string,
          number
        >,
    ),
    traded: new Map(traded.map((row) => [row.date, row.value])),
  };
}

const EXAMPLES = 10;

/** Trades of both runs against each other: what is the same, what is not, and from which day on. */
export async function readTradeDifference(
  client: pg.ClientBase,
  a: string,
  b: string,
): Promise<RunComparison['trades']> {
  const sides = `WITH a AS (SELECT trade_date::date AS trade_date, ticker, direction, sum(size) AS size, avg(price) AS price FROM backtest_trades WHERE run_id = $1 GROUP BY 1, 2, 3),
      b AS (SELECT trade_date::date AS trade_date, ticker, direction, sum(size) AS size, avg(price) AS price FROM backtest_trades WHERE run_id = $2 GROUP BY 1, 2, 3)`;
  const { rows } = await client.query<Omit<RunComparison['trades'], 'examplesA' | 'examplesB'>>(
    `${sides} SELECT count(*) FILTER (WHERE same) AS same, count(*) FILTER (WHERE NOT same AND has_a AND has_b) AS changed,
        count(*) FILTER (WHERE NOT has_b) AS "onlyA", count(*) FILTER (WHERE NOT has_a) AS "onlyB",
        min(trade_date) FILTER (WHERE NOT same) AS "firstDivergence"
       FROM (SELECT trade_date, a.size IS NOT NULL AS has_a, b.size IS NOT NULL AS has_b,
                    coalesce(a.size = b.size AND a.price = b.price, false) AS same
               FROM a FULL JOIN b USING (trade_date, ticker, direction)) both_sides`,
    [a, b],
  );
  const examples = async (own: 'a' | 'b', other: 'a' | 'b') => {
    const found = await client.query<ComparedTrade>(
      `${sides} SELECT trade_date AS date, ticker, direction, size, price FROM ${own}
         WHERE NOT EXISTS (SELECT 1 FROM ${other} o WHERE (o.trade_date, o.ticker, o.direction) = (${own}.trade_date, ${own}.ticker, ${own}.direction))
         ORDER BY trade_date, ticker COLLATE "C", direction LIMIT ${EXAMPLES}`,
      [a, b],
    );
    return found.rows;
  };
  return { ...rows[0], examplesA: await examples('a', 'b'), examplesB: await examples('b', 'a') };
}

/** Labels of the market's region by day; empty when none is recorded. */
export async function readRegimes(
  client: pg.ClientBase,
  { marketId, first, last }: { marketId: string; first: string; last: string },
): Promise<Map<string, string>> {
  const { rows } = await client.query<{ date: string; label: string }>(
    `SELECT as_of_date::date AS date, regime_label AS label FROM regimes JOIN markets USING (region)
      WHERE market_id = $1 AND as_of_date::date BETWEEN $2 AND $3 ORDER BY 1, regimes.created_at`,
    [marketId, first, last],
  );
  return new Map(rows.map((row) => [row.date, row.label]));
}

/** Reads everything at one moment. */
export const atOneMoment = <T>(runtime: Database, read: (client: pg.ClientBase) => Promise<T>): Promise<T> =>
  runtime.client(async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      return await read(client);
    } finally {
      await client.query('ROLLBACK').catch(() => {});
    }
  });
