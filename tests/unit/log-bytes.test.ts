/** What lies on the disk of a job's log, and when how much of it was there. */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { readLogBytes } from '../../src/supervisor/log-bytes.ts';
import { LogTimes } from '../../src/supervisor/log-times.ts';
import { TIMES_RECORD_BYTES } from '../../src/supervisor/protocol.ts';

const JOB = '0001-job';
let root: string;
let home: Home;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'prometheus-bytes-'));
  home = homeAt(root);
  folder = path.join(home.jobs, JOB);
  mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const read = (offset: number, length: number, jobId = JOB) => {
  const { data, ...rest } = readLogBytes(home, { jobId, file: 'out', offset, length });
  return { ...rest, text: Buffer.from(data, 'base64').toString() };
};

describe('pieces of a log', () => {
  it('come from any place, and say how long the file is', () => {
    writeFileSync(path.join(folder, JobFile.stdout), '0123456789');
    expect(read(3, 4)).toEqual({ size: 10, text: '3456', problem: null });
    expect(read(8, 4)).toEqual({ size: 10, text: '89', problem: null });
    expect(read(20, 4)).toEqual({ size: 10, text: '', problem: null });
  });

  it('are empty for a file that is not there, and never from outside of the jobs', () => {
    expect(read(0, 4)).toEqual({ size: 0, text: '', problem: null });
    writeFileSync(path.join(root, JobFile.stdout), 'secret');
    for (const id of ['..', '../', '../x/..']) expect(read(0, 9, id)).toMatchObject({ size: 0, text: '' });
  });

  it('say when the log was compressed', () => {
    writeFileSync(path.join(folder, `${JobFile.stdout}.gz`), '');
    expect(read(0, 4).problem).toBe(`out is compressed: prometheus job logs ${JOB}`);
  });
});

describe('times of a log', () => {
  const records = () => {
    const bytes = readFileSync(path.join(folder, JobFile.times));
    return Array.from({ length: bytes.length / TIMES_RECORD_BYTES }, (_, i) =>
      [0, 8, 16, 24].map((at) => bytes.readDoubleLE(TIMES_RECORD_BYTES * i + at)),
    );
  };

  it('are noted when something came, and only then', () => {
    let now = 1000;
    const times = new LogTimes(folder, () => now);
    times.look();
    expect(existsSync(path.join(folder, JobFile.times))).toBe(false);
    writeFileSync(path.join(folder, JobFile.stdout), 'abc');
    now = 1250;
    times.look();
    now = 1500;
    times.look();
    appendFileSync(path.join(folder, JobFile.stderr), 'x');
    now = 1750;
    times.close();
    expect(records()).toEqual([
      [1250, 3, 0, 0],
      [1750, 3, 1, 0],
    ]);
  });

  it('never go back, whatever clock and files do', () => {
    let now = 5000;
    const times = new LogTimes(folder, () => now);
    writeFileSync(path.join(folder, JobFile.stdout), 'abcdef');
    times.look();
    writeFileSync(path.join(folder, JobFile.stdout), 'ab');
    writeFileSync(path.join(folder, JobFile.events), '{}\n');
    now = 3000;
    times.close();
    expect(records()).toEqual([
      [5000, 6, 0, 0],
      [5000, 6, 0, 3],
    ]);
  });

  it('grow more slowly the longer a job runs', () => {
    let now = 0;
    const times = new LogTimes(folder, () => now);
    const grow = (hours: number) => {
      const before = existsSync(path.join(folder, JobFile.times)) ? records().length : 0;
      now += hours * 3_600_000;
      for (let i = 0; i < 100; i++) {
        appendFileSync(path.join(folder, JobFile.stdout), 'x');
        now += 250;
        times.look();
      }
      return records().length - before;
    };
    expect(grow(0)).toBe(100);
    expect(grow(100)).toBeLessThan(5);
    times.close();
  });
});
