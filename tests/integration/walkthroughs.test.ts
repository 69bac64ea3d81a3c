/**
 * Each walkthrough of docs/contributing, done as it is written in a copy of the checkout: it applies and its types are sound.
 * PROMETHEUS_LONG=1 (bin/test --long) also asks for the style of the house and runs the tests that know of what it adds to.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LONG = process.env.PROMETHEUS_LONG === '1';
const LEFT_OUT = new Set(['node_modules', '.git', 'dist']);
const PAGES = [
  ...readFileSync(path.join(ROOT, 'docs/contributing.md'), 'utf8').matchAll(/\((contributing\/\w+\.md)\)/g),
];

let copy = '';
beforeAll(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'prometheus-walkthroughs-'));
  cpSync(ROOT, copy, { recursive: true, filter: (file) => !LEFT_OUT.has(path.relative(ROOT, file)) });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
});
afterAll(() => copy && rmSync(copy, { recursive: true }));

/** What a program says in the copy; '' when it ends well. */
async function complaints(file: string, ...argv: string[]): Promise<string> {
  try {
    // A folder that is no repository: git applies to the files as they are.
    await promisify(execFile)(file, argv, {
      cwd: copy,
      env: { ...process.env, GIT_CEILING_DIRECTORIES: path.dirname(copy), VITEST: '', NO_COLOR: '1' },
    });
    return '';
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    return `${stdout ?? ''}${stderr ?? ''}` || message;
  }
}
const ofModules = (entry: string, ...argv: string[]) =>
  complaints(process.execPath, path.join(copy, 'node_modules', entry), ...argv);

// In the order of their table, for one may build on another.
test.each(PAGES.map(([, page]) => page))('%s applies', async (page) => {
  const text = readFileSync(path.join(ROOT, 'docs', page), 'utf8');
  const [, diff] = /^```diff\n([\s\S]*?)^```$/m.exec(text) ?? [];
  expect(diff, `${page} keeps its change as a diff`).toBeDefined();
  const change = path.join(copy, 'walkthrough.diff');
  writeFileSync(change, diff);
  expect(await complaints('git', 'apply', change)).toBe('');
  rmSync(change);
});

test('types are sound with all of them', async () => {
  expect(existsSync(path.join(copy, 'engines/moves/program.ts'))).toBe(true);
  expect(await ofModules('typescript/bin/tsc', '--noEmit', '-p', '.')).toBe('');
});

describe.runIf(LONG)('in full', () => {
  test('style is that of the house', async () => {
    expect(await ofModules('@biomejs/biome/bin/biome', 'check')).toBe('');
  });

  test('tests that know of rooms, commands, checks and keys pass', async () => {
    const files = ['moves', 'import-rules', 'commands', 'phases-checks', 'phases-derive', 'keys', 'form', 'controller'];
    const tests = files.map((name) => `tests/unit/${name}.test.ts`);
    expect(await ofModules('vitest/vitest.mjs', 'run', ...tests)).toBe('');
  });
});
