/** `models fit` and `models eval` on a real server, and v2 models in a backfill: entities, days, bytes, refusals. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { campaign } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignSpec } from '../../engines/backtest/spec.ts';
import { loadPanel } from '../../engines/market/storage.ts';
import { evaluateModels } from '../../engines/numeric/eval/program.ts';
import type { Evaluation } from '../../engines/numeric/eval/report.model.ts';
import { modelsEvalSpec } from '../../engines/numeric/eval/spec.ts';
import { fitModels } from '../../engines/numeric/fit/program.ts';
import { numericFitSpec } from '../../engines/numeric/fit/spec.ts';
import { loadNumericModel } from '../../engines/numeric/models.storage.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { portfolioSource, SCHEMA } from '../../engines/numeric/v2/portfolio.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { homeAt } from '../../src/platform/home.ts';
import type { Program, ProgramSpec } from '../../src/platform/program.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { fullMarket, vectorsOf } from '../helpers/numeric-v2.ts';
import { runProgram } from '../helpers/run-program.ts';
import { storePanel } from '../helpers/store-panel.ts';

const root = mkdtempSync(path.join(tmpdir(), 'prometheus-test-'));
const DAYS = 820;
const FIT_END = 519;
const panel = fullMarket({ seed: 31, instruments: 24, days: DAYS, gaps: 0.005 });
const date = (t: number) => formatDay(panel.calendar.days[t]);
const FIT = { market: 'TEST', trainStart: date(200), trainEnd: date(FIT_END), maxWindows: 1500 };
const MODELS = ['num-stab-core-v2', 'num-regime-core-v2', 'num-portfolio-core-v2'];
let db: TestDatabases;

const run = <Args extends z.ZodObject>(
  spec: ProgramSpec<Args>,
  program: Program<ProgramSpec<Args>>,
  args: z.input<Args>,
) => runProgram(spec, program, args, db.databases, undefined, homeAt(root));
const train = (args: Partial<z.input<(typeof numericFitSpec)['args']>>) =>
  run(numericFitSpec, fitModels, { model: MODELS, ...FIT, ...args });
const evaluate = (args: Partial<z.input<(typeof modelsEvalSpec)['args']>>) =>
  run(modelsEvalSpec, evaluateModels, {
    model: MODELS,
    market: 'TEST',
    start: date(200),
    end: date(DAYS - 1),
    ...args,
  });

beforeAll(async () => {
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  // A holiday on a Saturday each year: the table covers the span, the calendar stays as it is.
  await db.databases.historical.client(async (client) => {
    const first = panel.calendar.days.find((day, t) => panel.calendar.days[t + 1] === day + 3)! + 1;
    for (let day = first; day < panel.calendar.days[DAYS - 1]; day += 52 * 7) {
      await client.query(`INSERT INTO market_holidays VALUES ('TEST', $1, 'Holiday', 'test', now())`, [formatDay(day)]);
    }
  });
  await run(campaignSpec, campaign, {
    marketId: 'TEST',
    start: date(330),
    end: date(DAYS - 1),
    sleeve: canonicalSleeves('S', 'TEST').map(formatSleeve),
  });
  await train({});
}, 120_000);
afterAll(async () => {
  rmSync(root, { recursive: true, force: true });
  await db?.drop();
});

describe('models fit', () => {
  it('writes models that say what they were fitted on', async () => {
    const folder = path.join(root, 'models');
    const stab = (await loadNumericModel(folder, 'num-stab-core-v2')).manifest;
    expect(stab).toMatchObject({
      encoder: 'instrument-window-v2',
      entities: ['INSTRUMENT'],
      dim: 384,
      window_days: 63,
    });
    expect(stab.fit).toMatchObject({ fit_start: date(200), fit_end: date(FIT_END), seed: 1 });
    expect(stab.fit!.universe_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(stab.fit!.features).toHaveLength(36);
    expect(stab.fit!.probes!.windows).toBe(1500);
    expect((await loadNumericModel(folder, 'num-regime-core-v2')).manifest.entities).toEqual(['MARKET', 'SECTOR']);
    expect((await loadNumericModel(folder, 'num-portfolio-core-v2')).manifest.fit).toBeNull();
  });

  it('leaves a model that is there alone, and takes no name or id that is not its own', async () => {
    await expect(train({ model: ['num-stab-core-v2'], seed: 2 })).rejects.toThrow(/there is a model num-stab-core-v2/);
    await expect(train({ model: ['num-stab-core-v2'], as: 'num-regime-core-v2-2018' })).rejects.toThrow(
      /is no name for/,
    );
    await expect(train({ as: 'num-stab-core-v2-2018' })).rejects.toThrow(/names one model/);
    await expect(train({ model: ['num-portfolio-core-v2'], as: 'num-portfolio-core-v2-2018' })).rejects.toThrow(
      /fitted on nothing/,
    );
    await expect(train({ model: ['num-stab-core-v1'] })).rejects.toThrow(/no model that can be fitted/);
  });
});

describe('prices that no day can have', () => {
  const query = (sql: string) => db.databases.historical.client((client) => client.query(sql));

  it('leave out the windows that hold them, which are counted and told; too few left are refused', async () => {
    const [one, two] = panel.instruments.map(({ id }) => id);
    const asked = { model: ['num-stab-core-v2'], trainStart: date(290), trainEnd: date(330), maxWindows: 10_000 };
    const whole = await train({ ...asked, as: 'num-stab-core-v2-whole' });
    const kept = await query('CREATE TABLE kept AS TABLE prices_daily');
    expect(kept.rowCount).toBeGreaterThan(10_000);
    try {
      await query(`UPDATE prices_daily SET close = 0 WHERE instrument_id = '${one}' AND trade_date = '${date(300)}';
                   UPDATE prices_daily SET high = 'NaN' WHERE instrument_id = '${two}' AND trade_date = '${date(310)}'`);
      const { result, events } = await train({ ...asked, as: 'num-stab-core-v2-part' });
      const figures = (found: unknown) => (found as { models: { windows: number; left_out: number }[] }).models[0];
      const { windows, left_out: leftOut } = figures(result.data);
      expect(figures(whole.result.data)).toMatchObject({ left_out: 0, windows: windows + leftOut });
      // Windows of 63 rows hold them from their day to the end of the span.
      expect(leftOut).toBeGreaterThan(45);
      expect(leftOut).toBeLessThanOrEqual(31 + 21);
      expect(result.exitCode).toBe(0);
      expect(result.summary).toContain(`windows that could not be used: ${leftOut}`);
      const told = events.filter((event) => event.type === 'log' && event.level === 'warn');
      expect(told).toMatchObject([
        {
          message: expect.stringMatching(
            new RegExp(`^num-stab-core-v2-part: left out ${leftOut} of [0-9,]+ windows: ${one} on .*close is 0`),
          ),
        },
      ]);
      const { fit } = (await loadNumericModel(path.join(root, 'models'), 'num-stab-core-v2-part')).manifest;
      expect(fit!.probes).toMatchObject({ windows, left_out: leftOut });

      await query(`UPDATE prices_daily SET adjusted_close = -1 WHERE extract(day FROM trade_date) IN (10, 11, 12, 13)`);
      await expect(train({ ...asked, as: 'num-stab-core-v2-none' })).rejects.toThrow(
        /^the span holds 0 windows for num-stab-core-v2-none that can be used \(not: [0-9,]+; .* on .*: adjusted_close is -1\), fewer than 400/,
      );
    } finally {
      await query('TRUNCATE prices_daily; INSERT INTO prices_daily TABLE kept; DROP TABLE kept');
    }
  });
});

describe('a backfill of v2 models', () => {
  it('writes each model’s own entities, with the vectors of its encoder', async () => {
    const { result } = await run(numericBackfillSpec, backfillNumeric, {
      market: 'TEST',
      startDate: date(600),
      endDate: date(610),
      models: MODELS,
      workers: 2,
      shardCells: 64,
      device: 'cpu',
    });
    expect(result.exitCode).toBe(0);
    const { rows } = await db.databases.historical.client((client) =>
      client.query<{ model_id: string; entity_type: string; entity_id: string; as_of_date: string; vector: Buffer }>(
        'SELECT model_id, entity_type, entity_id, as_of_date, vector FROM numeric_window_embeddings',
      ),
    );
    const of = (model: string, type: string) =>
      rows.filter((row) => row.model_id === model && row.entity_type === type);
    expect(of('num-regime-core-v2', 'MARKET')).toHaveLength(11);
    expect(new Set(of('num-regime-core-v2', 'SECTOR').map((row) => row.entity_id))).toEqual(
      new Set(['TEST|Energy', 'TEST|Materials']),
    );
    expect(of('num-portfolio-core-v2', 'PORTFOLIO')).toHaveLength(33);
    const stab = of('num-stab-core-v2', 'INSTRUMENT');
    expect(stab.length).toBeGreaterThan(200);
    for (const row of stab.filter((_, k) => k % 40 === 0)) {
      const i = panel.instruments.findIndex(({ id }) => id === row.entity_id);
      const t = panel.calendar.days.findIndex((day) => formatDay(day) === row.as_of_date);
      const vector = await vectorsOf(path.join(root, 'models'), panel, 'num-stab-core-v2', [i * DAYS + t]);
      expect(Buffer.compare(row.vector, Buffer.from(vector.buffer, 0, 384 * 4))).toBe(0);
    }
  });
});

describe('a backfill that was broken off', () => {
  it('is not resumed over other portfolios, nor with another model', async () => {
    const ask = (more: object = {}) =>
      run(numericBackfillSpec, backfillNumeric, {
        market: 'TEST',
        startDate: date(620),
        endDate: date(625),
        models: ['num-portfolio-core-v2', 'num-regime-core-v2'],
        workers: 1,
        device: 'cpu',
        ...more,
      });
    const reopen = () =>
      db.databases.historical.client((client) =>
        client.query(`UPDATE console.backfills SET state = 'open' WHERE spec->>'start' = $1`, [date(620)]),
      );
    await ask();
    await reopen();
    expect((await ask({ resume: true })).result.exitCode).toBe(0);
    await reopen();
    await db.databases.runtime.client((client) =>
      client.query(`UPDATE backtest_daily_equity SET equity_curve_value = equity_curve_value * 1.5 WHERE "date" = $1`, [
        date(610),
      ]),
    );
    await expect(ask({ resume: true })).rejects.toThrow(/prices, calendar, instruments or finished runs have changed/);
    await db.databases.runtime.client((client) =>
      client.query(`UPDATE backtest_daily_equity SET equity_curve_value = equity_curve_value / 1.5 WHERE "date" = $1`, [
        date(610),
      ]),
    );
    const regime = path.join(root, 'models', 'num-regime-core-v2');
    const kept = `${regime}.kept`;
    renameSync(regime, kept);
    try {
      await train({ model: ['num-regime-core-v2'], seed: 9, replace: true });
      await expect(ask({ resume: true })).rejects.toThrow(/model num-regime-core-v2 is another one here/);
    } finally {
      rmSync(regime, { recursive: true });
      renameSync(kept, regime);
    }
  });
});

describe('the portfolio’s schema', () => {
  it('holds the weights of the positions that the run recorded', async () => {
    const loaded = await loadPanel(db.databases, {
      marketId: 'TEST',
      start: panel.calendar.days[500],
      end: panel.calendar.days[DAYS - 1],
      lookback: portfolioSource.lookback(63),
      columns: portfolioSource.columns,
      cacheFolder: null,
    });
    const inputs = await portfolioSource.prepare({ panel: loaded, window: 63 }, db.databases);
    const { rows } = await db.databases.runtime.client((client) =>
      client.query<{ portfolio: string; date: string; value: number; largest: number; equity: number }>(
        `SELECT s.portfolio_id AS portfolio, s.as_of_date AS date, sum(s.market_value) AS value, max(s.market_value) AS largest,
                max(e.equity_curve_value) AS equity
           FROM positions_snapshots s JOIN backtest_runs r ON r.config_json->>'portfolio_id' = s.portfolio_id
           JOIN backtest_daily_equity e ON e.run_id = r.run_id AND e."date" = s.as_of_date
          WHERE s.as_of_date >= $1 GROUP BY 1, 2`,
        [date(500)],
      ),
    );
    expect(rows.length).toBeGreaterThan(10);
    const T = loaded.calendar.days.length;
    for (const { portfolio, date: day, value, largest, equity } of rows) {
      const t = loaded.calendar.days.findIndex((one) => formatDay(one) === day);
      const cell = inputs.portfolios.indexOf(portfolio) * T + t;
      expect(inputs.due[cell]).toBe(1);
      const figure = (name: string) => {
        const at = SCHEMA.findIndex((field) => field.name === name);
        const { centre, scale } = SCHEMA[at];
        return inputs.values[cell * SCHEMA.length + at] * Math.sqrt(SCHEMA.length) * scale + centre;
      };
      expect(figure('gross')).toBeCloseTo(value / equity, 4);
      expect(figure('largest_weight')).toBeCloseTo(largest / equity, 4);
    }
  });
});

describe('models eval', () => {
  it('judges every kind of model and says what returns are worth', async () => {
    const report = path.join(root, 'eval.md');
    const { result, stdout } = await evaluate({ report, maxWindows: 1500 });
    const evaluation = result.data as Evaluation;
    expect(evaluation.split > date(FIT_END)).toBe(true);
    expect(evaluation.instrument.map(({ subject }) => subject)).toEqual([
      'persistence',
      'HAR(5,21,63)',
      'v1 zero-pad (num-stab-core-v1)',
      '6 channels, flat',
      '36 statistics',
      'num-stab-core-v2',
    ]);
    expect(evaluation.own.map(({ model }) => model)).toEqual(MODELS);
    for (const { scores } of evaluation.instrument) expect(Number.isFinite(scores.volR2)).toBe(true);
    expect(readFileSync(report, 'utf8')).toBe(stdout);
    expect(stdout).toMatch(/Returns: /);
    // The judged rows begin where the learned ones' futures have ended.
    expect(evaluation.train).toBeGreaterThan(0);
    expect(evaluation.test).toBeGreaterThan(0);
  });

  it('leaves out the windows, and the futures, that hold a price that no day can have, and counts them', async () => {
    const query = (sql: string) => db.databases.historical.client((client) => client.query(sql));
    const id = panel.instruments[0].id;
    const asked = {
      ...{ model: ['num-stab-core-v2'], maxWindows: 1_000_000 },
      ...{ start: date(590), split: date(640), end: date(740) },
    };
    const whole = (await evaluate(asked)).result.data as Evaluation;
    const rows = ({ train, test }: Evaluation) => train + test;
    expect(whole.leftOut).toBe(0);
    await query('CREATE TABLE kept AS TABLE prices_daily');
    try {
      await query(
        `UPDATE prices_daily SET close = 0, adjusted_close = 0 WHERE instrument_id = '${id}' AND trade_date = '${date(690)}'`,
      );
      const { result, stdout, events } = await evaluate(asked);
      const found = result.data as Evaluation;
      expect(result.exitCode).toBe(0);
      // The windows after its day, to the last one whose future is known; and no future that holds it, or begins at it.
      expect(found.leftOut).toBe(740 - 21 - 690);
      expect(rows(whole) - rows(found)).toBe(found.leftOut + 22);
      expect(stdout).toContain(`; ${found.leftOut} left out for a price that no day can have`);
      expect(events.filter((event) => event.type === 'log' && event.level === 'warn')).toMatchObject([
        { message: expect.stringContaining(`${id} on ${date(691)}, …`) },
      ]);
      for (const { scores } of found.instrument) expect(Number.isFinite(scores.volR2)).toBe(true);
    } finally {
      await query('TRUNCATE prices_daily; INSERT INTO prices_daily TABLE kept; DROP TABLE kept');
    }
  });

  it('writes one HTML page when asked for one', async () => {
    const report = path.join(root, 'eval.html');
    await evaluate({ model: ['num-regime-core-v2'], report });
    expect(readFileSync(report, 'utf8')).toMatch(/^<!doctype html>[\s\S]*<th scope="row">num-regime-core-v2<\/th>/);
  });

  it('refuses days that a model was fitted on, unless that is asked for', async () => {
    const inside = { model: ['num-regime-core-v2'], split: date(FIT_END - 20) };
    await expect(evaluate(inside)).rejects.toThrow(/seen their own future/);
    expect((await evaluate({ ...inside, allowInSample: true })).result.exitCode).toBe(0);
    await expect(evaluate({ split: date(DAYS - 5) })).rejects.toThrow(/too few days/);
    expect(existsSync(path.join(root, 'models', 'num-stab-core-v2'))).toBe(true);
  });
});
