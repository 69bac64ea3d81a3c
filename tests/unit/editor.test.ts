import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { editText } from '../../src/console/editor.ts';

const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('prometheus-edit-'));
const env = (EDITOR: string) => ({ PATH: process.env.PATH, EDITOR });

test('an editor with arguments gets the text in a file, and what it saved comes back', async () => {
  expect(await editText('2014-01-02', env('sed -i s/2014/2015/'))).toBe('2015-01-02');
});

test('one that is not there, and one that fails, are told; no file stays', async () => {
  const before = left();
  await expect(editText('a', env('no-such-editor'))).rejects.toThrow("there is no editor 'no-such-editor'");
  await expect(editText('a', env('false'))).rejects.toThrow("the editor 'false' ended with 1");
  expect(left()).toEqual(before);
});
