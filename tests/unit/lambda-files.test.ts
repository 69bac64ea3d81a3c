/** Files beside a table: one writer at a time, and all of them or none. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withOutputFiles } from '../../engines/lambda/files.ts';

let folder: string;
const file = (name: string) => path.join(folder, name);
const read = (name: string) => readFileSync(file(name), 'utf8');
const { signal } = new AbortController();

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('output files', () => {
  it('take the place of earlier ones when published, and leave nothing beside them', async () => {
    writeFileSync(file('a'), 'old');
    await withOutputFiles([file('a'), undefined, file('new/b')], signal, async (files) => {
      files.write(file('a'), ['1\n', '2\n']);
      files.write(file('new/b'), ['3\n']);
      expect([read('a'), existsSync(file('new/b'))]).toEqual(['old', false]);
      files.publish();
    });
    expect([read('a'), read('new/b')]).toEqual(['1\n2\n', '3\n']);
    expect([readdirSync(folder), readdirSync(file('new'))]).toEqual([['a', 'new'], ['b']]);
  });

  it('are as they were when the work fails after they were published', async () => {
    writeFileSync(file('a'), 'old');
    const work = withOutputFiles([file('a'), file('b')], signal, async (files) => {
      files.write(file('a'), ['new']);
      files.write(file('b'), ['new']);
      files.publish();
      expect([read('a'), read('b')]).toEqual(['new', 'new']);
      throw new Error('the commit failed');
    });
    await expect(work).rejects.toThrow('the commit failed');
    expect(read('a')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('are all as they were when one cannot be put in its place', async () => {
    writeFileSync(file('a'), 'old');
    const work = withOutputFiles([file('a'), file('b')], signal, async (files) => {
      files.write(file('a'), ['new']);
      files.write(file('b'), ['new']);
      mkdirSync(file('b/in-the-way'), { recursive: true });
      files.publish();
    });
    await expect(work).rejects.toThrow(/b cannot be written/);
    expect(read('a')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a', 'b']);
  });

  it('are held from the first reading to the end: a second writer sees what the first has written', async () => {
    writeFileSync(file('a'), '');
    const append = (text: string) =>
      withOutputFiles([file('a')], signal, async (files) => {
        const before = read('a');
        await new Promise(setImmediate);
        files.write(file('a'), [before, text]);
        files.publish();
      });
    await Promise.all(['x', 'y', 'z'].map(append));
    expect([...read('a')].sort().join('')).toBe('xyz');
  });

  it('sweep what a killed writer left, its lock too', async () => {
    writeFileSync(file('a.0123456789ab.part'), 'torn');
    writeFileSync(file('a.0123456789ab.part.earlier'), 'old');
    writeFileSync(file('a.notes.part'), 'of the user');
    symlinkSync('999999999.1..0123456789abcdef', file('a.lock'));
    await withOutputFiles([file('a')], signal, async (files) => {
      files.write(file('a'), ['new']);
      files.publish();
    });
    expect(readdirSync(folder)).toEqual(['a', 'a.notes.part']);
  });

  it('are no devices and no folders', async () => {
    mkdirSync(file('folder'));
    for (const target of ['/dev/null', file('folder')]) {
      await expect(withOutputFiles([target], signal, async () => {})).rejects.toThrow(
        /cannot be written: it is no file/,
      );
    }
  });
});
