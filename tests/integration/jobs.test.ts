/** Jobs with real processes: what survives which death, and what is said about it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn as spawnPty } from '@lydell/node-pty';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/platform/errors.ts';
import { JobFile, type JobSpec, writeRecord } from '../../src/supervisor/job-files.ts';
import { processesOfJob } from '../../src/supervisor/job-processes.ts';
import { JobQueue } from '../../src/supervisor/job-queue.ts';
import { JobReader } from '../../src/supervisor/job-reader.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { createJobFolder, listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import { type JobRuntime, stopJob } from '../../src/supervisor/launch.ts';
import { identifyProcess, isAlive, signalGroup } from '../../src/supervisor/process-identity.ts';
import type { JobDetail } from '../../src/supervisor/protocol.ts';
import { rerunOrder } from '../../src/supervisor/rerun.ts';
import { DetailBook } from '../../src/supervisor/wire/detail-book.ts';
import { createTestHome, fixtureRuntime, jobSpecOf, startJob, type TestHome, viewOf } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

const STARTER = path.join(import.meta.dirname, '..', 'fixtures', 'start-job.ts');

let test: TestHome;
let bystanders: ChildProcess[] = [];
beforeEach(() => {
  test = createTestHome();
});
afterEach(async () => {
  for (const process of bystanders) process.kill('SIGKILL');
  bystanders = [];
  await test.remove();
});

let keys = 0;
const start = (args: readonly string[] = [], runtime = fixtureRuntime()) =>
  startJob(test.home, { args, idempotencyKey: `key ${++keys}` }, runtime);
const rerun = (id: string, idempotencyKey: string, runtime: JobRuntime) =>
  startJob(test.home, rerunOrder(test.home, id, { who: 'a test', idempotencyKey }, runtime), runtime);
const stop = (id: string, killAfterMs: number | null = null) =>
  stopJob(test.home, id, { who: 'a test', killAfterMs }, Date.now);
const view = (id: string) => viewOf(test.home, id);
const record = (id: string) => readJob(test.home, id);
const fileOf = (id: string, name: string) => path.join(test.home.jobs, id, name);
const text = (id: string, name: string) => readFileSync(fileOf(id, name), 'utf8');
const ended = (id: string) => until(() => hasEnded(view(id).state) && view(id), `the end of ${id}`);
const onlyJob = () => until(() => listJobIds(test.home)[0], 'a job folder');
const waiting = (id: string) => until(() => text(id, JobFile.stdout).includes('waiting'), `${id} at work`);
/** Stops the program as ^Z does, and with it the shim if so asked. */
async function standStill(id: string, withShim: boolean): Promise<void> {
  const { child, shim } = record(id).status!;
  for (const one of withShim ? [shim!, child!] : [child!]) {
    signalGroup(one, 'SIGSTOP');
    const isStill = () => / T$/m.test(spawnSync('ps', ['-o', 'pid=,state=', '-p', `${one.pid}`]).stdout.toString());
    await until(isStill, `${one.pid} to stand still`);
  }
}
const go = () => writeFileSync(test.at('go'), '');
const runProcess = (command: string, args: readonly string[]) => {
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  bystanders.push(child);
  return child;
};

describe('a job', () => {
  it('runs the program with its own events, records everything, and ends DONE', async () => {
    const job = await start(['--print', 'hello\n', '--print-err', 'careful\n']);
    expect(job).toMatchObject({ id: '0001-fixture-run', program: 'fixture run' });
    expect(await ended(job.id)).toMatchObject({
      state: 'DONE',
      reason: '',
      exitCode: 0,
      stage: 'work (1/1)',
      progress: { done: 2, total: 2, unit: 'steps' },
      summary: 'two steps',
      args: ['--print', 'hello\n', '--print-err', 'careful\n', '--exit-code', '0'],
    });
    expect(text(job.id, JobFile.stdout)).toBe('hello\nlast words\n');
    expect(text(job.id, JobFile.stderr)).toBe('careful\n');
    const { spec, exit, status } = record(job.id);
    expect(spec).toMatchObject({
      args: { print: ['hello\n'], exitCode: 0, ignoreTerm: false },
      argv: [process.execPath, fixtureRuntime().main, 'fixture', 'run', ...job.args],
      gitSha: 'abc',
      gitDirty: false,
      build: 'build-1',
    });
    expect(exit).toMatchObject({ code: 0, signal: null, error: null, survivors: [], timedOut: false });
    expect(exit!.endedAt).toBeGreaterThanOrEqual(exit!.startedAt!);
    await until(() => record(job.id).status?.state === 'DONE', 'the final status');
    await until(() => !isAlive(status!.shim!), 'the end of the shim');
  });

  it.each([
    [3, 'PART'],
    [1, 'FAIL'],
    [2, 'FAIL'],
  ])('that exits with %i is %s', async (code, state) => {
    const { id } = await start(['--exit-code', String(code)]);
    expect(await ended(id)).toMatchObject({ state, exitCode: code });
  });

  it('that was killed is FAIL, with the signal', async () => {
    const { id, pid } = await start(['--until', test.at('go')]);
    process.kill(pid!, 'SIGKILL');
    expect(await ended(id)).toMatchObject({ state: 'FAIL', reason: 'ended by SIGKILL', exitCode: 137 });
  });

  it('finds its home and its folder, and leaves no value of its environment on disk', async () => {
    const runtime = fixtureRuntime({
      cwd: import.meta.dirname,
      env: { ...process.env, RUNTIME_DB_PASSWORD: 'canary-1', PROMETHEUS_EVENTS_FD: '99' },
    });
    const url = 'postgresql://u:canary-2@h/d';
    const { id } = await start(['--historical', url, '--environment-to', test.at('environment')], runtime);
    await ended(id);
    const { env, cwd } = JSON.parse(readFileSync(test.at('environment'), 'utf8'));
    expect(env).toMatchObject({
      PROMETHEUS_HOME: test.home.root,
      PROMETHEUS_JOB: id,
      PROMETHEUS_EVENTS_FD: '3',
      HISTORICAL_DB_URL: url,
      RUNTIME_DB_PASSWORD: 'canary-1',
    });
    expect(cwd).toBe(import.meta.dirname);
    expect(record(id).spec!.environment).toEqual(expect.arrayContaining(['HISTORICAL_DB_URL', 'RUNTIME_DB_PASSWORD']));
    for (const name of readdirSync(path.join(test.home.jobs, id))) expect(text(id, name)).not.toContain('canary');
  });

  it('is begun again by the very starter that noted itself and came no further', async () => {
    const runtime = fixtureRuntime();
    const queue = new JobQueue(test.home, runtime);
    const id = await queue.add({ program: 'fixture run', who: 'a test', args: [], idempotencyKey: 'given up' });
    // As on a disk that was full from the starter's note to the shim's, and to what the starter would have said of it.
    const { status, folder } = record(id);
    writeRecord(folder, JobFile.status, { ...status!, starter: identifyProcess(process.pid) });
    expect(view(id)).toMatchObject({ state: 'QUEUE' });
    await queue.tick([view(id)]);
    expect(await ended(id)).toMatchObject({ state: 'DONE', exitCode: 0 });
  });

  it('names a helper that it left behind', async () => {
    const { id } = await start(['--child']);
    expect(await ended(id)).toMatchObject({
      state: 'DONE',
      reason: expect.stringMatching(/^processes that it started ran on: \d+ .*setInterval/),
    });
    process.kill(Number(/helper (\d+)/.exec(text(id, JobFile.stdout))![1]), 'SIGKILL');
  });

  it('whose folder is gone cannot start, and says so', async () => {
    mkdirSync(test.at('cwd'));
    const { id } = await start([], fixtureRuntime({ cwd: test.at('cwd') }));
    await ended(id);
    rmdirSync(test.at('cwd'));
    const again = await start([], fixtureRuntime({ cwd: test.at('cwd') }));
    expect(await ended(again.id)).toMatchObject({
      state: 'FAIL',
      reason: `it could not be started: its working folder ${test.at('cwd')} does not exist`,
      startedAt: null,
      exitCode: null,
    });
  });

  it('without a shim is FAIL, and starting it says why', async () => {
    await expect(start([], fixtureRuntime({ node: '/nowhere/node' }))).rejects.toThrow(
      /could not be begun: spawn.*ENOENT/,
    );
    await expect(start([], fixtureRuntime({ shim: '/nowhere/shim.js' }))).rejects.toThrow(/its shim ended with 1/);
    expect(listJobIds(test.home).map((id) => view(id).state)).toEqual(['FAIL', 'FAIL']);
  });
});

describe('requests that cannot be met', () => {
  it.each([
    [['--mood', 'sad'], "--mood 'sad': must be one of calm, wild"],
    [['--exit-code', 'x'], "--exit-code 'x' is not a number"],
    [['--nope'], "unknown option '--nope'"],
    [['--help'], '--help starts no job'],
  ])('arguments %j', async (args, message) => {
    await expect(start(args)).rejects.toThrow(message);
    expect(listJobIds(test.home)).toEqual([]);
  });

  it('an unknown program', async () => {
    const request = { program: 'fixture walk', args: [], idempotencyKey: 'k' };
    const error = await startJob(test.home, request, fixtureRuntime()).catch((e: UserError) => e);
    expect(error).toMatchObject({
      message: "there is no program 'fixture walk'",
      fix: 'Programs: fixture run · fixture write.',
      exitCode: 2,
    });
  });
});

describe('survival', () => {
  it('outlives a starter that is killed', async () => {
    const starter = runProcess(process.execPath, [STARTER, test.home.root, 'k', '--until', test.at('go')]);
    const id = await onlyJob();
    await waiting(id);
    process.kill(-starter.pid!, 'SIGKILL');
    await until(() => starter.signalCode, 'the end of the starter');
    expect(view(id)).toMatchObject({ state: 'RUN', reason: '' });
    go();
    expect(await ended(id)).toMatchObject({ state: 'DONE', exitCode: 0 });
    expect(text(id, JobFile.stdout)).toBe('waiting\nlast words\n');
  });

  it('outlives the terminal it was started from', async () => {
    const terminal = spawnPty(process.execPath, [STARTER, test.home.root, 'k', '--until', test.at('go')], {});
    let gone = false;
    terminal.onExit(() => (gone = true));
    const id = await onlyJob();
    await waiting(id);
    // Closing the master hangs up the whole session.
    terminal.kill('SIGHUP');
    await until(() => gone, 'the end of the terminal');
    go();
    expect(await ended(id)).toMatchObject({ state: 'DONE' });
    expect(text(id, JobFile.stdout)).toContain('last words');
  });

  it('says so when the shim was killed, and claims no outcome then', async () => {
    const { id } = await start(['--until', test.at('go')]);
    await waiting(id);
    const { shim, child } = record(id).status!;
    process.kill(shim!.pid, 'SIGKILL');
    await until(() => !isAlive(shim!), 'the end of the shim');
    expect(view(id)).toMatchObject({ state: 'RUN', reason: expect.stringMatching(/^shim gone/) });
    go();
    await until(() => !isAlive(child!), 'the end of the program');
    expect(text(id, JobFile.stdout)).toContain('last words');
    expect(view(id)).toMatchObject({ state: 'LOST', exitCode: null, endedAt: null });
    expect(() => stop(id)).toThrow('does not run: LOST');
  });

  it('can stop a program whose shim is gone', async () => {
    const { id } = await start(['--until', test.at('go')]);
    // Past its gate: a program that still waits there ends with its shim.
    await waiting(id);
    const { shim, child } = record(id).status!;
    process.kill(shim!.pid, 'SIGKILL');
    await until(() => !isAlive(shim!), 'the end of the shim');
    stop(id);
    await until(() => !isAlive(child!), 'the end of the program');
    expect(view(id).state).toBe('LOST');
  });

  it.each([false, true])('ends by a stop though it stands still; its shim does as well: %s', async (withShim) => {
    const { id } = await start(['--until', test.at('never')]);
    await waiting(id);
    await standStill(id, withShim);
    stop(id);
    expect(await ended(id)).toMatchObject({ state: 'STOP', reason: 'stopped by hand, exit code 130' });
    expect(text(id, JobFile.events)).toContain('TERM came');
  });

  it('ends by a kill though it and its shim stand still', async () => {
    const { id } = await start(['--until', test.at('never')]);
    await waiting(id);
    await standStill(id, true);
    const child = record(id).status!.child!;
    signalGroup(child, 'SIGKILL');
    await until(() => !isAlive(child), 'the end of the program');
    expect(view(id)).toMatchObject({ state: 'RUN' });
    stop(id, 0);
    expect(await ended(id)).toMatchObject({ state: 'STOP', reason: 'stopped by hand, ended by SIGKILL' });
  });

  it('is not ended by the signals of terminals', async () => {
    const { id } = await start(['--until', test.at('go')]);
    const { shim } = record(id).status!;
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(-shim!.pid, signal);
    go();
    expect(await ended(id)).toMatchObject({ state: 'DONE' });
  });

  it('leaves no program that no folder knows of, whenever the shim is killed', async () => {
    const runtime = fixtureRuntime();
    for (let round = 0; round < 8; round++) {
      const spec = jobSpecOf({
        argv: [runtime.node, runtime.main, 'fixture', 'run', '--until', test.at('never')],
        idempotencyKey: `chaos ${round}`,
      });
      const { id } = await createJobFolder(test.home, spec);
      const shim = spawn(runtime.node, [runtime.shim, path.join(test.home.jobs, id)], {
        detached: true,
        stdio: 'ignore',
      });
      // Not waiting for anything: the moment of the kill is what varies.
      await sleep(20 + round * 20);
      shim.kill('SIGKILL');
      await until(() => shim.signalCode, 'the end of the shim');
      const known = record(id).status!.child?.pid;
      const strays = () => processesOfJob(test.home.root, id, null).filter(({ pid }) => pid !== known);
      await until(() => strays().length === 0, `the end of strays of ${id}`);
      if (known) process.kill(-known, 'SIGKILL');
    }
  });
});

describe('stop', () => {
  it('ends the program, and is told apart from a failure', async () => {
    const { id } = await start(['--until', test.at('go')]);
    await waiting(id);
    stop(id);
    expect(await ended(id)).toMatchObject({ state: 'STOP', exitCode: 130, reason: 'stopped by hand, exit code 130' });
    expect(record(id).stop).toMatchObject({ by: process.pid });
    expect(text(id, JobFile.events)).toContain('TERM came');
    expect(() => stop(id)).toThrow(UserError);
  });

  it('of a program that does not heed TERM shows as stopping until it ends', async () => {
    const { id } = await start(['--until', test.at('go'), '--ignore-term']);
    await waiting(id);
    stop(id);
    expect(view(id)).toMatchObject({ state: 'RUN', reason: 'stopping', stopping: { survivors: [] } });
    await until(() => text(id, JobFile.events).includes('TERM came'), 'TERM');
    expect(view(id).state).toBe('RUN');
    go();
    expect(await ended(id)).toMatchObject({ state: 'STOP', exitCode: 0 });
  });

  it('before the program has begun keeps it from beginning', async () => {
    const runtime = fixtureRuntime();
    const spec = { ...(await specOf(runtime)), idempotencyKey: 'early' };
    const { id } = await createJobFolder(test.home, spec);
    stop(id);
    const shim = spawn(runtime.node, [runtime.shim, path.join(test.home.jobs, id)], { stdio: 'inherit' });
    await until(() => shim.exitCode !== null, 'the end of the shim');
    expect(view(id)).toMatchObject({ state: 'STOP', reason: 'stopped before it began', startedAt: null });
    expect(text(id, JobFile.stdout)).toBe('');
  });

  it('never signals a stranger that got the pid', async () => {
    const { id } = await start(['--until', test.at('go')]);
    const { status } = record(id);
    const stranger = runProcess('sleep', ['1000']);
    const identity = identifyProcess(stranger.pid!)!;
    for (const forged of [
      { ...identity, startTime: identity.startTime - 1 },
      { ...identity, boot: 'earlier' },
    ]) {
      writeRecord(path.join(test.home.jobs, id), JobFile.status, { ...status, child: forged });
      stop(id);
      expect(signalGroup(forged, 'SIGKILL')).toBe(false);
    }
    expect(isAlive(identity)).toBe(true);
    // The same call does reach the right process.
    expect(signalGroup(identity, 'SIGKILL')).toBe(true);
    await until(() => stranger.signalCode === 'SIGKILL', 'the end of the stranger');
    writeRecord(path.join(test.home.jobs, id), JobFile.status, status);
  });
});

/** The spec of a finished job, to make folders by hand from. */
async function specOf(runtime: ReturnType<typeof fixtureRuntime>): Promise<JobSpec> {
  const { id } = await start([], runtime);
  await ended(id);
  return record(id).spec!;
}

describe('idempotency', () => {
  it('makes one job of two quick calls with one key', async () => {
    const request = { args: [], idempotencyKey: 'twice' };
    const [a, b] = await Promise.all([
      startJob(test.home, request, fixtureRuntime()),
      startJob(test.home, request, fixtureRuntime()),
    ]);
    expect(a.id).toBe(b.id);
    await ended(a.id);
    expect((await startJob(test.home, request, fixtureRuntime())).id).toBe(a.id);
    expect(listJobIds(test.home)).toEqual([a.id]);
  });

  it('also between processes, while other keys get numbers of their own', async () => {
    const keys = ['same', 'same', 'same', 'other'];
    const starters = keys.map((key) =>
      runProcess(process.execPath, [STARTER, test.home.root, key, '--environment-to', test.at(key)]),
    );
    const printed = starters.map(() => '');
    for (const [i, starter] of starters.entries()) {
      starter.stdout!.on('data', (chunk) => {
        printed[i] += chunk;
      });
    }
    await until(() => printed.every((one) => one.endsWith('\n')), 'four answers');
    expect(new Set(printed.slice(0, 3)).size).toBe(1);
    expect(printed[3]).not.toBe(printed[0]);
    expect(listJobIds(test.home)).toHaveLength(2);
    for (const id of listJobIds(test.home)) await ended(id);
    expect(readFileSync(test.at('same'), 'utf8').trim().split('\n')).toHaveLength(1);
  });
});

describe('rerun', () => {
  it('repeats program, arguments and folder, and is one job for one key', async () => {
    const first = await start(['--print=-dash\n', '--exit-code', '3'], fixtureRuntime({ cwd: import.meta.dirname }));
    await ended(first.id);
    const runtime = fixtureRuntime({
      provenance: () => ({ version: '0', build: 'build-2', gitSha: 'def', gitDirty: true }),
    });
    const [again, twin] = await Promise.all([rerun(first.id, 'again', runtime), rerun(first.id, 'again', runtime)]);
    expect(again.id).toBe(twin.id);
    expect(await ended(again.id)).toMatchObject({ state: 'PART', args: first.args });
    const [before, after] = [record(first.id).spec!, record(again.id).spec!];
    expect(after).toMatchObject({
      argv: before.argv,
      cwd: before.cwd,
      args: before.args,
      rerunOf: first.id,
      build: 'build-2',
    });
    expect(text(again.id, JobFile.stdout)).toBe(text(first.id, JobFile.stdout));
  });

  it('refuses when it would not be the same run', async () => {
    mkdirSync(test.at('cwd'));
    const runtime = fixtureRuntime({ cwd: test.at('cwd'), env: { ...process.env, RUNTIME_DB_HOST: 'h' } });
    const { id } = await start([], runtime);
    await ended(id);
    expect(() => rerun(id, 'k1', fixtureRuntime({ env: {} }))).toThrow('ran with RUNTIME_DB_HOST');
    rmdirSync(test.at('cwd'));
    expect(() => rerun(id, 'k2', runtime)).toThrow(/which is gone/);
    expect(listJobIds(test.home)).toHaveLength(1);
  });
});

describe('JobReader', () => {
  it('follows log, events and metrics, and lets no escape code through', async () => {
    const evil = '\x1b]52;c;cm0gLXJm\x07\x1b[2J\x1b[?1049hclean\x9b31m\n10 %\r99 %\rdone\n';
    const { id } = await start(['--print', evil, '--print-err', '\x1b]0;title\x07warned', '--until', test.at('go')]);
    const reader = new JobReader(path.join(test.home.jobs, id));
    await waiting(id);
    const book = new DetailBook();
    const read = () => {
      const news = reader.read();
      return news && book.apply(news)!;
    };
    const texts = (detail: JobDetail | null) => detail?.log.map(({ stream, text }) => `${stream} ${text}`);
    const first = read();
    expect(texts(first)).toEqual(['out clean', 'out done', 'out waiting', 'err warned']);
    expect(first!.metrics).toEqual([{ name: 'equity', series: '', unit: '$', last: 2, points: [1, 2] }]);
    expect(read()).toBeNull();
    go();
    await ended(id);
    const last = read();
    expect(texts(last)).toEqual(['out clean', 'out done', 'out waiting', 'out last words', 'err warned']);
    expect(last!.events.map((event) => event.type)).toEqual(['stage', 'result']);
    // The file has every byte.
    expect(text(id, JobFile.stdout)).toBe(`${evil}waiting\nlast words\n`);
    expect(existsSync(test.at('go'))).toBe(true);
  });
});
