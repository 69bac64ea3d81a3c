/** Phase 3 on a real server: what its programs write, that they replace just what is theirs, and what they refuse. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaign, campaignAndMeta } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignAndMetaSpec, campaignSpec, sweepSpec } from '../../engines/backtest/spec.ts';
import { gridPoints, SWEEP_FLAGS } from '../../engines/backtest/sweep.ts';
import { sweep } from '../../engines/backtest/sweep-program.ts';
import { lambdaExperiment } from '../../engines/lambda/experiment/program.ts';
import { lambdaTrain } from '../../engines/lambda/forecast/program.ts';
import { backfillDensity } from '../../engines/lambda/program.ts';
import { backfillDensitySpec, lambdaExperimentSpec, lambdaTrainSpec } from '../../engines/lambda/spec.ts';
import type { Panel } from '../../engines/market/panel.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { backfillStability } from '../../engines/stability/program.ts';
import { backfillStabilitySpec } from '../../engines/stability/spec.ts';
import { universeSettings } from '../../engines/universe/settings.storage.ts';
import { flagsOf } from '../../src/cli/arguments.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { homeAt } from '../../src/platform/home.ts';
import { lambdaOverview } from '../../src/report/lambda.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { startPrometheus } from '../helpers/processes.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const DAYS = 420;
const [SLEEVE] = canonicalSleeves('S', 'TEST');

let db: TestDatabases;
let panel: Panel;
let folder: string;
const file = (name: string) => path.join(folder, name);
const date = (t: number) => formatDay(panel.calendar.days[t]);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-lambda-'));
  panel = smallMarket({ seed: 17, instruments: 36, days: DAYS });
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  // A holiday after the end, for the market is longer than one vouches for.
  await db.databases.historical.client((client) =>
    client.query(`INSERT INTO market_holidays VALUES ('TEST', $1, 'Holiday', 'test', now())`, [
      formatDay(panel.calendar.days[DAYS - 1] + 7),
    ]),
  );
});
afterAll(async () => {
  await db?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const query = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  db.databases.runtime.client(async (client) => (await client.query(sql, values)).rows as Row[]);

type DensityArgs = Parameters<typeof backfillDensitySpec.args.parse>[0];
const density = (args: object = {}) =>
  runProgram(
    backfillDensitySpec,
    backfillDensity,
    { start: date(80), end: date(DAYS - 1), market: 'TEST', minClusterSize: 3, ...args } as DensityArgs as never,
    db.databases,
  );
const train = (args: object = {}) =>
  runProgram(
    lambdaTrainSpec,
    lambdaTrain,
    {
      start: date(80),
      end: date(DAYS - 1),
      market: 'TEST',
      minClusterSize: 3,
      leastTrainingDays: 80,
      refitDays: 20,
      ...args,
    },
    db.databases,
  );
const experiment = (args: object = {}) =>
  runProgram(
    lambdaExperimentSpec,
    lambdaExperiment,
    {
      input: file('compute.csv'),
      output: file('results.csv'),
      experimentId: 'A',
      trainStart: date(80),
      trainEnd: date(250),
      testStart: date(251),
      testEnd: date(DAYS - 1),
      predictionsOutput: file('predictions.csv'),
      ...args,
    },
    db.databases,
  );
const runCampaign = async (args: object = {}) => {
  const { result, events } = await runProgram(
    campaignSpec,
    campaign,
    { marketId: 'TEST', start: date(380), end: date(DAYS - 1), sleeve: [formatSleeve(SLEEVE)], ...args },
    db.databases,
  );
  const [run] = (result.data as { runs: { run_id: string; metrics: Record<string, unknown>; config: object }[] }).runs;
  return { ...run, events };
};
const refusal = async (work: Promise<unknown>): Promise<{ message: string; exitCode: number }> => {
  try {
    await work;
  } catch (error) {
    return error as { message: string; exitCode: number };
  }
  throw new Error('it did not refuse');
};
/** The lines with one field of the ninth replaced. */
const withField = (lines: string[], column: number, text: string) =>
  lines.with(8, lines[8].split(',').with(column, text).join(','));
const rowsOf = (name: string) => readFileSync(file(name), 'utf8').trimEnd().split('\n');

describe('backfill opportunity-density', () => {
  it('without states: clusters of class UNKNOWN, counted and warned about', async () => {
    const { result, events } = await density({ output: file('unknown.csv') });
    const data = result.data as Record<string, number>;
    expect(data.days_without_states).toBe(DAYS - 80);
    const series = events.flatMap((e) => (e.type === 'metric' ? [e.name] : []));
    expect(series).toEqual(expect.arrayContaining(['rate', 'batches', 'batch time']));
    expect(data.unknown_rows).toBe(rowsOf('unknown.csv').length - 1);
    expect(events.some((e) => e.type === 'log' && e.level === 'warn' && /--stab compute/.test(e.message))).toBe(true);
  });

  it('states of the table and computed ones give the same bytes; the table and the CSV hold the same rows', async () => {
    await runProgram(
      backfillStabilitySpec,
      backfillStability,
      { marketId: 'TEST', start: date(80), end: date(DAYS - 1) },
      db.databases,
    );
    await density({ output: file('table.csv') });
    await density({ output: file('compute.csv'), stab: 'compute' });
    expect(readFileSync(file('table.csv'), 'utf8')).toBe(readFileSync(file('compute.csv'), 'utf8'));
    const stored = await query<Record<string, string | number>>(
      `SELECT as_of_date, market_id, sector, soft_target_class, num_instruments, dispersion, avg_vol_window, lambda_value
         FROM console.opportunity_density ORDER BY as_of_date, sector COLLATE "C", soft_target_class COLLATE "C"`,
    );
    expect(stored.map((row) => Object.values(row).join(','))).toEqual(rowsOf('compute.csv').slice(1));
  });

  it('repeated states of another system count each instrument once', async () => {
    await query(
      `INSERT INTO soft_target_classes SELECT 'again ' || soft_target_id, entity_type, entity_id, as_of_date, soft_target_class, soft_target_score,
         weak_profile, instability, high_fragility, complacent_pricing, metadata FROM soft_target_classes`,
    );
    await density({ output: file('twice.csv') });
    expect(readFileSync(file('twice.csv'), 'utf8')).toBe(readFileSync(file('compute.csv'), 'utf8'));
  });

  it('replaces its own market, days and parameters and nothing else', async () => {
    const count = async () =>
      (await query<{ n: number }>(`SELECT count(*) AS n FROM console.opportunity_density`))[0].n;
    const before = await count();
    await density({ stab: 'compute', lookbackDays: 10 });
    const both = await count();
    expect(both).toBeGreaterThan(before);
    await density({ stab: 'compute', start: date(300) });
    expect(await count()).toBe(both);
    await query(`DELETE FROM console.opportunity_density WHERE lookback_days = 10`);
    expect(await count()).toBe(before);
  });

  it('leaves no file and no row when the CSV cannot be written', async () => {
    const before = await query(`SELECT count(*) AS n, max(created_at) AS at FROM console.opportunity_density`);
    writeFileSync(file('plain'), '');
    const error = await refusal(density({ output: file('plain/lambda.csv') }));
    expect(error.message).toMatch(/cannot be written/);
    expect(await query(`SELECT count(*) AS n, max(created_at) AS at FROM console.opportunity_density`)).toEqual(before);
  });
});

describe('lambda experiment', () => {
  it('on a panel without classes says so in its summary', async () => {
    const outputs = { output: file('nameless-results.csv'), predictionsOutput: file('nameless.csv') };
    const { result } = await experiment({ input: file('unknown.csv'), experimentId: 'NAMELESS', ...outputs });
    expect(result.summary).toContain('every row is of class UNKNOWN');
    await query(`DELETE FROM console.lambda_predictions WHERE experiment_id = 'NAMELESS'`);
    await query(`DELETE FROM console.lambda_trials WHERE experiment_id = 'NAMELESS'`);
  });

  it('keeps the rows of other experiments and replaces its own', async () => {
    await experiment();
    await experiment({ experimentId: 'B', model: 'persistence' });
    const first = rowsOf('results.csv');
    expect(first.map((line) => line.split(',')[0])).toEqual(['experiment_id', 'A', 'B']);
    const predictions = rowsOf('predictions.csv');
    await experiment({ model: 'global_poly2' });
    expect(rowsOf('results.csv').map((line) => line.split(',').slice(0, 2))).toEqual([
      ['experiment_id', 'model'],
      ['B', 'persistence'],
      ['A', 'global_poly2'],
    ]);
    expect(rowsOf('predictions.csv').length).toBe(predictions.length);
    const stored = await query<{ id: string; n: number }>(
      `SELECT experiment_id AS id, count(*) AS n FROM console.lambda_predictions GROUP BY 1 ORDER BY 1`,
    );
    expect(stored).toEqual(['A', 'B'].map((id) => ({ id, n: (predictions.length - 1) / 2 })));
  });

  it('every try is on the ledger; the same try again is no new one', async () => {
    const count = async () =>
      (
        await query<{ all: number; distinct: number }>(
          `SELECT count(*) AS all, count(DISTINCT trial_key) AS distinct FROM console.lambda_trials`,
        )
      )[0];
    const before = await count();
    expect(before.distinct).toBe(3);
    await experiment({ experimentId: 'another name', model: 'persistence' });
    const after = await count();
    expect(after).toEqual({ all: before.all + 1, distinct: before.distinct });
  });

  it('predict-only scores the last day too and measures nothing', async () => {
    const results = readFileSync(file('results.csv'), 'utf8');
    const { result } = await experiment({ predictOnly: true, output: undefined, predictionsOutput: file('today.csv') });
    expect(result.data).toMatchObject({ result: null });
    expect(readFileSync(file('results.csv'), 'utf8')).toBe(results);
    const lastRows = rowsOf('today.csv').filter((line) => line.startsWith(date(DAYS - 1)));
    expect(lastRows.length).toBeGreaterThan(0);
    for (const line of lastRows) expect(line.split(',')[8]).toBe('');
  });

  it.each([
    [{ trainEnd: '2012-01-01', trainStart: '2011-01-01' }, /no pair of rows/],
    [{ testStart: '2031-01-01', testEnd: '2031-02-01' }, /no row to score/],
    [{ output: undefined }, /--output is required/],
    [{ input: '/no/such/file.csv' }, /no\/such\/file/],
    [{ trainEnd: '2001-01-01', trainStart: '2011-01-01' }, /--train-end 2001-01-01 is before --train-start 2011-01-01/],
  ])('refuses %j', async (args, message) => {
    expect((await refusal(experiment(args))).message).toMatch(message);
  });

  it.each([
    ['nothing at all', () => [], /the file is empty/],
    ['a header alone', ([header]: string[]) => [header], /has no rows/],
    ['hexadecimal', (lines: string[]) => withField(lines, 7, '0x1F'), /line 9: lambda_value '0x1F' is not a number/],
    [
      'words for numbers',
      (lines: string[]) => withField(lines, 7, 'NaN'),
      /line 9: lambda_value 'NaN' is not a number/,
    ],
    [
      'predictions',
      (lines: string[]) => lines.map((line, k) => `${line},${k === 0 ? 'lambda_hat' : 1}`),
      /it has a column lambda_hat: these are predictions/,
    ],
    ['no λ', (lines: string[]) => withField(lines, 7, ''), /line 9: lambda_value is empty/],
    ['no date', (lines: string[]) => withField(lines, 0, '2012-13-01'), /line 9: '2012-13-01' is not a date/],
    ['a row twice', (lines: string[]) => [...lines, lines[8]], /has two rows of TEST\|/],
    ['a short row', (lines: string[]) => [...lines, 'a,b'], /2 fields, not 8/],
  ])('refuses a panel of %s', async (_, change, message) => {
    writeFileSync(file('broken.csv'), change(rowsOf('compute.csv')).join('\n'));
    const before = rowsOf('results.csv');
    expect((await refusal(experiment({ input: file('broken.csv') }))).message).toMatch(message);
    expect(rowsOf('results.csv')).toEqual(before);
  });

  it('takes what pandas writes for a missing figure as missing', async () => {
    const measured = async (text: string) => {
      writeFileSync(file('missing.csv'), withField(rowsOf('compute.csv'), 5, text).join('\n'));
      const { result } = await experiment({ input: file('missing.csv'), output: file('missing-results.csv') });
      return (result.data as { result: object }).result;
    };
    expect(await measured('NaN')).toEqual(await measured(''));
  });

  it('several at once into the same files keep the rows of each', async () => {
    const names = ['P', 'Q', 'R', 'S'];
    const outputs = { output: file('shared.csv'), predictionsOutput: file('shared-predictions.csv') };
    await Promise.all(names.map((experimentId) => experiment({ experimentId, model: 'persistence', ...outputs })));
    const idsOf = (name: string, at: number) =>
      rowsOf(name)
        .slice(1)
        .map((line) => line.split(',').at(at)!)
        .sort();
    expect(idsOf('shared.csv', 0)).toEqual(names);
    const each = rowsOf('predictions.csv').filter((line) => line.endsWith(',B')).length;
    expect(each).toBeGreaterThan(10);
    expect(idsOf('shared-predictions.csv', -1)).toEqual(names.flatMap((name) => Array(each).fill(name)));
    const litter = readdirSync(folder).filter((name) => /\.(part|lock|earlier)/.test(name));
    expect(litter).toEqual([]);
  });

  it('a table that does not take the rows at its commit leaves the files as they were', async () => {
    await query(`CREATE FUNCTION console.refuse_late() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'refused at the commit'; END $$`);
    await query(`CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON console.lambda_predictions
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.experiment_id = 'LATE') EXECUTE FUNCTION console.refuse_late()`);
    try {
      const before = rowsOf('results.csv');
      const late = { experimentId: 'LATE', predictionsOutput: file('late.csv') };
      expect((await refusal(experiment(late))).message).toMatch(/refused at the commit/);
      expect(rowsOf('results.csv')).toEqual(before);
      expect(readdirSync(folder).filter((name) => name.includes('late.csv') || name.includes('.part'))).toEqual([]);
    } finally {
      await query(`DROP TRIGGER refuse_late ON console.lambda_predictions`);
    }
  });

  it('refuses one file for both outputs', async () => {
    const both = { output: file('both.csv'), predictionsOutput: path.join(folder, '.', 'both.csv') };
    expect((await refusal(experiment(both))).message).toMatch(/two outputs cannot be one file/);
    expect(existsSync(file('both.csv'))).toBe(false);
  });

  it('refuses a file with other columns, and leaves it as it is', async () => {
    writeFileSync(file('other.csv'), 'a,b\n1,2\n');
    expect((await refusal(experiment({ output: file('other.csv') }))).message).toMatch(/its columns are a,b/);
    expect(readFileSync(file('other.csv'), 'utf8')).toBe('a,b\n1,2\n');
  });
});

describe('lambda train with vectors', () => {
  const NUMERIC = 'num-profile-core-v1';
  const JOINT = 'joint-stab-fragility-v1';
  const FITTED = 'joint-stab-fragility-v2';

  it('sets the vectors beside the model without them, equal from both tables', async () => {
    await runProgram(
      numericBackfillSpec,
      backfillNumeric,
      { market: 'TEST', startDate: date(80), endDate: date(DAYS - 1), models: [NUMERIC], device: 'cpu' },
      db.databases,
    );
    await db.databases.historical.client((client) =>
      client.query(
        `INSERT INTO joint_embeddings (joint_type, as_of_date, entity_scope, model_id, vector, created_at)
         SELECT 'STAB_FRAGILITY_V0', as_of_date, jsonb_build_object('entity_id', entity_id), '${JOINT}', vector, now()
           FROM numeric_window_embeddings WHERE model_id = '${NUMERIC}'`,
      ),
    );
    type Horizon = { models: Record<string, { rows: number; r2: number }>; coefficients: Record<string, number> };
    const horizonOf = async (model: string) => {
      const { result } = await train({ horizon: [5], vectors: [model], experimentId: `V_${model}` });
      return (result.data as { horizons: Horizon[] }).horizons[0];
    };
    const [numeric, joint] = [await horizonOf(NUMERIC), await horizonOf(JOINT)];
    expect(Object.keys(numeric.models).slice(0, 2)).toEqual(['har_vectors', 'har_ridge']);
    expect(numeric.models.har_vectors.rows).toBe(numeric.models.har_ridge.rows);
    expect(numeric.models.har_vectors.r2).not.toBe(numeric.models.har_ridge.r2);
    expect(Object.keys(numeric.coefficients).filter((name) => name.startsWith(`${NUMERIC}:`))).toHaveLength(17);
    expect(joint.models).toEqual(numeric.models);
    const of = (model: string) =>
      query(
        `SELECT as_of_date, sector, soft_target_class, lambda_hat FROM console.lambda_predictions WHERE experiment_id = $1
          ORDER BY 1, 2, 3`,
        [`V_${model}_H5`],
      );
    expect(await of(JOINT)).toEqual(await of(NUMERIC));
  });

  it.each([NUMERIC, JOINT])('%s: removing all data after t changes no λ̂ at or before t', async (model) => {
    const lambdaHats = async (end: string, upTo = end) => {
      await train({ horizon: [5], vectors: [model], experimentId: 'CUT', end });
      return query(
        `SELECT as_of_date, sector, soft_target_class, lambda_hat, train_end FROM console.lambda_predictions
          WHERE experiment_id = 'CUT_H5' AND as_of_date <= $1 ORDER BY 1, 2, 3`,
        [upTo],
      );
    };
    const cut = await lambdaHats(date(DAYS - 37));
    expect(cut.length).toBeGreaterThan(100);
    expect(await lambdaHats(date(DAYS - 1), date(DAYS - 37))).toEqual(cut);
  });

  it('refuses vectors that are not there', async () => {
    for (const model of ['num-stab-core-v1', FITTED]) {
      expect((await refusal(train({ vectors: [model] }))).message).toMatch(/has no vector of an instrument/);
    }
  });

  it('refuses vectors that have learnt from days ahead; λ̂ made of them all the same is refused by campaigns', async () => {
    const make = (fitEnd: string | null) =>
      db.databases.historical.client((client) =>
        client.query(
          `INSERT INTO joint_embeddings (joint_type, as_of_date, entity_scope, model_id, vector, created_at)
           SELECT joint_type, as_of_date, entity_scope || jsonb_strip_nulls(jsonb_build_object('fit_end', $1::text)), '${FITTED}',
                  vector, created_at
             FROM joint_embeddings WHERE model_id = '${JOINT}'`,
          [fitEnd],
        ),
      );
    await make(date(390));
    const asked = { horizon: [5], vectors: [FITTED], experimentId: 'SEEN' };
    expect((await refusal(train(asked))).message).toMatch(`have learnt from days up to ${date(390)}`);
    // The last day alone lies after it.
    await train({ ...asked, predictOnly: true });
    await train({ ...asked, allowInSample: true });
    const table = { lambdaTable: 'console.lambda_predictions', lambdaExperimentId: 'SEEN_H5' };
    expect((await refusal(runCampaign(table))).message).toContain(`trained on days to ${date(390)}`);
    const [known] = await query(
      `SELECT min(train_end) AS day FROM console.lambda_predictions WHERE experiment_id = 'SEEN_H5'`,
    );
    expect(known).toEqual({ day: date(390) });
    const told = await runCampaign({ ...table, allowInSample: true });
    expect(told.config).toMatchObject({ in_sample: { λ̂: date(390) } });
    await make(null);
    expect((await refusal(train(asked))).message).toMatch(/do not say what the models behind them have learnt from/);
  });
});

describe('lambda train', () => {
  it('records every model of every horizon, and λ̂ that was trained before its day', async () => {
    const { result } = await train({ predictionsOutput: file('har.csv'), report: file('report.md') });
    const data = result.data as { horizons: { horizon_days: number; models: Record<string, { r2: number }> }[] };
    expect(data.horizons.map((one) => one.horizon_days)).toEqual([5, 21]);
    const trials = await query<{ model: string }>(
      `SELECT model FROM console.lambda_trials WHERE program = 'lambda train' AND experiment_id = 'HAR_H5' ORDER BY trial_id`,
    );
    expect(trials.map((row) => row.model)).toEqual(Object.keys(data.horizons[0].models));
    const [late] = await query<{ n: number }>(
      `SELECT count(*) AS n FROM console.lambda_predictions WHERE experiment_id LIKE 'HAR%' AND train_end >= as_of_date`,
    );
    expect(late.n).toBe(0);
    expect(readFileSync(file('report.md'), 'utf8')).toContain('## 21 trading days ahead');
    const header = rowsOf('har.csv')[0].split(',');
    expect(header.slice(-5)).toEqual(['lambda_hat', 'lambda_z', 'realised', 'train_end', 'experiment_id']);
  });

  it('is deterministic, and equal on the days that a shorter range has', async () => {
    const once = rowsOf('har.csv');
    await train({ predictionsOutput: file('again.csv'), report: file('again.md') });
    expect(rowsOf('again.csv')).toEqual(once);
    await train({ end: date(DAYS - 40), predictionsOutput: file('short.csv'), experimentId: 'HAR' });
    const realised = once[0].split(',').indexOf('realised');
    const known = (lines: readonly string[]) =>
      lines
        .filter((line) => line.slice(0, 10) <= date(DAYS - 40))
        .map((line) => line.split(',').toSpliced(realised, 1).join(','));
    expect(known(rowsOf('short.csv').slice(1))).toEqual(known(once.slice(1)));
    await train();
  });

  it('a range that goes on after the last price judges no window that has not ended', async () => {
    const run = async (name: string, range: object) => {
      const { result } = await train({ ...range, experimentId: 'END', predictionsOutput: file(name) });
      return (result.data as { horizons: object[] }).horizons;
    };
    const whole = await run('end-0.csv', {});
    expect(await run('end-1.csv', { end: formatDay(panel.calendar.days[DAYS - 1] + 6) })).toEqual(whole);
    expect(rowsOf('end-1.csv')).toEqual(rowsOf('end-0.csv'));
    // And a cut of the data changes nothing of a window that lies inside.
    const realised = rowsOf('end-1.csv')[0].split(',').indexOf('realised');
    const known = (name: string, last: string) =>
      rowsOf(name).filter((line) => line.slice(0, 10) <= last && line.split(',')[realised] !== '');
    await train({ end: date(DAYS - 40), experimentId: 'END', predictionsOutput: file('cut.csv') });
    const ofWeek = (lines: string[]) => lines.filter((line) => line.endsWith(',END_H5'));
    expect(ofWeek(known('cut.csv', date(DAYS - 1)))).toEqual(ofWeek(known('end-1.csv', date(DAYS - 45))));
    await query(`DELETE FROM console.lambda_predictions WHERE experiment_id LIKE 'END%'`);
  });

  it('predict-only gives the λ̂ of the last day that the whole run gives, and keeps the days before', async () => {
    const all = await query(`SELECT count(*) AS n FROM console.lambda_predictions WHERE experiment_id = 'HAR_H5'`);
    const last = () =>
      query(
        `SELECT as_of_date, sector, soft_target_class, lambda_hat, lambda_z FROM console.lambda_predictions
          WHERE experiment_id = 'HAR_H5' AND as_of_date = $1 ORDER BY 2, 3`,
        [date(DAYS - 1)],
      );
    const before = await last();
    const { result } = await train({ predictOnly: true });
    expect(result.summary).toContain(date(DAYS - 1));
    expect(before.length).toBeGreaterThan(0);
    expect(await last()).toEqual(before);
    expect(await query(`SELECT count(*) AS n FROM console.lambda_predictions WHERE experiment_id = 'HAR_H5'`)).toEqual(
      all,
    );
  });

  it.each([
    ['λ', () => density({ minClusterSize: 30, output: file('none.csv') })],
    ['λ̂', () => train({ minClusterSize: 30, predictionsOutput: file('none.csv') })],
  ])('%s without any cluster is refused, and nothing is written', async (_, run) => {
    expect((await refusal(run())).message).toMatch(/no cluster of TEST has 30 members/);
    expect(existsSync(file('none.csv'))).toBe(false);
  });

  it('a file that takes no rows leaves file and table as they are, for every horizon', async () => {
    await train({ experimentId: 'KEPT', predictionsOutput: file('kept.csv') });
    const rows = () =>
      query(`SELECT * FROM console.lambda_predictions WHERE experiment_id LIKE 'KEPT%' ORDER BY 1, 2, 4, 5`);
    const [before, lines] = [await rows(), rowsOf('kept.csv')];
    const report = path.join(file('kept.csv'), 'report.md');
    const again = train({ experimentId: 'KEPT', end: date(DAYS - 9), predictionsOutput: file('kept.csv'), report });
    expect((await refusal(again)).message).toMatch(/cannot be written/);
    expect(await rows()).toEqual(before);
    expect(rowsOf('kept.csv')).toEqual(lines);
  });

  it('says so when the range is too short', async () => {
    expect((await refusal(train({ end: date(140) }))).message).toMatch(/the first forecast needs/);
  });
});

describe('campaigns with λ̂', () => {
  const har = { lambdaTable: 'console.lambda_predictions', lambdaExperimentId: 'HAR_H5' };

  it('without λ̂ a run knows nothing of it', async () => {
    const { metrics, config, run_id } = await runCampaign();
    expect(Object.keys({ ...metrics, ...config }).filter((key) => key.startsWith('lambda'))).toEqual([]);
    const [day] = await query<{ json: Record<string, number> }>(
      `SELECT exposure_metrics_json AS json FROM backtest_daily_equity WHERE run_id = $1 ORDER BY date DESC LIMIT 1`,
      [run_id],
    );
    expect(Object.keys(day.json).filter((key) => key.startsWith('lambda'))).toEqual([]);
  });

  it('with a weight of 0 trades as without, and tells λ̂ of its universe', async () => {
    const plain = await runCampaign();
    const measured = await runCampaign({ ...har, lambdaScoreWeight: 0 });
    expect(measured.metrics.trade_list_hash).toBe(plain.metrics.trade_list_hash);
    expect(measured.metrics.lambda_bucket_total_num_days).toBeGreaterThan(0);
    expect(measured.metrics.lambda_score_coverage_over_run).toBeGreaterThan(0.2);
    expect(measured.config).toMatchObject({
      lambda_experiment_id: 'HAR_H5',
      lambda_score_weight: 0,
      lambda_days_reached: DAYS - 380,
    });
  });

  it('with a weight trades otherwise, from the table and from the CSV alike', async () => {
    const plain = await runCampaign();
    const column = { lambdaScoreColumn: 'lambda_z', lambdaScoreWeight: 30 };
    const table = await runCampaign({ ...har, ...column });
    const csv = await runCampaign({ lambdaCsv: file('har.csv'), lambdaExperimentId: 'HAR_H5', ...column });
    expect(table.metrics.trade_list_hash).not.toBe(plain.metrics.trade_list_hash);
    expect(csv.metrics.trade_list_hash).toBe(table.metrics.trade_list_hash);
  });

  it('a score is weight × λ̂ of exactly the instrument’s cluster and day', async () => {
    const { run_id } = await runCampaign({ ...har, persist: 'full' });
    expect(run_id).toBeTruthy();
    const [odd] = await query<{ wrong: number; scored: number }>(
      `SELECT count(*) FILTER (WHERE (u.reasons->>'lambda_score')::float8 IS DISTINCT FROM p.lambda_hat) AS wrong, count(p.lambda_hat) AS scored
         FROM universe_members u LEFT JOIN console.lambda_predictions p
           ON p.experiment_id = 'HAR_H5' AND p.as_of_date = u.as_of_date
          AND 'TEST|' || p.sector || '|' || p.soft_target_class = u.reasons->>'cluster_id'
        WHERE u.included AND u.universe_id = $1`,
      [SLEEVE.universeId],
    );
    expect(odd.wrong).toBe(0);
    expect(odd.scored).toBeGreaterThan(100);
  });

  it('refuses λ̂ of other clusters, with examples of both; one that reaches few is warned about', async () => {
    const names = rowsOf('har.csv')[0].split(',');
    const [day, sector] = ['as_of_date', 'sector'].map((name) => names.indexOf(name));
    const [header, ...rows] = rowsOf('har.csv');
    const own = rows.map((line) => line.split(','));
    const write = (name: string, lines: string[][]) =>
      writeFileSync(file(name), `${[header, ...lines.map((fields) => fields.join(','))].join('\n')}\n`);
    const asked = (name: string) => ({ lambdaCsv: file(name), lambdaExperimentId: 'HAR_H5', lambdaScoreWeight: 0 });
    write(
      'elsewhere-sectors.csv',
      own.map((fields) => fields.with(sector, `GICS ${fields[sector]}`)),
    );
    const error = await refusal(runCampaign(asked('elsewhere-sectors.csv')));
    const example = own.find((fields) => fields[day] === date(380))!;
    expect(error.message).toMatch(/is for no cluster of this run: it has GICS .*; the instruments are in /);
    expect(error.message).toContain(`${example[sector]}|`);
    expect(error.exitCode).toBe(1);
    const [first] = own.filter((fields) => fields[day] === date(390));
    write('one-cluster.csv', [first]);
    const { config, events } = await runCampaign(asked('one-cluster.csv'));
    const { lambda_days_reached, lambda_share_reached } = config as Record<string, number>;
    expect(lambda_days_reached).toBe(1);
    expect(lambda_share_reached).toBeGreaterThan(0);
    expect(lambda_share_reached).toBeLessThan(1 / (DAYS - 380));
    const logged = events.flatMap((e) => (e.type === 'log' ? [`${e.level} ${e.message}`] : []));
    expect(logged.filter((line) => /^warn λ̂ of 'HAR_H5' reaches .* % of the instruments/.test(line))).toHaveLength(1);
    expect(logged.some((line) => line.includes(`on 1 of ${DAYS - 380} days`))).toBe(true);
  });

  it('refuses λ̂ whose training ended after its day, by the column and by the ledger', async () => {
    await experiment({
      experimentId: 'LEAK',
      trainEnd: date(400),
      testStart: date(360),
      predictionsOutput: file('leak.csv'),
    });
    const leaks = { lambdaExperimentId: 'LEAK' };
    for (const source of [{ lambdaCsv: file('leak.csv') }, { lambdaTable: 'console.lambda_predictions' }]) {
      const error = await refusal(runCampaign({ ...source, ...leaks }));
      expect(error.message).toContain(`trained on days to ${date(400)}`);
      expect(error.exitCode).toBe(1);
    }
    // Nor does a training of the same name that ended earlier make the older file usable.
    await experiment({ experimentId: 'LEAK', predictionsOutput: file('earlier.csv') });
    expect((await refusal(runCampaign({ lambdaCsv: file('leak.csv'), ...leaks }))).message).toContain(date(400));
    // After its training ends it may be used; pairs that reach past the end are warned about and recorded.
    const { events, config } = await runCampaign({ lambdaCsv: file('leak.csv'), ...leaks, start: date(400) });
    const reaches = (config as { lambda_training_reads_past?: string }).lambda_training_reads_past;
    expect(reaches! > date(400)).toBe(true);
    expect(config).toMatchObject({
      in_sample: { 'λ̂ (pairs of its training)': reaches },
      caveat: expect.stringMatching(/^in-sample, no evidence/),
    });
    expect(events.some((e) => e.type === 'log' && e.level === 'warn' && e.message.includes(reaches!))).toBe(true);
  });

  it('a column train_end does not hide a later training of the ledger', async () => {
    const [header, ...rows] = rowsOf('earlier.csv');
    const column = [`${header},train_end`, ...rows.map((line) => `${line},${date(250)}`)];
    writeFileSync(file('column.csv'), `${column.join('\n')}\n`);
    const asked = { lambdaCsv: file('column.csv'), lambdaExperimentId: 'LEAK' };
    expect((await refusal(runCampaign(asked))).message).toContain(`trained on days to ${date(400)}`);
    expect((await runCampaign({ ...asked, start: date(400) })).config).toMatchObject({ lambda_train_end: date(400) });
    // Our own table holds the rows of the newest training, which ended before.
    const table = { lambdaTable: 'console.lambda_predictions', lambdaExperimentId: 'LEAK' };
    expect((await runCampaign(table)).config).toMatchObject({ lambda_train_end: date(250) });
  });

  it.each([
    ['har.csv', 'HAR_H5', 'num_instruments', /'num_instruments' of .*har.csv is no forecast/],
    ['har.csv', 'HAR_H5', 'horizon_days', /is no forecast/],
    ['har.csv', 'HAR_H5', 'realised', /holds what came after the day/],
    ['earlier.csv', 'LEAK', 'lambda_trend', /is no forecast/],
    ['column.csv', 'LEAK', 'avg_vol_window', /is no forecast/],
    ['column.csv', 'LEAK', 'lambda_next', /holds what came after the day/],
  ])('%s: %s has no λ̂ in %s', async (name, lambdaExperimentId, lambdaScoreColumn, message) => {
    const asked = { lambdaCsv: file(name), lambdaExperimentId, lambdaScoreColumn };
    expect((await refusal(runCampaign(asked))).message).toMatch(message);
  });

  it('the table has λ̂ in its forecasts alone; a foreign file may name its own', async () => {
    const table = { lambdaTable: 'console.lambda_predictions', lambdaExperimentId: 'HAR_H5' };
    for (const lambdaScoreColumn of ['realised', 'run_id', 'train_end']) {
      expect((await refusal(runCampaign({ ...table, lambdaScoreColumn }))).exitCode).toBe(1);
    }
    const [header, ...rows] = rowsOf('har.csv');
    writeFileSync(file('own.csv'), `${[header.replace('lambda_z', 'my_score'), ...rows].join('\n')}\n`);
    const own = { lambdaCsv: file('own.csv'), lambdaExperimentId: 'HAR_H5', lambdaScoreColumn: 'my_score' };
    expect((await runCampaign(own)).config).toMatchObject({ lambda_score_column: 'my_score' });
  });

  it('warns when nobody knows when the training ended', async () => {
    const anonymous = rowsOf('leak.csv').map((line) => line.replace(/,LEAK$/, ',ELSEWHERE'));
    writeFileSync(file('elsewhere.csv'), `${anonymous.join('\n')}\n`);
    const { events, config } = await runCampaign({ lambdaCsv: file('elsewhere.csv') });
    expect(events.some((e) => e.type === 'log' && e.level === 'warn' && /may know what comes/.test(e.message))).toBe(
      true,
    );
    expect(config).toMatchObject({ lambda_train_end: null, lambda_experiment_id: 'ELSEWHERE' });
  });

  it.each([
    [{ ...har, lambdaExperimentId: 'NOBODY' }, 1, /has no experiment 'NOBODY'/],
    [{ ...har, lambdaScoreColumn: 'nothing' }, 1, /has no column 'nothing'/],
    [{ lambdaTable: 'console.lambda_predictions' }, 2, /which experiment is meant/],
    [{ ...har, start: '2013-03-01', end: '2013-06-01' }, 1, /has no lambda_hat of experiment 'HAR_H5' for TEST/],
  ])('refuses %j', async (args, exitCode, message) => {
    const error = await refusal(runCampaign(args));
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(exitCode);
  });

  it('refuses a CSV without the column, with a wrong experiment, with words for numbers', async () => {
    const at = (column: string) => rowsOf('har.csv')[0].split(',').indexOf(column);
    writeFileSync(
      file('words.csv'),
      `${rowsOf('har.csv')
        .map((line, k) => (k === 0 ? line : line.split(',').with(at('lambda_hat'), 'high').join(',')))
        .join('\n')}\n`,
    );
    const hexadecimal = rowsOf('har.csv').map((line, k) =>
      k === 0 ? line : line.split(',').with(at('lambda_hat'), '0x10').join(','),
    );
    writeFileSync(file('hexadecimal.csv'), `${hexadecimal.join('\n')}\n`);
    writeFileSync(
      file('dates.csv'),
      `${rowsOf('har.csv')
        .map((line, k) => (k === 0 ? line : line.split(',').with(at('train_end'), '12/31/2019').join(',')))
        .join('\n')}\n`,
    );
    for (const [args, message] of [
      [{ lambdaCsv: file('dates.csv'), lambdaExperimentId: 'HAR_H5' }, /'12\/31\/2019' is not a date/],
      [{ lambdaCsv: file('har.csv'), lambdaExperimentId: 'HAR_H5', lambdaScoreColumn: 'x' }, /no column 'x'/],
      [{ lambdaCsv: file('har.csv'), lambdaExperimentId: 'HAR_H6' }, /has no experiment 'HAR_H6'/],
      [{ lambdaCsv: file('words.csv'), lambdaExperimentId: 'HAR_H5' }, /lambda_hat 'high' is not a number/],
      [{ lambdaCsv: file('hexadecimal.csv'), lambdaExperimentId: 'HAR_H5' }, /lambda_hat '0x10' is not a number/],
    ] as const) {
      expect((await refusal(runCampaign(args))).message).toMatch(message);
    }
  });
});

describe('campaign-and-meta with the settings of the universe', () => {
  it('takes them, and flags in the place of single ones', async () => {
    const home = homeAt(mkdtempSync(path.join(folder, 'home-')));
    writeSettings(
      home.root,
      `core_long_eq:\n  US:\n    lambda_predictions_csv: ${file('har.csv')}\n    lambda_experiment_id: HAR_H5\n    lambda_score_column: lambda_z\n    lambda_score_weight: 10.0\n`,
    );
    const run = async (args: object = {}) => {
      const range = { marketId: 'TEST', start: date(380), end: date(DAYS - 1) };
      const given = { ...range, strategyId: 'US_CORE_LONG_EQ', ...args };
      const signal = new AbortController().signal;
      const { result, events } = await runProgram(
        campaignAndMetaSpec,
        campaignAndMeta,
        given,
        db.databases,
        signal,
        home,
      );
      const told = events.flatMap((e) => (e.type === 'log' && /^λ̂ as /.test(e.message) ? [e.message] : []));
      expect(told).toEqual([
        `λ̂ as ${path.join(home.root, 'universe', 'core_long_eq_daily.yaml')} says for US_CORE_LONG_EQ`,
      ]);
      return (result.data as { runs: { config: object }[] }).runs[0].config;
    };
    const settings = { lambda_experiment_id: 'HAR_H5', lambda_score_column: 'lambda_z', lambda_score_weight: 10 };
    expect(await run()).toMatchObject(settings);
    expect(await run({ lambdaScoreWeight: 30 })).toMatchObject({ ...settings, lambda_score_weight: 30 });
    expect((await refusal(run({ lambdaExperimentId: 'NOBODY' }))).message).toMatch(/has no experiment 'NOBODY'/);
    expect((await refusal(run({ lambdaScoreColumn: 'nothing' }))).message).toMatch(/no column 'nothing'/);
  });
});

describe('sweep', () => {
  it('runs every point over one panel; a weight of 0 is the plain campaign', async () => {
    const plain = await runCampaign();
    const { result, stdout } = await runProgram(
      sweepSpec,
      sweep,
      {
        marketId: 'TEST',
        start: date(380),
        end: date(DAYS - 1),
        sleeve: [formatSleeve(SLEEVE)],
        grid: ['lambda-score-weight=0,40', 'slippage-bps=0,5'],
        lambdaTable: 'console.lambda_predictions',
        lambdaExperimentId: 'HAR_H5',
        lambdaScoreColumn: 'lambda_z',
      },
      db.databases,
    );
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toContain('run_id,sleeve_id,lambda_score_weight,slippage_bps,');
    expect(lines.slice(1).map((line) => line.split(',').slice(1, 4))).toEqual([
      ['S_H5.S1', '0', '0'],
      ['S_H5.S2', '0', '5'],
      ['S_H5.S3', '40', '0'],
      ['S_H5.S4', '40', '5'],
    ]);
    const { sleeves } = result.data as {
      sleeves: {
        points: { metrics: Record<string, unknown> }[];
        evidence: { recorded_trials: number; conclusion: string };
      }[];
    };
    expect(sleeves[0].points[0].metrics.trade_list_hash).toBe(plain.metrics.trade_list_hash);
    expect(sleeves[0].evidence.recorded_trials).toBeGreaterThanOrEqual(4);
    expect(sleeves[0].evidence.conclusion).not.toBe('');
    // A try over a day less is measured against all of them, not against itself alone.
    const shorter = await runProgram(
      sweepSpec,
      sweep,
      {
        ...{ marketId: 'TEST', start: date(380), end: date(DAYS - 2), sleeve: [formatSleeve(SLEEVE)] },
        grid: ['slippage-bps=50'],
      },
      db.databases,
    );
    const [{ evidence }] = (
      shorter.result.data as { sleeves: { evidence: { recorded_trials: number; sharpe_spread: number } }[] }
    ).sleeves;
    expect(evidence.recorded_trials).toBeGreaterThan(4);
    expect(evidence.sharpe_spread).toBeGreaterThan(0);
  });

  it('refuses grids that mean nothing', () => {
    for (const [grid, message] of [
      [['no-such-flag=1'], /no flag 'no-such-flag'/],
      [['slippage-bps=1', 'slippage-bps=2'], /varies slippage-bps twice/],
      [['slippage-bps=1,1'], /a value twice/],
      [['slippage-bps='], /'slippage-bps='/],
      [['max-participation=2'], /'2'/],
    ] as const) {
      expect(() => gridPoints(grid)).toThrow(message);
    }
  });

  it('varies every numeric flag of a campaign but the number of workers', () => {
    const numeric = flagsOf(campaignSpec.args).filter((flag) => flag.kind === 'number' && flag.key !== 'maxWorkers');
    expect(Object.values(SWEEP_FLAGS).sort()).toEqual(numeric.map((flag) => flag.key).sort());
  });
});

describe('what the console shows', () => {
  it('heat-map, λ̂ against what came, buckets, weights', async () => {
    const overview = await lambdaOverview(db.databases.runtime, { marketId: 'TEST', columns: 12, experimentId: null });
    expect(overview.heat!.columns).toHaveLength(12);
    const [cells] = await query<{ mean: number }>(
      `SELECT avg(lambda_value) AS mean FROM console.opportunity_density WHERE sector = $1 AND soft_target_class = $2
          AND as_of_date >= $3 AND as_of_date < $4`,
      [
        overview.heat!.clusters[0].sector,
        overview.heat!.clusters[0].softTargetClass,
        overview.heat!.columns[3],
        overview.heat!.columns[4],
      ],
    );
    if (cells.mean !== null) expect(overview.heat!.clusters[0].values[3]).toBeCloseTo(cells.mean, 12);
    const [{ sector, softTargetClass, lastLambda, lastDay }] = overview.heat!.clusters;
    expect(
      await query(
        `SELECT as_of_date::text AS day, lambda_value AS value FROM console.opportunity_density
          WHERE sector = $1 AND soft_target_class = $2 ORDER BY as_of_date DESC LIMIT 1`,
        [sector, softTargetClass],
      ),
    ).toEqual([{ day: lastDay, value: lastLambda }]);
    const har = overview.forecasts.find((one) => one.experimentId === 'HAR_H5')!;
    expect(har.tenths).toHaveLength(10);
    expect(har.tenths.reduce((sum, tenth) => sum + tenth.rows, 0)).toBe(har.realised);
    expect(overview.buckets.length).toBeGreaterThan(0);
    const swept = new Set(overview.weights.map((point) => point.runId));
    expect(overview.buckets.filter((run) => swept.has(run.runId))).toEqual([]);
    expect(overview.weights.map((point) => point.weight)).toEqual([0, 0, 40, 40]);
    expect(overview.trials.distinct).toBeGreaterThan(10);
    const elsewhere = await lambdaOverview(db.databases.runtime, { marketId: 'NOPE', columns: 5, experimentId: null });
    expect(elsewhere).toEqual({
      heat: null,
      forecasts: [],
      buckets: [],
      weights: [],
      trials: { recorded: 0, distinct: 0 },
    });
    const caveat = 'same-close, no costs: not tradable; survivors only';
    const caveats = [...overview.buckets, ...overview.weights].map((run) => run.caveat);
    const inSample = `in-sample, no evidence: λ̂ learnt from days to ${date(390)}; ${caveat}`;
    // LEAK's pairs reach past its training.
    const [{ reaches }] = await query<{ reaches: string }>(
      `SELECT DISTINCT config_json->>'lambda_training_reads_past' AS reaches FROM backtest_runs
        WHERE config_json ? 'lambda_training_reads_past' AND config_json->'in_sample'->'λ̂' IS NULL`,
    );
    const pairs = `in-sample, no evidence: λ̂ (pairs of its training) learnt from days to ${reaches}; ${caveat}`;
    expect(new Set(caveats)).toEqual(new Set([caveat, 'survivors only', inSample, pairs]));
    const urls = ['--historical', db.urls.historical, '--runtime', db.urls.runtime];
    const shown = await startPrometheus(['lambda', 'show', '--market', 'TEST', ...urls], folder).ended;
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toContain(`note: ${caveat} (some of the runs)`);
    const wrong = await startPrometheus(
      ['lambda', 'show', '--experiment-id', 'NOPE', '--market', 'TEST', ...urls],
      folder,
    ).ended;
    expect([wrong.code, wrong.stdout]).toEqual([1, '']);
    expect(wrong.stderr).toMatch(/no experiment 'NOPE' of TEST: on record are .*HAR_H5/);
  });
});

describe('universe settings', () => {
  it('are off as shipped, and the home’s file turns them on for the strategy it names', () => {
    const home = homeAt(mkdtempSync(path.join(folder, 'home-')));
    const env = { XDG_CONFIG_HOME: path.join(folder, 'no-config') };
    expect(universeSettings(home, 'US_CORE_LONG_EQ', env)).toEqual({});
    writeSettings(
      home.root,
      'core_long_eq:\n  US:\n    lambda_predictions_csv: a.csv\n    lambda_score_weight: 10.0\n',
    );
    expect(universeSettings(home, 'US_CORE_LONG_EQ', env)).toEqual({
      lambda_predictions_csv: 'a.csv',
      lambda_score_weight: 10,
    });
    expect(universeSettings(home, 'EU_CORE_LONG_EQ', env)).toEqual({});
    writeSettings(home.root, 'core_long_eq:\n  US:\n    lambda_wieght: 1\n');
    expect(() => universeSettings(home, 'US_CORE_LONG_EQ', env)).toThrow(/lambda_wieght: is not a setting/);
  });
});

function writeSettings(root: string, text: string): void {
  mkdirSync(path.join(root, 'universe'), { recursive: true });
  writeFileSync(path.join(root, 'universe', 'core_long_eq_daily.yaml'), text);
}
