/** The environment that jobs run in: it outlives supervisors, attempts get it again, and a rerun tells where it differs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rerunNotices } from '../../src/cli/job-output.ts';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { processesOfJob } from '../../src/supervisor/job-processes.ts';
import { JobQueue } from '../../src/supervisor/job-queue.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import type { JobOrder } from '../../src/supervisor/launch.ts';
import { rerunOrder } from '../../src/supervisor/rerun.ts';
import { createTestHome, fixtureRuntime, startJob, type TestHome, viewOf } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

let test: TestHome;
beforeEach(() => {
  test = createTestHome();
});
afterEach(() => test.remove());

const base = { PATH: process.env.PATH };
const withEnv = (env: Record<string, string | undefined>) => fixtureRuntime({ env: { ...base, ...env } });
const order = (change: Partial<JobOrder> = {}): JobOrder => ({
  program: 'fixture run',
  args: ['--environment-to', test.at('seen')],
  idempotencyKey: 'k',
  who: 'a test',
  ...change,
});
const views = () =>
  listJobIds(test.home)
    .map((id) => viewOf(test.home, id))
    .toReversed();
const ended = (id: string) =>
  until(() => hasEnded(viewOf(test.home, id).state) && viewOf(test.home, id), `the end of ${id}`);
const seen = () =>
  readFileSync(test.at('seen'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).env as Record<string, string>);
const files = (id: string) =>
  Object.values(JobFile).map((name) => {
    try {
      return readFileSync(path.join(test.home.jobs, id, name), 'utf8');
    } catch {
      return '';
    }
  });

describe('a job whose supervisor is gone before it begins', () => {
  it('runs in the environment that it was made with, of which nothing stays', async () => {
    const made = withEnv({ PYTHONPATH: '/first', CUDA_VISIBLE_DEVICES: '1', RUNTIME_DB_HOST: 'h' });
    const id = await new JobQueue(test.home, made).add(order());
    const next = withEnv({ PYTHONPATH: '/second', TZ: 'Asia/Tokyo' });
    await new JobQueue(test.home, next).tick(views());
    await ended(id);
    expect(seen()[0]).toMatchObject({ PYTHONPATH: '/first', CUDA_VISIBLE_DEVICES: '1', RUNTIME_DB_HOST: 'h' });
    // Not set then, though the next supervisor has it.
    expect(seen()[0].TZ).toBeUndefined();
    for (const text of files(id)) expect(text).not.toContain('/first');
  });

  it('leaves no secret on disk, and gets it from the next supervisor', async () => {
    const secrets = { RUNTIME_DB_URL: 'postgresql://u:canary@h/d', RUNTIME_DB_PASSWORD: 'canary', HF_TOKEN: 'canary' };
    const id = await new JobQueue(test.home, withEnv(secrets)).add(order());
    for (const text of files(id)) expect(text).not.toContain('canary');
    await new JobQueue(test.home, withEnv({ ...secrets, RUNTIME_DB_PASSWORD: 'changed' })).tick(views());
    await ended(id);
    expect(seen()[0]).toMatchObject({ ...secrets, RUNTIME_DB_PASSWORD: 'changed' });
  });

  it.each([
    ['missing', {}],
    ['of another database', { RUNTIME_DB_URL: 'postgresql://u:canary@h/other' }],
  ])('ends when that secret is %s, and says why', async (_, env) => {
    const id = await new JobQueue(test.home, withEnv({ RUNTIME_DB_URL: 'postgresql://u:canary@h/d' })).add(order());
    await new JobQueue(test.home, withEnv(env)).tick(views());
    expect(viewOf(test.home, id)).toMatchObject({
      state: 'FAIL',
      reason: expect.stringMatching(
        /^not begun: the supervisor that knew .* RUNTIME_DB_URL is not set, or otherwise, now/,
      ),
      startedAt: null,
    });
  });
});

it('a job whose variable, named by the settings, has another value now does not begin', async () => {
  const { settings } = fixtureRuntime();
  const named = { ...settings, jobs: { ...settings.jobs, environment: ['MY_MODE', 'MY_KEY'] } };
  const runtime = (env: Record<string, string>) =>
    fixtureRuntime({ env: { ...base, ...env } as Record<string, string>, settings: named });
  const queue = new JobQueue(test.home, runtime({ MY_MODE: 'canary-1', MY_KEY: 'canary-2', HF_HOME: '/first' }));
  const [lost, kept] = [await queue.add(order()), await queue.add(order({ idempotencyKey: '2' }))];
  for (const text of [...files(lost), ...files(kept)]) expect(text).not.toContain('canary');
  await new JobQueue(test.home, runtime({ MY_MODE: 'other', MY_KEY: 'canary-2' })).tick(
    views().filter((one) => one.id === lost),
  );
  expect(viewOf(test.home, lost)).toMatchObject({
    state: 'FAIL',
    reason: expect.stringContaining('MY_MODE is not set'),
  });
  await new JobQueue(test.home, runtime({ MY_MODE: 'canary-1', MY_KEY: 'rotated', HF_HOME: '/second' })).tick(views());
  await ended(kept);
  expect(seen()[0]).toMatchObject({ MY_MODE: 'canary-1', MY_KEY: 'rotated', HF_HOME: '/first' });
});

it('a new attempt runs in the environment of the first, whichever supervisor makes it', async () => {
  const retry = { attempts: 3, attempt: 1, backoffMs: 0, of: null };
  const args = [...order().args, '--exit-code', '1'];
  const first = new JobQueue(test.home, withEnv({ PYTHONPATH: '/first' }));
  // A client's own environment, not the supervisor's.
  await first.add(order({ args, retry, environment: { ...base, PYTHONPATH: '/client' } as Record<string, string> }));
  const step = async (queue: JobQueue, attempts: number) =>
    until(async () => {
      await queue.tick(views());
      return views().filter((job) => hasEnded(job.state)).length >= attempts;
    }, `attempt ${attempts}`);
  await step(first, 2);
  await step(new JobQueue(test.home, withEnv({ PYTHONPATH: '/next' })), 3);
  expect(seen().map((env) => env.PYTHONPATH)).toEqual(['/client', '/client', '/client']);
  await new JobQueue(test.home, withEnv({})).tick(views());
  for (const { id } of views()) for (const text of files(id)) expect(text).not.toContain('/client');
});

describe('a rerun', () => {
  const rerun = (id: string, env: Record<string, string>, args?: string[]) =>
    startJob(
      test.home,
      rerunOrder(test.home, id, { who: 'a test', idempotencyKey: JSON.stringify(env), args }, withEnv(env)),
      withEnv(env),
    );

  it.each([
    [{ RUNTIME_DB_URL: 'postgresql://u:p@h/d' }, { RUNTIME_DB_URL: 'postgresql://u:p@h/e' }, 'RUNTIME_DB_URL, set to'],
    [{ RUNTIME_DB_URL: 'postgresql://u:p@h/d' }, {}, 'ran with RUNTIME_DB_URL, not set now'],
    [{}, { HISTORICAL_DB_URL: 'postgresql://u:p@h/d' }, 'ran without HISTORICAL_DB_URL, set now'],
    [{ PGDATABASE: 'a' }, { PGDATABASE: 'b' }, 'ran with PGDATABASE, set to something else now'],
  ])('after %j with %j is refused: another database', async (before, now, words) => {
    const { id } = await startJob(test.home, order(), withEnv(before));
    await ended(id);
    expect(() => rerun(id, now as Record<string, string>)).toThrow(words);
  });

  it('takes a changed password, and a database that its new arguments name', async () => {
    const { id } = await startJob(test.home, order(), withEnv({ RUNTIME_DB_URL: 'postgresql://u:p@h/d' }));
    await ended(id);
    await ended((await rerun(id, { RUNTIME_DB_URL: 'postgresql://u:q@h/d' })).id);
    const named = ['--runtime', 'postgresql://u:p@h/other', ...order().args];
    await ended((await rerun(id, {}, named)).id);
    expect(seen().map((env) => env.RUNTIME_DB_URL)).toEqual([
      'postgresql://u:p@h/d',
      'postgresql://u:q@h/d',
      'postgresql://u:p@h/other',
    ]);
  });

  it('says which variables are otherwise, but for those of the terminal', async () => {
    const then = { PYTHONPATH: '/a', TZ: 'UTC', TERM: 'xterm', OMP_NUM_THREADS: '2' };
    const { id } = await startJob(test.home, order(), withEnv(then));
    await ended(id);
    const again = await rerun(id, { TZ: 'Asia/Tokyo', CUDA_VISIBLE_DEVICES: '0', OMP_NUM_THREADS: '2', TERM: 'vt' });
    await ended(again.id);
    const [before, after] = [id, again.id].map((one) => readJob(test.home, one).spec!);
    expect(rerunNotices(id, before, after, withEnv({}))).toEqual([
      `the environment is not that of ${id}: not set now: PYTHONPATH; with another value: TZ; not set then: CUDA_VISIBLE_DEVICES`,
    ]);
    expect(rerunNotices(id, before, before, withEnv({}))).toEqual([]);
  });
});

describe('a job that has ended, whose helper runs on', () => {
  const args = ['--claim', 'a', '--rows', '1', '--escape'];
  const begun = async () => {
    const { id } = await startJob(test.home, order({ program: 'fixture write', args }));
    await ended(id);
    const left = processesOfJob(test.home.root, id, readJob(test.home, id).status!.child);
    expect(left).toHaveLength(1);
    return { id, pid: left[0].pid };
  };

  it('keeps its rows: another writer of them is refused until it is gone', async () => {
    const { id, pid } = await begun();
    const second = () =>
      startJob(
        test.home,
        order({ program: 'fixture write', args: ['--claim', 'a', '--rows', '1'], idempotencyKey: '2' }),
      );
    await expect(second()).rejects.toThrow(`${id} has ended, but what it left behind (${pid} `);
    process.kill(pid, 'SIGKILL');
    await until(() => processesOfJob(test.home.root, id, null).length === 0, 'the end of the helper');
    expect(await ended((await second()).id)).toMatchObject({ state: 'DONE' });
  });

  it('keeps its slot: the next one waits for it, and is told so', async () => {
    const { id, pid } = await begun();
    const { settings } = fixtureRuntime();
    const jobs = { ...settings.jobs, slots: { ...settings.jobs.slots, cpu: 1 } };
    const queue = new JobQueue(test.home, fixtureRuntime({ settings: { ...settings, jobs } }));
    const next = await queue.add(order({ idempotencyKey: '2' }));
    const { notes } = await queue.tick(views());
    expect(notes.get(next)?.waits).toBe(`waits for a CPU slot, taken by what is left of ${id}`);
    process.kill(pid, 'SIGKILL');
    await until(async () => {
      await queue.tick(views());
      return viewOf(test.home, next).state === 'DONE';
    }, 'its turn');
  });
});
