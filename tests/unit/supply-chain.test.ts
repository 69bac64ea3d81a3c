/** What is installed beside our own code: pinned by content, from nowhere named, under licences that were looked at. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const json = (name: string) => JSON.parse(readFileSync(path.join(ROOT, name), 'utf8'));

interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const manifest = json('package.json') as {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};
const locked = Object.entries(json('package-lock.json').packages as Record<string, Locked>).filter(
  ([name]) => name !== '',
);
const nameOf = (place: string) => place.replace(/^.*node_modules\//, '');

test('every package is pinned by its content, and the lock file names no registry', () => {
  expect(locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([]);
  expect(locked.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

test('what is shipped is pinned to one version', () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies });
  expect(versions.filter(([, version]) => !/^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

test('no install script runs', () => {
  const withScript = locked.filter(([, one]) => one.hasInstallScript).map(([place]) => nameOf(place));
  const allowed = (name: string) => manifest.allowScripts[name] ?? null;
  // fsevents is for macOS only; npm skips what is not allowed.
  expect(withScript.filter((name) => allowed(name) === true)).toEqual([]);
});

test('the security page lists the licence of every package that is shipped', () => {
  const page = readFileSync(path.join(ROOT, 'docs/security.md'), 'utf8');
  const shipped = locked.filter(([, { dev }]) => !dev);
  const licences = Map.groupBy(shipped, ([, { license }]) => license ?? 'none');
  const rows = [...licences].map(([license, packages]) => `| ${license} | ${packages.length} |`).toSorted();
  expect(
    page
      .split('\n')
      .filter((line) => /^\| [^|]+ \| \d+ \|$/.test(line))
      .toSorted(),
  ).toEqual(rows);
});
