/** What a job said, as its reader tells it: both streams in the order of time, where times were noted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { JobReader } from '../../src/supervisor/job-reader.ts';
import { WrittenTimes } from '../../src/supervisor/written-times.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-reader-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Buffer) =>
  writeFileSync(path.join(folder, name), content, { flag: 'a' });
/** A note of the shim: a moment, and the sizes seen then. */
const note = (at: number, out: number, err: number) => {
  const record = Buffer.alloc(32);
  for (const [i, value] of [at, out, err, 0].entries()) record.writeDoubleLE(value, 8 * i);
  write(JobFile.times, record);
};
const told = (reader: JobReader) => {
  const news = reader.read()!;
  return { timed: news.timed, log: news.log.map(({ stream, text }) => `${stream} ${text}`) };
};

test('lines of both streams stand in the order in which they were seen, those of one moment stdout first', () => {
  write(JobFile.stdout, 'a\nb\nc\nd\n');
  write(JobFile.stderr, 'x\ny\nz\n');
  // Seen together: a; x; b and y; c. Not noted yet: d, z.
  note(1000, 2, 0);
  note(1250, 2, 2);
  note(1500, 4, 4);
  note(1750, 6, 4);
  const reader = new JobReader(folder);
  expect(told(reader)).toEqual({ timed: true, log: ['out a', 'err x', 'out b', 'err y', 'out c', 'out d', 'err z'] });
  // A line counts by its end: one that was begun early was not said early.
  write(JobFile.stdout, 'begun ');
  note(2000, 14, 6);
  expect(told(reader).log).toEqual([]);
  write(JobFile.stderr, 'w\n');
  note(2250, 14, 8);
  write(JobFile.stdout, 'ended\n');
  note(2500, 20, 8);
  expect(told(reader).log).toEqual(['err w', 'out begun ended']);
});

test('without times stdout stands before stderr, and that is told', () => {
  write(JobFile.stdout, 'a\n');
  write(JobFile.stderr, 'x\n');
  expect(told(new JobReader(folder))).toEqual({ timed: false, log: ['out a', 'err x'] });
});

test('what was passed over of a burst stands first; half of a note is none', () => {
  write(JobFile.stdout, 'a\n');
  const reader = new JobReader(folder);
  reader.read();
  write(JobFile.stdout, `${'b'.repeat(9999)}\n`.repeat(40));
  write(JobFile.stderr, 'x\n');
  note(1000, 2, 2);
  write(JobFile.times, Buffer.alloc(7));
  const { log, timed } = told(reader);
  expect(timed).toBe(true);
  expect(log.slice(0, 2)).toEqual([expect.stringContaining('bytes not shown'), 'err x']);
  expect(log.length).toBeGreaterThan(20);
  expect(new WrittenTimes(path.join(folder, 'none')).known).toBe(false);
});
