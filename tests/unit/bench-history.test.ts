/** The record of benchmark figures: what was written is read back, and the newest of the same thing is found. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { type Bar, barLine } from '../bench/harness.ts';
import { HISTORY, lastOf, ratioOf, readHistory, record } from '../bench/history.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-bench-history-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bar: Bar = { name: 'B6', what: 'a day', figure: 10, bar: 20, unit: 'ms', higherIsBetter: false };

test('figures are added, and the newest of the same thing is told beside the next', () => {
  const file = pathToFileURL(path.join(folder, 'history.tsv'));
  expect(readHistory(file)).toEqual([]);
  record(bar, 'aaaaaaaaaa', file);
  record({ ...bar, what: 'another\tday', figure: 1234.5678 }, 'aaaaaaaaaa', file);
  record({ ...bar, figure: 12.5 }, 'bbbbbbbbbb+', file);
  const history = readHistory(file);
  expect(history.map(({ figure, ratio, what }) => [figure, ratio, what])).toEqual([
    ['10', '2.00', 'a day'],
    ['1234.57', '0.02', 'another day'],
    ['12.5', '1.60', 'a day'],
  ]);
  expect(lastOf(history, bar)).toMatchObject({ figure: '12.5', commit: 'bbbbbbbbbb+' });
  expect(lastOf(history, { ...bar, name: 'B7' })).toBeNull();
  expect(barLine(bar, lastOf(history, bar))).toMatch(
    /bar ≤ 20.0 +meets ×2.00 {2}\(12.5 on \d{4}-\d\d-\d\d, bbbbbbbbbb\+\)$/,
  );
  expect(ratioOf({ ...bar, higherIsBetter: true })).toBe(0.5);
});

test('a file with other columns is refused', () => {
  const file = path.join(folder, 'other.tsv');
  writeFileSync(file, 'date\tfigure\n');
  expect(() => readHistory(pathToFileURL(file))).toThrow(/the first line is not date commit/);
});

test('the record of this checkout can be read', () => {
  for (const { figure, bar: limit, ratio, commit } of readHistory(HISTORY)) {
    expect(Number(figure)).toBeGreaterThanOrEqual(0);
    expect(Number(limit)).toBeGreaterThanOrEqual(0);
    expect(Number(ratio)).toBeGreaterThanOrEqual(0);
    expect(commit).toMatch(/^[0-9a-f]{10}\+?$/);
  }
});
