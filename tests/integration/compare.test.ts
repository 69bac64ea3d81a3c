/** `compare` on a real server: pairs, what differs, trades, regimes, evidence, refusals. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaign } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignSpec } from '../../engines/backtest/spec.ts';
import { compare } from '../../engines/compare/program.ts';
import { compareSpec } from '../../engines/compare/spec.ts';
import { withProber } from '../../src/phases/probes.ts';
import { probeComparison, probePairs } from '../../src/phases/runtime-evidence.ts';
import { formatDay } from '../../src/platform/dates.ts';
import type { Comparison } from '../../src/report/types.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { valueIn } from '../helpers/phase-evidence.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

let db: TestDatabases;
/** Runs of H5, H21, H63 by campaign: filled at the close, at the next open, and again at the close. */
let close: string[];
let open: string[];
let again: string[];

const query = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  db.databases.runtime.client(async (client) => (await client.query(sql, values)).rows as Row[]);

const panel = smallMarket({ seed: 7, instruments: 30, days: 150 });
const SLEEVES = canonicalSleeves('S', 'TEST').map(formatSleeve);

/** Ids of the runs of a campaign. */
const run = async (more: object) => {
  const { stdout } = await runProgram(
    campaignSpec,
    campaign,
    {
      marketId: 'TEST',
      start: formatDay(panel.calendar.days[80]),
      end: formatDay(panel.calendar.days[149]),
      sleeve: SLEEVES,
      ...more,
    },
    db.databases,
  );
  return stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[0]);
};

beforeAll(async () => {
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  close = await run({});
  open = await run({ fill: 'next_open' });
  again = await run({});
});
afterAll(() => db?.drop());

const compared = async (args: Parameters<typeof compareSpec.args.parse>[0] & object) => {
  const ran = await runProgram(compareSpec, compare, { draws: 200, ...args }, db.databases);
  return { ...ran, data: ran.result.data as Comparison };
};

describe('compare', () => {
  it('lays two runs over each other: what differs, days, figures, trades', async () => {
    const { data, result } = await compared({ run: [close[1], open[1]] });
    const [pair] = data.pairs;
    expect(result.exitCode).toBe(0);
    expect(data.names).toEqual(['A', 'B']);
    // Fills at the open read the opening prices too.
    expect(pair.differences.filter(({ cause }) => cause).map(({ name }) => name)).toEqual(['data_fingerprint', 'fill']);
    expect(pair.days).toEqual({ shared: 70, onlyA: 0, onlyB: 0 });
    const [metrics] = await query<{ a: number; b: number; trades: number }>(
      `SELECT (x.metrics_json->>'cumulative_return')::float8 AS a, (y.metrics_json->>'cumulative_return')::float8 AS b,
              (x.metrics_json->>'num_trades')::int AS trades
         FROM backtest_runs x, backtest_runs y WHERE x.run_id = $1 AND y.run_id = $2`,
      [close[1], open[1]],
    );
    expect(pair.figures[0].a).toBeCloseTo(metrics.a, 10);
    expect(pair.figures[0].b).toBeCloseTo(metrics.b, 10);
    expect(pair.trades.same + pair.trades.changed + pair.trades.onlyA).toBe(metrics.trades);
    expect(pair.trades.firstDivergence).toBe(pair.first);
    expect(pair.trades.examplesA.length).toBeGreaterThan(0);
    expect(pair.exposures.map(({ name }) => name)).toContain('universe_size');
    expect(pair.missing).toEqual([
      'regime: none recorded on these days',
      'λ̂ of the universe: no lambda_score_mean on these days',
    ]);
    expect([pair.isolates, pair.attribution]).toEqual([
      null,
      'Not attributable: it is not known whether data is the same; fill differs.',
    ]);
  });

  it('sees that a repeated run is the same', async () => {
    const { data } = await compared({ run: [close[0], again[0].slice(0, 13)] });
    expect(data.pairs[0].trades).toMatchObject({ changed: 0, onlyA: 0, onlyB: 0, firstDivergence: null });
    expect(data.pairs[0].verdict).toBe('A and B made the same trades.');
  });

  it('pairs basic with context runs, by hand or the newest, and records the evidence that the board reads', async () => {
    await expect(compared({})).rejects.toThrow(/no run with context assessment/);
    await query(
      `UPDATE backtest_runs SET config_json = config_json || '{"assessment_backend":"context","assessment_context_model_id":"m","assessment_context_coverage":0.75,"assessment_context_branches":{"stab":0.75,"text":0},"assessment_ic":0}'
        WHERE run_id = ANY ($1)`,
      [again],
    );
    await expect(compared({ basic: [close[0]], context: [open[0]] })).rejects.toThrow(/has basic assessment/);
    const { data } = await compared({ basic: [...close].reverse(), context: again });
    expect(data.pairs.map(({ a, b }) => [a.runId, b.runId])).toEqual(close.map((id, k) => [id, again[k]]));
    expect(data.pairs.map(({ a, b }) => [a.contextCoverage, b.contextCoverage])).toEqual(close.map(() => [null, 0.75]));
    expect(data.pairs.map((pair) => pair.isolates)).toEqual(['assessment', 'assessment', 'assessment']);
    expect(data.coverage).toBeCloseTo(1 - 0.05 / 3, 12);
    const trials = await query(
      `SELECT DISTINCT metrics_json->>'trade_list_hash' FROM backtest_runs WHERE run_id = ANY ($1)`,
      [again],
    );
    // H5 and H21 read the same window: two sleeves of the same trades are one finding.
    expect(trials).toHaveLength(2);
    expect(data.verdict).toBe(
      'No evidence that context differs from basic in any of 3 sleeves. Only 2 of the 3 pairs are of different trades: the others say the same again. The context head found nothing in its training and says 0 of every name: what is compared is having no opinion.',
    );
    const newest = () =>
      query<{ state: string; phase: string; observed: { kind: string; pairs: { run_ids: string[] }[] } }>(
        `SELECT state, phase, observed FROM console.evidence WHERE check_id = 'P4.comparison' ORDER BY evidence_id DESC LIMIT 1`,
      );
    const [row] = await newest();
    expect([row.state, row.phase, row.observed.kind]).toEqual(['OK', 'P4', 'comparison']);
    expect(row.observed.pairs.map((pair) => pair.run_ids)).toEqual(close.map((id, k) => [id, again[k]]));
    expect(row.observed.pairs[0]).toMatchObject({ context_coverage: 0.75, context_branches: { stab: 0.75, text: 0 } });

    // Newer runs that read other data give way to those that read the same; asked for, they are no equal terms.
    const found = await compared({});
    expect(found.data.pairs.map(({ a, b }) => [a.runId, b.runId])).toEqual(close.map((id, k) => [id, again[k]]));
    await compared({ basic: open, context: again });
    expect((await newest())[0].state).toBe('PART');
  });

  it('is no evidence over days that are not there, and has no verdict where nothing is shared', async () => {
    const keep = (which: string) =>
      query(`CREATE TABLE kept AS SELECT * FROM backtest_daily_equity WHERE run_id = ANY ($1) AND ${which}`, [again]);
    const put = async () => {
      await query('INSERT INTO backtest_daily_equity SELECT * FROM kept');
      await query('DROP TABLE kept');
    };
    const evidence = async () => {
      const { data } = await compared({ basic: close, context: again });
      const [{ state, reason }] = await query<{ state: string; reason: string }>(
        `SELECT state, reason FROM console.evidence WHERE check_id = 'P4.comparison' ORDER BY evidence_id DESC LIMIT 1`,
      );
      return { state, reason, verdict: data.verdict };
    };
    const last = formatDay(panel.calendar.days[149]);
    for (const [which, shared] of [
      [`date::date = '${last}'`, 69],
      ['true', 0],
    ] as const) {
      await keep(which);
      await query(`DELETE FROM backtest_daily_equity WHERE run_id = ANY ($1) AND ${which}`, [again]);
      expect(await evidence()).toMatchObject({
        state: 'PART',
        reason: `S_H5: both runs have equity on ${shared} of 70 trading days only`,
      });
      await put();
    }
    expect((await evidence()).state).toBe('OK');
    // Trades that differ, and no day to tell what they came to.
    await keep('true');
    await query('DELETE FROM backtest_daily_equity WHERE run_id = ANY ($1)', [again]);
    const { data } = await compared({ basic: open, context: again });
    expect(data.verdict).toMatch(/^No verdict on context against basic in any of 3 sleeves: /);
    await put();
  });

  it('measures luck by runs over these days: a few days of a wild one count as a try, and say nothing of its size', async () => {
    const deflated = async () => {
      const { data } = await compared({ run: [close[1], open[1]] });
      return { trials: data.trials, figure: data.pairs[0].figures.find(({ name }) => name.startsWith('deflated'))!.a! };
    };
    const before = await deflated();
    const [brief] = await run({
      start: formatDay(panel.calendar.days[145]),
      sleeve: [SLEEVES[0]],
      slippageBps: 500,
    });
    await query(
      `UPDATE backtest_runs SET metrics_json = metrics_json || '{"annualised_sharpe":-90}' WHERE run_id = $1`,
      [brief],
    );
    const after = await deflated();
    expect(after.trials).toBe(before.trials + 1);
    expect(Math.abs(after.figure - before.figure)).toBeLessThan(0.1);
    // Whatever its strategy is called: it was tried on these days.
    const [other] = await run({ sleeve: [formatSleeve(canonicalSleeves('OTHER', 'TEST')[0])], slippageBps: 100 });
    expect((await deflated()).trials).toBe(after.trials + 1);
    await query('DELETE FROM backtest_runs WHERE run_id = ANY ($1)', [[brief, other]]).catch(() => {});
  });

  it('keeps the evidence of the pairs that the board looks at, whatever else is compared and run later', async () => {
    const [start, end] = [formatDay(panel.calendar.days[80]), formatDay(panel.calendar.days[149])];
    const sleeve = ['S_H5', 'S_H21', 'S_H63'];
    const looked = () =>
      withProber(
        db.databases.runtime,
        { now: Date.now, signal: new AbortController().signal, timeoutMs: 60_000 },
        async (prober) => {
          const pairs = await probePairs(prober, sleeve, {
            first: panel.calendar.days[80],
            last: panel.calendar.days[149],
          });
          return { pairs: valueIn(pairs), row: valueIn(await probeComparison(prober, valueIn(pairs))) };
        },
      );
    await compared({ sleeve, start, end });
    const before = await looked();
    expect(before.pairs.map((pair) => [pair.basic, pair.context]).sort()).toEqual(
      close.map((id, k) => [id, again[k]]).sort(),
    );
    // A user's own small runs of one of the sleeves: other days, with context and without, and a comparison of them.
    const small = await run({ start: formatDay(panel.calendar.days[140]), sleeve: [SLEEVES[0]] });
    const other = await run({ start: formatDay(panel.calendar.days[140]), sleeve: [SLEEVES[0]] });
    await query(
      `UPDATE backtest_runs SET config_json = config_json || '{"assessment_backend":"context"}' WHERE run_id = ANY ($1)`,
      [other],
    );
    expect((await compared({ run: [small[0], other[0]] })).data.names).toEqual(['basic', 'context']);
    expect(await looked()).toEqual(before);
    const found = await compared({ sleeve, start, end });
    expect(found.data.pairs.map(({ a, b }) => [a.runId, b.runId])).toEqual(close.map((id, k) => [id, again[k]]));
    const partly = await compared({ sleeve: ['S_H5', 'S_H7'], start, end });
    expect(partly.events).toContainEqual(
      expect.objectContaining({ type: 'log', level: 'warn', message: expect.stringContaining('of S_H7: left out') }),
    );
    await expect(compared({ sleeve: ['S_H7'], start, end })).rejects.toThrow(
      `over the same days, ${start} … ${end} of S_H7`,
    );
    await expect(compared({ sleeve, run: [close[0], open[0]] })).rejects.toThrow(/runs are named/);
  });

  it('slices by the regimes of the market’s region', async () => {
    const days = await query<{ date: string }>(`SELECT date FROM backtest_daily_equity WHERE run_id = $1 ORDER BY 1`, [
      close[0],
    ]);
    const [{ region }] = await query<{ region: string }>(`SELECT region FROM markets WHERE market_id = 'TEST'`);
    await query(
      `INSERT INTO regimes (regime_record_id, as_of_date, region, regime_label, confidence)
       SELECT 'r' || k, day, $2, CASE WHEN k <= 40 THEN 'CALM' ELSE 'CRISIS' END, 1 FROM unnest($1::date[]) WITH ORDINALITY AS d(day, k)`,
      [days.map((day) => day.date), region],
    );
    const { data } = await compared({ run: [close[1], open[1]] });
    const slices = data.pairs[0].slices.filter((one) => one.by === 'regime');
    expect(slices.map(({ name, days: n, interval }) => [name, n, interval !== null])).toEqual([
      ['CALM', 40, true],
      ['CRISIS', 29, true],
    ]);
  });

  it.each([
    [() => ({ run: [close[0]] }), /takes two runs, not 1/],
    [() => ({ run: [close[0], close[0]] }), /cannot be compared with itself/],
    [() => ({ run: [close[0], 'ffffffff'] }), /there is no run 'ffffffff'/],
    [() => ({ run: [close[0], open[0]], basic: [close[0]] }), /named twice/],
    [() => ({ basic: [close[0]] }), /do not make pairs/],
  ])('refuses %#', async (args, message) => {
    await expect(compared(args())).rejects.toThrow(message);
  });
});

describe('over few days', () => {
  it('gives intervals with a caution, no verdict, and no evidence for the board', async () => {
    const start = formatDay(panel.calendar.days[100]);
    const [basic, context] = [await run({ start }), await run({ start, fill: 'next_open' })];
    await query(
      `UPDATE backtest_runs SET config_json = config_json || '{"assessment_backend":"context"}' WHERE run_id = ANY ($1)`,
      [context],
    );
    const { data } = await compared({ basic, context });
    const why = '50 shared days are too few (63 are asked for).';
    for (const { figures, caution, beyondNoise, verdict } of data.pairs) {
      expect(figures[3].interval).toEqual([expect.any(Number), expect.any(Number)]);
      expect(caution).toContain('over 50 shared days are too narrow');
      expect([beyondNoise, verdict]).toEqual([false, `No verdict on context against basic: ${why}`]);
    }
    expect(data.verdict).toContain(`No verdict on context against basic in any of 3 sleeves: ${why}`);
    const [row] = await query<{ state: string; reason: string }>(
      `SELECT state, reason FROM console.evidence WHERE check_id = 'P4.comparison' ORDER BY evidence_id DESC LIMIT 1`,
    );
    expect(row).toEqual({ state: 'PART', reason: `S_H5: ${why.slice(0, -1)}` });
  });
});
