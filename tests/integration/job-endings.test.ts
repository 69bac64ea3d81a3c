/** Ends of jobs: the shim killed at every step, programs that do not want to end, processes that hide. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStartTime } from '../../src/platform/locks.ts';
import { JobFile, type JobSpec, writeRecord } from '../../src/supervisor/job-files.ts';
import { killJob, leftBehind, processesOfJob } from '../../src/supervisor/job-processes.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { createJobFolder, listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import { removeJob } from '../../src/supervisor/launch.ts';
import { canMount, mountDisk } from '../chaos/disks.ts';
import { createTestHome, fixtureRuntime, jobSpecOf, type TestHome } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

const KILL_AT = path.join(import.meta.dirname, '..', 'fixtures', 'kill-at.mjs');
const { shim: SHIM, node: NODE } = fixtureRuntime();

let test: TestHome;
beforeEach(() => {
  test = createTestHome();
});
afterEach(async () => {
  for (const id of listJobIds(test.home)) {
    killJob(test.home.root, id, readJob(test.home, id).status?.child ?? null);
  }
  await test.remove();
});

let keys = 0;
const record = (id: string) => readJob(test.home, id);
const text = (id: string, name: string) => readFileSync(path.join(test.home.jobs, id, name), 'utf8');
const ended = (id: string) => until(() => hasEnded(record(id).state) && record(id), `the end of ${id}`);
const gone = (pid: number) => until(() => processStartTime(pid) === null, `the end of ${pid}`);
const pidIn = (id: string, word: string) =>
  until(() => Number(new RegExp(`${word} (\\d+)`).exec(text(id, JobFile.stdout))?.[1]), `${word} of ${id}`);
/** What only a killed writer leaves. */
const litter = (id: string) =>
  readdirSync(path.join(test.home.jobs, id)).filter((name) => /\.(tmp|reserved)$|^shim\.lock/.test(name));
const stop = (id: string, killAfterMs: number | null) =>
  writeRecord(path.join(test.home.jobs, id), JobFile.stop, {
    version: 1,
    at: keys++,
    by: 1,
    who: 'a test',
    killAfterMs,
  });

/** A job that runs a shell script. */
async function make(script: string, change: Partial<JobSpec> = {}): Promise<string> {
  const argv = ['/bin/sh', '-c', script];
  return (await createJobFolder(test.home, jobSpecOf({ argv, idempotencyKey: `key ${++keys}`, ...change }))).id;
}
const stand = (id: string, words: readonly string[] = [], env: Record<string, string> = {}): ChildProcess =>
  spawn(NODE, [...words, SHIM, path.join(test.home.jobs, id)], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
async function run(script: string, change: Partial<JobSpec> = {}): Promise<string> {
  const id = await make(script, change);
  stand(id);
  return id;
}
const limits = (change: Partial<JobSpec['limits']>) => ({ limits: { ...jobSpecOf().limits, ...change } });

describe('a shim that is killed', () => {
  it('at any step leaves no invented outcome, no program that nobody knows of, and none that ran twice', async () => {
    const steps: string[] = [];
    for (let at = 1; ; at++) {
      const ran = test.at(`ran ${at}`);
      const id = await make(`echo ran >> '${ran}'; exit 3`);
      const first = stand(id, ['--import', KILL_AT], { KILL_AT: String(at), KILL_SAY: test.at('steps') });
      await until(() => first.exitCode !== null || first.signalCode !== null, 'the end of the first shim');
      if (first.signalCode === null) break;
      const step = readFileSync(test.at('steps'), 'utf8').trim().split('\n').at(-1)!;
      steps.push(step);
      const here = `killed before step ${at}: ${step}`;
      const { child } = record(id).status!;
      // The program ends by itself, or is kept behind its gate and ends there.
      await until(() => processesOfJob(test.home.root, id, child).length === 0, `the processes, ${here}`);
      const after = record(id);
      const runs = () => (existsSync(ran) ? readFileSync(ran, 'utf8').split('\n').length - 1 : 0);
      if (after.exit) expect(after, here).toMatchObject({ state: 'PART' });
      else if (child === null) expect([after.state, runs()], here).toEqual(['QUEUE', 0]);
      else expect(after.state, here).toBe('LOST');
      if (hasEnded(after.state)) {
        leftBehind(test.home, after);
        expect(litter(id), here).toEqual([]);
      }
      // Whoever comes next may begin it, or not.
      const second = stand(id);
      await until(() => second.exitCode !== null, 'the end of the second shim');
      expect(second.exitCode, here).toBe(0);
      expect(runs(), here).toBeLessThanOrEqual(1);
      if (child === null) expect([record(id).state, runs()], here).toEqual(['PART', 1]);
      else expect(record(id).state, here).toBe(after.state);
      leftBehind(test.home, record(id));
      expect(litter(id), here).toEqual([]);
    }
    // Not one of the moments that matter was left out.
    for (const step of ['symlinkSync shim.lock', 'spawn', 'spawned', 'open the gate', 'gate opened', 'program ended']) {
      expect(steps).toContain(step);
    }
    expect(steps).toContain(`renameSync ${JobFile.exit}`);
    expect(steps.filter((step) => step === `renameSync ${JobFile.status}`).length).toBeGreaterThan(2);
  });

  it('is not missed when two stand over one job at once', async () => {
    const ran = test.at('ran');
    const id = await make(`echo ran >> '${ran}'`);
    const shims = Array.from({ length: 4 }, () => stand(id));
    await until(() => shims.every((one) => one.exitCode !== null), 'the end of all shims');
    expect(shims.map((one) => one.exitCode)).toEqual([0, 0, 0, 0]);
    expect(record(id).state).toBe('DONE');
    expect(readFileSync(ran, 'utf8')).toBe('ran\n');
  });
});

/** Lines of a script that start helpers which do not heed TERM: one without a mark, one that is no child of anybody's. */
function helpers(): string {
  const deaf = test.at('deaf.sh');
  writeFileSync(deaf, `trap '' TERM; echo $1 $$; exec sleep 1000`);
  const twice = test.at('twice.sh');
  writeFileSync(twice, `setsid /bin/sh '${deaf}' away &`);
  return `env -i /bin/sh '${deaf}' clean & setsid /bin/sh '${twice}' &`;
}

describe('what a program leaves behind', () => {
  it('is named: in its group without a mark, in a session of its own with one', async () => {
    const go = test.at('go');
    const id = await run(`${helpers()} until [ -e '${go}' ]; do sleep 0.01; done`);
    const [clean, away] = [await pidIn(id, 'clean'), await pidIn(id, 'away')];
    writeFileSync(go, '');
    const { exit, state, reason } = await ended(id);
    const named = Object.fromEntries(exit!.survivors.map((one) => [one.pid, one.escaped]));
    expect(named).toEqual({ [clean]: false, [away]: true });
    expect(state).toBe('DONE');
    expect(reason).toContain(`${clean} sleep 1000`);
    expect(() => removeJob(test.home, id)).toThrow(/^processes of job 0001-fixture-run still run: .* sleep 1000/);
    killJob(test.home.root, id, record(id).status!.child);
    await Promise.all([gone(clean), gone(away)]);
    removeJob(test.home, id);
    expect(listJobIds(test.home)).toEqual([]);
  });

  it('is ended by a stop with a time to KILL, also when its leader has ended by then', async () => {
    const id = await run(`${helpers()} exec sleep 1000`);
    const [clean, away] = [await pidIn(id, 'clean'), await pidIn(id, 'away')];
    stop(id, 600);
    process.kill(record(id).status!.child!.pid, 'SIGTERM');
    const { exit, state } = await ended(id);
    expect(state).toBe('STOP');
    expect(exit).toMatchObject({ signal: 'SIGTERM', survivors: [] });
    await Promise.all([gone(clean), gone(away)]);
  });

  it('is ended by a time limit', async () => {
    const id = await run(`${helpers()} exec sleep 1000`, limits({ timeoutMs: 1500, killAfterMs: 300 }));
    const [clean, away] = [await pidIn(id, 'clean'), await pidIn(id, 'away')];
    expect(await ended(id)).toMatchObject({
      state: 'FAIL',
      exit: { timedOut: true, signal: 'SIGTERM', survivors: [] },
    });
    await Promise.all([gone(clean), gone(away)]);
  });
});

/** A script in a session and an environment of its own, with its output elsewhere: nothing but having seen it tells whose it is. */
function hidden(word: string): string {
  const script = test.at(`${word}.sh`);
  writeFileSync(script, `trap '' TERM; echo $$ > '${test.at(word)}'; exec sleep 1000 >/dev/null 2>&1`);
  return `env -i setsid /bin/sh '${script}' >/dev/null 2>&1 &`;
}
const hiddenPid = (word: string) =>
  until(() => existsSync(test.at(word)) && Number(readFileSync(test.at(word), 'utf8')), `the pid of ${word}`);

describe('a process that hides from its job', () => {
  it('is ended with it by KILL, from outside as well as by its shim', async () => {
    const id = await run(`${hidden('one')} exec sleep 1000`);
    const one = await hiddenPid('one');
    await until(() => record(id).state === 'RUN', 'the job');
    const leader = record(id).status!.child!;
    const all = processesOfJob(test.home.root, id, leader).map((process) => process.pid);
    expect(new Set(all)).toEqual(new Set([leader.pid, one]));
    killJob(test.home.root, id, leader);
    await gone(one);
    expect((await ended(id)).exit).toMatchObject({ signal: 'SIGKILL', survivors: [] });

    const timed = await run(`${hidden('two')} exec sleep 1000`, limits({ timeoutMs: 800, killAfterMs: 100 }));
    const two = await hiddenPid('two');
    expect((await ended(timed)).exit).toMatchObject({ timedOut: true, survivors: [] });
    await gone(two);
  });

  it('is named when its parent ends before it, and can be ended then', async () => {
    const go = test.at('go');
    const id = await run(`${hidden('one')} until [ -e '${go}' ]; do sleep 0.01; done`);
    const pid = await hiddenPid('one');
    await until(() => existsSync(path.join(test.home.jobs, id, JobFile.strays)), 'the shim to have seen it');
    writeFileSync(go, '');
    const { exit, reason } = await ended(id);
    expect(exit!.survivors).toMatchObject([{ pid, escaped: true }]);
    expect(reason).toContain(`${pid} sleep 1000`);
    expect(processStartTime(pid)).not.toBeNull();
    killJob(test.home.root, id, record(id).status!.child);
    await gone(pid);
  });

  it('is known by what is left of its marks, however short the job was', async () => {
    const script = test.at('short.sh');
    writeFileSync(script, `echo $$ > '${test.at('short')}'; exec sleep 1000`);
    const id = await run(`env -u PROMETHEUS_HOME setsid /bin/sh '${script}' >/dev/null 2>&1 & exit 0`);
    const pid = await hiddenPid('short');
    expect((await ended(id)).exit!.survivors).toMatchObject([{ pid }]);
    killJob(test.home.root, id, record(id).status!.child);
    await gone(pid);
  });

  it('is known by the log that it writes to, however short the job was', async () => {
    const script = test.at('quick.sh');
    writeFileSync(script, `echo quick $$; exec sleep 1000`);
    const id = await run(`env -i setsid /bin/sh '${script}' & exit 0`);
    const pid = await pidIn(id, 'quick');
    expect((await ended(id)).exit!.survivors).toMatchObject([{ pid }]);
    killJob(test.home.root, id, record(id).status!.child);
    await gone(pid);
  });
});

describe.skipIf(!canMount())('a full disk', () => {
  it('is told at the end, for the log may lack lines; the exit code stays what it was', async () => {
    const disk = mountDisk(test.home.root, 2);
    try {
      const id = await run('head -c 4000000 /dev/zero 2>/dev/null; exit 0');
      const words = 'the disk was full while it ran: its log may lack lines';
      expect(await ended(id)).toMatchObject({ state: 'DONE', reason: words, exit: { code: 0, diskFull: true } });
      expect(statSync(path.join(test.home.jobs, id, JobFile.stdout)).size).toBeLessThan(4_000_000);
    } finally {
      disk.remove();
    }
  });
});

describe('a stop', () => {
  it('in a hurry comes before an earlier patient one', async () => {
    const id = await run(`trap '' TERM; echo ready $$; while :; do sleep 0.05; done`);
    await pidIn(id, 'ready');
    stop(id, 3_600_000);
    await until(() => record(id).reason === 'stopping', 'the first stop');
    stop(id, 0);
    expect(await ended(id)).toMatchObject({ state: 'STOP', exit: { signal: 'SIGKILL' } });
  });
});

describe('a program that stands still', () => {
  it('takes the TERM of its time limit', async () => {
    const script = `trap 'exit 5' TERM; kill -STOP $$; while :; do sleep 0.05; done`;
    const id = await run(script, limits({ timeoutMs: 500, killAfterMs: 3_600_000 }));
    expect(await ended(id)).toMatchObject({ state: 'FAIL', exit: { code: 5, timedOut: true } });
  });
});

describe('niceness', () => {
  it('is added to what there is, and inherited', async () => {
    const id = await run(`nice; sleep 0.01`, limits({ nice: 7 }));
    await ended(id);
    expect(Number(text(id, JobFile.stdout))).toBe(Math.min(19, getPriority() + 7));
  });
});
