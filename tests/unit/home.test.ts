/** The folders of a home. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assertHomePossible, createHome, homeAt } from '../../src/platform/home.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-home-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (file: string) => statSync(file).mode & 0o777;

test('are made with their parents, for their owner alone, whatever the umask; those that are there keep their mode', () => {
  const kept = path.join(folder, 'kept');
  mkdirSync(kept);
  chmodSync(kept, 0o755);
  const home = homeAt(path.join(kept, 'a', 'home'));
  const umask = process.umask(0o077);
  try {
    createHome(home);
    createHome(home);
  } finally {
    process.umask(umask);
  }
  expect(modeOf(kept)).toBe(0o755);
  expect(modeOf(home.jobs)).toBe(0o700);
  expect(modeOf(home.logs)).toBe(0o700);
});

test('that cannot be made are named, with what to do', () => {
  writeFileSync(path.join(folder, 'file'), '');
  expect(() => createHome(homeAt(path.join(folder, 'file', 'home')))).toThrow(/cannot be created/);
});

test('that can never be there are told from those that are not there yet', () => {
  const file = path.join(folder, 'file');
  writeFileSync(file, '');
  expect(() => assertHomePossible(homeAt(path.join(folder, 'new', 'home')))).not.toThrow();
  expect(() => assertHomePossible(homeAt(folder))).not.toThrow();
  expect(() => assertHomePossible(homeAt(file))).toThrow(`${file} is no home: it is a file`);
  const below = path.join(file, 'a', 'home');
  expect(() => assertHomePossible(homeAt(below))).toThrow(`${below} is no home: ${file} is a file`);
});

test.runIf(process.platform === 'linux')('cannot be in /proc, whoever asks', () => {
  expect(() => assertHomePossible(homeAt('/proc/x/home'))).toThrow(/^\/proc\/x\/home is no home: /);
});

test('that hold jobs of another user are refused, but not to root', () => {
  const home = homeAt(path.join(folder, 'home'));
  createHome(home);
  expect(() => createHome(home, statSync(home.jobs).uid + 1)).toThrow(/belongs to another user \(uid \d+\)/);
  createHome(home, 0);
});

test.skipIf(process.getuid?.() === 0)('that may not be written are refused, though all is there', () => {
  const home = homeAt(path.join(folder, 'home'));
  createHome(home);
  chmodSync(home.root, 0o500);
  expect(() => createHome(home)).toThrow(/cannot be written/);
});

test.skipIf(process.platform !== 'linux')('below /proc end with an error, and do end', () => {
  expect(() => createHome(homeAt('/proc/prometheus/home'))).toThrow(/cannot be created/);
});
