/** A small home in real databases where Phases 0 and 1 are green, and the thresholds that fit it. */

import { evaluateBoard } from '../../src/phases/board.ts';
import { sleeveIds } from '../../src/phases/campaign.ts';
import { loadPhaseConfig, type PhaseConfig, requirementsOf } from '../../src/phases/config.ts';
import type { Board, CheckResult } from '../../src/phases/types.ts';
import type { Databases } from '../../src/platform/db/databases.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import type { Targets } from '../../src/platform/db/targets.ts';
import { homeAt } from '../../src/platform/home.ts';

export const INSTRUMENTS = ['AAA', 'BBB', 'CCC'];
export const FIRST_DAY = '2013-11-01';
export const LAST_DAY = '2014-04-30';
/** Holidays of the span that the calendar of the market has. */
export const HOLIDAYS = ['2013-11-28', '2013-12-25', '2014-01-01', '2014-01-20', '2014-02-17', '2014-04-18'];

const shipped = loadPhaseConfig(homeAt('/nowhere'), { XDG_CONFIG_HOME: '/nowhere' });

/** The shipped thresholds over the small market's span. */
export const smallConfig: PhaseConfig = {
  ...shipped,
  prices: { start: FIRST_DAY, end: LAST_DAY },
  news: { fromYear: 2014, minYears: 0.25 },
  gaps: { ...shipped.gaps, instrumentDays: 0 },
};

const tradingDay = `extract(isodow FROM d) < 6 AND d::date <> ALL ('{${HOLIDAYS.join(',')}}'::date[])`;

/** Instruments of the small market, their prices on every trading day, its holidays, and an article on every day. */
export async function seedMarket({ historical, runtime }: Databases): Promise<void> {
  await runtime.client((client) =>
    client.query(`
      INSERT INTO markets (market_id, name, region, timezone, updated_at)
        SELECT m, m, 'US', 'America/New_York', now() FROM unnest('{US_EQ,XX}'::text[]) m ON CONFLICT DO NOTHING;
      INSERT INTO instruments (instrument_id, market_id, asset_class, symbol, currency, updated_at)
        SELECT i, 'US_EQ', 'EQUITY', i, 'USD', now() FROM unnest('{${INSTRUMENTS.join(',')}}'::text[]) i`),
  );
  await historical.client((client) =>
    client.query(`
      INSERT INTO market_holidays (market_id, holiday_date, holiday_name, source, created_at)
        SELECT 'US_EQ', d, 'Holiday', 'test', now() FROM unnest('{${HOLIDAYS.join(',')}}'::date[]) d;
      INSERT INTO prices_daily (instrument_id, trade_date, open, high, low, close, adjusted_close, volume, currency)
        SELECT i, d::date, 10, 11, 9, 10, 10, 1e6, 'USD'
          FROM unnest('{${INSTRUMENTS.join(',')}}'::text[]) i, generate_series('${FIRST_DAY}'::date, '${LAST_DAY}', '1 day') d
         WHERE ${tradingDay};
      INSERT INTO news_articles (timestamp, source, headline)
        SELECT d + interval '15 hours', 'test', 'something happened'
          FROM generate_series('${FIRST_DAY}'::timestamptz, '${LAST_DAY}', '1 day') d`),
  );
}

/** One complete run of a sleeve over the campaign's window: equity, one trade, one position. Returns its id. */
export async function seedRun(
  { runtime }: Databases,
  sleeve: string,
  options: { runId?: string; createdAt?: string; metrics?: object | null; config?: object } = {},
): Promise<string> {
  const { start, end } = smallConfig.campaign;
  const runId = options.runId ?? `run-${sleeve}`;
  const metrics =
    options.metrics === undefined
      ? { cumulative_return: 0.04, annualised_sharpe: 1.2, max_drawdown: -0.03 }
      : options.metrics;
  await runtime.client(async (client) => {
    await client.query(
      `INSERT INTO backtest_runs (run_id, strategy_id, config_json, start_date, end_date, universe_id, metrics_json, created_at)
       VALUES ($1, 'US_CORE_LONG_EQ', $2, $3, $4, $5, $6, $7)`,
      [
        runId,
        options.config ?? { sleeve_id: sleeve, portfolio_id: `${sleeve}_PORTFOLIO` },
        start,
        end,
        `${sleeve}_UNIVERSE`,
        metrics,
        options.createdAt ?? '2025-06-01T00:00:00Z',
      ],
    );
    await client.query(
      `INSERT INTO backtest_daily_equity (run_id, date, equity_curve_value)
       SELECT $1, d::date, 1e6 + 1000 * extract(day FROM d) FROM generate_series($2::date, $3::date, '1 day') d WHERE ${tradingDay}`,
      [runId, start, end],
    );
    await client.query(
      `INSERT INTO backtest_trades (run_id, trade_date, ticker, direction, size, price) VALUES ($1, $2, 'AAA', 'BUY', 10, 10)`,
      [runId, start],
    );
    await client.query(
      `INSERT INTO positions_snapshots (portfolio_id, timestamp, as_of_date, instrument_id, quantity, avg_cost, market_value, unrealized_pnl, mode)
       VALUES ($1, now(), $2, 'AAA', 10, 10, 100, 0, 'BACKTEST')`,
      [`${sleeve}_PORTFOLIO`, end],
    );
  });
  return runId;
}

export const SLEEVES = sleeveIds(requirementsOf(smallConfig, false));

/** Everything Phases 0 and 1 look at, green at `NOW` (the test run apart). */
export async function seedGreen(databases: Databases): Promise<void> {
  await seedMarket(databases);
  for (const sleeve of SLEEVES) await seedRun(databases, sleeve);
  await databases.runtime.client((client) =>
    client.query(
      `INSERT INTO console.evidence (check_id, phase, state, observed, required, reason, recorded_at)
       VALUES ('P1.pit', 'P1', 'OK', '{"days_tried": 8, "leaks": 0}', '{"leaks": 0}', '', '2025-06-01T12:00:00Z')`,
    ),
  );
}

export const NOW = Date.parse('2025-06-02T00:00:00Z');

export interface Evaluation {
  readonly board: Board;
  check(id: string): CheckResult;
}

/** The board over these databases, as the product reads it: pools of its own, read-only. */
export async function evaluate(
  targets: Targets,
  options: { config?: PhaseConfig; now?: () => number; signal?: AbortSignal } = {},
): Promise<Evaluation> {
  const databases = openDatabases(targets, { application: 'phases test', readOnly: true, maxConnections: 1 });
  try {
    const board = await evaluateBoard({
      databases,
      home: homeAt('/nowhere'),
      config: options.config ?? smallConfig,
      now: options.now ?? (() => NOW),
      signal: options.signal ?? new AbortController().signal,
      checkout: null,
      suite: null,
      build: null,
    });
    return {
      board,
      check: (id) => {
        const found = board.phases.flatMap((phase) => phase.checks).find((one) => one.id === id);
        if (!found) throw new Error(`no check ${id}`);
        return found;
      },
    };
  } finally {
    await databases.close();
  }
}
