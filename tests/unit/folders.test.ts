import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeFolders } from '../../src/platform/folders.ts';

test('folders are made with their parents, and only those that were not there are named', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'prometheus-folders-'));
  const [a, b] = [path.join(root, 'a'), path.join(root, 'a', 'b')];
  expect(makeFolders(b, 0o700)).toEqual([a, b]);
  expect(statSync(b).mode & 0o777).toBe(0o700);
  expect(makeFolders(b)).toEqual([]);
  rmSync(root, { recursive: true });
});

test.skipIf(!existsSync('/proc'))('where none can be made, that is said and nothing waits', () => {
  expect(() => makeFolders('/proc/none/below')).toThrow(/ENOENT/);
});
