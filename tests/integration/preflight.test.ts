/** What is looked at before a job is launched: real databases, real job folders, real claims. */
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { preflight } from '../../src/cli/preflight.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { makeTarget } from '../../src/platform/db/targets.ts';
import { readJob } from '../../src/supervisor/job-store.ts';
import { rerunOrder } from '../../src/supervisor/launch.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { createTestHome, fixtureRuntime, startJob, type TestHome, viewOf, withSettings } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

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
    { home: home.home, runtime, databases, targets: pair.targets },
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
  expect(found.state).toEqual({ historical: 'OK', runtime: 'OK', code: 'OK', disk: 'UNKN', overlap: 'OK', turn: 'OK' });
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
