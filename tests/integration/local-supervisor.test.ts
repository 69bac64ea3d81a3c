/** The supervisor in this process: real jobs, a real PostgreSQL server, and a fake nvidia-smi. */
import { mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Board } from '../../src/phases/types.ts';
import { type Databases, openDatabases } from '../../src/platform/db/databases.ts';
import { makeTarget, type Targets } from '../../src/platform/db/targets.ts';
import { processStartTime } from '../../src/platform/locks.ts';
import { type LocalSupervisorOptions, openLocalSupervisor } from '../../src/supervisor/local.ts';
import type { RunSummary, Snapshot, Supervisor } from '../../src/supervisor/protocol.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { createTestHome, fixtureRuntime, startJob, type TestHome, withSettings } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

let test: TestHome;
let pair: TestDatabases;
let supervisor: Supervisor;
let others: Databases[] = [];
beforeAll(async () => {
  pair = await createTestDatabases();
});
afterAll(() => pair.drop());
beforeEach(() => {
  test = createTestHome();
  mkdirSync(test.home.jobs, { recursive: true });
});
afterEach(async () => {
  await supervisor.close();
  for (const databases of others) await databases.close();
  others = [];
  await test.remove();
});

const board = (at: number): Board => ({ at, phases: [], coverage: { rows: [], at, costMs: 0 } });
const FAST = { jobsBusyMs: 20, jobsIdleMs: 20, machineMs: 20, databaseMs: 30 };

function open(changes: Partial<LocalSupervisorOptions> = {}): Supervisor {
  let evaluations = 0;
  supervisor = openLocalSupervisor({
    home: test.home,
    databases: pair.databases,
    jobs: fixtureRuntime(),
    evaluateBoard: async () => board(++evaluations),
    latestRuns: async () => [],
    now: Date.now,
    intervals: FAST,
    gpu: { env: { PATH: test.at('bin') } },
    ...changes,
  });
  return supervisor;
}
const snapshotWhen = (condition: (snapshot: Snapshot) => unknown, what: string) =>
  until(() => Boolean(condition(supervisor.snapshot())) && supervisor.snapshot(), what);
const launch = (args: readonly string[], idempotencyKey: string = `key ${args.join(' ')}`) =>
  supervisor.launch({ program: 'fixture run', args, idempotencyKey });

describe('the snapshot', () => {
  it('knows nothing at first and says so, then fills', async () => {
    open();
    expect(supervisor.snapshot()).toMatchObject({
      board: null,
      checking: true,
      machine: null,
      jobs: [],
      databases: { historical: { up: null, label: pair.targets.historical.label }, runtime: { up: null } },
    });
    const full = await snapshotWhen(
      (s) => s.board && s.machine?.cpu.busy != null && s.databases.runtime.up,
      'a full snapshot',
    );
    expect(full).toMatchObject({
      databases: { historical: { up: true, problem: null } },
      home: test.home.root,
      demo: false,
    });
    expect(full.machine!.gpuProblem).toBe('no nvidia-smi on this machine');
    expect(full.machine!.disk.freeBytes).toBeGreaterThan(0);
  });

  it('is sent only when something changed, with a sequence that grows', async () => {
    open({ intervals: { ...FAST, machineMs: 1e9 } });
    await snapshotWhen((s) => s.board && s.machine && s.databases.runtime.up && !s.checking, 'a full snapshot');
    const seen: Snapshot[] = [];
    supervisor.subscribe((snapshot) => seen.push(snapshot));
    // Many looks at folders and databases go by; the evaluation of a recheck is a change that ends the wait.
    const { id } = await launch([]);
    await snapshotWhen(
      (s) => s.jobs[0]?.state === 'DONE' && s.board!.at > 1 && !s.checking,
      'the end of the job and its evidence',
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.length).toBeLessThan(12);
    for (const [i, one] of seen.slice(1).entries()) expect(one.sequence).toBeGreaterThan(seen[i].sequence);
    expect(supervisor.snapshot().jobs.map((job) => job.id)).toEqual([id]);
  });
});

describe('jobs', () => {
  it('are launched, followed, stopped and run again', async () => {
    open();
    const job = await launch(['--print', '\x1b[2Jhello\n', '--until', test.at('go')]);
    supervisor.watch(job.id);
    await snapshotWhen((s) => s.detail?.log.some((line) => line.text === 'waiting'), 'its log');
    expect(supervisor.snapshot()).toMatchObject({
      jobs: [{ id: job.id, state: 'RUN', stage: 'work (1/1)', progress: { done: 1, total: 2 } }],
      detail: { id: job.id, metrics: [{ name: 'equity', last: 2 }] },
    });
    expect(supervisor.snapshot().detail!.log[0].text).toBe('hello');
    expect(await supervisor.stop({ jobId: job.id })).toMatchObject({ id: job.id });
    await snapshotWhen((s) => s.jobs[0].state === 'STOP', 'the stop');
    writeFileSync(test.at('go'), '');
    const [again, twin] = await Promise.all([1, 2].map(() => supervisor.rerun({ jobId: job.id, idempotencyKey: 'k' })));
    expect(again.id).toBe(twin.id);
    const last = await snapshotWhen((s) => s.jobs[0].id === again.id && s.jobs[0].state === 'DONE', 'the rerun');
    expect(last.jobs.map((one) => one.state)).toEqual(['DONE', 'STOP']);
    supervisor.watch(null);
    await snapshotWhen((s) => s.detail === null, 'no detail');
  });

  it('of other processes are seen too, and bad requests are refused', async () => {
    open();
    const { id } = await startJob(test.home, { args: [], idempotencyKey: 'x' });
    await snapshotWhen((s) => s.jobs.some((job) => job.id === id && job.state === 'DONE'), 'the job of another');
    await expect(launch(['--nope'])).rejects.toThrow("unknown option '--nope'");
    await expect(supervisor.stop({ jobId: '99' })).rejects.toThrow("there is no job '99'");
    await expect(supervisor.stop({ jobId: id })).rejects.toThrow('does not run: DONE');
    supervisor.watch('0099-nothing');
    expect(supervisor.snapshot().detail).toMatchObject({ id: '0099-nothing', log: [] });
  });
});

describe('evidence', () => {
  it('is read at the start, after a job, and on request by everybody who waits, one reading at a time', async () => {
    let running = 0;
    let most = 0;
    let count = 0;
    let release = () => {};
    open({
      evaluateBoard: async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => (release = resolve));
        running--;
        return board(++count);
      },
    });
    await until(() => running === 1, 'the first reading');
    expect(supervisor.snapshot().checking).toBe(true);
    const waiting = [supervisor.recheck(), supervisor.recheck(), supervisor.recheck()];
    release();
    await snapshotWhen((s) => s.board?.at === 1 && s.checking, 'the second reading');
    release();
    await Promise.all(waiting);
    expect([count, most]).toEqual([2, 1]);
    await launch([]);
    await snapshotWhen((s) => s.jobs[0]?.state === 'DONE' && running === 1, 'a reading after the job');
    release();
    await snapshotWhen((s) => s.board?.at === 3 && !s.checking, 'its result');
  });

  it('is read again after a while', async () => {
    open({ intervals: { ...FAST, evidenceMs: 30 } });
    await snapshotWhen((s) => (s.board?.at ?? 0) >= 3, 'a third reading');
  });

  it('that fails leaves the last board, and says what failed', async () => {
    let fail = false;
    const run = { runId: 'r' } as RunSummary;
    open({
      evaluateBoard: async () => {
        if (fail) throw new Error('no such\n  table');
        return board(1);
      },
      latestRuns: async () => [run],
    });
    await snapshotWhen((s) => s.board && s.runs.length, 'a board');
    fail = true;
    await supervisor.recheck();
    expect(supervisor.snapshot()).toMatchObject({
      board: { at: 1 },
      boardProblem: 'no such · table',
      checking: false,
      runs: [run],
    });
    fail = false;
    await supervisor.recheck();
    expect(supervisor.snapshot().boardProblem).toBeNull();
  });

  it('survives databases that are down, and recovers by itself', async () => {
    const socket = test.at('socket');
    const target = (name: 'historical' | 'runtime') =>
      makeTarget(name, { ...pair.targets[name].config, host: socket }, 'a test');
    const targets: Targets = { historical: target('historical'), runtime: target('runtime') };
    const databases = openDatabases(targets, { application: 'test', readOnly: true, maxConnections: 1 });
    others.push(databases);
    let evaluations = 0;
    open({
      databases,
      evaluateBoard: async () => {
        evaluations++;
        await databases.runtime.client((client) => client.query('SELECT 1'));
        return board(evaluations);
      },
    });
    const down = await snapshotWhen((s) => s.databases.runtime.up === false && s.boardProblem, 'down');
    expect(down.databases.runtime.problem).toMatch(/^runtime database .*no server answers/);
    expect(down.board).toBeNull();
    symlinkSync(inject('testServer').socketFolder, socket);
    await snapshotWhen(
      (s) => s.databases.runtime.up && s.databases.historical.up && s.board,
      'up, and the board with it',
    );
    expect(supervisor.snapshot().boardProblem).toBeNull();
    unlinkSync(socket);
    await pair.databases.runtime.client((client) =>
      client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      ),
    );
    await snapshotWhen((s) => s.databases.runtime.up === false, 'down again');
    expect(supervisor.snapshot().board).not.toBeNull();
  });
});

describe('close', () => {
  it('ends the reading, the query it waits for, and the nvidia-smi child; nothing is sent any more', async () => {
    mkdirSync(test.at('bin'));
    writeFileSync(test.at('bin/nvidia-smi'), `#!/bin/sh\necho $$ >"${test.at('pid')}"\nexec /bin/sleep 1000\n`, {
      mode: 0o755,
    });
    let aborted = false;
    let asking = false;
    open({
      evaluateBoard: async (signal) => {
        signal.addEventListener('abort', () => (aborted = true));
        await pair.databases.runtime.client((client) => {
          asking = true;
          return client.query('SELECT pg_sleep(1000)');
        });
        return board(1);
      },
    });
    const pid = await until(() => {
      try {
        return Number(readFileSync(test.at('pid'), 'utf8'));
      } catch {
        return 0;
      }
    }, 'the child');
    await until(() => asking, 'the query');
    let heard = 0;
    supervisor.subscribe(() => heard++);
    await supervisor.close();
    const last = [supervisor.snapshot().sequence, heard];
    expect(aborted).toBe(true);
    await until(() => processStartTime(pid) === null, 'the end of the child');
    await supervisor.close();
    expect([supervisor.snapshot().sequence, heard]).toEqual(last);
  });
});

describe('retention', () => {
  it('removes records beyond the newest, but not what a waiting job waits for, and notes it', async () => {
    const settings = { ...withSettings({}), retention: { days: 30, count: 3, compressMegabytes: 1 } };
    open({ jobs: fixtureRuntime({ settings }), intervals: { ...FAST, retentionMs: 20 } });
    const first = await launch(['--print', 'first']);
    const second = await launch(['--print', 'second']);
    await snapshotWhen((s) => s.jobs.filter((job) => job.state === 'DONE').length === 2, 'two ends');
    const blocker = await launch(['--until', test.at('go')]);
    const waiting = await supervisor.launch({
      ...{ program: 'fixture run', args: [], idempotencyKey: 'waits' },
      after: [blocker.id, first.id],
    });
    const last = await launch(['--print', 'last']);
    const left = (s: Snapshot) => s.jobs.map((job) => job.id).toSorted();
    const kept = [first.id, blocker.id, waiting.id, last.id].toSorted();
    await snapshotWhen((s) => left(s).length === 4, 'the second to go');
    expect(left(supervisor.snapshot())).toEqual(kept);
    expect(supervisor.snapshot().journal).toContainEqual(
      expect.objectContaining({ kind: 'job', subject: second.id, what: 'removed', detail: 'by retention' }),
    );
    writeFileSync(test.at('go'), '');
    await snapshotWhen((s) => s.jobs.find((job) => job.id === waiting.id)?.state === 'DONE', 'the end of what waited');
  });
});
