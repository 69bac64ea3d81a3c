/** Tables of another system may say a day as a timestamp or as text: every reader gives the figures that dates give. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { campaign } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignSpec } from '../../engines/backtest/spec.ts';
import { compare } from '../../engines/compare/program.ts';
import { compareSpec } from '../../engines/compare/spec.ts';
import { jointSpace } from '../../engines/joint/ids.model.ts';
import { inputsOf, regimeDays, yearsOf } from '../../engines/joint/inputs.storage.ts';
import { jointVectors, newsSum, numericVectors, regimeVectors } from '../../engines/joint/sources.storage.ts';
import { rowsByDay } from '../../engines/joint/storage.ts';
import { recordedTrials } from '../../engines/meta/storage.ts';
import { refreshCoverage } from '../../engines/numeric/coverage.storage.ts';
import { numericHorizon } from '../../engines/numeric/horizon.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { similar } from '../../engines/numeric/similar.ts';
import { numericBackfillSpec, similarSpec } from '../../engines/numeric/spec.ts';
import { nearestDay } from '../../engines/numeric/storage.ts';
import { loadRegimeRisk } from '../../engines/regime/provider.storage.ts';
import { newsExtent, newsFingerprint, readArticles } from '../../engines/text/backfill/news.storage.ts';
import { verifyNumeric } from '../../engines/verify/numeric.ts';
import { numericEmbeddingsSpec } from '../../engines/verify/spec.ts';
import { EXPECTED } from '../../src/adoption/expected.ts';
import { requirementsOf } from '../../src/phases/config.ts';
import { coverageYear, missingOn } from '../../src/phases/coverage-days.ts';
import { latestRuns } from '../../src/phases/runs.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { DATABASE_NAMES, type DatabaseName } from '../../src/platform/db/targets.ts';
import { homeAt } from '../../src/platform/home.ts';
import { listRuns, readReportedRun } from '../../src/report/runs.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { evaluate, seedGreen, smallConfig } from '../helpers/phase-market.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { runExport, runImport } from './import-support.ts';

let pair: TestDatabases;
const run = (name: DatabaseName, sql: string) => pair.databases[name].client((client) => client.query(sql));

/** Gives every day of the tables that an adopted pair may have another type; `using` makes it of the column `%`. */
async function retype(type: string, using: string): Promise<void> {
  for (const name of DATABASE_NAMES) {
    const changes = Object.entries(EXPECTED[name]).flatMap(([table, columns]) => {
      const days = columns.filter((column) => column.type === 'date').map((column) => `"${column.name}"`);
      const each = days.map((day) => `ALTER COLUMN ${day} TYPE ${type} USING ${using.replaceAll('%', day)}`);
      return each.length ? [`ALTER TABLE ${table} ${each.join(', ')}`] : [];
    });
    await run(name, changes.join('; '));
  }
}

/** What the figures are compared over; each begins from the one before. */
const TYPES = [
  ['timestamp', `% + time '16:00'`],
  ['timestamptz', `% AT TIME ZONE 'UTC'`],
  ['text', '%::date::text'],
] as const;

const VECTOR = `decode(repeat('0000803f', 384), 'hex')`;

const [JOINT] = requirementsOf(smallConfig, false).context.jointModels;

describe('the board and the coverage table', () => {
  beforeEach(async () => {
    pair = await createTestDatabases();
    await seedGreen(pair.databases);
    await run(
      'historical',
      `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
         SELECT 'INSTRUMENT', instrument_id, '{}', trade_date, 'num-stab-core-v1' FROM prices_daily
          WHERE trade_date > '2014-02-01' AND NOT (instrument_id = 'CCC' AND trade_date BETWEEN '2014-04-07' AND '2014-04-09');
       INSERT INTO joint_embeddings (joint_type, as_of_date, entity_scope, model_id)
         SELECT 'REGIME_CONTEXT', day, '{}', '${JOINT}' FROM generate_series(date '2014-02-03', '2014-03-14', '1 day') day;
       DELETE FROM prices_daily WHERE instrument_id = 'AAA' AND trade_date BETWEEN '2014-03-03' AND '2014-03-06'`,
    );
  });
  afterEach(() => pair.drop());

  test('say of times and texts what they say of dates', async () => {
    const options = {
      need: requirementsOf(smallConfig, false),
      now: () => 0,
      signal: new AbortController().signal,
      timeoutMs: 10_000,
    };
    const seen = async () => {
      const { board } = await evaluate(pair.targets);
      return {
        coverage: board.coverage,
        phases: board.phases.map(({ phase, state, checks }) => ({
          ...{ phase, state },
          checks: checks.map(({ id, state, observed, reason }) => ({ id, state, observed, reason })),
        })),
        years: [
          await coverageYear(pair.databases, 'prices_daily', 2014, options),
          await coverageYear(pair.databases, 'num-stab-core-v1', 2014, options),
          await coverageYear(pair.databases, JOINT, 2014, options),
        ],
        missing: [
          await missingOn(pair.databases, 'prices_daily', '2014-03-04', options),
          await missingOn(pair.databases, 'num-stab-core-v1', '2014-04-08', options),
        ],
        runs: await latestRuns(pair.databases),
      };
    };
    const ages = (value: unknown) =>
      JSON.parse(JSON.stringify(value, (key, one) => (key === 'costMs' || key === 'at' ? undefined : one)));
    const expected = ages(await seen());
    expect(expected.missing).toEqual([['AAA'], ['CCC']]);
    expect(expected.runs.length).toBeGreaterThan(0);
    for (const [type, using] of TYPES) {
      await retype(type, using);
      expect({ type, ...ages(await seen()) }).toEqual({ type, ...expected });
    }
  });

  test('are the same wherever server, database and role think they are: times without a zone are UTC', async () => {
    // Around midnight UTC, and around that of New York; the zone of this session must not matter either.
    await run(
      'historical',
      `INSERT INTO news_articles (article_id, timestamp, source, headline)
         SELECT 900000 + n, timestamptz '2014-03-05 23:30:00+00' + n * interval '1 hour', 'test', 'news ' || n FROM generate_series(0, 7) n;
       INSERT INTO text_embeddings (source_type, source_id, model_id, vector)
         SELECT 'NEWS', article_id::text, '${smallConfig.context.textModel}', ${VECTOR} FROM news_articles WHERE article_id % 2 = 0`,
    );
    const options = {
      need: requirementsOf(smallConfig, false),
      now: () => 0,
      signal: new AbortController().signal,
      timeoutMs: 10_000,
    };
    const [from, to] = [Date.UTC(2014, 2, 6), Date.UTC(2014, 2, 7)];
    const seen = async () => {
      const databases = openDatabases(pair.targets, { application: 'test' });
      try {
        const { board } = await evaluate(pair.targets);
        const { historical } = databases;
        return {
          coverage: board.coverage.rows.map(({ name, rows, first, last, countByYear }) => ({
            name,
            rows,
            first,
            last,
            countByYear,
          })),
          news: (await coverageYear(databases, 'news_articles', 2014, options)).days,
          texts: (await coverageYear(databases, smallConfig.context.textModel, 2014, options)).days,
          articles: await historical.client((client) => readArticles(client, from, to, null)),
          sum: await historical.client((client) =>
            newsSum(client, smallConfig.context.textModel, { from, to }, () => {}),
          ),
          extent: await newsExtent(historical),
          fingerprint: await newsFingerprint(historical, from, to, true),
          prices: (await coverageYear(databases, 'prices_daily', 2014, options)).days,
        };
      } finally {
        await databases.close();
      }
    };
    const expected = await seen();
    expect(expected.articles.filter(({ id }) => id >= 900000).map(({ id }) => id - 900000)).toEqual([
      1, 2, 3, 4, 5, 6, 7,
    ]);
    for (const type of ['timestamptz', 'timestamp']) {
      if (type === 'timestamp') {
        await run(
          'historical',
          `ALTER TABLE news_articles ALTER COLUMN timestamp TYPE timestamp USING timestamp AT TIME ZONE 'UTC'`,
        );
        await retype('timestamptz', `% AT TIME ZONE 'UTC'`);
      }
      for (const zone of ['America/New_York', 'Pacific/Auckland']) {
        for (const name of DATABASE_NAMES) {
          await run(name, `ALTER DATABASE ${pair.targets[name].config.database} SET timezone = '${zone}'`);
        }
        expect({ type, zone, ...(await seen()) }).toEqual({ type, zone, ...expected });
      }
    }
  });

  test('two times of one day are one day, whatever the key says', async () => {
    const stands = async () => {
      const { board } = await evaluate(pair.targets);
      const { share, byYear, countByYear } = board.coverage.rows.find(({ name }) => name === 'prices_daily')!;
      return { share, byYear, countByYear };
    };
    const expected = await stands();
    await retype('timestamp', `% + time '16:00'`);
    await run(
      'historical',
      `INSERT INTO prices_daily SELECT instrument_id, trade_date - interval '1 hour', open, high, low, close, adjusted_close, volume, currency
         FROM prices_daily WHERE instrument_id = 'BBB'`,
    );
    expect(await stands()).toEqual(expected);
  });
});

describe('engines', () => {
  const MODEL = 'num-stab-core-v1';
  const panel = smallMarket({ seed: 31, instruments: 8, days: 150, gaps: 0.01 });
  const date = (t: number) => formatDay(panel.calendar.days[t]);
  const backfill = () =>
    runProgram(
      numericBackfillSpec,
      backfillNumeric,
      { market: 'TEST', startDate: date(70), endDate: date(149), models: [MODEL], workers: 1, device: 'cpu' },
      pair.databases,
    );
  let folder: string;
  let runs: string[];

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'prometheus-days-'));
    pair = await createTestDatabases();
    await storePanel(pair.databases, panel);
    // Prices that an import takes back.
    await run('historical', 'UPDATE prices_daily SET open = close, high = close, low = close');
    await backfill();
    const [sleeve] = canonicalSleeves('S', 'TEST').map(formatSleeve);
    runs = [];
    for (const fill of ['close', 'next_open'] as const) {
      const args = { marketId: 'TEST', start: date(80), end: date(149), sleeve: [sleeve], fill };
      const { stdout } = await runProgram(campaignSpec, campaign, args, pair.databases);
      runs.push(stdout.trim().split('\n')[1].split(',')[0]);
    }
    await run(
      'historical',
      `INSERT INTO joint_embeddings (joint_type, as_of_date, entity_scope, model_id, vector)
         SELECT 'REGIME_CONTEXT', day, '{"region": "US"}', 'joint-regime-core-v1', ${VECTOR} FROM generate_series(date '${date(90)}', '${date(120)}', '1 day') day`,
    );
    await run(
      'runtime',
      `INSERT INTO regimes (regime_record_id, as_of_date, region, regime_label, regime_embedding, confidence, metadata)
         SELECT 'r' || day, day, 'US', CASE WHEN day < '${date(110)}' THEN 'CALM' ELSE 'CRISIS' END, ${VECTOR}, 1,
                '{"regime_risk": 0.5, "known_until": "2000-01-03"}'
           FROM generate_series(date '${date(70)}', '${date(149)}', '1 day') day`,
    );
  });
  afterAll(async () => {
    await pair?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What all readers say; exports go into a folder of this name. */
  async function figures(name: string): Promise<unknown> {
    const { databases } = pair;
    const { historical, runtime } = databases;
    const signal = new AbortController().signal;
    const bad = () => {
      throw new Error('a vector is bad');
    };
    const span = { start: date(70), end: date(149) };
    const space = jointSpace('regime', 'v1');
    await refreshCoverage(historical, { exact: true });
    const counted = `SELECT model_id, entity_type, as_of_date::text, vectors, rows FROM console.numeric_coverage ORDER BY 1, 2, 3`;
    const verified = { market: 'TEST', startDate: date(70), endDate: date(149), models: [MODEL], recompute: 50 };
    const profiles = inputsOf(jointSpace('stab', 'v1'), { ...span, textModel: null, textWindowDays: 1 });
    const output = path.join(folder, name);
    await runExport(pair, output, { market: 'TEST' });
    const files = readdirSync(output, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.csv'));
    const horizon = await numericHorizon({ market: 'TEST', ...span, models: [MODEL] } as never, {
      home: homeAt(folder),
      databases,
      signal,
    });
    return {
      coverage: (await run('historical', counted)).rows,
      verified: (await runProgram(numericEmbeddingsSpec, verifyNumeric, verified, databases)).result.exitCode,
      similar: (
        await runProgram(
          similarSpec,
          similar,
          { model: MODEL, instrument: 'I000.T', asOf: date(100), startDate: date(80), endDate: date(120), topK: 20 },
          databases,
        )
      ).stdout,
      nearest: await nearestDay(historical, {
        modelId: MODEL,
        entityType: 'INSTRUMENT',
        entityId: 'I000.T',
        day: panel.calendar.days[60],
      }),
      horizon: horizon.models.map(({ byYear, standing }) => ({ standing, byYear: [...byYear] })),
      compared: (await runProgram(compareSpec, compare, { run: runs, draws: 100 }, databases)).stdout,
      list: await listRuns(runtime, { limit: 10 }),
      run: await readReportedRun(runtime, runs[0]),
      trials: await recordedTrials(runtime, { marketId: 'TEST', runIds: runs }),
      risk: (await loadRegimeRisk(runtime, 'TEST', panel.calendar.days.slice(80), false)).risk.join(),
      regimes: [
        await regimeDays(runtime, 'US', span),
        [
          ...(
            await regimeVectors(runtime, 'US', { first: panel.calendar.days[100], last: panel.calendar.days[104] }, bad)
          ).keys(),
        ],
      ],
      joint: await historical.client(async (client) => [
        [
          ...(
            await numericVectors(client, { model: MODEL, entityType: 'INSTRUMENT', day: panel.calendar.days[100] }, bad)
          ).keys(),
        ],
        [
          ...(
            await jointVectors(
              client,
              { jointType: 'REGIME_CONTEXT', model: space.modelId, key: 'region', day: panel.calendar.days[100] },
              bad,
            )
          ).keys(),
        ],
        [
          ...(await rowsByDay(
            client,
            space,
            { first: panel.calendar.days[80], last: panel.calendar.days[149] },
            { key: 'region', ids: ['US'] },
          )),
        ],
      ]),
      years: await yearsOf(historical, profiles.stab!),
      files: files.sort().map((file) => [file, readFileSync(path.join(output, file), 'utf8')]),
    };
  }

  test('read the same figures, import nothing twice, and refuse to write', async () => {
    const expected = await figures('dates');
    for (const [type, using] of TYPES) {
      await retype(type, using);
      expect({ type, figures: await figures(type) }).toEqual({ type, figures: expected });
      const output = path.join(folder, type);
      const { data } = await runImport(pair, {
        holidays: path.join(output, 'market_holidays.csv'),
        prices: [path.join(output, 'prices_daily')],
        market: 'TEST',
      });
      expect(
        Object.values(data.tables).map(({ inserted, updated, rejected }) => inserted + updated + rejected),
      ).toEqual([0, 0]);
      await expect(backfill()).rejects.toThrow('numeric_window_embeddings.as_of_date is');
    }
  });
});
