/** Campaigns on a real server: what they write, that it is a pure function of prices, and how they refuse bad input. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaign, campaignAndMeta } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignAndMetaSpec, campaignSpec } from '../../engines/backtest/spec.ts';
import type { Panel } from '../../engines/market/panel.ts';
import { backfillStability } from '../../engines/stability/program.ts';
import { backfillStabilitySpec } from '../../engines/stability/spec.ts';
import { formatDay, weekday } from '../../src/platform/dates.ts';
import type { Databases } from '../../src/platform/db/databases.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { copyPanel, storePanel } from '../helpers/store-panel.ts';

const FIRST = 80;
const SLEEVES = canonicalSleeves('S', 'TEST');

let db: TestDatabases;
let panel: Panel;
let range: { marketId: string; start: string; end: string };

beforeAll(async () => {
  panel = smallMarket({ seed: 7, instruments: 30, days: 150 });
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  range = { marketId: 'TEST', start: formatDay(panel.calendar.days[FIRST]), end: formatDay(panel.calendar.days[149]) };
});
afterAll(() => db?.drop());

const query = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  db.databases.runtime.client(async (client) => (await client.query(sql, values)).rows as Row[]);

/** Every row a run owns, without ids and times, as text: equal texts are equal runs. */
async function runContent(runId: string): Promise<string> {
  const parts = await Promise.all([
    query(
      `SELECT strategy_id, start_date, end_date, universe_id, metrics_json, config_json - 'campaign_id' AS config FROM backtest_runs WHERE run_id = $1`,
      [runId],
    ),
    query(
      `SELECT date, equity_curve_value, drawdown, exposure_metrics_json FROM backtest_daily_equity WHERE run_id = $1 ORDER BY date`,
      [runId],
    ),
    query(
      `SELECT trade_date, ticker, direction, size, price, decision_metadata_json FROM backtest_trades WHERE run_id = $1 ORDER BY trade_date, ticker COLLATE "C", size`,
      [runId],
    ),
    query(
      `SELECT instrument_id, trade_date, side, quantity, price, slippage, fees FROM executed_actions WHERE run_id = $1 ORDER BY trade_date, instrument_id COLLATE "C", quantity`,
      [runId],
    ),
  ]);
  return JSON.stringify(parts);
}

const runs = async (args: Partial<Parameters<typeof campaignSpec.args.parse>[0] & object> = {}, sleeves = SLEEVES) => {
  const ran = await runProgram(
    campaignSpec,
    campaign,
    { ...range, sleeve: sleeves.map(formatSleeve), json: false, ...(args as object) },
    db.databases,
  );
  const lines = ran.stdout.trim().split('\n');
  return { ...ran, lines, ids: new Map(lines.slice(1).map((line) => [line.split(',')[1], line.split(',')[0]])) };
};

describe('campaign', () => {
  it('prints exactly the plan’s CSV and writes what it says', async () => {
    const { lines, ids, result } = await runs();
    expect(lines[0]).toBe('run_id,sleeve_id,strategy_id,cumulative_return,annualised_sharpe,max_drawdown');
    expect(lines.slice(1).map((line) => line.split(',')[1])).toEqual(['S_H5', 'S_H21', 'S_H63']);
    for (const line of lines.slice(1))
      expect(line).toMatch(/^[0-9a-f-]{36},S_H\d+,S,-?\d+\.\d{6},-?\d+\.\d{4},-?\d+\.\d{6}$/);
    expect(result.exitCode).toBe(0);
    const runId = ids.get('S_H21')!;
    const [run] = await query<{ metrics_json: Record<string, number> }>(
      `SELECT metrics_json FROM backtest_runs WHERE run_id = $1`,
      [runId],
    );
    const [{ days, trades, actions, decisions, outcomes }] = await query<Record<string, number>>(
      `SELECT (SELECT count(*) FROM backtest_daily_equity WHERE run_id = $1) AS days,
              (SELECT count(*) FROM backtest_trades WHERE run_id = $1) AS trades,
              (SELECT count(*) FROM executed_actions WHERE run_id = $1) AS actions,
              (SELECT count(*) FROM engine_decisions WHERE run_id = $1) AS decisions,
              (SELECT count(*) FROM decision_outcomes WHERE metadata->>'run_id' = $1) AS outcomes`,
      [runId],
    );
    expect(days).toBe(70);
    expect(trades).toBe(run.metrics_json.num_trades);
    expect(actions).toBe(trades);
    expect([decisions, outcomes]).toEqual([1, 1]);
    expect(run.metrics_json).toMatchObject({ caveat: 'same-close, no costs: not tradable; survivors only' });
    for (const key of [
      'benchmark_equal_weight_return',
      'benchmark_buy_and_hold_return',
      'active_return',
      'beta',
      'turnover_per_day',
      'break_even_cost_bp',
    ]) {
      expect(run.metrics_json[key], key).toBeTypeOf('number');
    }
  });

  it('tells equity, drawdown, positions and speed of every sleeve as series, with simulated dates', async () => {
    const { events } = await runs();
    for (const { sleeveId } of SLEEVES) {
      const told = (name: string) =>
        events.flatMap((one) => (one.type === 'metric' && one.name === name && one.series === sleeveId ? [one] : []));
      for (const [name, unit] of Object.entries({
        equity: 'USD',
        drawdown: 'share',
        positions: 'names',
        speed: 'days/s',
      })) {
        expect(told(name).at(-1), `${name} of ${sleeveId}`).toMatchObject({ unit, at: range.end });
      }
    }
  });

  it('closes delisted positions at their delisting value, with an event', async () => {
    const { ids, events } = await runs();
    const delisted = await query<{ ticker: string; price: number }>(
      `SELECT ticker, price FROM backtest_trades WHERE run_id = $1 AND decision_metadata_json->>'cause' = 'delisted'`,
      [ids.get('S_H21')],
    );
    const known = delisted.filter(
      ({ ticker }) => panel.instruments.find((i) => i.id === ticker)!.delistingValue !== null,
    );
    expect(delisted.length).toBeGreaterThan(0);
    for (const { ticker, price } of known)
      expect(price).toBe(panel.instruments.find((i) => i.id === ticker)!.delistingValue);
    expect(events.some((e) => e.type === 'log' && /without a price/.test(e.message))).toBe(true);
  });

  it('gives the same rows for 1, 2 and 3 workers, any order of sleeves, and whatever the tables held before', async () => {
    const first = await runs({ maxWorkers: 1 });
    const contents = new Map<string, string>();
    for (const [sleeve, id] of first.ids) contents.set(sleeve, await runContent(id));
    // States of other days, earlier and later, and wrong ones inside the range.
    await query(
      `INSERT INTO soft_target_classes (soft_target_id, entity_type, entity_id, as_of_date, soft_target_class, soft_target_score, weak_profile, instability, high_fragility, complacent_pricing)
       SELECT md5(d::text || i), 'INSTRUMENT', i, d::date, 'BREAKER', 99, true, 1, 1, 1
         FROM generate_series($1::date - 40, $2::date + 40, interval '1 day') AS d, unnest($3::text[]) AS i
        WHERE NOT EXISTS (SELECT 1 FROM soft_target_classes s WHERE s.entity_id = i AND s.as_of_date = d::date)`,
      [range.start, range.end, panel.instruments.map((i) => i.id)],
    );
    for (const { args, sleeves } of [
      { args: { maxWorkers: 2 }, sleeves: [...SLEEVES].reverse() },
      { args: { maxWorkers: 3 }, sleeves: SLEEVES },
      { args: { maxWorkers: 1, persist: 'full' as const }, sleeves: [SLEEVES[1]] },
    ]) {
      const again = await runs(args, sleeves);
      for (const [sleeve, id] of again.ids) {
        const content = (await runContent(id)).replaceAll('"persist":"full"', '"persist":"standard"');
        expect(content === contents.get(sleeve), `${sleeve} with ${JSON.stringify(args)}`).toBe(true);
      }
    }
  });

  it('does not see prices after its last day', async () => {
    const before = await runs({ end: formatDay(panel.calendar.days[110]) });
    const content = await runContent(before.ids.get('S_H63')!);
    const changed = await createTestDatabases();
    try {
      const columns = Object.fromEntries(
        Object.entries(panel.columns).map(([name, column]) => [
          name,
          column!.map((v, at) => (at % 150 > 110 ? v * 3 : v)),
        ]),
      );
      await storePanel(changed.databases, { ...panel, columns });
      const ran = await runProgram(
        campaignSpec,
        campaign,
        { ...range, end: formatDay(panel.calendar.days[110]), sleeve: SLEEVES.map(formatSleeve) },
        changed.databases,
      );
      const id = ran.stdout.trim().split('\n').at(-1)!.split(',')[0];
      const own = db;
      db = changed;
      try {
        expect(await runContent(id)).toBe(content);
      } finally {
        db = own;
      }
    } finally {
      await changed.drop();
    }
  });

  it('replaces day-owned rows and appends run-owned ones', async () => {
    const count = async () =>
      (
        await query<Record<string, number>>(
          `SELECT (SELECT count(*) FROM universe_members) AS members, (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM fills) AS fills,
                (SELECT count(*) FROM instrument_scores) AS scores, (SELECT count(*) FROM positions_snapshots) AS snapshots,
                (SELECT count(*) FROM stability_vectors) AS vectors, (SELECT count(*) FROM soft_target_classes) AS states,
                (SELECT count(*) FROM backtest_runs) AS runs`,
        )
      )[0];
    await runs({ persist: 'full' });
    const once = await count();
    await runs({ persist: 'full' });
    const twice = await count();
    expect({ ...twice, runs: 0 }).toEqual({ ...once, runs: 0 });
    expect(twice.runs).toBe(once.runs + 3);
    expect(once.members).toBe(3 * 70 * 30);
    const [reasons] = await query<{ reasons: Record<string, unknown> }>(
      `SELECT reasons FROM universe_members WHERE included ORDER BY as_of_date DESC LIMIT 1`,
    );
    expect(Object.keys(reasons.reasons).sort()).toEqual(
      [
        'sector',
        'market_id',
        'realised_vol_63d',
        'avg_volume_63d',
        'last_close',
        'soft_target_score',
        'soft_target_class',
        'weak_profile',
        'cluster_id',
        'assessment_score',
        'stab_risk_score',
        'stab_p_worsen_any',
        'stab_risk_multiplier',
      ].sort(),
    );
  });

  it.each(['close', 'next_open', 'next_close'] as const)(
    'dates orders by decision and fills by --fill %s',
    async (fill) => {
      const { ids } = await runs({ persist: 'full', fill, maxParticipation: 0.0005 }, [SLEEVES[1]]);
      const rows = await query<{ ordered: string; filled: string; portion: number; status: string; cause: string }>(
        `SELECT (o."timestamp" AT TIME ZONE 'UTC')::date::text AS ordered, (f."timestamp" AT TIME ZONE 'UTC')::date::text AS filled,
              f.quantity / o.quantity AS portion, o.status, o.order_type AS cause
         FROM orders o JOIN fills f USING (order_id) WHERE o.metadata->>'run_id' = $1`,
        [ids.get('S_H21')],
      );
      const [{ trades }] = await query<{ trades: number }>(
        `SELECT count(*) AS trades FROM backtest_trades WHERE run_id = $1`,
        [ids.get('S_H21')],
      );
      expect(rows).toHaveLength(trades);
      const days = [...panel.calendar.days].map(formatDay);
      for (const { ordered, filled, portion, status, cause } of rows) {
        const later = cause === 'DELISTING' || fill === 'close' ? 0 : 1;
        expect(days.indexOf(filled) - days.indexOf(ordered)).toBe(later);
        expect(status).toBe(portion === 1 ? 'FILLED' : 'PARTIAL');
      }
      expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['FILLED', 'PARTIAL']));
      // Trades are what happened: they carry the day of the fill.
      expect(
        await query(
          `SELECT 1 FROM backtest_trades t WHERE run_id = $1 AND NOT EXISTS (
           SELECT 1 FROM fills f WHERE f.metadata->>'run_id' = $1 AND f.instrument_id = t.ticker
             AND (f."timestamp" AT TIME ZONE 'UTC')::date = t.trade_date AND f.quantity = t.size)`,
          [ids.get('S_H21')],
        ),
      ).toEqual([]);
    },
  );

  it('writes risk actions only where the risk engine had a say', async () => {
    const actions = async (args: object) => {
      const { ids } = await runs({ persist: 'full', ...args }, [SLEEVES[1]]);
      const found = await query<{ kind: string; n: number }>(
        `SELECT action_type AS kind, count(*) AS n FROM risk_actions WHERE details_json->>'run_id' = $1 GROUP BY 1 ORDER BY 1`,
        [ids.get('S_H21')],
      );
      return found.map(({ kind }) => kind);
    };
    expect(await actions({})).toEqual(['CAPPED', 'OK']);
    expect(await actions({ disableRisk: true })).toEqual([]);
  });

  it('offers fills, costs, whole shares, participation, adjusted prices and earlier transitions', async () => {
    for (const args of [
      { fill: 'next_open' as const, slippageBps: 5, commissionBps: 1 },
      { fill: 'next_close' as const },
      { wholeShares: true, maxParticipation: 0.01 },
      { priceField: 'adjusted_close' as const, fill: 'next_open' as const },
      { transitionHistory: formatDay(panel.calendar.days[FIRST - 10]) },
      { disableRisk: true },
    ]) {
      const { ids } = await runs(args, [SLEEVES[1]]);
      const [run] = await query<{ metrics_json: Record<string, unknown>; config_json: Record<string, unknown> }>(
        `SELECT metrics_json, config_json FROM backtest_runs WHERE run_id = $1`,
        [ids.get('S_H21')],
      );
      const idealised = run.config_json.fill === 'close' && run.config_json.slippage_bps === 0;
      expect(run.metrics_json.caveat).toBe(`${idealised ? 'same-close, no costs: not tradable; ' : ''}survivors only`);
      expect(run.metrics_json.num_trades).toBeGreaterThan(0);
      if (args.wholeShares) {
        const odd = await query(
          `SELECT 1 FROM backtest_trades WHERE run_id = $1 AND size <> trunc(size) AND decision_metadata_json IS NULL`,
          [ids.get('S_H21')],
        );
        expect(odd).toEqual([]);
      }
    }
  });

  it('records a Meta decision that names identical sleeves', async () => {
    // The range ends on a Saturday: the decision is of the Friday before.
    const friday = panel.calendar.days.findLast((one) => weekday(one) === 5)!;
    const { result, events } = await runProgram(
      campaignAndMetaSpec,
      campaignAndMeta,
      { ...range, end: formatDay(friday + 1), strategyId: 'S', topK: 2 },
      db.databases,
    );
    const { meta } = result.data as { meta: Record<string, unknown> };
    const [row] = await query<Record<string, unknown> & { metadata: Record<string, unknown> }>(
      `SELECT engine_name, as_of_date, output_refs, metadata FROM engine_decisions WHERE decision_id = $1`,
      [meta.decision_id],
    );
    expect([row.engine_name, row.as_of_date]).toEqual(['META', formatDay(friday)]);
    expect(row.metadata).toMatchObject({ distinct_trials: 2, identical_sleeves: [['S_H21', 'S_H5']] });
    // JSON says what the row says, under the same names.
    expect(meta).toEqual({
      decision_id: meta.decision_id,
      as_of_date: row.as_of_date,
      ...(row.output_refs as object),
      ...row.metadata,
    });
    expect(meta.selected).toHaveLength(2);
    const evidence = row.metadata.evidence as {
      ranking_by_deflated_sharpe: { sleeve_id: string; deflated_sharpe: number; sharpe_interval: number[] }[];
      comparisons: { best: string; noise: boolean }[];
      recorded_trials: number;
      conclusion: string;
    };
    expect(evidence.ranking_by_deflated_sharpe).toHaveLength(3);
    for (const { deflated_sharpe, sharpe_interval } of evidence.ranking_by_deflated_sharpe) {
      expect(deflated_sharpe).toBeGreaterThanOrEqual(0);
      expect(deflated_sharpe).toBeLessThanOrEqual(1);
      expect(sharpe_interval[0]).toBeLessThanOrEqual(sharpe_interval[1]);
    }
    // Every distinct run of the strategy on these days counts, those of the tests before too.
    expect(evidence.recorded_trials).toBeGreaterThanOrEqual(2);
    // Less than a year of days: whatever the intervals say, nothing is claimed.
    expect(evidence.conclusion).toMatch(/days are too few to tell the sleeves apart/);
    expect(events.some((e) => e.type === 'log' && /identical sleeves/.test(e.message))).toBe(true);
  });

  it('fills states by backfill stability, idempotently', async () => {
    const fill = () => runProgram(backfillStabilitySpec, backfillStability, range, db.databases);
    const once = await fill();
    const metrics = once.events.flatMap((one) => (one.type === 'metric' ? [one.name] : []));
    expect(metrics).toEqual(expect.arrayContaining(['rate', 'batches', 'batch time']));
    const rows = await query(
      `SELECT entity_id, as_of_date, overall_score, vector_components FROM stability_vectors ORDER BY 1, 2`,
    );
    await fill();
    expect(
      await query(
        `SELECT entity_id, as_of_date, overall_score, vector_components FROM stability_vectors ORDER BY 1, 2`,
      ),
    ).toEqual(rows);
    expect((once.result.data as { rows: Record<string, number> }).rows.stability_vectors).toBe(rows.length);
  });
});

describe('campaign refuses', () => {
  const fails = async (args: object, sleeves = SLEEVES) => {
    try {
      await runs(args, sleeves);
    } catch (error) {
      return error as { message: string; fix: string; exitCode: number };
    }
    throw new Error('it did not refuse');
  };

  it.each([
    [{ end: '2013-01-02', start: '2013-06-03' }, 2, /before --start/],
    [{ lambdaCsv: 'x.csv' }, 1, /x\.csv/],
    [{ lambdaCsv: 'x.csv', lambdaTable: 'y' }, 2, /exclude each other/],
    [{ lambdaTable: 'no_such_table' }, 1, /there is no table no_such_table/],
    [{ lambdaTable: 'x; DROP TABLE y' }, 2, /is not the name of a table/],
    [{ lambdaTable: 'x', lambdaScoreColumn: 'realised' }, 1, /'realised' holds what came after the day/],
    [{ lambdaCsv: 'x.csv', lambdaScoreColumn: 'lambda_next' }, 1, /'lambda_next' holds what came after the day/],
    [{ lambdaScoreWeight: 10 }, 2, /--lambda-score-weight says nothing without predictions/],
    [{ marketId: 'NOWHERE' }, 2, /trades market 'TEST'/],
    [{ start: '1999-01-04', end: '1999-02-04' }, 1, /no prices from 1999-01-04/],
    [{ start: '2013-01-05', end: '2013-01-06' }, 1, /no trading day/],
    [{ start: '2012-11-05', end: '2012-12-07' }, 1, /no prices from 2012-11-05/],
  ] as const)('%j', async (args, exitCode, message) => {
    const error = await fails(args);
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(exitCode);
    expect(error.fix).not.toBe('');
  });

  it('a market without instruments', async () => {
    const error = await fails({ marketId: 'EMPTY' }, canonicalSleeves('S', 'EMPTY'));
    expect(error.message).toMatch(/EMPTY has no active equities/);
  });

  it('two sleeves that would own the same rows', async () => {
    const error = await fails({}, [SLEEVES[0], { ...SLEEVES[1], portfolioId: SLEEVES[0].portfolioId }]);
    expect(error.message).toMatch(/share the portfolio 'S_H5_PORTFOLIO'/);
  });

  /** Runs the campaign over the panel after `change` of what is stored. */
  const refusedOver = async (
    stored: Panel,
    change = (_databases: Databases): Promise<unknown> => Promise.resolve(),
  ) => {
    const other = await createTestDatabases();
    try {
      await storePanel(other.databases, stored);
      await change(other.databases);
      const ran = runProgram(campaignSpec, campaign, { ...range, sleeve: SLEEVES.map(formatSleeve) }, other.databases);
      const error = await ran.then(
        () => null,
        (reason: { message: string; fix: string; exitCode: number }) => reason,
      );
      const { rows } = await other.databases.runtime.client((client) =>
        client.query('SELECT count(*) AS n FROM backtest_runs'),
      );
      expect(rows[0].n).toBe(0);
      return error;
    } finally {
      await other.drop();
    }
  };

  const day = (t: number) => formatDay(panel.calendar.days[t]);

  it.each([
    ['one', [100], 30],
    ['two in a row', [100, 101], 30],
    ['one in a market of three names', [100], 3],
    ['one before the range, inside the windows of its first day', [FIRST - 20], 30],
  ])('holidays that the table does not know, by their dates: %s', async (_, closed, names) => {
    const columns = Object.fromEntries(
      Object.entries(panel.columns).map(([name, column]) => [
        name,
        column!.slice(0, names * 150).map((v, at) => (closed.includes(at % 150) ? Number.NaN : v)),
      ]),
    );
    const error = await refusedOver({ ...panel, instruments: panel.instruments.slice(0, names), columns });
    expect(error!.message).toContain(`has a price on ${closed.map(day).join(', ')}, which`);
    expect(error!.fix).toMatch(/--holidays FILE/);
    expect(error!.exitCode).toBe(1);
  });

  it.each([
    ['trade_date > $1', 144, /prices of TEST end on .*: 5 trading days of the range come after it/, 144],
    ['trade_date < $1', 85, /prices of TEST begin on .*: 5 trading days of the range come before it/, 85],
  ] as const)('refuses a range that reaches five days past the prices: %s', async (where, t, message, edge) => {
    const other = await createTestDatabases();
    try {
      await storePanel(other.databases, panel);
      await other.databases.historical.client((client) =>
        client.query(`DELETE FROM prices_daily WHERE ${where}`, [day(t)]),
      );
      const args = { ...range, sleeve: SLEEVES.map(formatSleeve) };
      const error = await runProgram(campaignSpec, campaign, args, other.databases).catch((one) => one);
      expect(error.message).toMatch(message);
      expect(error.fix).toContain(day(edge));
      expect(error.exitCode).toBe(1);
    } finally {
      await other.drop();
    }
  });

  it('says when the range reaches past the prices on either side', async () => {
    const other = await createTestDatabases();
    try {
      await storePanel(other.databases, panel);
      await other.databases.historical.client((client) =>
        client.query('DELETE FROM prices_daily WHERE trade_date < $1 OR trade_date > $2', [day(3), day(147)]),
      );
      const { events } = await runProgram(
        campaignSpec,
        campaign,
        { ...range, start: day(1), sleeve: SLEEVES.map(formatSleeve) },
        other.databases,
      );
      const warnings = events.flatMap((e) => (e.type === 'log' && e.level === 'warn' ? [e.message] : []));
      expect(warnings).toContain(`prices begin on ${day(3)}: the range's first 2 trading days have none`);
      expect(warnings).toContain(`prices end on ${day(147)}: the range's last 2 trading days have none`);
      // 62 days of history are still missing on the first day with prices.
      expect(warnings).toContain(
        `S_H21: the universe was empty on 66 of 149 days (${day(1)} … ${day(149)}): no instrument had 63 complete trading days and enough volume`,
      );
    } finally {
      await other.drop();
    }
  });

  it.each([
    ['close', '0'],
    ['close', "'NaN'"],
    ['close', "'Infinity'"],
    ['close', '-3.5'],
    ['volume', '-1'],
    ['volume', "'NaN'"],
  ])('a stored %s of %s, by instrument and day', async (column, value) => {
    const id = panel.instruments[2].id;
    const error = await refusedOver(panel, (databases) =>
      databases.historical.client((client) =>
        client.query(
          `UPDATE prices_daily SET ${column} = ${value} WHERE instrument_id = $1 AND trade_date IN ($2, $3)`,
          [id, day(70), day(90)],
        ),
      ),
    );
    const shown = value === "'NaN'" ? 'no number' : value.replaceAll("'", '');
    expect(error!.message).toBe(
      `prices_daily of ${id} on ${day(70)}: ${column} is ${shown} (unusable values in the range: 2)`,
    );
    expect(error!.fix).toMatch(/data import --prices/);
    expect(error!.exitCode).toBe(1);
  });

  it('a range with prices and without holidays, by its first day that no holiday vouches for', async () => {
    const error = await refusedOver(panel, (databases) =>
      databases.historical.client((client) => client.query('DELETE FROM market_holidays')),
    );
    expect(error!.message).toMatch(new RegExp(`market_holidays has no row of TEST within 400 days of ${range.start}`));
    expect(error!.fix).toMatch(/--holidays FILE/);
  });

  it('rows that contradict each other in a table without its key; exact repeats are one row', async () => {
    const id = panel.instruments[2].id;
    const repeat = (close: string) => (databases: Databases) =>
      databases.historical.client(async (client) => {
        await client.query('ALTER TABLE prices_daily DROP CONSTRAINT prices_daily_pkey');
        await client.query(
          `INSERT INTO prices_daily SELECT instrument_id, trade_date, open, high, low, ${close}, adjusted_close, volume, currency
             FROM prices_daily WHERE instrument_id = $1 AND trade_date = $2`,
          [id, day(90)],
        );
      });
    const error = await refusedOver(panel, repeat('close + 1'));
    expect(error!.message).toBe(`prices_daily of ${id} on ${day(90)}: two rows differ in close`);
    const { ids } = await runs({}, [SLEEVES[1]]);
    const plain = await query<{ hash: string }>(
      `SELECT metrics_json->>'trade_list_hash' AS hash FROM backtest_runs WHERE run_id = $1`,
      [ids.get('S_H21')],
    );
    const other = await createTestDatabases();
    try {
      await storePanel(other.databases, panel);
      await repeat('close')(other.databases);
      const ran = await runProgram(
        campaignSpec,
        campaign,
        { ...range, sleeve: [formatSleeve(SLEEVES[1])] },
        other.databases,
      );
      const [run] = (ran.result.data as { runs: { metrics: Record<string, unknown> }[] }).runs;
      expect(run.metrics.trade_list_hash).toBe(plain[0].hash);
    } finally {
      await other.drop();
    }
  });

  it('two sleeves with one universe and different settings', async () => {
    const error = await fails({}, [SLEEVES[0], { ...SLEEVES[2], universeId: SLEEVES[0].universeId }]);
    expect(error.message).toMatch(/share the universe 'S_H5_UNIVERSE'/);
    expect(error.exitCode).toBe(2);
  });

  it.each([
    ['historical', 'prices_daily', 'volume'],
    ['historical', 'market_holidays', 'holiday_date'],
    ['runtime', 'instruments', 'status'],
    ['runtime', 'issuers', 'sector'],
    ['runtime', 'backtest_trades', 'price'],
    ['runtime', 'positions_snapshots', 'avg_cost'],
  ] as const)('a column that is gone, by table and column: %s.%s.%s', async (name, table, column) => {
    const error = await refusedOver(panel, (databases) =>
      databases[name].client((client) => client.query(`ALTER TABLE ${table} DROP COLUMN ${column} CASCADE`)),
    );
    expect(error!.message).toMatch(
      new RegExp(`column (${table}.${column}|"${column}" of relation "${table}") does not exist`),
    );
    expect(error!.fix).toMatch(/^Run: prometheus db migrate\. .*restore it from a backup/);
    expect(error!.exitCode).toBe(1);
  });

  it('writes nothing when a table is missing, and says which', async () => {
    const other = await createTestDatabases();
    try {
      await storePanel(other.databases, panel);
      await other.databases.runtime.client((client) => client.query('DROP TABLE executed_actions'));
      await expect(
        runProgram(campaignSpec, campaign, { ...range, sleeve: SLEEVES.map(formatSleeve) }, other.databases),
      ).rejects.toMatchObject({
        message: expect.stringMatching(/executed_actions/),
        fix: expect.stringMatching(/db migrate/),
      });
      const { rows } = await other.databases.runtime.client((client) =>
        client.query(
          `SELECT (SELECT count(*) FROM backtest_runs) + (SELECT count(*) FROM backtest_trades) + (SELECT count(*) FROM soft_target_classes) AS n`,
        ),
      );
      expect(rows[0].n).toBe(0);
    } finally {
      await other.drop();
    }
  });

  it('is stopped by its signal, with nothing written', async () => {
    const stop = new AbortController();
    stop.abort();
    const before = await query<{ n: number }>('SELECT count(*) AS n FROM backtest_runs');
    await expect(
      runProgram(campaignSpec, campaign, { ...range, sleeve: SLEEVES.map(formatSleeve) }, db.databases, stop.signal),
    ).rejects.toThrow();
    expect(await query<{ n: number }>('SELECT count(*) AS n FROM backtest_runs')).toEqual(before);
  });
});

describe('panel cache', () => {
  it('notices any change of a row in range', async () => {
    const other = await createTestDatabases();
    try {
      await storePanel(other.databases, panel);
      const { loadPanel } = await import('../../engines/market/storage.ts');
      const { parseDay } = await import('../../src/platform/dates.ts');
      const { mkdtempSync } = await import('node:fs');
      const cacheFolder = mkdtempSync('/tmp/prometheus-cache-');
      const load = () =>
        loadPanel(other.databases, {
          marketId: 'TEST',
          start: parseDay(range.start),
          end: parseDay(range.end),
          lookback: 62,
          columns: ['close', 'volume'],
          cacheFolder,
        });
      const first = await load();
      const second = await load();
      expect([first.fromCache, second.fromCache]).toEqual([false, true]);
      expect(second.fingerprint).toBe(first.fingerprint);
      expect(second.columns.close).toEqual(first.columns.close);
      await other.databases.historical.client((client) =>
        client.query(
          `UPDATE prices_daily SET close = close + 0.01 WHERE (instrument_id, trade_date) = (SELECT instrument_id, trade_date FROM prices_daily WHERE trade_date >= $1 LIMIT 1)`,
          [range.start],
        ),
      );
      const third = await load();
      expect(third.fromCache).toBe(false);
      expect(third.fingerprint).not.toBe(first.fingerprint);
      await other.databases.historical.transaction(async (client) => {
        await client.query('DELETE FROM prices_daily');
        await copyPanel(client, panel);
      });
      const back = await load();
      expect(back.fromCache).toBe(true);
      expect(back.fingerprint).toBe(first.fingerprint);
    } finally {
      await other.drop();
    }
  });
});
