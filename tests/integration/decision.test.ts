/** Phase 5: notes, the evidence and the decision, and that no backfill of the full horizon starts before. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireDecision } from '../../src/queue/full-horizon.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { bareEnvironment, MAIN } from '../helpers/processes.ts';

let folder: string;
let pair: TestDatabases;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-decide-'));
  pair = await createTestDatabases();
});
afterAll(async () => {
  await pair.drop();
  rmSync(folder, { recursive: true, force: true });
});

function prometheus(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = {
    ...bareEnvironment(folder, path.join(folder, 'home')),
    PROMETHEUS_OPERATOR: 'ada',
  };
  const words = [MAIN, ...argv, '--historical', pair.urls.historical, '--runtime', pair.urls.runtime];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: folder, env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}
const runtime = (sql: string) => pair.databases.runtime.client((client) => client.query(sql));
const SLEEVE = 'US_CORE_LONG_EQ_H5';

const CAMPAIGN = ['2014-01-02', '2014-03-31'];
const CONTEXT = ['2017-01-01', '2024-12-31'];

/** A complete run with equity that grows by `gain` a day and a little noise. `figures`: further metrics. */
async function addRun(
  id: string,
  answer: string,
  gain: number,
  choice: object = {},
  span = CAMPAIGN,
  figures: object = {},
): Promise<void> {
  const metrics = { cumulative_return: 0.1, trade_list_hash: answer, ...figures };
  const common = { sleeve_id: SLEEVE, assessment_backend: 'basic', campaign_id: id, data_fingerprint: 'd', build: '1' };
  const config = { ...common, ...choice };
  await runtime(
    `INSERT INTO backtest_runs (run_id, strategy_id, config_json, start_date, end_date, metrics_json, created_at)
     VALUES ('${id}', 'S', '${JSON.stringify(config)}', '${span[0]}', '${span[1]}', '${JSON.stringify(metrics)}', clock_timestamp())`,
  );
  await runtime(
    `INSERT INTO backtest_daily_equity SELECT '${id}', date '${span[0]}' + t, 1e6 * exp(${gain} * t + 0.001 * sin(t)), 0, NULL FROM generate_series(0, 60) t`,
  );
}
const check = async (id: string) => JSON.parse((await prometheus('why', id, '--json')).out).check;

test('a note is kept with time and name, and why shows it', async () => {
  expect(await prometheus('note', 'P3', 'Utilities looks off; "quotes" too')).toMatchObject({
    code: 0,
    out: 'P3: noted\n',
  });
  expect((await prometheus('why', 'P3')).out).toMatch(/note\s+Utilities looks off; "quotes" too \S ada@/);
  expect((await prometheus('why', 'P4')).out).not.toContain('Utilities');
  expect(await prometheus('note', 'P9', 'x')).toMatchObject({ code: 2 });
  expect(await prometheus('note', 'P3', '   ')).toMatchObject({ code: 2 });
});

test('an optional phase is left out with a reason, and taken in again; no other one is', async () => {
  const p3 = async () => JSON.parse((await prometheus('why', 'P3', '--json')).out).phase;
  const before = await p3();
  expect(await prometheus('phases', 'unskip', 'P3', '--text', 'x')).toMatchObject({ code: 2 });
  expect(await prometheus('phases', 'skip', 'P2', '--text', 'x')).toMatchObject({
    code: 2,
    err: expect.stringContaining('P2 is not optional'),
  });
  expect((await runtime('SELECT count(*) AS n FROM console.phase_skips')).rows[0].n).toBe(0);

  expect(await prometheus('phases', 'skip', 'p3', '--text', 'after Phase 4')).toMatchObject({
    code: 0,
    out: 'P3: skipped, recorded\n',
  });
  const skipped = await p3();
  expect(skipped).toMatchObject({
    state: 'SKIP',
    skip: { reason: 'after Phase 4', who: expect.stringMatching(/^ada@/) },
    checks: before.checks.map(({ id, state }: { id: string; state: string }) => ({ id, state })),
  });
  expect(skipped.why[0]).toMatch(/^Skipped by ada@\S+ on \d{4}-\d\d-\d\d: after Phase 4\.$/);

  expect(await prometheus('phases', 'unskip', 'P3', '--text', 'texts are there')).toMatchObject({
    code: 0,
    out: 'P3: no longer skipped, recorded\n',
  });
  const after = await p3();
  expect(after).toMatchObject({ state: before.state, skip: null });
  expect(after.notes.map((one: { note: string }) => one.note).slice(0, 2)).toEqual([
    'no longer skipped: texts are there',
    'skipped: after Phase 4',
  ]);
});

describe('the evidence', () => {
  test('repeats: one run is none, equal runs are OK, different ones fail', async () => {
    await addRun('a', 'x', 0.0001);
    expect(await check('P5.stable')).toMatchObject({ state: 'WAIT', observed: '0 of 3 sleeves repeated' });
    await addRun('b', 'x', 0.0001);
    expect(await check('P5.stable')).toMatchObject({ state: 'PART', observed: '1 of 3 sleeves repeated' });
    await addRun('c', 'y', 0.0001);
    expect(await check('P5.stable')).toMatchObject({ state: 'FAIL' });
  });

  test('gains: paired with the baseline of the same sleeve, days and prices, with an interval', async () => {
    expect(await check('P5.value')).toMatchObject({ state: 'WAIT' });
    const reached = { lambda_score_coverage_over_run: 0.9 };
    await addRun('l', 'z', 0.0003, { lambda_experiment_id: 'HAR' }, CAMPAIGN, reached);
    // A newer one whose λ̂ reached nobody is none: it says nothing about λ̂.
    await addRun('idle', 'x', 0.0001, { lambda_experiment_id: 'HAR' });
    const found = await check('P5.value');
    expect(found.state).toBe('PART');
    // e^0.0003 against e^0.0001 a day: 0.0002 × 252 a year.
    expect(found.observed).toMatch(/^basic\+lambda US_CORE_LONG_EQ_H5 5\.0 % a year \[.*\], 61 days/);
  });

  test('a baseline with other costs, code or data is no partner: the reason, and the command that makes one', async () => {
    const reached = { lambda_score_coverage_over_run: 0.9 };
    const lambda = (id: string, choice: object = {}) =>
      addRun(id, 'z', 0.0003, { lambda_experiment_id: 'HAR', ...choice }, CAMPAIGN, reached);
    const costly = { slippage_bps: 50, commission_bps: 20, caveat: 'survivors only' };
    // A newer and worse baseline beside the equal one changes nothing.
    const before = await check('P5.value');
    await addRun('costly', 'w', -0.001, costly);
    expect((await check('P5.value')).observed).toBe(before.observed);
    // Nor does one of other code, though it differs in fewer keys.
    await lambda('l1', { ...costly, build: '2', git_sha: 'b' });
    expect(await check('P5.value')).toMatchObject({
      state: 'WAIT',
      observed: expect.stringContaining(`basic+lambda ${SLEEVE} without an equal baseline`),
      reason: expect.stringContaining('differ by code, too'),
      fix: expect.stringMatching(/^backtest campaign .*--slippage-bps 50 --commission-bps 20$/),
    });
    await lambda('l2', { fill: 'next_open', initial_cash: 5 });
    const { state, fix } = await check('P5.value');
    expect(state).toBe('WAIT');
    expect(fix).toMatch(/--start 2014-01-02 --end 2014-03-31 .*--initial-cash 5 .*--fill next_open$/);
    expect(fix).not.toContain('lambda');
    // Prices were imported since: the run itself is made again.
    await lambda('l3', { data_fingerprint: 'old', fill: 'next_close' });
    await addRun('newer', 'v', 0.0001, { fill: 'next_close' });
    expect((await check('P5.value')).fix).toContain('--lambda-table');
    await addRun('equal', 'v', 0.0001, { fill: 'next_close', data_fingerprint: 'old', campaign_id: 'other' });
    expect((await check('P5.value')).observed).toMatch(/^basic\+lambda US_CORE_LONG_EQ_H5 5\.0 % a year/);
    const ids = `('costly', 'l1', 'l2', 'l3', 'newer', 'equal')`;
    await runtime(`DELETE FROM backtest_daily_equity WHERE run_id IN ${ids}`);
    await runtime(`DELETE FROM backtest_runs WHERE run_id IN ${ids}`);
  });

  test('gains of context count over the days that no model of it has learnt from', async () => {
    await addRun('early', 'z', 0.0003, { assessment_backend: 'context' });
    expect((await check('P5.value')).observed).not.toContain('context');
    await addRun('basic', 'x', 0.0001, {}, CONTEXT);
    await addRun('late', 'z', 0.0004, { assessment_backend: 'context' }, CONTEXT);
    expect((await check('P5.value')).observed).toMatch(/context US_CORE_LONG_EQ_H5 7\.6 % a year \[.*\], 61 days/);
  });
});

describe('the gate', () => {
  const years = { start: '1997-01-02', end: '2024-12-31', limit: null };
  const backfill = () =>
    prometheus('backfill', 'text-embeddings', '--start', '1997-01-02', '--end', '2024-12-31', '--model-id', 'none');

  test('refuses the full horizon, lets trials and shorter spans through', async () => {
    const { runtime: database } = pair.databases;
    await expect(requireDecision(database, years)).rejects.toThrow('nobody has decided that yet');
    await requireDecision(database, { ...years, start: '2005-01-01' });
    await requireDecision(database, { ...years, limit: 10 });
    await requireDecision(database, { ...years, end: '1997-01-31' });
    await expect(requireDecision(database, { ...years, limit: 400 })).rejects.toThrow('full horizon');
    expect((await backfill()).code).not.toBe(0);
  });

  test('a decision needs runs, evidence or a reason, and is kept with all of it', async () => {
    const bare = await prometheus('decide', 'P5', '--text', 'why not');
    expect(bare).toMatchObject({ code: 2, err: expect.stringContaining('names the runs') });
    const early = await prometheus('decide', 'P5', '--runs', 'a', '--text', 'why not');
    expect(early).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('the evidence for Phase 5 is not there: '),
    });
    const ghost = await prometheus('decide', 'P5', '--runs', 'ghost', '--text', 'x', '--override', 'y');
    expect(ghost).toMatchObject({ code: 2, err: expect.stringContaining('no complete run ghost') });
    expect((await runtime('SELECT count(*) AS n FROM console.decisions')).rows[0].n).toBe(0);

    const stay = await prometheus('decide', 'P5', '--decision', 'stay', '--text', '2005 on is enough');
    expect(stay).toMatchObject({ code: 0, out: 'P5: stay, recorded\n' });
    await expect(requireDecision(pair.databases.runtime, years)).rejects.toThrow('the newest decision is to stay');

    const words = ['--runs', 'a', 'b', '--text', 'regimes before 2005', '--override', 'the disk is empty anyway'];
    expect(await prometheus('decide', 'P5', ...words)).toMatchObject({
      code: 0,
      out: 'P5: extend, recorded without the evidence\n',
    });
    await requireDecision(pair.databases.runtime, years);
    const { rows } = await runtime('SELECT * FROM console.decisions ORDER BY decision_id DESC LIMIT 1');
    expect(rows[0]).toMatchObject({
      decision: 'extend',
      runs: ['a', 'b'],
      reason: 'regimes before 2005',
      override: 'the disk is empty anyway',
      decided_by: expect.stringMatching(/^ada@/),
    });
    expect(rows[0].evidence.lacking.join()).toContain('P5.stable FAIL');
    expect(await check('P5.decision')).toMatchObject({
      state: 'OK',
      observed: expect.stringContaining('without the evidence'),
    });
  });
});
