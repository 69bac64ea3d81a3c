/** What is looked at before a job is launched: real databases, real job folders, real claims. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refreshCoverage } from '../../engines/numeric/coverage.storage.ts';
import { monthEnds } from '../../engines/numeric/plan.model.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { preflight } from '../../src/cli/preflight.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { makeTarget } from '../../src/platform/db/targets.ts';
import { JobFile, writeExitRecord } from '../../src/supervisor/job-files.ts';
import { createJobFolder, readJob } from '../../src/supervisor/job-store.ts';
import { rerunOrder } from '../../src/supervisor/rerun.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import {
  createTestHome,
  exitRecordOf,
  fixtureRuntime,
  jobSpecOf,
  startJob,
  type TestHome,
  viewOf,
  withSettings,
} from '../helpers/jobs.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

const PROBES = { now: Date.now, signal: new AbortController().signal, timeoutMs: 10_000 };

let home: TestHome;
let pair: TestDatabases;
beforeAll(async () => {
  pair = await createTestDatabases();
});
afterAll(() => pair.drop());
beforeEach(() => {
  home = createTestHome();
});
afterEach(() => home.remove());

const look = async (
  args: readonly string[],
  { program = 'fixture write', after = [] as string[], runtime = fixtureRuntime(), databases = pair.databases } = {},
) => {
  const found = await preflight(
    { home: home.home, runtime, databases, targets: pair.targets, probes: PROBES },
    { program, args, after },
  );
  return {
    ...found,
    state: Object.fromEntries(found.checks.map(({ name, state }) => [name, state])),
    of: found.checks,
  };
};
const detail = ({ of }: Awaited<ReturnType<typeof look>>, name: string) => of.find((one) => one.name === name)?.detail;
const ended = (id: string) => until(() => readJob(home.home, id).exit !== null, `the end of ${id}`);

test('a job that nothing holds back', async () => {
  const found = await look([]);
  expect(found.state).toEqual({ historical: 'OK', runtime: 'OK', code: 'OK', disk: 'OK', overlap: 'OK', turn: 'OK' });
  // The databases of the tests are another home's; their server is this machine's all the same.
  expect(detail(found, 'disk')).toContain('free; what the job writes is unknown');
  expect(detail(found, 'code')).toBe('git tree clean at abc');
  expect(found.estimate).toMatchObject({ rows: null, seconds: null, bytes: null });
});

test('a running writer of the same rows, unless the job waits for it', async () => {
  const gate = home.at('gate');
  const args = ['--claim', 'US_EQ', '--start', '2014-01-01', '--end', '2014-01-31'];
  const holder = await startJob(home.home, {
    program: 'fixture write',
    args: [...args, '--until', gate, '--rows', '10'],
    idempotencyKey: 'a',
  });
  const taken = await look(args);
  expect(taken.state.overlap).toBe('FAIL');
  expect(detail(taken, 'overlap')).toContain(`${holder.id} is writing the same rows (runtime.x, US_EQ, 2014-01-01`);
  expect((await look(args, { after: [holder.id] })).state.overlap).toBe('OK');
  expect((await look(['--claim', 'DE_EQ'])).state.overlap).toBe('OK');
  const narrow = fixtureRuntime({ settings: withSettings({ slots: { cpu: 1, gpu: 1, io: 1, writer: 1 } }) });
  expect(detail(await look([], { runtime: narrow }), 'turn')).toContain(`wait for ${holder.id}`);
  writeFileSync(gate, '');
  await ended(holder.id);
  const again = await look([...args, '--until', gate, '--rows', '10']);
  expect(again.state.overlap).toBe('OK');
  expect(again.estimate.rows).toEqual({ value: 10, low: 10, high: 10 });
  expect(again.estimate.seconds?.value).toBeGreaterThan(0);
  expect(again.estimate.basis).toBe('as 0001 took, with the same arguments');
});

describe('a numeric backfill', () => {
  const NAME = numericBackfillSpec.name;
  const runtime = fixtureRuntime({ catalog: () => [numericBackfillSpec] });
  const days = (start: string, end: string) => ['--start-date', start, '--end-date', end];
  const estimate = async (...words: string[]) => (await look(words, { program: NAME, runtime })).estimate;

  /** A finished job of these words, as its folder tells. */
  async function finished(
    words: readonly string[],
    { due, rows, seconds }: Record<'due' | 'rows' | 'seconds', number>,
  ) {
    const { args, argv } = runtime.parse(numericBackfillSpec, words);
    const { id } = await createJobFolder(
      home.home,
      jobSpecOf({ program: NAME, args, programArgs: argv, idempotencyKey: words.join() }),
    );
    const folder = path.join(home.home.jobs, id);
    const events = [
      { type: 'progress', done: due, total: due, unit: 'vectors' },
      { type: 'result', status: 'done', summary: '', rows: { numeric_window_embeddings: rows } },
    ];
    writeFileSync(
      path.join(folder, JobFile.events),
      events.map((one) => `${JSON.stringify({ t: 1, ...one })}\n`).join(''),
    );
    const verdict = { rows, failures: 0, fatal: null, rowsDue: true, status: 'done' as const };
    writeExitRecord(folder, exitRecordOf({ startedAt: 0, endedAt: seconds * 1000, verdict }));
    return id;
  }

  test('is estimated by jobs of the same kind, less what it would find there', async () => {
    const MODEL = 'num-stab-core-v1';
    const query = async (sql: string) =>
      (await pair.databases.historical.client((client) => client.query<{ count: number }>(sql))).rows[0]?.count;
    const panel = smallMarket({ seed: 1, instruments: 4, days: 220 });
    await storePanel(pair.databases, panel);
    const year = (number: number) => [...days(`${number}-01-01`, `${number}-12-31`), '--market', 'TEST'];
    await finished([...year(2015), '--skip-existing'], { due: 5000, rows: 5000, seconds: 10 });
    // None of these says anything of whole years: a count, ten instruments, another window.
    await finished([...year(2015), '--skip-existing', '--dry-run'], { due: 0, rows: 0, seconds: 1 });
    await finished([...year(2014), '--limit', '10'], { due: 50, rows: 50, seconds: 3 });
    await finished([...year(2014), '--window-days', '21'], { due: 9, rows: 9, seconds: 3 });
    await finished([...year(2015), '--models', MODEL, '--temporal-snapshots'], { due: 90, rows: 90, seconds: 1 });
    const one = [...year(2013), '--models', MODEL];
    const measured = 'as 0001 took, by the days of their range';
    const whole = { value: 1000, low: 1000, high: 1000 };
    expect(await estimate(...one)).toMatchObject({
      ...{ rows: whole, seconds: { value: 2, low: 2, high: 10 }, basis: measured },
    });
    expect((await estimate(...one, '--skip-existing')).rows).toEqual(whole);
    const range = { market: 'TEST', startDate: '2013-01-01', endDate: '2013-12-31', models: [MODEL] };
    await runProgram(numericBackfillSpec, backfillNumeric, { ...range, workers: 1, device: 'cpu' }, pair.databases);
    await query(
      `DELETE FROM numeric_window_embeddings WHERE as_of_date = (SELECT max(as_of_date) FROM numeric_window_embeddings)`,
    );
    const STANDING = `SELECT count(*)::int FROM numeric_window_embeddings WHERE model_id = '${MODEL}' AND entity_type = 'INSTRUMENT'`;
    const standing = (await query(STANDING))!;
    expect(standing).toBeGreaterThan(300);
    // Of another kind, of a name of no market, of a model that is not asked for, on days on which none is due.
    const rows = ["'MARKET', entity_id, as_of_date, model_id", "'INSTRUMENT', 'ELSEWHERE', as_of_date, model_id"];
    rows.push(
      "entity_type, entity_id, as_of_date, 'num-profile-core-v1'",
      'entity_type, entity_id, as_of_date - 7 * 60, model_id',
    );
    for (const row of rows) {
      await query(
        `INSERT INTO numeric_window_embeddings (entity_type, entity_id, as_of_date, model_id, window_spec)
         SELECT DISTINCT ON (as_of_date) ${row}, '{}' FROM numeric_window_embeddings
          WHERE entity_type = 'INSTRUMENT' AND entity_id <> 'ELSEWHERE' AND model_id = '${MODEL}'`,
      );
    }
    for (const exact of [false, true]) {
      if (exact) await refreshCoverage(pair.databases.historical, { exact });
      const left = 1000 - standing;
      const rest = await estimate(...one, '--skip-existing');
      expect(rest).toMatchObject({
        rows: { value: left, low: left, high: left },
        basis: `${measured}, less ${standing} there`,
      });
    }
    const names = panel.instruments.map(({ id }) => `'${id}'`);
    const ofTwo = await query(`${STANDING} AND entity_id IN (${names.slice(0, 2)}) AND as_of_date >= '2013-01-01'`);
    const two = await estimate(...one, '--limit', '2', '--skip-existing');
    expect(two).toMatchObject({
      rows: { value: null, low: 0, high: 2 * 365 - ofTwo! },
      basis: `as 0003, 0001 took, by the days of their range, less ${ofTwo} there`,
    });
    const atMonthEnds = await query(
      `${STANDING} AND entity_id IN (${names}) AND as_of_date >= '2013-01-01'
          AND as_of_date IN (${monthEnds(panel.calendar.days).map((t) => `'${formatDay(panel.calendar.days[t])}'`)})`,
    );
    expect(atMonthEnds).toBeGreaterThan(10);
    expect((await estimate(...one, '--temporal-snapshots', '--skip-existing')).rows?.value).toBe(90 - atMonthEnds!);
    // Everything was just written.
    await finished([...one, '--skip-existing'], { due: standing, rows: standing, seconds: 10 });
    const again = await estimate(...one, '--skip-existing');
    expect(again.rows).toEqual({ value: 0, low: 0, high: standing });
    expect(again.seconds).toEqual({ value: null, low: 0, high: 10 });
    expect((await estimate(...one, '--limit', '2')).rows).toEqual({ value: null, low: 0, high: 2 * 365 });
  });
});

test('a database that does not answer, and one without tables', async () => {
  const runtime = makeTarget('runtime', { ...pair.targets.runtime.config, database: 'no_such_database' }, 'a test');
  const broken = openDatabases({ ...pair.targets, runtime }, { application: 'test' });
  try {
    const found = await look([], { databases: broken });
    expect(found.state).toMatchObject({ historical: 'OK', runtime: 'FAIL' });
    expect(detail(found, 'runtime')).toContain('no_such_database');
    // A program that names no table of it may run all the same.
    expect((await look([], { databases: broken, program: 'fixture run' })).state.runtime).toBe('WARN');
  } finally {
    await broken.close();
  }
});

test('a tree with changes is a warning, none at all is unknown', async () => {
  const provenance = (gitDirty: boolean | null) => () => ({ version: '0', build: 'b', gitSha: 'abcdefgh', gitDirty });
  expect((await look([], { runtime: fixtureRuntime({ provenance: provenance(true) }) })).state.code).toBe('WARN');
  expect((await look([], { runtime: fixtureRuntime({ provenance: provenance(null) }) })).state.code).toBe('UNKN');
});

test('an edited rerun keeps the policy of its job but for what is told anew', async () => {
  const first = await startJob(home.home, {
    args: [],
    idempotencyKey: 'a',
    limits: { nice: 3, timeoutMs: 60_000 },
    retry: { attempts: 2, backoffMs: 1, attempt: 1, of: null },
  });
  await ended(first.id);
  const order = rerunOrder(
    home.home,
    first.id,
    { who: 'a test', idempotencyKey: 'b', args: ['--exit-code', '0'], limits: { nice: 7 } },
    fixtureRuntime(),
  );
  const second = await startJob(home.home, order);
  await ended(second.id);
  const { spec } = readJob(home.home, second.id);
  expect(spec?.limits).toMatchObject({ nice: 7, timeoutMs: 60_000 });
  expect(spec?.retry).toMatchObject({ attempts: 2, attempt: 1 });
  expect(viewOf(home.home, second.id).rerunOf).toBe(first.id);
});
