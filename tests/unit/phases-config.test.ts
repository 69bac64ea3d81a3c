import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { loadPhaseConfig, requirementsOf } from '../../src/phases/config.ts';
import { UsageError } from '../../src/platform/errors.ts';
import { homeAt } from '../../src/platform/home.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'phases-config-'));
  mkdirSync(path.join(root, 'config', 'prometheus'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (where: 'home' | 'xdg', text: string) =>
  writeFileSync(path.join(root, where === 'home' ? '' : 'config/prometheus', 'phases.yaml'), text);
const load = (demo = false) => loadPhaseConfig(homeAt(root, { demo }), { XDG_CONFIG_HOME: path.join(root, 'config') });

describe('the shipped thresholds', () => {
  test('are the plan’s values', () => {
    const config = load();
    expect(config.prices).toEqual({ start: '1997-01-02', end: '2024-12-31' });
    expect(config.news.fromYear).toBe(2015);
    expect(config.campaign).toMatchObject({
      start: '2014-01-02',
      end: '2014-03-31',
      initialCash: 1_000_000,
      maxWorkers: 3,
    });
    expect(config.campaign.sleeves).toEqual(
      canonicalSleeves(config.campaign.strategy, config.market).map(formatSleeve),
    );
    expect(config.numeric.models).toHaveLength(5);
  });

  test('a demo home is asked for its own price range, and only for that', () => {
    const [usual, demo] = [requirementsOf(load(), false), requirementsOf(load(true), true)];
    expect(demo).toEqual({
      ...usual,
      demo: true,
      demoNote: expect.stringContaining('DEMO'),
      prices: { start: '2010-01-04', end: '2024-12-31' },
    });
  });
});

describe('a user’s own values', () => {
  test('are laid over key by key; the home wins; lists are replaced', () => {
    write('xdg', 'prices: { start: 2010-01-04, end: 2024-08-26 }\nnews: { minYears: 1 }\n');
    write('home', 'news: { minYears: 2 }\nnumeric: { models: [num-stab-core-v1] }\n');
    const config = load();
    expect(config.prices).toEqual({ start: '2010-01-04', end: '2024-08-26' });
    expect(config.news).toEqual({ fromYear: 2015, minYears: 2 });
    expect(config.numeric).toMatchObject({ models: ['num-stab-core-v1'], windowDays: 63 });
  });

  test('an empty file changes nothing; a demo home does not read the user’s file', () => {
    write('home', '# nothing yet\n');
    expect(load().prices.start).toBe('1997-01-02');
    write('xdg', 'news: { minYears: 1 }\n');
    expect(load(true).news.minYears).toBe(5);
  });

  test.each([
    ['prices: { start: 2014-02-30 }', /phases\.yaml:1: prices\.start: is not a date/],
    ['prices: { end: 1990-01-01 }', /phases\.yaml:1: prices: end lies before start/],
    ['gaps: { minShare: 99 }', /phases\.yaml:1: gaps\.minShare: /],
    ['gaps: { minshare: 0.9 }', /phases\.yaml:1: gaps\.minshare: is not a setting/],
    ['campaign: { sleeves: ["H5:X"] }', /phases\.yaml:1: campaign\.sleeves\.0: is not sleeve:strategy/],
    ['prices: [', /phases\.yaml is not valid YAML/],
    ['- 1', /phases\.yaml holds no settings/],
  ])('%s is refused in one line that names file, line and key', (text, message) => {
    write('home', text);
    expect(() => load()).toThrow(UsageError);
    expect(() => load()).toThrow(message);
    try {
      load();
    } catch (error) {
      expect((error as UsageError).message).toContain(path.join(root, 'phases.yaml'));
      expect((error as UsageError).message).not.toContain('\n');
    }
  });

  test('the file at fault is named, not the one read after it', () => {
    write('xdg', 'market: 5\n');
    write('home', 'news: { minYears: 2 }\n');
    expect(() => load()).toThrow(path.join(root, 'config', 'prometheus', 'phases.yaml'));
  });
});
