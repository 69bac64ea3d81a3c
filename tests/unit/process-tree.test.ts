/** The processes of a job on a recorded procfs. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { markedProcesses, parsePs, processTree } from '../../src/telemetry/process-tree.ts';

const HOME = '/home/me/prometheus';
const MARKS = ['PATH=/bin', `PROMETHEUS_HOME=${HOME}`, 'PROMETHEUS_JOB=0007-x'];

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'proc-'));
});
afterEach(() => rmSync(root, { recursive: true }));

interface Fake {
  readonly state?: string;
  readonly group?: number;
  readonly session?: number;
  readonly start?: number;
  readonly environment?: readonly string[];
  readonly parent?: number;
  /** Where its output goes. */
  readonly output?: string;
  /** Where its environment lies. */
  readonly at?: number;
}

/** Writes a process as procfs shows it: 52 fields, the environment's place in the 50th and 51st. */
function put(pid: number, fake: Fake = {}): void {
  const { state = 'S', parent = 1, group = pid, session = group, start = 500, environment = [], at = 1000 } = fake;
  mkdirSync(path.join(root, String(pid)), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(path.join(root, String(pid), name), text);
  const zeros = (count: number) => Array(count).fill(0).join(' ');
  write(
    'stat',
    `${pid} (a (b) c) ${state} ${parent} ${group} ${session} ${zeros(15)} ${start} ${zeros(27)} ${at} ${at + 9} 0`,
  );
  write('environ', environment.map((one) => `${one}\0`).join(''));
  write('cmdline', 'python\0backfill.py\0');
  if (fake.output === undefined) return;
  mkdirSync(path.join(root, String(pid), 'fd'));
  symlinkSync(fake.output, path.join(root, String(pid), 'fd', '1'));
}
const tree = (start = 500) =>
  processTree(HOME, '0007-x', { leader: { pid: 10, startTime: start } }, root)
    .map(({ pid }) => pid)
    .sort((a, b) => a - b);

describe('processTree', () => {
  it('finds what carries the mark and what is in the session, and nothing of another home or job', () => {
    put(10, { environment: MARKS });
    put(11, { group: 10, environment: [] });
    put(12, { group: 12, session: 10 });
    put(13, { environment: MARKS });
    put(14, { environment: ['PROMETHEUS_HOME=/other', 'PROMETHEUS_JOB=0007-x'] });
    put(15, { environment: [`PROMETHEUS_HOME=${HOME}`, 'PROMETHEUS_JOB=0008-x'] });
    put(16, { environment: MARKS, state: 'Z' });
    put(17, { environment: ['X=PROMETHEUS_JOB=0007-x', `PROMETHEUS_HOME=${HOME}`] });
    writeFileSync(path.join(root, 'uptime'), '1 1');
    expect(tree()).toEqual([10, 11, 12, 13]);
    expect([...markedProcesses(HOME, root)].map(([job, list]) => [job, list.length])).toEqual([
      ['0007-x', 2],
      ['0008-x', 1],
    ]);
    expect(processTree(HOME, '0007-x', { leader: null }, root).map((one) => one.command)).toEqual(
      Array(2).fill('python backfill.py'),
    );
  });

  it('finds what has neither mark nor session by its parents, its log, or for having been seen', () => {
    const own = '/home/jobs/0007-x/stdout.log';
    put(10, { environment: MARKS });
    put(11, { parent: 10 });
    put(9, { parent: 11 });
    put(12, { output: own });
    put(13, { start: 501 });
    put(14, { start: 502 });
    put(15, { output: '/home/jobs/0008-x/stdout.log' });
    const seen = [13, 14].map((pid) => ({ pid, startTime: 501 }));
    const found = processTree(HOME, '0007-x', { leader: null, seen, logs: [own] }, root);
    const strays = found.filter((one) => one.stray).map((one) => one.pid);
    expect(found.map((one) => one.pid).filter((pid) => !strays.includes(pid))).toEqual([10]);
    expect(strays.sort((a, b) => a - b)).toEqual([9, 11, 12, 13]);
  });

  it('knows a job by the mark of its folder alone', () => {
    put(10, { environment: [`PROMETHEUS_JOB_FOLDER=${HOME}/jobs/0007-x`, 'PROMETHEUS_JOB=0007-x'] });
    put(11, { environment: [`PROMETHEUS_JOB_FOLDER=${HOME}/jobs/0007-x`, `PROMETHEUS_HOME=${HOME}`] });
    put(12, { environment: ['PROMETHEUS_JOB_FOLDER=/other/jobs/0007-x', 'PROMETHEUS_JOB=0007-x'] });
    expect(tree().sort((a, b) => a - b)).toEqual([10, 11]);
  });

  it('leaves what is marked as of another job, or of none, and what descends from that alone', () => {
    put(10, { environment: MARKS });
    put(11, { parent: 10, environment: ['PROMETHEUS_JOB='] });
    put(12, { parent: 11 });
    put(13, { parent: 10, environment: [`PROMETHEUS_HOME=${HOME}`, 'PROMETHEUS_JOB=0008-x'] });
    put(14, { parent: 13, output: '/log' });
    put(15, { environment: ['PROMETHEUS_JOB='], output: '/log' });
    const seen = [11, 13].map((pid) => ({ pid, startTime: 500 }));
    const found = processTree(HOME, '0007-x', { leader: { pid: 10, startTime: 500 }, seen, logs: ['/log'] }, root);
    expect(found.map((one) => one.pid).sort((a, b) => a - b)).toEqual([10, 14]);
  });

  it('leaves the session of a stranger that got the pid alone', () => {
    put(10, { start: 900 });
    put(11, { group: 10, session: 10, start: 901 });
    expect(tree()).toEqual([]);
    expect(tree(900)).toEqual([10, 11]);
  });

  it('takes what a process showed before exec for no property of the program after it', () => {
    put(20, { environment: MARKS });
    expect(tree()).toEqual([20]);
    put(20, { environment: [], at: 2000 });
    expect(tree()).toEqual([]);
    put(20, { environment: MARKS, at: 3000 });
    expect(tree()).toEqual([20]);
    // A program may write over its environment while it runs; it is what it was.
    put(20, { environment: ['backfill: 63 %'], at: 3000 });
    expect(tree()).toEqual([20]);
  });
});

describe('ps', () => {
  it('is read without zombies', () => {
    const text = [
      '    1     0     1 Ss   Tue Nov 25 20:31:56 2026     /sbin/launchd --x y',
      '  501     1   501 Z+   Tue Nov 25 20:31:57 2026     (sh)',
      'nonsense',
    ].join('\n');
    const startTime = Date.UTC(2026, 10, 25, 20, 31, 56);
    expect(parsePs(text)).toEqual([
      { pid: 1, parent: 0, group: 1, startTime, command: '/sbin/launchd --x y', stray: false },
    ]);
  });
});
