/** The supervisor as a process: what outlives it, what it refuses, what it begins and in which order, what it ends. */
import type { ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockHolder, processStartTime } from '../../src/platform/locks.ts';
import { supervisorLock } from '../../src/supervisor/daemon.ts';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import { readAudit, readJournal } from '../../src/supervisor/journal.ts';
import type { JobView, Snapshot } from '../../src/supervisor/protocol.ts';
import type { RemoteSupervisor } from '../../src/supervisor/wire/client.ts';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { createTestHome, type TestHome, viewOf } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

let test: TestHome;
let daemon: Daemon;
let client: RemoteSupervisor;
const open: { close(): Promise<void> }[] = [];
const bystanders: ChildProcess[] = [];
beforeEach(() => {
  test = createTestHome();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  for (const one of bystanders.splice(0)) one.kill('SIGKILL');
  await test.remove();
});

async function begin(options: Parameters<typeof startDaemon>[1] = {}): Promise<void> {
  daemon = await startDaemon(test, options);
  client = await attach();
}
async function attach(name?: string): Promise<RemoteSupervisor> {
  const one = await daemon.attach(name);
  open.push(one);
  await one.ready();
  return one;
}
let keys = 0;
const launch = (args: readonly string[], more: object = {}) =>
  client.launch({ program: 'fixture run', args, idempotencyKey: `key ${++keys}`, ...more });
const when = (condition: (snapshot: Snapshot) => unknown, what: string): Promise<Snapshot> =>
  until(() => Boolean(condition(client.snapshot())) && client.snapshot(), what);
const job = (id: string): JobView | undefined => client.snapshot().jobs.find((one) => one.id === id);
const ended = (id: string) =>
  until(() => {
    const view = job(id);
    return view && hasEnded(view.state) && view;
  }, `the end of ${id}`);
const running = (id: string) => until(() => job(id)?.state === 'RUN', `${id} running`);
const text = (id: string, name: string) => readFileSync(path.join(test.home.jobs, id, name), 'utf8');
const pidIn = (id: string, word: string) =>
  until(() => Number(new RegExp(`${word} (\\d+)`).exec(text(id, JobFile.stdout))?.[1]), `${word} of ${id}`);
const go = () => writeFileSync(test.at('go'), '');

describe('one supervisor a home', () => {
  it('is held by a lock: a second one gives way', async () => {
    await begin();
    const second = await startDaemon(test);
    expect(second.process.exitCode).not.toBe(0);
    expect(lockHolder(supervisorLock(test.home))).toBe(daemon.process.pid);
  });

  it('ends when its home is gone', async () => {
    await begin();
    rmSync(test.home.root, { recursive: true });
    await until(() => daemon.process.exitCode !== null, 'its end');
  });

  it('takes the place of one that was killed, whose socket still lies there', async () => {
    await begin();
    await client.close();
    await daemon.kill();
    expect(existsSync(test.at('run/supervisor.sock'))).toBe(true);
    await begin();
    expect((await launch([])).id).toBe('0001-fixture-run');
  });
});

describe('what killed processes left half-written', () => {
  it('is removed by the next supervisor, and once their job has ended; what a living one writes stays', async () => {
    await begin();
    const { id } = await launch(['--until', test.at('go')]);
    await running(id);
    const { shim, child } = readJob(test.home, id).status!;
    process.kill(shim!.pid, 'SIGKILL');
    await until(() => processStartTime(shim!.pid) === null, 'the end of the shim');
    await client.close();
    await daemon.kill();
    const at = (...place: string[]) => path.join(test.home.root, ...place);
    const draft = (pid: number, ...place: string[]) => `${at(...place)}.${pid}.tmp`;
    mkdirSync(at('jobs', '.draft-2'));
    const ofJob = [draft(shim!.pid, 'jobs', id, JobFile.status), at('jobs', id, JobFile.lock)];
    const ofHome = [
      at('jobs', '.draft-2'),
      draft(shim!.pid, 'jobs', '.sequence'),
      draft(shim!.pid, 'jobs', '.keys', 'one'),
      draft(shim!.pid, 'cache', 'telemetry.json'),
    ];
    const ofTheLiving = draft(process.pid, 'jobs', id, JobFile.stop);
    for (const file of [ofJob[0], ...ofHome.slice(1), ofTheLiving]) writeFileSync(file, '{');
    const left = (files: readonly string[]) => files.filter((file) => lstatSync(file, { throwIfNoEntry: false }));
    expect(left([...ofJob, ...ofHome])).toEqual([...ofJob, ...ofHome]);

    await begin();
    await until(() => left(ofHome).length === 0, 'a home without drafts');
    process.kill(child!.pid, 'SIGKILL');
    expect(await ended(id)).toMatchObject({ state: 'LOST' });
    await until(() => left(ofJob).length === 0, 'a job without drafts and lock');
    expect(left([ofTheLiving])).toEqual([ofTheLiving]);
  });
});

describe('jobs and the death of their supervisor', () => {
  it('run on, and the next one has their logs and exit codes', async () => {
    await begin();
    const { id } = await launch(['--print', 'first line\n', '--until', test.at('go'), '--exit-code', '3']);
    await running(id);
    await client.close();
    await daemon.kill();
    go();
    await until(() => hasEnded(viewOf(test.home, id).state), 'the end of the job');
    await begin();
    expect(await ended(id)).toMatchObject({ state: 'PART', exitCode: 3 });
    client.watch(id);
    const snapshot = await when((s) => s.detail?.log.some((line) => line.text === 'last words'), 'its log');
    expect(snapshot.detail!.log[0].text).toBe('first line');
    // It is in the journal as it happened, though nobody looked then.
    expect(readJournal(test.home).filter((entry) => entry.subject === id)).toMatchObject([
      { what: 'RUN' },
      { what: 'PART' },
    ]);
  });

  it('are never lost and never begun twice, whenever it is killed while it begins them', async () => {
    const begun = (folder: string) => readJob(test.home, path.basename(folder)).status?.child != null;
    const has = (name: string) => (folder: string) => existsSync(path.join(folder, name));
    // What is there of the newest job when the supervisor is killed; with nothing at all, it may have heard of none.
    const moments = [null, has(''), has(JobFile.spec), has(JobFile.status), begun, has(JobFile.exit)];
    for (const reached of [...moments, ...moments]) {
      await begin();
      const before = listJobIds(test.home).length;
      const asked = launch(['--record', test.at('record')]).catch(() => null);
      await until(() => {
        const ids = listJobIds(test.home).sort();
        return reached === null || (ids.length > before && reached(path.join(test.home.jobs, ids.at(-1)!)));
      }, 'the moment of the kill');
      await client.close();
      await daemon.kill();
      await asked;
    }
    await begin();
    await when((s) => s.jobs.every((one) => hasEnded(one.state)), 'the end of all jobs');
    const { jobs } = client.snapshot();
    expect(jobs.length).toBeGreaterThan(0);
    expect(jobs.map((one) => `${one.state} ${one.reason}`)).toEqual(jobs.map(() => 'DONE '));
    const record = readFileSync(test.at('record'), 'utf8').trim().split('\n');
    const count = (word: string, id: string) => record.filter((line) => line.startsWith(`${word} ${id} `)).length;
    for (const { id } of jobs) expect([id, count('begin', id), count('end', id)]).toEqual([id, 1, 1]);
  });

  it('wait on, in their order', async () => {
    await begin({ slots: 1 });
    const first = await launch(['--until', test.at('go')]);
    const second = await launch([]);
    expect(second).toMatchObject({ state: 'QUEUE', reason: `waits for a CPU slot, taken by ${first.id}` });
    await client.close();
    await daemon.kill();
    expect(viewOf(test.home, second.id).state).toBe('QUEUE');
    await begin({ slots: 1 });
    go();
    expect((await ended(second.id)).startedAt).toBeGreaterThanOrEqual((await ended(first.id)).endedAt!);
  });
});

describe('requests', () => {
  it('with one key make one job, from two clients at once', async () => {
    await begin();
    const other = await attach('you@there');
    const request = { program: 'fixture run', args: [], idempotencyKey: 'same' };
    const [a, b] = await Promise.all([client.launch(request), other.launch(request)]);
    expect(a.id).toBe(b.id);
    const [c, d] = await Promise.all([client, other].map((one) => one.rerun({ jobId: a.id, idempotencyKey: 'again' })));
    expect(c.id).toBe(d.id);
    expect(client.snapshot().jobs.length).toBe(2);
  });

  it('to write rows that another job is writing are refused, whoever asks', async () => {
    await begin();
    const write = (one: RemoteSupervisor, args: string[]) =>
      one.launch({ program: 'fixture write', args: ['--rows', '1', ...args], idempotencyKey: `key ${++keys}` });
    const first = await write(client, ['--claim', 'US', '--end', '2014-06-30', '--until', test.at('go')]);
    const other = await attach('you@there');
    const clash = ['--claim', 'US', '--start', '2014-06-30'];
    await expect(write(other, clash)).rejects.toThrow(
      `${first.id} is writing the same rows (it writes runtime.x, US, the beginning … 2014-06-30; ` +
        'asked for: runtime.x, US, 2014-06-30 … the end)',
    );
    expect((await write(other, ['--claim', 'US', '--start', '2014-07-01'])).state).not.toBe('FAIL');
    expect((await write(other, ['--claim', 'EU'])).state).not.toBe('FAIL');
    // One that waits for it does not compete with it.
    const later = await other.launch({
      program: 'fixture write',
      args: ['--rows', '1', ...clash, '--end', '2014-06-30'],
      idempotencyKey: 'later',
      after: [first.id],
    });
    expect(later).toMatchObject({ state: 'QUEUE', reason: `waits for ${first.id}` });
    go();
    await ended(later.id);
  });

  it('are refused to a read-only client, except safe ones', async () => {
    await begin();
    await client.setReadOnly(true);
    await expect(launch([])).rejects.toThrow('launch is refused: this console is read-only');
    await expect(client.kill('1')).rejects.toThrow('read-only');
    await expect(client.skip({ phase: 'P3', skipped: true, reason: 'x' })).rejects.toThrow('read-only');
    await client.recheck();
    await client.setReadOnly(false);
    expect((await launch([])).id).toBe('0001-fixture-run');
  });

  it('leave out no phase on which evidence alone decides', async () => {
    await begin();
    await client.recheck();
    const [{ phase }] = client.snapshot().board!.phases;
    await expect(client.skip({ phase, skipped: true, reason: 'x' })).rejects.toThrow(`${phase} is not optional`);
    await expect(client.skip({ phase, skipped: true, reason: ' ' })).rejects.toThrow('reason');
    await expect(client.skip({ phase: 'P9', skipped: true, reason: 'x' })).rejects.toThrow("no phase 'P9'");
  });

  it('for what is no job are refused, and end nobody', async () => {
    await begin();
    for (const id of ['', '.', '..', '../jobs', '/etc', 'a\0b', '-1', '1e0', 'x'.repeat(100_000)]) {
      const requests = [
        client.stop({ jobId: id }),
        client.kill(id),
        client.remove(id),
        client.keep({ jobId: id, kept: true }),
        client.rerun({ jobId: id, idempotencyKey: `key ${++keys}` }),
        client.read('jobSeries', { jobId: id }),
      ];
      for (const request of requests) await expect(request).rejects.toThrow('there is no job');
      client.watch(id);
      await client.recheck();
    }
    const { id } = await launch([]);
    client.watch(id);
    await when((s) => s.detail?.log.some((line) => line.text === 'last words'), 'its log');
  });

  it('leave who asked for what in the audit log, and no secret anywhere', async () => {
    await begin();
    const canary = 'canary-7f3a';
    const environment = { ...(process.env as Record<string, string>), RUNTIME_DB_PASSWORD: canary, OTHER_KEY: canary };
    const url = `postgresql://u:${canary}@h/d`;
    const { id } = await launch(['--historical', url, '--environment-to', test.at('seen')], { environment });
    await ended(id);
    await client.stop({ jobId: id }).catch(() => {});
    await client.keep({ jobId: id, archived: true });
    await client.keep({ jobId: id, kept: true });
    await client.keep({ jobId: id, kept: false, archived: false });
    expect(readAudit(test.home).every((one) => one.toldBy === 'client')).toBe(true);
    expect(readAudit(test.home).map(({ who, what, subject }) => `${who} ${what} ${subject}`)).toEqual([
      'me@here attach console',
      'me@here launch fixture run',
      `me@here stop ${id}`,
      `me@here stop refused ${id}`,
      `me@here archive ${id}`,
      `me@here keep ${id}`,
      `me@here keep off, archive off ${id}`,
    ]);
    const seen = JSON.parse(readFileSync(test.at('seen'), 'utf8')).env;
    expect(seen).toMatchObject({ RUNTIME_DB_PASSWORD: canary, HISTORICAL_DB_URL: url });
    // Only what is listed reaches a job.
    expect(seen.OTHER_KEY).toBeUndefined();
    const { spawnSync } = await import('node:child_process');
    expect(spawnSync('grep', ['-rl', canary, test.home.root]).stdout.toString()).toBe('');
    expect(JSON.stringify(client.snapshot())).not.toContain(canary);
  });
});

describe('order', () => {
  it('follows dependencies; what waits for a failure is stopped, and says for which', async () => {
    await begin();
    const bad = await launch(['--exit-code', '1', '--until', test.at('go')]);
    const next = await launch([], { after: [bad.id] });
    const last = await launch([], { after: [next.id] });
    expect(next).toMatchObject({ state: 'QUEUE', reason: `waits for ${bad.id}` });
    go();
    expect(await ended(next.id)).toMatchObject({ state: 'STOP', reason: `not begun: ${bad.id} ended FAIL` });
    expect(await ended(last.id)).toMatchObject({ state: 'STOP', reason: `not begun: ${next.id} ended STOP` });
  });

  it('lets PART pass only where that was said', async () => {
    await begin();
    const part = await launch(['--exit-code', '3']);
    expect(await ended((await launch([], { after: [part.id] })).id)).toMatchObject({ state: 'STOP' });
    const lenient = await launch([], { after: [part.id], allowPartial: true });
    expect(await ended(lenient.id)).toMatchObject({ state: 'DONE' });
  });

  it('tries again as often as asked; who waits for the job waits for its last attempt', async () => {
    await begin();
    // Fails until the file is there: the second attempt finds it.
    const args = ['--record', test.at('record'), '--exit-code', '1'];
    const first = await launch(args, { retry: { attempts: 3, backoffMs: 10 } });
    const next = await launch([], { after: [first.id] });
    expect(await ended(next.id)).toMatchObject({ state: 'STOP', reason: expect.stringMatching(/ended FAIL$/) });
    const attempts = client.snapshot().jobs.filter((one) => one.attempt !== null);
    expect(attempts.map((one) => `${one.attempt!.number}/${one.attempt!.of} ${one.state}`)).toEqual([
      '3/3 FAIL',
      '2/3 FAIL',
      '1/3 FAIL',
    ]);
  });

  it('never tries again what was stopped by hand or refused its arguments', async () => {
    await begin();
    const retry = { attempts: 5, backoffMs: 0 };
    const stopped = await launch(['--until', test.at('go')], { retry });
    await running(stopped.id);
    await client.stop({ jobId: stopped.id });
    await ended(stopped.id);
    const refused = await launch(['--exit-code', '2'], { retry });
    await ended(refused.id);
    await client.recheck();
    expect(client.snapshot().jobs.length).toBe(2);
  });
});

describe('a chain', () => {
  const step = (...args: string[]) => ['fixture', 'run', ...args];

  it('runs a phase’s commands one after the other, and resumes where it failed', async () => {
    const chain = [step('--print', 'a'), step('--print', 'b', '--until', test.at('go'), '--exit-code', '1'), step()];
    await begin({ chain });
    const made = await client.chain({ phase: 'p1', idempotencyKey: 'k' });
    expect(made.map((one) => one.chain!.step)).toEqual([1, 2, 3]);
    expect(made[2]).toMatchObject({ state: 'QUEUE', reason: `waits for ${made[1].id}` });
    await running(made[1].id);
    // Asked again while it lives, it is the same chain.
    const same = await client.chain({ phase: 'P1', idempotencyKey: 'k2' });
    expect(same.map((one) => one.id).toSorted()).toEqual([made[1].id, made[2].id]);
    go();
    expect(await ended(made[2].id)).toMatchObject({ state: 'STOP' });
    const again = await client.chain({ phase: 'P1', idempotencyKey: 'k3' });
    expect(again.map((one) => one.chain!.step)).toEqual([2, 3]);
    expect(again[0].chain!.id).toBe(made[0].chain!.id);
    await ended(again[1].id);
    const fresh = await client.chain({ phase: 'P1', idempotencyKey: 'k4', fresh: true });
    expect(fresh.map((one) => one.chain!.step)).toEqual([1, 2, 3]);
    await ended(fresh[2].id);
    await expect(client.chain({ phase: 'P9', idempotencyKey: 'k5' })).rejects.toThrow("there is no phase 'P9'");
  });

  it('goes on within a step that can, and begins it anew where going on was refused', async () => {
    const write = ['fixture', 'write', '--claim', 'x', '--rows', '1'];
    await begin({ chain: [step(), [...write, '--exit-code', '1'], [...write, '--print', 'b']] });
    const resumes = (jobs: readonly { args: readonly string[] }[]) => jobs.map(({ args }) => args.includes('--resume'));
    const run = async (idempotencyKey: string) => {
      const jobs = await client.chain({ phase: 'P1', idempotencyKey });
      await ended(jobs[jobs.length - 1].id);
      return resumes(jobs);
    };
    // The second step fails, goes on, fails again, and begins anew.
    expect(await run('a')).toEqual([false, false, false]);
    expect(await run('b')).toEqual([true, false]);
    expect(await run('c')).toEqual([false, false]);
    expect(await run('d')).toEqual([true, false]);
  });

  it('of a phase that is blocked is refused with the reason, or begins by a reason that each of its jobs keeps', async () => {
    await begin({ chain: [step(), step()], blockedBy: ['Needs P0: P0.prices is FAIL. 3 days are missing.'] });
    await expect(client.chain({ phase: 'P1', idempotencyKey: 'k' })).rejects.toThrow(
      'P1 may not begin: Needs P0: P0.prices is FAIL. 3 days are missing',
    );
    expect(client.snapshot().jobs).toEqual([]);
    const made = await client.chain({ phase: 'P1', idempotencyKey: 'k2', override: 'the vendor is late' });
    expect(made.map((one) => one.chain!.override)).toEqual(['the vendor is late', 'the vendor is late']);
    expect(await ended(made[1].id)).toMatchObject({ state: 'DONE' });
    const asked = readAudit(test.home).filter((one) => one.what.startsWith('chain'));
    expect(asked.map((one) => [one.what, one.subject, one.detail])).toEqual([
      ['chain', 'P1', ''],
      ['chain refused', 'P1', 'P1 may not begin: Needs P0: P0.prices is FAIL. 3 days are missing'],
      ['chain', 'P1', 'though blocked: the vendor is late'],
    ]);
  });

  it('may write the same rows in several of its steps, however far apart', async () => {
    const write = (...args: string[]) => ['fixture', 'write', '--claim', 'x', '--rows', '1', ...args];
    await begin({ chain: [write('--print', 'a'), step(), write('--print', 'b')] });
    const made = await client.chain({ phase: 'P1', idempotencyKey: 'k' });
    expect(await ended(made[2].id)).toMatchObject({ state: 'DONE' });
  });

  it('of which a step is refused makes no job that would begin', async () => {
    const write = ['fixture', 'write', '--claim', 'x', '--rows', '1'];
    await begin({ chain: [step(), write] });
    const other = await launch([...write.slice(2), '--until', test.at('go')], { program: 'fixture write' });
    await running(other.id);
    const refused = client.chain({ phase: 'P1', idempotencyKey: 'k' });
    await expect(refused).rejects.toThrow('is writing the same rows');
    const { jobs } = await when((snapshot) => snapshot.jobs.some((one) => one.chain !== null), 'the first step');
    expect(jobs.filter((one) => one.chain !== null).map(({ state }) => state)).toEqual(['STOP']);
    go();
    await ended(other.id);
    const made = await client.chain({ phase: 'P1', idempotencyKey: 'k2' });
    expect(await ended(made[1].id)).toMatchObject({ state: 'DONE' });
  });

  it('that is through begins anew', async () => {
    await begin({ chain: [step(), step()] });
    for (const key of ['a', 'b']) {
      const made = await client.chain({ phase: 'P1', idempotencyKey: key });
      expect(made.map((one) => one.chain!.step)).toEqual([1, 2]);
      expect(await ended(made[1].id)).toMatchObject({ state: 'DONE' });
    }
  });
});

describe('the end of a job', () => {
  it('by stop names at the deadline what is left, and kill ends all of it', async () => {
    await begin();
    const { id } = await launch(['--ignore-term', '--fork', '--escape', '--until', test.at('never')]);
    const [fork, away] = [await pidIn(id, 'fork'), await pidIn(id, 'escaped')];
    await client.stop({ jobId: id });
    const { pid } = job(id)!;
    const stopping = await until(() => {
      const view = job(id)!;
      return view.stopping && view.stopping.survivors.length > 0 && view.stopping;
    }, 'the survivors');
    const named = Object.fromEntries(stopping.survivors.map((one) => [one.pid, one.escaped]));
    expect(named).toMatchObject({ [pid!]: false, [fork]: false, [away]: true });
    await client.kill(id);
    expect(await ended(id)).toMatchObject({ state: 'STOP', reason: 'stopped by hand, ended by SIGKILL' });
    await until(() => [fork, away].every((one) => processStartTime(one) === null), 'the end of its helpers');
  });

  it('by stop with a time to KILL needs no supervisor', async () => {
    await begin();
    const { id } = await launch(['--ignore-term', '--fork', '--until', test.at('never')]);
    const fork = await pidIn(id, 'fork');
    await client.stop({ jobId: id, killAfterMs: 700 });
    await client.close();
    await daemon.kill();
    await until(() => viewOf(test.home, id).state === 'STOP', 'the end of the job');
    await until(() => processStartTime(fork) === null, 'the end of its helper');
  });

  it('by its time limit', async () => {
    await begin();
    const { id } = await launch(['--ignore-term', '--until', test.at('never')], {
      // Long enough for the program to have begun to ignore TERM.
      limits: { timeoutMs: 2500, killAfterMs: 300 },
    });
    expect(await ended(id)).toMatchObject({
      state: 'FAIL',
      reason: expect.stringMatching(/^timed out: its limit was 2.5 s, ended by SIGKILL after [\d.]+ s$/),
    });
    expect(readJob(test.home, id).exit).toMatchObject({ timedOut: true, survivors: [] });
  });

  it('by its limits comes though its shim was killed, but no exit code is made up', async () => {
    await begin();
    const limits = { timeoutMs: 2500, killAfterMs: 300 };
    const late = await launch(['--ignore-term', '--until', test.at('never')], { limits });
    const stubborn = await launch(['--ignore-term', '--until', test.at('never'), '--print', 'x']);
    for (const { id } of [late, stubborn]) {
      await running(id);
      process.kill(readJob(test.home, id).status!.shim!.pid, 'SIGKILL');
    }
    await client.stop({ jobId: stubborn.id, killAfterMs: 300 });
    for (const { id } of [late, stubborn]) expect(await ended(id)).toMatchObject({ state: 'LOST' });
  });

  it('is recorded though its shim was stopped', async () => {
    await begin();
    const jobs = await Promise.all([launch(['--until', test.at('go')]), launch(['--until', test.at('never')])]);
    for (const { id } of jobs) {
      await running(id);
      process.kill(readJob(test.home, id).status!.shim!.pid, 'SIGSTOP');
    }
    go();
    expect(await ended(jobs[0].id)).toMatchObject({ state: 'DONE', exitCode: 0 });
    await client.kill(jobs[1].id);
    expect(await ended(jobs[1].id)).toMatchObject({ state: 'STOP', reason: 'stopped by hand, ended by SIGKILL' });
  });

  it('without the rows that were due is no success', async () => {
    await begin();
    const write = (args: string[]) =>
      client.launch({ program: 'fixture write', args, idempotencyKey: `key ${++keys}` });
    expect(await ended((await write(['--claim', 'a'])).id)).toMatchObject({
      state: 'FAIL',
      reason: 'exit code 0, but no row was written where rows were due',
    });
    expect(await ended((await write(['--claim', 'b', '--rows', '412', '--failures', '88'])).id)).toMatchObject({
      state: 'PART',
      rows: 412,
      failures: 88,
    });
    expect(await ended((await write(['--claim', 'c', '--rows', '5'])).id)).toMatchObject({ state: 'DONE' });
  });
});

describe('looking on', () => {
  it('a job that says nothing for too long is called stalled', async () => {
    await begin();
    const { id } = await launch(['--until', test.at('go')], { limits: { stallMs: 200 } });
    await when(() => job(id)?.stalledSince, 'the stall');
    const told = () =>
      readJournal(test.home)
        .filter((one) => one.subject === id)
        .map((one) => one.what);
    await until(() => told().includes('stalled'), 'word of the stall');
    appendFileSync(path.join(test.home.jobs, id, 'stderr.log'), 'a word');
    await until(() => told().includes('speaks again'), 'word that it speaks');
    const heard = told().filter((what) => what !== 'QUEUE');
    expect(heard.slice(0, 3)).toEqual(['RUN', 'stalled', 'speaks again']);
    expect(heard.filter((what) => what === 'RUN')).toHaveLength(1);
    go();
    await ended(id);
  });

  it('whoever comes back is told what happened meanwhile', async () => {
    await begin();
    const mine = await attach('back@home');
    expect(mine.snapshot().handover).toBeNull();
    await mine.close();
    await until(
      () => readAudit(test.home).some((one) => one.who === 'back@home' && one.what === 'detach'),
      'the leave',
    );
    const { id } = await launch(['--exit-code', '1']);
    await ended(id);
    const again = await attach('back@home');
    expect(
      again
        .snapshot()
        .handover!.entries.filter((one) => one.subject === id)
        .map((one) => one.what),
    ).toContain('FAIL');
  });

  it('marks made by hand keep a record and hide it; removing needs an end', async () => {
    await begin();
    const { id } = await launch(['--until', test.at('go')]);
    await running(id);
    await expect(client.remove(id)).rejects.toThrow('has not ended');
    expect(await client.keep({ jobId: id, kept: true })).toMatchObject({ kept: true, archived: false });
    go();
    await ended(id);
    expect(await client.keep({ jobId: id, kept: false, archived: true })).toMatchObject({
      kept: false,
      archived: true,
    });
    await client.remove(id);
    await when((s) => s.jobs.length === 0, 'an empty list');
  });

  it('a burst of output is whole on disk, and the window follows', async () => {
    await begin();
    const { id } = await launch(['--lines', '200000']);
    client.watch(id);
    await ended(id);
    const lines = text(id, JobFile.stdout).trim().split('\n');
    expect(lines.length).toBe(200_001);
    expect(lines[199_999]).toBe('line 200000');
    await when((s) => s.detail?.log.at(-1)?.text === 'last words', 'its last line');
  });
});
