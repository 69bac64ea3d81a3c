/** `backfill regime` on a real server, from prices to campaigns that read the risk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { campaign } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignSpec } from '../../engines/backtest/spec.ts';
import { digestTable } from '../../engines/data/digest/storage.ts';
import { DIGEST_TABLES } from '../../engines/data/digest/tables.ts';
import { backfillJointProfiles, backfillJointRegime } from '../../engines/joint/program.ts';
import { jointProfilesSpec, jointRegimeSpec } from '../../engines/joint/spec.ts';
import { fitModels } from '../../engines/numeric/fit/program.ts';
import { numericFitSpec } from '../../engines/numeric/fit/spec.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { REGIME_LABELS } from '../../engines/regime/model.ts';
import { backfillRegime } from '../../engines/regime/program.ts';
import { backfillRegimeSpec } from '../../engines/regime/spec.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { homeAt } from '../../src/platform/home.ts';
import type { Program, ProgramSpec } from '../../src/platform/program.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { fullMarket } from '../helpers/numeric-v2.ts';
import { runProgram } from '../helpers/run-program.ts';
import { storePanel } from '../helpers/store-panel.ts';

const MODEL = 'num-regime-core-v2';
const DAYS = 900;
const [FIT_START, FIT_END, LAST] = [200, 560, DAYS - 1];
const root = mkdtempSync(path.join(tmpdir(), 'prometheus-test-'));
const panel = fullMarket({ seed: 47, instruments: 12, days: DAYS, gaps: 0.003 });
const date = (t: number) => formatDay(panel.calendar.days[t]);
let db: TestDatabases;

const run = <Args extends z.ZodObject>(
  spec: ProgramSpec<Args>,
  program: Program<ProgramSpec<Args>>,
  args: z.input<Args>,
) => runProgram(spec, program, args, db.databases, undefined, homeAt(root));
const label = (args: Partial<z.input<(typeof backfillRegimeSpec)['args']>> = {}) =>
  run(backfillRegimeSpec, backfillRegime, { market: 'TEST', start: date(FIT_END + 1), end: date(LAST), ...args });
const trade = (args: Partial<z.input<(typeof campaignSpec)['args']>>) =>
  run(campaignSpec, campaign, {
    marketId: 'TEST',
    start: date(FIT_END + 1),
    end: date(LAST),
    sleeve: [formatSleeve(canonicalSleeves('S', 'TEST')[1])],
    ...args,
  });
const rowsOf = async () =>
  db.databases.runtime.client(async (client) => {
    const { rows } = await client.query<{
      day: string;
      region: string;
      label: string;
      vector: Buffer;
      confidence: number;
      metadata: Record<string, unknown>;
    }>(
      `SELECT as_of_date::text AS day, region, regime_label AS label, regime_embedding AS vector, confidence, metadata
         FROM regimes ORDER BY as_of_date`,
    );
    return rows.map(({ metadata, ...row }) => {
      const { run_id, ...rest } = metadata;
      return { ...row, metadata: rest };
    });
  });
const digests = () =>
  db.databases.runtime.client(async (client) => {
    const of = async (table: string) => (await digestTable(client, table, DIGEST_TABLES[table]))!.sha256;
    return [await of('regimes'), await of('regime_transitions')];
  });

beforeAll(async () => {
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  await db.databases.historical.client(async (client) => {
    const first = panel.calendar.days.find((day, t) => panel.calendar.days[t + 1] === day + 3)! + 1;
    for (let day = first; day < panel.calendar.days[LAST]; day += 52 * 7) {
      await client.query(`INSERT INTO market_holidays VALUES ('TEST', $1, 'Holiday', 'test', now())`, [formatDay(day)]);
    }
  });
  const span = { market: 'TEST', trainStart: date(FIT_START), trainEnd: date(FIT_END) };
  await run(numericFitSpec, fitModels, { model: [MODEL], ...span, maxWindows: 1500 });
  await run(numericBackfillSpec, backfillNumeric, {
    market: 'TEST',
    startDate: date(FIT_START),
    endDate: date(LAST),
    models: [MODEL],
    device: 'cpu',
  });
}, 120_000);
afterAll(async () => {
  rmSync(root, { recursive: true, force: true });
  await db?.drop();
});

describe('backfill regime', () => {
  it('labels every day with a vector, and each change once', async () => {
    const { result, events } = await label();
    expect(result.exitCode).toBe(0);
    const series = events.flatMap((e) => (e.type === 'metric' ? [e.name] : []));
    expect(series).toEqual(expect.arrayContaining(['rate', 'batches', 'batch time']));
    const rows = await rowsOf();
    expect(rows.map((row) => row.day)).toEqual(Array.from({ length: LAST - FIT_END }, (_, k) => date(FIT_END + 1 + k)));
    for (const row of rows) {
      expect(REGIME_LABELS).toContain(row.label);
      expect(row.vector).toHaveLength(384 * 4);
      expect(row.confidence).toBeGreaterThanOrEqual(0);
      expect(row.metadata).toMatchObject({ model_id: MODEL, train_end: date(FIT_END), known_until: date(FIT_END) });
    }
    const { rows: vectors } = await db.databases.historical.client((client) =>
      client.query(
        `SELECT vector FROM numeric_window_embeddings WHERE entity_type = 'MARKET' AND entity_id = 'TEST' AND as_of_date >= $1
          ORDER BY as_of_date`,
        [rows[0].day],
      ),
    );
    expect(rows.map((row) => row.vector)).toEqual(vectors.map((row) => row.vector));
    const { rows: changes } = await db.databases.runtime.client((client) =>
      client.query(
        `SELECT as_of_date::text AS day, from_regime_label AS before, to_regime_label AS after FROM regime_transitions ORDER BY 1`,
      ),
    );
    const expected = rows.flatMap((row, k) =>
      k > 0 && row.label !== rows[k - 1].label ? [{ day: row.day, before: rows[k - 1].label, after: row.label }] : [],
    );
    expect(changes.filter(({ day }) => day !== rows[0].day)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);
  });

  it('is the same again, in pieces, and without what came later', async () => {
    await label();
    const [whole, before] = [await digests(), await rowsOf()];
    const middle = 700;
    await label({ end: date(middle) });
    await label({ start: date(middle + 1) });
    expect(await digests()).toEqual(whole);
    const later = `as_of_date > '${date(middle)}'`;
    await db.databases.historical.transaction(async (client) => {
      await client.query(`CREATE TABLE kept AS SELECT * FROM numeric_window_embeddings WHERE ${later}`);
      await client.query(`DELETE FROM numeric_window_embeddings WHERE ${later}`);
    });
    await db.databases.runtime.client((client) => client.query('DELETE FROM regimes'));
    await label({ end: date(middle) });
    expect(await rowsOf()).toEqual(before.filter((row) => row.day <= date(middle)));
    const short = await label();
    expect(short.result.exitCode).toBe(3);
    expect(short.events).toContainEqual(
      expect.objectContaining({
        type: 'log',
        message: expect.stringMatching(/199 of 339 trading days have no vector/),
      }),
    );
    await db.databases.historical.client(async (client) => {
      await client.query(`INSERT INTO numeric_window_embeddings SELECT * FROM kept`);
      await client.query('DROP TABLE kept');
    });
  });

  it('refuses what has seen its own future, and says what is missing', async () => {
    await expect(label({ start: date(FIT_END) })).rejects.toThrow(/have seen their own future/);
    await expect(label({ trainEnd: date(FIT_END + 20) })).rejects.toThrow(/prototypes are fitted on days up to/);
    await expect(label({ trainStart: date(FIT_END - 100) })).rejects.toThrow(/101 days with vectors of TEST/);
    // All of these days have their vector: making them again would mend nothing.
    const short = await label({ trainStart: date(FIT_END - 100) }).catch((error) => error);
    expect(short.fix).toContain('a later encoderEnd');
    expect(short.fix).not.toContain('backfill numeric-embeddings');
    await expect(label({ model: 'num-regime-core-v1', trainStart: date(200), trainEnd: date(500) })).rejects.toThrow(
      /has no vectors of markets/,
    );
    const { result } = await label({ start: date(FIT_END - 10), allowInSample: true });
    expect(result.exitCode).toBe(0);
  });
});

describe('a campaign with regime risk', () => {
  const runOf = async (args: Parameters<typeof trade>[0]) => {
    const { result } = await trade({ json: true, persist: 'full', ...args });
    return (result.data as { runs: { config: Record<string, unknown>; metrics: Record<string, unknown> }[] }).runs[0];
  };

  it('scales the scores of a day and says which rows it used', async () => {
    await label();
    const scores = () =>
      db.databases.runtime.client(async (client) => {
        const { rows } = await client.query<{ day: string; score: number; risk: number | null }>(
          `SELECT as_of_date::text AS day, score, (reasons ->> 'regime_risk_score')::float8 AS risk FROM universe_members
            WHERE included ORDER BY as_of_date, entity_id COLLATE "C"`,
        );
        return rows;
      });
    const plain = await runOf({});
    expect(plain.config).not.toHaveProperty('regime_alpha');
    const before = await scores();
    const weighted = await runOf({ regimeAlpha: 0.5 });
    expect(weighted.config).toMatchObject({
      regime_alpha: 0.5,
      regime_region: 'US',
      regime_days: LAST - FIT_END,
      regime_train_end: date(FIT_END),
    });
    const risks = new Map((await rowsOf()).map((row) => [row.day, row.metadata.regime_risk as number]));
    const after = await scores();
    expect(after).toHaveLength(before.length);
    after.forEach((row, k) => {
      expect(row.risk).toBe(risks.get(row.day));
      expect(row.score).toBeCloseTo(before[k].score * (1 - 0.5 * row.risk!), 9);
    });
    expect(new Set(risks.values()).size).toBeGreaterThan(1);
  });

  it('refuses rows that know what comes, and a range without any', async () => {
    await label({ start: date(FIT_END - 10), allowInSample: true });
    await expect(trade({ start: date(FIT_END - 5), regimeAlpha: 1 })).rejects.toThrow(/it knows what comes/);
    const told = await runOf({ start: date(FIT_END - 5), regimeAlpha: 1, allowInSample: true });
    expect(told.config.in_sample).toEqual({ regimes: date(FIT_END) });
    expect(told.metrics.caveat).toContain(`in-sample, no evidence: regimes learnt from days to ${date(FIT_END)}`);
    await expect(trade({ start: date(300), end: date(400), regimeAlpha: 1 })).rejects.toThrow(/has no row of/);
  });
});

describe('another fit under the same id', () => {
  const embed = (more: object) =>
    run(numericBackfillSpec, backfillNumeric, {
      ...{ market: 'TEST', startDate: date(FIT_START), endDate: date(LAST), models: [MODEL], device: 'cpu' },
      ...more,
    });

  it('is refused over vectors of the first until they are made anew', async () => {
    const span = { market: 'TEST', trainStart: date(FIT_START), trainEnd: date(FIT_END - 40) };
    await run(numericFitSpec, fitModels, { model: [MODEL], ...span, maxWindows: 1000, replace: true });
    const refusal = new RegExp(
      `vectors of ${MODEL} from ${date(FIT_START)} to ${date(LAST)} were made by another fit \\([0-9a-f]{12}\\) than the one installed here \\([0-9a-f]{12}, fitted up to ${date(FIT_END - 40)}\\)`,
    );
    await expect(label()).rejects.toThrow(refusal);
    await expect(embed({ skipExisting: true })).rejects.toThrow(refusal);
    const joint = { marketId: 'TEST', start: date(FIT_START), end: date(LAST) };
    await expect(
      run(jointProfilesSpec, backfillJointProfiles, { ...joint, modelId: 'joint-profile-core-v2' }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(refusal),
      fix: expect.stringContaining(`backfill numeric-embeddings --models ${MODEL} --start-date ${date(FIT_START)}`),
    });
    await expect(
      run(jointRegimeSpec, backfillJointRegime, { ...joint, modelId: 'joint-regime-core-v2' }),
    ).rejects.toThrow(/the vectors of regimes of .* were made by another fit/);
    // Some of the days alone leave the others to the first fit.
    await embed({ endDate: date(FIT_END) });
    await expect(embed({ skipExisting: true })).rejects.toThrow(/were made by another fit/);
    await embed({});
    expect((await embed({ skipExisting: true })).result.data).toMatchObject({ written: 0 });
    expect((await label()).result.exitCode).toBe(0);
  }, 120_000);
});
