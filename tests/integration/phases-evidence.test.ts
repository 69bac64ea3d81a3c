/** What the board sees in real databases: proof 30 (duplicates, holidays), shortfalls, empty and partial databases, runs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PriceCell } from '../../src/phases/evidence.ts';
import { probePrices } from '../../src/phases/historical-evidence.ts';
import { withProber } from '../../src/phases/probes.ts';
import { latestRuns } from '../../src/phases/runs.ts';
import { probeTestRecord } from '../../src/phases/test-record.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { valueIn } from '../helpers/phase-evidence.ts';
import { evaluate, LAST_DAY, SLEEVES, seedGreen, seedMarket, seedRun, smallConfig } from '../helpers/phase-market.ts';

let pair: TestDatabases;
beforeEach(async () => {
  pair = await createTestDatabases();
});
afterEach(() => pair.drop());

const historical = (sql: string) => pair.databases.historical.client((client) => client.query(sql));
const runtime = (sql: string) => pair.databases.runtime.client((client) => client.query(sql));
const coverage = async (name: string) =>
  (await evaluate(pair.targets)).board.coverage.rows.find((row) => row.name === name)!;

/** As an adopted database may be: rows that repeat a key. */
async function withoutKeys(): Promise<void> {
  await historical(`
    ALTER TABLE prices_daily DROP CONSTRAINT prices_daily_pkey;
    ALTER TABLE numeric_window_embeddings DROP CONSTRAINT numeric_window_embeddings_key`);
}

describe('coverage', () => {
  test('is never raised by duplicates', async () => {
    await seedMarket(pair.databases);
    await withoutKeys();
    // AAA misses four days; its other days, and BBB's, are there twice and thrice.
    await historical(
      `DELETE FROM prices_daily WHERE instrument_id = 'AAA' AND trade_date BETWEEN '2014-03-03' AND '2014-03-06'`,
    );
    const before = await coverage('prices_daily');
    expect(before.share).toBeLessThan(1);
    for (let i = 0; i < 2; i++)
      await historical(`INSERT INTO prices_daily SELECT * FROM prices_daily WHERE instrument_id IN ('AAA', 'BBB')`);
    const found = await evaluate(pair.targets);
    const after = found.board.coverage.rows.find((row) => row.name === 'prices_daily')!;
    expect(after.rows).toBeGreaterThan(2 * before.rows!);
    expect([after.share, after.byYear]).toEqual([before.share, before.byYear]);
    expect(found.check('P0.gaps').observed).toContain('longest hole AAA 4 days (2014-03-03 → 2014-03-06)');
    expect(found.check('P0.prices')).toMatchObject({
      state: 'PART',
      reason: expect.stringContaining('repeat an instrument and day'),
    });
  });

  test('of a model is never raised by duplicates', async () => {
    await seedMarket(pair.databases);
    await withoutKeys();
    await historical(`
      INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
        SELECT 'INSTRUMENT', instrument_id, '{}', trade_date, 'num-stab-core-v1' FROM prices_daily
         WHERE trade_date > '2014-03-01' AND instrument_id = 'AAA'`);
    const before = await coverage('num-stab-core-v1');
    expect(before.share).toBeGreaterThan(0);
    expect(before.share).toBeLessThan(1);
    await historical(`INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
        SELECT entity_type, entity_id, window_spec, as_of_date, model_id FROM numeric_window_embeddings, generate_series(1, 5)`);
    const after = await coverage('num-stab-core-v1');
    expect(after.rows).toBe(6 * before.rows!);
    expect([after.share, after.byYear]).toEqual([before.share, before.byYear]);
  });

  test('many articles on a day are one day of news', async () => {
    await seedMarket(pair.databases);
    await historical(`DELETE FROM news_articles WHERE timestamp::date BETWEEN '2014-03-03' AND '2014-03-06'`);
    const before = await coverage('news_articles');
    await historical(
      `INSERT INTO news_articles (timestamp, source, headline) SELECT timestamp, source, headline FROM news_articles, generate_series(1, 9)`,
    );
    const after = await coverage('news_articles');
    expect(before.share).toBeLessThan(1);
    expect([after.share, after.rows]).toEqual([before.share, 10 * before.rows!]);
  });

  test('holidays and weekends are never gaps, and rows on them never coverage', async () => {
    await seedMarket(pair.databases);
    const whole = await coverage('prices_daily');
    expect(whole.share).toBe(1);
    await historical(
      `DELETE FROM prices_daily WHERE instrument_id = 'AAA' AND trade_date IN ('2014-03-04', '2014-03-05')`,
    );
    const holed = await coverage('prices_daily');
    expect(holed.share).toBeLessThan(1);
    // A holiday, a Saturday and a Sunday do not stand in for the days that are missing.
    await historical(`INSERT INTO prices_daily SELECT instrument_id, d, open, high, low, close, adjusted_close, volume, currency
        FROM prices_daily, unnest('{2014-01-20, 2014-03-08, 2014-03-09}'::date[]) d WHERE instrument_id = 'AAA' AND trade_date = '2014-03-03'`);
    const filled = await coverage('prices_daily');
    expect([filled.share, filled.byYear]).toEqual([holed.share, holed.byYear]);
    expect(filled.rows).toBe(holed.rows! + 3);
  });

  test('a hole is one hole across weekends, holidays and rows that stand on them', async () => {
    await seedMarket(pair.databases);
    await historical(`
      DELETE FROM prices_daily WHERE instrument_id = 'AAA' AND trade_date BETWEEN '2014-02-13' AND '2014-02-19';
      INSERT INTO prices_daily SELECT instrument_id, d, open, high, low, close, adjusted_close, volume, currency
        FROM prices_daily, unnest('{2014-02-15, 2014-02-17}'::date[]) d WHERE instrument_id = 'AAA' AND trade_date = '2014-02-12'`);
    const { observed } = (await evaluate(pair.targets)).check('P0.gaps');
    expect(observed).toContain('longest hole AAA 4 days (2014-02-13 → 2014-02-19)');
  });

  test('is counted alike by the key and without it', async () => {
    await seedMarket(pair.databases);
    await historical(
      `DELETE FROM prices_daily WHERE instrument_id = 'BBB' AND (trade_date < '2013-12-10' OR trade_date > '2014-02-10')`,
    );
    const cells = async () =>
      withProber(
        pair.databases.historical,
        { now: Date.now, signal: new AbortController().signal, timeoutMs: 10_000 },
        async (prober) => {
          const extent = valueIn(await probePrices(prober));
          const byName = (a: PriceCell, b: PriceCell) => (a.instrument + a.year < b.instrument + b.year ? -1 : 1);
          return {
            ...extent,
            cells: extent.cells.toSorted(byName).map(({ instrument, year, days }) => ({ instrument, year, days })),
          };
        },
      );
    const keyed = await cells();
    await withoutKeys();
    expect(await cells()).toEqual(keyed);
    expect(keyed.cells).toHaveLength(6);
  });
});

describe('Phase 0', () => {
  test('on an empty database waits, and names the import', async () => {
    const found = await evaluate(pair.targets);
    expect(found.board.phases.map((phase) => phase.state)).toEqual(['WAIT', 'BLKD', 'BLKD', 'BLKD', 'BLKD', 'BLKD']);
    for (const id of ['P0.prices', 'P0.holidays', 'P0.gaps', 'P0.news']) {
      expect([id, found.check(id).state, found.check(id).fix?.startsWith('data import')]).toEqual([id, 'WAIT', true]);
    }
    expect(found.check('P0.databases').state).toBe('OK');
    expect(found.check('P1.latest').state).toBe('WAIT');
  });

  test('without tables says that they are missing', async () => {
    await historical('DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA console CASCADE');
    expect((await evaluate(pair.targets)).check('P0.databases')).toMatchObject({ state: 'WAIT', fix: 'db migrate' });
  });

  test('with news alone: news is there, prices wait', async () => {
    await historical(`INSERT INTO news_articles (timestamp, source, headline)
        SELECT d, 'test', 'x' FROM generate_series('2014-01-01'::timestamptz, '${LAST_DAY}', '1 day') d`);
    const found = await evaluate(pair.targets);
    expect(found.check('P0.news').state).toBe('OK');
    expect(found.check('P0.prices').state).toBe('WAIT');
    expect(found.board.phases.slice(0, 2).map((phase) => phase.state)).toEqual(['PART', 'BLKD']);
    expect(found.board.coverage.rows[0]).toMatchObject({ name: 'prices_daily', rows: 0, share: 0, problem: null });
  });

  test('with a shorter range than asked for is PART with the observed range, and lets Phase 1 begin', async () => {
    await seedGreen(pair.databases);
    const config = { ...smallConfig, prices: { start: '1997-01-02', end: '2024-12-31' } };
    const found = await evaluate(pair.targets, { config });
    expect(found.check('P0.prices')).toMatchObject({ state: 'PART', required: '1997-01-02 → 2024-12-31' });
    expect(found.check('P0.prices').observed).toContain('2013-11-01 → 2014-04-30');
    expect(found.board.phases.slice(0, 2).map((phase) => phase.state)).toEqual(['PART', 'OK']);
  });

  test('a trading day without any price is found, and where', async () => {
    await seedGreen(pair.databases);
    await historical(`DELETE FROM prices_daily WHERE trade_date IN ('2014-02-18', '2014-02-14', '2014-02-13')`);
    const gaps = (await evaluate(pair.targets)).check('P0.gaps');
    expect(gaps.state).toBe('PART');
    // 17 February is a holiday: the three days are one hole.
    expect(gaps.reason).toContain('3 in a row (2014-02-13 → 2014-02-18)');
  });

  test('without the holiday table gaps cannot be told from holidays, and the baseline is blocked', async () => {
    await seedGreen(pair.databases);
    await historical('DELETE FROM market_holidays');
    const found = await evaluate(pair.targets);
    expect(found.check('P0.holidays')).toMatchObject({ state: 'FAIL' });
    expect(found.check('P0.gaps')).toMatchObject({ state: 'BLKD', observed: '–' });
    expect(found.board.phases[1].state).toBe('BLKD');
  });

  test('an adopted database needs none of our steps but those of our own schema', async () => {
    await historical(`CREATE TABLE alembic_version (version_num text);
                      DELETE FROM console.migrations WHERE name NOT IN ('0004_shards', '0008_throttle', '0009_numeric_entities', '0010_model_fits', '0011_numeric_files')`);
    await runtime('CREATE TABLE alembic_version (version_num text)');
    const found = (await evaluate(pair.targets)).check('P0.databases');
    expect(found).toMatchObject({
      state: 'OK',
      observed: 'historical: adopted, 5 migrations · runtime: adopted, 12 migrations',
    });
  });
});

describe('the test record', () => {
  let checkout: string;
  beforeEach(() => {
    checkout = mkdtempSync(path.join(tmpdir(), 'phases-checkout-'));
    mkdirSync(path.join(checkout, 'dist'));
  });
  afterEach(() => rmSync(checkout, { recursive: true, force: true }));
  const record = (text: string) => writeFileSync(path.join(checkout, 'dist', 'tests.json'), text);

  test('is read from the checkout; what is no record is unknown with the file’s name', async () => {
    expect(await probeTestRecord(null, Date.now)).toMatchObject({ known: true, value: null });
    expect(await probeTestRecord(checkout, Date.now)).toMatchObject({ known: true, value: null });
    record(
      JSON.stringify({
        schema: 1,
        passed: 3,
        failed: 1,
        skipped: 0,
        staticChecks: {},
        sha: 'f',
        dirty: true,
        build: 'b',
        startedAt: '',
        finishedAt: '2025-06-01T00:00:00.000Z',
        durationSeconds: 1,
      }),
    );
    expect(await probeTestRecord(checkout, Date.now)).toMatchObject({
      known: true,
      value: { passed: 3, failed: 1, build: 'b', finishedAt: Date.parse('2025-06-01T00:00:00Z') },
    });
    for (const text of ['', '{', '{"schema": 2}', 'null']) {
      record(text);
      expect(await probeTestRecord(checkout, Date.now)).toMatchObject({
        known: false,
        cause: expect.stringContaining('tests.json is no test record'),
      });
    }
  });
});

describe('runs', () => {
  test('the newest complete run of a sleeve counts; a newer one without metrics is reported', async () => {
    await seedGreen(pair.databases);
    await seedRun(pair.databases, SLEEVES[0], { runId: 'broken', metrics: null, createdAt: '2025-06-01T06:00:00Z' });
    const found = await evaluate(pair.targets);
    expect(found.check('P1.runs').state).toBe('OK');
    expect(found.check('P1.latest')).toMatchObject({
      state: 'FAIL',
      reason: `The newest run of ${SLEEVES[0]} (broken) has no metrics.`,
    });
    expect(found.check('P1.pit').state).toBe('OK');
  });

  test('runs whose λ̂ reached no member are no runs with λ̂', async () => {
    await seedGreen(pair.databases);
    for (const sleeve of SLEEVES) {
      await seedRun(pair.databases, sleeve, { runId: `l-${sleeve}`, config: { lambda_experiment_id: 'HAR_H21' } });
    }
    const idle = (await evaluate(pair.targets)).check('P3.runs');
    expect([idle.state, idle.observed]).toEqual(['BLKD', '0 of 3 sleeves']);
    expect(idle.reason).toContain('reached none of its instruments');
    await runtime(
      `UPDATE backtest_runs SET metrics_json = metrics_json || '{"lambda_score_coverage_over_run": 0.8}' WHERE run_id LIKE 'l-%'`,
    );
    expect((await evaluate(pair.targets)).check('P3.runs').state).toBe('OK');
  });

  test('a later campaign of one sleeve, over a longer range, leaves the latest whole one as it is', async () => {
    await seedGreen(pair.databases);
    await runtime(`UPDATE backtest_runs SET config_json = config_json || '{"campaign_id": "whole"}'`);
    await seedRun(pair.databases, SLEEVES[1], {
      runId: 'longer',
      createdAt: '2025-06-01T06:00:00Z',
      config: { sleeve_id: SLEEVES[1], campaign_id: 'other' },
    });
    await runtime(`UPDATE backtest_runs SET end_date = '2014-04-30' WHERE run_id = 'longer'`);
    expect((await evaluate(pair.targets)).check('P1.latest').state).toBe('OK');
    await runtime(
      `UPDATE backtest_runs SET config_json = config_json || '{"campaign_id": "third"}' WHERE run_id = 'run-${SLEEVES[1]}'`,
    );
    expect((await evaluate(pair.targets)).check('P1.latest')).toMatchObject({
      state: 'PART',
      reason: 'The newest runs of the sleeves come from different campaigns, data or code.',
    });
  });

  test('a campaign after the proof makes it stale', async () => {
    await seedGreen(pair.databases);
    await seedRun(pair.databases, SLEEVES[1], { runId: 'again', createdAt: '2025-06-01T18:00:00Z' });
    const found = await evaluate(pair.targets);
    expect(found.check('P1.pit')).toMatchObject({
      state: 'STALE',
      fix: 'verify point-in-time --market-id US_EQ --start 2014-01-02 --end 2014-03-31',
    });
    expect(found.board.phases[1]).toMatchObject({ state: 'STALE' });
    // What was proven stays good enough to go on.
    expect(found.board.phases[2].state).toBe('WAIT');
  });

  test('a flat curve, a NaN and a lost day each fail with the sleeve’s name', async () => {
    await seedGreen(pair.databases);
    const runs = SLEEVES.map((sleeve) => `run-${sleeve}`);
    await runtime(`
      UPDATE backtest_daily_equity SET equity_curve_value = 1e6 WHERE run_id = '${runs[0]}';
      UPDATE backtest_daily_equity SET equity_curve_value = 'NaN' WHERE run_id = '${runs[1]}' AND date = '2014-02-03';
      DELETE FROM backtest_daily_equity WHERE run_id = '${runs[2]}' AND date = '2014-02-03'`);
    const reason = (await evaluate(pair.targets)).check('P1.equity').reason;
    expect(reason).toBe(
      `${SLEEVES[0]} is flat at 1,000,000; ${SLEEVES[1]} has 1 value that is no number; ${SLEEVES[2]} has 60 days, the calendar 61.`,
    );
  });

  test('runs over another window do not count', async () => {
    await seedGreen(pair.databases);
    await runtime(`UPDATE backtest_runs SET end_date = '2014-03-28'`);
    expect((await evaluate(pair.targets)).check('P1.runs')).toMatchObject({
      state: 'WAIT',
      observed: '0 of 3 sleeves',
    });
    await runtime(`UPDATE backtest_runs SET start_date = '2013-12-02', end_date = '2014-04-01'`);
    expect((await evaluate(pair.targets)).check('P1.runs').state).toBe('OK');
  });

  test('runs of the user’s own system count by their universe', async () => {
    await seedMarket(pair.databases);
    for (const sleeve of SLEEVES) await seedRun(pair.databases, sleeve, { config: {} });
    const found = await evaluate(pair.targets);
    expect(found.check('P1.runs').state).toBe('OK');
    expect(found.check('P1.trades').state).toBe('OK');
    expect(found.check('P1.latest').state).toBe('OK');
  });

  test('the latest of each sleeve, with a curve of at most 60 points that keeps its ends', async () => {
    await seedGreen(pair.databases);
    await seedRun(pair.databases, SLEEVES[0], {
      runId: 'newer',
      createdAt: '2025-06-01T20:00:00Z',
      metrics: { cumulative_return: 0.01, annualised_sharpe: 'NaN', max_drawdown: -0.5, num_trades: 7 },
      config: { sleeve_id: SLEEVES[0], caveat: '' },
    });
    await runtime(`DELETE FROM backtest_daily_equity WHERE run_id = 'newer';
      INSERT INTO backtest_daily_equity (run_id, date, equity_curve_value)
        SELECT 'newer', date '2010-01-01' + i, i + 1 FROM generate_series(0, 3769) i`);
    const runs = await latestRuns(pair.databases);
    expect(runs.map((one) => [one.runId, one.trades, one.caveat])).toEqual([
      ['newer', 7, ''],
      [`run-${SLEEVES[1]}`, 1, 'same-close, no costs: not tradable; survivors only'],
      [`run-${SLEEVES[2]}`, 1, 'same-close, no costs: not tradable; survivors only'],
    ]);
    const [newest] = runs;
    expect(newest).toMatchObject({
      sleeveId: SLEEVES[0],
      start: '2014-01-02',
      end: '2014-03-31',
      cumulativeReturn: 0.01,
      sharpe: null,
    });
    expect(newest.equity.length).toBeLessThanOrEqual(60);
    expect(newest.equity.length).toBeGreaterThan(50);
    expect([newest.equity[0], newest.equity.at(-1)]).toEqual([1, 3770]);
    expect(newest.equity).toEqual(newest.equity.toSorted((a, b) => a - b));
    expect(runs[1].equity).toHaveLength(60);
  });

  test('no run yet is an empty list', async () => {
    expect(await latestRuns(pair.databases)).toEqual([]);
  });
});
