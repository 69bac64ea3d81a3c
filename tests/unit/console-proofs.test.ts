/** docs/console-proofs.md names tests: they must be there. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const rows = readFileSync(path.join(ROOT, 'docs/console-proofs.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\|.*`tests\//.test(line));

test('every test that the table of proofs names is there', () => {
  expect(rows.length).toBeGreaterThan(30);
  const missing = rows.filter((row) => {
    const [, file, title] = /`(tests\/[^`]+)` "([^"]+)" \|$/.exec(row) ?? [];
    const found = file && existsSync(path.join(ROOT, file));
    return !found || !readFileSync(path.join(ROOT, file), 'utf8').includes(title);
  });
  expect(missing).toEqual([]);
});
