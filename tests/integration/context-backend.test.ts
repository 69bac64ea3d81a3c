/** The context backend in campaigns, on a real server: the v1 formula, a fitted head, mixed sleeves, and what is refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fitHead, headFitSpec } from '../../engines/assessment/fit.ts';
import { campaign } from '../../engines/backtest/program.ts';
import { formatSleeve, parseSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignSpec } from '../../engines/backtest/spec.ts';
import { compareRuns } from '../../engines/compare/program.ts';
import { columnOf, type Panel } from '../../engines/market/panel.ts';
import { loadModel } from '../../engines/models/storage.ts';
import { contextWords } from '../../src/format/figure.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { CONTEXT_ALONE, RUN_PAIRS } from '../../src/platform/db/run-pairs.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { Random } from '../../src/platform/random.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const DAYS = 420;
/** The last trading day that a fit may see, and the first of the campaign. */
const [TRAIN_LAST, FIRST] = [330, 340];
const HORIZON = 21;

let db: TestDatabases;
let panel: Panel;
let home: Home;
const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-context-'));

const day = (t: number) => formatDay(panel.calendar.days[t]);
const vector = (values: Record<number, number>) => {
  const floats = new Float32Array(384);
  for (const [at, value] of Object.entries(values)) floats[Number(at)] = value;
  return Buffer.from(floats.buffer);
};
async function store(
  model: string,
  [from, to]: readonly [number, number],
  of: (i: number, t: number) => Buffer,
  scope: object = {},
): Promise<void> {
  await db.databases.historical.client(async (client) => {
    for (let t = from; t < to; t++) {
      await client.query(
        `INSERT INTO joint_embeddings (joint_type, as_of_date, entity_scope, model_id, vector)
         SELECT 'ASSESSMENT_CTX_V0', $1, jsonb_build_object('entity_id', id) || $5, $2, v FROM unnest($3::text[], $4::bytea[]) AS u(id, v)`,
        [day(t), model, panel.instruments.map(({ id }) => id), panel.instruments.map((_, i) => of(i, t)), scope],
      );
    }
  });
}

beforeAll(async () => {
  panel = smallMarket({ seed: 11, instruments: 24, days: DAYS, gaps: 0 });
  db = await createTestDatabases();
  home = homeAt(folder);
  await storePanel(db.databases, panel);
  // A Saturday: it only vouches for the calendar of the second year.
  await db.databases.historical.client((client) =>
    client.query(
      `INSERT INTO market_holidays (market_id, holiday_date, holiday_name, source, created_at) VALUES ('TEST', '2014-07-05', 'Holiday', 'test', now())`,
    ),
  );
  // v1: the norm alone counts; 12 for even names, 8 for odd ones, nothing for the last.
  await store('joint-assessment-context-v1', [FIRST, DAYS], (i) => vector({ 3: i % 2 === 0 ? 12 : -8 }));
  // v2: one direction that knows the coming return of each name, one that is noise.
  const close = columnOf(panel, 'close');
  const random = new Random(5);
  const knowing = (i: number, t: number) => {
    const later = close[i * DAYS + Math.min(DAYS - 1, t + HORIZON)] / close[i * DAYS + t] - 1;
    const known = Number.isFinite(later) ? Math.max(-1, Math.min(1, later * 5)) : 0;
    return vector({ 0: known, 1: random.normal() * 0.3, 2: random.normal() * 0.3 });
  };
  await store('joint-assessment-context-v2', [0, DAYS], knowing, { branches: 'profile+regime+stab' });
}, 300_000);
afterAll(async () => {
  await db?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const sleeve = (name: string, backend?: string) =>
  `${name}:S:TEST:${name}_U:${name}_P:${name}_A:21${backend ? `:${backend}` : ''}`;
async function run(args: object, sleeves: readonly string[] = [sleeve('CTX')]) {
  const input = { marketId: 'TEST', start: day(FIRST), end: day(DAYS - 1), sleeve: sleeves, persist: 'full', ...args };
  const { stdout } = await runProgram(campaignSpec, campaign, input as never, db.databases, undefined, home);
  return new Map(
    stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => [line.split(',')[1], line.split(',')[0]]),
  );
}
const query = async (sql: string, values: unknown[] = []) =>
  (await db.databases.runtime.client((client) => client.query(sql, values))).rows;
const refusal = async (args: object, sleeves?: readonly string[]) => {
  try {
    await run(args, sleeves);
  } catch (error) {
    return error as { message: string; fix: string; exitCode: number };
  }
  throw new Error('it was not refused');
};
const V1 = { assessmentBackend: 'context', assessmentModelId: 'assessment-context-v1' };

describe('the v1 head', () => {
  it('scores by the norm of the vector as the contract says', async () => {
    const ids = await run(V1);
    const rows = await query(
      `SELECT DISTINCT expected_return, score, confidence, signal_label FROM instrument_scores WHERE strategy_id = 'CTX_A' AND as_of_date = $1 ORDER BY score`,
      [day(FIRST + 1)],
    );
    expect(rows).toHaveLength(2);
    const [low, high] = rows;
    expect(low.score).toBeCloseTo(Math.tanh(-0.2), 12);
    expect(high.expected_return).toBeCloseTo(0.05 * Math.tanh(0.2), 12);
    expect([low.signal_label, high.signal_label]).toEqual(['HOLD', 'HOLD']);
    expect(high.confidence).toBeCloseTo(0.2, 12);
    const [{ config }] = await query(`SELECT config_json AS config FROM backtest_runs WHERE run_id = $1`, [
      ids.get('CTX'),
    ]);
    expect(config).toMatchObject({
      assessment_backend: 'context',
      assessment_model_id: 'assessment-context-v1',
      assessment_context_model_id: 'joint-assessment-context-v1',
      assessment_context_coverage: 1,
    });
    // Its vectors do not say what they are joined of.
    expect(config).not.toHaveProperty('assessment_context_branches');
    expect(config).not.toHaveProperty('assessment_ic');
  });

  it('leaves names without a vector at HOLD with 0', async () => {
    await db.databases.historical.client((client) =>
      client.query(
        `DELETE FROM joint_embeddings WHERE model_id = 'joint-assessment-context-v1' AND entity_scope->>'entity_id' = $1`,
        [panel.instruments[0].id],
      ),
    );
    await run(V1);
    const [row] = await query(
      `SELECT expected_return, score, confidence, signal_label AS label FROM instrument_scores WHERE strategy_id = 'CTX_A' AND instrument_id = $1 AND as_of_date = $2`,
      [panel.instruments[0].id, day(FIRST + 1)],
    );
    expect(row).toEqual({ expected_return: 0, score: 0, confidence: 0, label: 'HOLD' });
  });

  it('stands beside the basic backend in one campaign; each sleeve gives what it gives alone', async () => {
    const both = await run(V1, [sleeve('A', 'basic'), sleeve('B', 'context')]);
    const alone = [await run({}, [sleeve('A')]), await run(V1, [sleeve('B')])];
    const hash = async (id: string | undefined) =>
      (
        await query(
          `SELECT metrics_json->>'trade_list_hash' AS hash, config_json->>'assessment_backend' AS backend FROM backtest_runs WHERE run_id = $1`,
          [id],
        )
      )[0];
    expect(await hash(both.get('A'))).toEqual(await hash(alone[0].get('A')));
    expect(await hash(both.get('B'))).toEqual(await hash(alone[1].get('B')));
    expect((await hash(both.get('A'))).hash).not.toBe((await hash(both.get('B'))).hash);
  });
});

describe('the v2 head', () => {
  it('is named when it is missing, with both ways on', async () => {
    const { message, fix } = await refusal({ assessmentBackend: 'context' });
    expect(message).toContain('assessment-context-v2 has not been fitted');
    expect(fix).toContain('models fit assessment-context-v2');
    expect(fix).toContain('--assessment-model-id assessment-context-v1');
  });

  it('learns what the vectors know, is judged by days it had not seen, and is used after its training only', async () => {
    const fitted = await runProgram(
      headFitSpec,
      fitHead,
      { model: ['assessment-context-v2'], trainStart: day(0), trainEnd: day(TRAIN_LAST), market: 'TEST' },
      db.databases,
      undefined,
      home,
    );
    const { probes } = fitted.result.data as { probes: Record<string, number> };
    expect(probes.ic).toBeGreaterThan(0.3);
    expect(probes.t).toBeGreaterThan(2);
    const ids = await run({ assessmentBackend: 'context' });
    const [{ config }] = await query(`SELECT config_json AS config FROM backtest_runs WHERE run_id = $1`, [
      ids.get('CTX'),
    ]);
    expect(config).toMatchObject({
      assessment_model_id: 'assessment-context-v2',
      assessment_train_end: day(TRAIN_LAST),
      assessment_ic: probes.ic,
      assessment_context_coverage: 1,
      assessment_context_branches: { profile: 1, regime: 1, stab: 1, text: 0 },
    });
    const close = columnOf(panel, 'close');
    const rows = await query(
      `SELECT instrument_id AS id, expected_return AS er FROM instrument_scores WHERE strategy_id = 'CTX_A' AND as_of_date = $1`,
      [day(FIRST)],
    );
    const pairs = rows.flatMap(({ id, er }) => {
      const i = panel.instruments.findIndex((one) => one.id === id);
      const later = close[i * DAYS + FIRST + HORIZON] / close[i * DAYS + FIRST] - 1;
      return Number.isFinite(later) && er !== 0 ? [Math.sign(er) === Math.sign(later) ? 1 : 0] : [];
    });
    expect(pairs.reduce<number>((a, b) => a + b, 0) / pairs.length).toBeGreaterThan(0.7);
    const { message, fix } = await refusal({ assessmentBackend: 'context', start: day(TRAIN_LAST) });
    expect(message).toContain('have seen their own future');
    expect(fix).toBe('Begin after that day, use a model that was fitted earlier, or say --allow-in-sample.');
    expect(
      (await refusal({ assessmentBackend: 'context', assessmentContextModelId: 'joint-assessment-context-v1' }))
        .message,
    ).toContain('was fitted on joint-assessment-context-v2');
  });

  it('refuses vectors of days that the models behind them have learnt from', async () => {
    const known = async (end: string) =>
      await db.databases.historical.client((client) =>
        client.query(
          `UPDATE joint_embeddings SET entity_scope = entity_scope || jsonb_build_object('fit_end', $1::text)
            WHERE model_id = 'joint-assessment-context-v2' AND as_of_date >= $2`,
          [end, day(FIRST)],
        ),
      );
    await known(day(FIRST));
    const { message, fix } = await refusal({ assessmentBackend: 'context' });
    expect(message).toContain(`the vector of ${day(FIRST)} was made by models fitted on data up to ${day(FIRST)}`);
    expect(fix).toContain('Begin after that day');
    await known('unknown');
    const nobody = await refusal({ assessmentBackend: 'context' });
    expect(nobody.message).toContain(
      `nobody knows what the models behind the vector of ${day(FIRST)} have learnt from`,
    );
    expect(nobody.fix).toContain('Put those models into the registry');
    await known(day(FIRST - 1));
    expect((await run({ assessmentBackend: 'context' })).size).toBe(1);
  });

  it('is used in-sample when told to; the run says so, and is no evidence', async () => {
    await db.databases.historical.client((client) =>
      client.query(
        `UPDATE joint_embeddings SET entity_scope = entity_scope || jsonb_build_object('fit_end', $1::text)
          WHERE model_id = 'joint-assessment-context-v2'`,
        [day(FIRST)],
      ),
    );
    const args = { start: day(TRAIN_LAST), end: day(DAYS - 1) };
    const context = { assessmentBackend: 'context', ...args };
    const { message, fix } = await refusal({ ...context, start: day(TRAIN_LAST + 1) });
    expect(message).toContain('it has seen its own future');
    expect(fix).toContain('--allow-in-sample');
    const ids = await run({ ...context, allowInSample: true }, [sleeve('IN'), sleeve('PLAIN', 'basic')]);
    const configs = await query(
      `SELECT config_json AS config, metrics_json->>'caveat' AS caveat FROM backtest_runs WHERE run_id = ANY ($1)
        ORDER BY config_json->>'sleeve_id'`,
      [[...ids.values()]],
    );
    const seen = { 'context vectors': day(FIRST), 'assessment-context-v2': day(TRAIN_LAST) };
    expect(configs[0].config.in_sample).toEqual(seen);
    expect(configs[0].config.caveat).toBe(configs[0].caveat);
    expect(configs[0].caveat).toContain(
      `in-sample, no evidence: context vectors learnt from days to ${day(FIRST)}, assessment-context-v2 learnt from days to ${day(TRAIN_LAST)}; same-close`,
    );
    // The basic sleeve beside it reads none of that.
    expect(configs[1].config).not.toHaveProperty('in_sample');
    expect(configs[1].caveat).not.toContain('in-sample');

    const basic = await run(args, [sleeve('IN')]);
    expect(await query(RUN_PAIRS, [['IN'], null, null, CONTEXT_ALONE])).toEqual([]);
    const comparison = await compareRuns(
      db.databases.runtime,
      { run: [basic.get('IN')!, ids.get('IN')!], basic: [], context: [] },
      { draws: 20, seed: 1 },
    );
    expect(comparison.verdict).toMatch(/^In-sample, no evidence: runs used what has learnt from their own days\. /);
    expect(comparison.pairs[0].b.inSample).toEqual(seen);
    expect(contextWords(comparison.pairs[0].b)).toContain('context for 100.0 % of days');
    // Told, but nothing has seen its future: an honest run.
    const honest = await run({ assessmentBackend: 'context', start: day(FIRST + 1), allowInSample: true }, [
      sleeve('OK'),
    ]);
    const [{ config }] = await query(`SELECT config_json AS config FROM backtest_runs WHERE run_id = $1`, [
      honest.get('OK'),
    ]);
    expect(config).not.toHaveProperty('in_sample');
    await db.databases.historical.client((client) =>
      client.query(`UPDATE joint_embeddings SET entity_scope = entity_scope - 'fit_end'`),
    );
  });

  it('is not fitted where no day is left to judge it by, and says so where these are too few', async () => {
    const fitTo = (last: number) =>
      runProgram(
        headFitSpec,
        fitHead,
        {
          ...{ model: ['assessment-context-v2'], as: 'assessment-context-v2-short', market: 'TEST' },
          ...{ trainStart: day(0), trainEnd: day(last) },
        },
        db.databases,
        undefined,
        home,
      );
    await expect(fitTo(140)).rejects.toMatchObject({
      message: `no day of ${day(0)} … ${day(140)} (141 trading days) is left to judge a head by: 126 are learnt from first, and the last 21 have no future`,
      fix: expect.stringContaining('Give a span of 191 trading days at least'),
    });
    const { result, events } = await fitTo(160);
    const why = '14 days, fewer than the 44 that are asked for';
    expect(result.summary).toBe(`assessment-context-v2-short: not judged: ${why}: it will say 0 of every name`);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'log', level: 'warn', message: expect.stringContaining(why) }),
    );
    const { manifest } = await loadModel(home.models, 'assessment-context-v2-short');
    const { probes } = (manifest as { fit: { probes: Record<string, number> } }).fit;
    expect(probes).toEqual({ horizon: 21, days_judged: 14, rows: expect.any(Number) });
    const ids = await run({ assessmentBackend: 'context', assessmentModelId: 'assessment-context-v2-short' }, [
      sleeve('SHORT'),
    ]);
    const basic = await run({}, [sleeve('SHORT')]);
    const { pairs, verdict } = await compareRuns(
      db.databases.runtime,
      { run: [basic.get('SHORT')!, ids.get('SHORT')!], basic: [], context: [] },
      { draws: 20, seed: 1 },
    );
    expect([pairs[0].b.contextIc, pairs[0].b.contextNotJudged]).toEqual([0, why]);
    expect(contextWords(pairs[0].b)).toContain(`its head was not judged (${why}) and says 0 of every name`);
    expect(verdict).toContain(
      `The context head was not judged: ${why}. It says 0 of every name: what is compared is having no opinion.`,
    );
  });

  it('fits the same weights whatever comes after its span', async () => {
    const fitAs = (as: string) =>
      runProgram(
        headFitSpec,
        fitHead,
        { model: ['assessment-context-v2'], trainStart: day(0), trainEnd: day(200), market: 'TEST', as },
        db.databases,
        undefined,
        home,
      );
    const before = (await fitAs('assessment-context-v2-a')).result.data as { probes: object };
    await db.databases.historical.client((client) =>
      client.query(`DELETE FROM joint_embeddings WHERE as_of_date > $1`, [day(200)]),
    );
    await db.databases.historical.client((client) =>
      client.query(`UPDATE prices_daily SET close = close * 3 WHERE trade_date > $1`, [day(200)]),
    );
    const after = (await fitAs('assessment-context-v2-b')).result.data as { probes: object };
    expect(after.probes).toEqual(before.probes);
  });
});

describe('flags', () => {
  it.each([
    [{ assessmentContextModelId: 'x' }, 'says nothing to the basic backend'],
    [{ assessmentUseJointContext: true }, 'says nothing to the basic backend'],
    [{ assessmentModelId: 'assessment-context-v2' }, 'says nothing to the basic backend'],
    [{ assessmentBackend: 'context', assessmentModelId: 'assessment-basic-v1' }, 'no head of the context backend'],
    [{ assessmentBackend: 'context', assessmentModelId: 'x' }, 'no head of the context backend'],
  ])('%j is refused', async (args, message) => {
    expect((await refusal(args)).message).toContain(message);
  });

  it('vectors that are not there are asked for by name', async () => {
    const { message, fix } = await refusal({ ...V1, assessmentContextModelId: 'joint-assessment-context-v9' });
    expect(message).toContain('has no vector of joint-assessment-context-v9');
    expect(fix).toContain('backfill joint-assessment-context');
  });

  it('a sleeve says its backend in an eighth field, or leaves it to the campaign', () => {
    expect(parseSleeve(sleeve('A', 'context')).backend).toBe('context');
    expect(parseSleeve(sleeve('A')).backend).toBeUndefined();
    expect(formatSleeve(parseSleeve(sleeve('A', 'basic')))).toBe(sleeve('A', 'basic'));
    expect(() => parseSleeve(sleeve('A', 'other'))).toThrow("'other' is neither basic nor context");
    expect(() => parseSleeve(`${sleeve('A', 'basic')}:more`)).toThrow('9 fields');
  });
});
