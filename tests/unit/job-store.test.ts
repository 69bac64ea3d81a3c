import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ExitRecord,
  JobFile,
  type JobSpec,
  writeExitRecord,
  writeRecord,
} from '../../src/supervisor/job-files.ts';
import { JobList, readJobView } from '../../src/supervisor/job-list.ts';
import { createJobFolder, findJobId, listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import { identifyProcess } from '../../src/supervisor/process-identity.ts';
import { createTestHome, exitRecordOf, jobSpecOf, type TestHome } from '../helpers/jobs.ts';

const NOW = 1_000_000;
const spec = (changes: Partial<JobSpec> = {}): JobSpec =>
  jobSpecOf({
    program: 'backtest campaign',
    programArgs: ['--market-id', 'US_EQ'],
    argv: ['node', 'main.js', 'backtest', 'campaign', '--market-id', 'US_EQ'],
    createdAt: NOW,
    ...changes,
  });
const exit = (changes: Partial<ExitRecord> = {}): ExitRecord =>
  exitRecordOf({ startedAt: NOW, endedAt: NOW + 5000, ...changes });
const VIEW = { now: NOW, stopDeadlineMs: 30_000 };

let test: TestHome;
beforeEach(() => {
  test = createTestHome();
});
afterEach(() => test.remove());
const make = async (key: string, changes: Partial<JobSpec> = {}) =>
  (await createJobFolder(test.home, spec({ idempotencyKey: key, ...changes }))).id;
const folderOf = (id: string) => path.join(test.home.jobs, id);

describe('createJobFolder', () => {
  it('numbers jobs, never gives a number twice, and knows a key again', async () => {
    expect(await make('a')).toBe('0001-backtest-campaign');
    expect(await make('b', { program: '../Evil Näme!' })).toBe('0002-evil-n-me');
    expect(await createJobFolder(test.home, spec({ idempotencyKey: 'a' }))).toEqual({
      id: '0001-backtest-campaign',
      created: false,
    });
    rmSync(folderOf('0002-evil-n-me'), { recursive: true });
    expect(await make('c')).toBe('0003-backtest-campaign');
    // The key of a job that was removed counts for nothing.
    expect(await make('b')).toBe('0004-backtest-campaign');
  });

  it('holds everything from its first moment, and clears away the drafts of starters that were killed', async () => {
    mkdirSync(folderOf('.draft-7'), { recursive: true });
    const id = await make('a');
    expect(readdirSync(folderOf(id)).sort()).toEqual(
      [JobFile.spec, JobFile.status, JobFile.stdout, JobFile.stderr, JobFile.events].sort(),
    );
    expect(readdirSync(test.home.jobs)).not.toContain('.draft-7');
    expect(readJob(test.home, id)).toMatchObject({
      state: 'QUEUE',
      reason: 'waits for a supervisor to begin it',
      waiting: true,
      settled: false,
    });
  });

  it('says in one line that the folder cannot be written', async () => {
    mkdirSync(test.home.root, { recursive: true });
    writeFileSync(test.home.jobs, 'a file');
    await expect(make('a')).rejects.toThrow(/cannot be created/);
    rmSync(test.home.jobs);
  });
});

describe('readJob', () => {
  const broken: [string, (folder: string) => void, RegExp][] = [
    ['an empty folder', () => {}, /unreadable: spec.json is missing/],
    ['half a spec', (f) => writeFileSync(path.join(f, JobFile.spec), '{"version":1,"prog'), /unreadable: spec.json: /],
    ['a spec of another kind', (f) => writeRecord(f, JobFile.spec, { version: 1 }), /spec.json: program/],
    ['a spec of the future', (f) => writeRecord(f, JobFile.spec, { version: 2 }), /newer version/],
    ['a folder as spec', (f) => mkdirSync(path.join(f, JobFile.spec)), /spec.json is not a record/],
    ['a link in a circle', (f) => symlinkSync(JobFile.spec, path.join(f, JobFile.spec)), /spec.json: ELOOP/],
    ['a spec without a status', (f) => writeRecord(f, JobFile.spec, spec()), /status.json is missing/],
  ];
  it.each(broken)('shows %s as lost, with the reason', (_what, write, reason) => {
    const folder = folderOf('0001-foreign');
    mkdirSync(folder, { recursive: true });
    write(folder);
    const record = readJob(test.home, '0001-foreign');
    expect(record.state).toBe('LOST');
    expect(record.reason).toMatch(reason);
    expect(record.reason).not.toContain('\n');
    expect(readJobView(test.home, '0001-foreign', VIEW)).toMatchObject({ id: '0001-foreign', state: 'LOST' });
  });

  it('never takes a broken exit record for an outcome', async () => {
    const id = await make('a');
    writeFileSync(path.join(folderOf(id), JobFile.exit), '{"version":1,"code":0');
    expect(readJob(test.home, id)).toMatchObject({ state: 'LOST', settled: false });
  });

  it('has an outcome without a status, and names what still runs', async () => {
    const id = await make('a');
    rmSync(path.join(folderOf(id), JobFile.status));
    writeExitRecord(folderOf(id), exit({ code: 3, survivors: [{ pid: 7, command: 'sleep 9', escaped: false }] }));
    expect(readJob(test.home, id)).toMatchObject({
      state: 'PART',
      reason: 'exit code 3: some items failed; processes that it started ran on: 7 sleep 9',
      settled: true,
    });
  });

  it('calls a job lost whose pid belongs to another process by now, or to another boot', async () => {
    const id = await make('a');
    const { status } = readJob(test.home, id);
    const self = identifyProcess(process.pid)!;
    const running = { ...status!, state: 'RUN' as const, startedAt: NOW };
    for (const stranger of [
      { ...self, startTime: self.startTime + 1 },
      { ...self, boot: 'another' },
    ]) {
      writeRecord(folderOf(id), JobFile.status, { ...running, shim: stranger, child: stranger });
      expect(readJob(test.home, id)).toMatchObject({ state: 'LOST', settled: true });
    }
    writeRecord(folderOf(id), JobFile.status, { ...running, shim: self, child: self });
    expect(readJob(test.home, id)).toMatchObject({ state: 'RUN', reason: '' });
    // A mark made on a full disk holds nothing.
    writeFileSync(path.join(folderOf(id), JobFile.stop), '');
    expect(readJob(test.home, id)).toMatchObject({ state: 'RUN', reason: 'stopping' });
    // The test's own process stands for the job: nobody is to end it afterwards.
    writeExitRecord(folderOf(id), exit());
    rmSync(path.join(folderOf(id), JobFile.status));
  });
});

describe('listing', () => {
  it('sorts by number, shows foreign folders, leaves out files and what is ours', async () => {
    await make('a');
    await make('b', { program: 'x' });
    mkdirSync(folderOf('holiday photos'));
    mkdirSync(folderOf('10000-late'));
    writeFileSync(folderOf('notes.txt'), '');
    expect(listJobIds(test.home)).toEqual(['holiday photos', '0001-backtest-campaign', '0002-x', '10000-late']);
    expect(findJobId(test.home, '2')).toBe('0002-x');
    expect(findJobId(test.home, '0001')).toBe('0001-backtest-campaign');
    expect(findJobId(test.home, 'last')).toBe('10000-late');
    expect(() => findJobId(test.home, '77')).toThrow("there is no job '77'");
    expect(() => findJobId(test.home, '..')).toThrow("there is no job '..'");
  });

  it('is empty without a home', () => {
    expect(listJobIds(test.home)).toEqual([]);
    expect(() => findJobId(test.home, 'last')).toThrow('there is no job yet');
  });

  it('changes only when something changed', async () => {
    const list = new JobList(test.home, () => NOW, 30_000);
    expect(await list.poll()).toBe(false);
    const id = await make('a');
    expect(await list.poll()).toBe(true);
    expect(list.anyAlive).toBe(true);
    expect(await list.poll()).toBe(false);
    writeFileSync(
      path.join(folderOf(id), JobFile.events),
      '{"t":1,"type":"result","status":"done","summary":"fine"}\n',
    );
    writeExitRecord(folderOf(id), exit());
    expect(await list.poll()).toBe(true);
    expect(list.views).toMatchObject([
      { id, state: 'DONE', reason: '', exitCode: 0, summary: 'fine', endedAt: NOW + 5000, build: 'b' },
    ]);
    expect(list.anyAlive).toBe(false);
    expect(await list.poll()).toBe(false);
    rmSync(folderOf(id), { recursive: true });
    expect(await list.poll()).toBe(true);
    expect(list.views).toEqual([]);
  });

  it('gives the code a shell would give', async () => {
    const id = await make('a');
    writeExitRecord(folderOf(id), exit({ code: null, signal: 'SIGKILL' }));
    expect(readJobView(test.home, id, VIEW).exitCode).toBe(137);
  });
});
