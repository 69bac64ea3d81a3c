/** `prometheus backtest …` as a person and a script see it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDay } from '../../src/platform/dates.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { startPrometheus } from '../helpers/processes.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

let db: TestDatabases;
let range: string[];
const home = mkdtempSync(path.join(tmpdir(), 'prometheus-backtest-cli-'));

beforeAll(async () => {
  const panel = smallMarket({ seed: 5, instruments: 30, days: 110 });
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  const [start, end] = [80, 109].map((t) => formatDay(panel.calendar.days[t]));
  range = ['--market-id', 'TEST', '--start', start, '--end', end];
});
afterAll(async () => {
  await db?.drop();
  rmSync(home, { recursive: true, force: true });
});

const backtest = (...args: string[]) => startPrometheus(['backtest', ...args], home).ended;
const urls = () => ['--historical', db.urls.historical, '--runtime', db.urls.runtime];

/** Every key of an object and what it holds. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [key, ...keysOf(one)]);
}

describe('--json', () => {
  it('of sleeves has the names of a run’s configuration', async () => {
    const { code, stdout } = await backtest('sleeves', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).sleeves[1]).toEqual({
      sleeve_id: 'US_CORE_LONG_EQ_H21',
      strategy_id: 'US_CORE_LONG_EQ',
      market_id: 'US_EQ',
      universe_id: 'US_CORE_LONG_EQ_H21_UNIVERSE',
      portfolio_id: 'US_CORE_LONG_EQ_H21_PORTFOLIO',
      assessment_strategy_id: 'US_CORE_LONG_EQ_H21_ASSESS',
      assessment_horizon_days: 21,
    });
  });

  it('of a campaign and its Meta decision has snake_case keys throughout', async () => {
    const { code, stdout, stderr } = await backtest(
      'campaign-and-meta',
      '--strategy-id',
      'S',
      ...range,
      ...urls(),
      '--json',
    );
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(keysOf(found).filter((key) => /[a-z][A-Z]/.test(key))).toEqual([]);
    expect(found.meta.ranking.map((one: { run_id: string }) => one.run_id).sort()).toEqual(
      found.runs.map((one: { run_id: string }) => one.run_id).sort(),
    );
    const trades = found.runs.reduce(
      (sum: number, run: { metrics: { num_trades: number } }) => sum + run.metrics.num_trades,
      0,
    );
    expect(trades).toBeGreaterThan(1000);
    expect(stderr).toContain(`3 runs recorded, ${trades.toLocaleString('en-US')} trades`);
  });
});

describe('backtests', () => {
  it('ls and show name runs by the columns of the tables in JSON, and say what is not tradable', async () => {
    const ran = await backtest('campaign-and-meta', '--strategy-id', 'S', ...range, ...urls());
    expect(ran.code).toBe(0);
    const runIds = ran.stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[0]);
    const listed = await startPrometheus(['backtests', 'ls', ...urls(), '--json'], home).ended;
    const { runs } = JSON.parse(listed.stdout);
    expect(runs.map((run: { run_id: string }) => run.run_id)).toEqual(expect.arrayContaining(runIds));
    const shown = await startPrometheus(['backtests', 'show', runIds[0], ...urls(), '--json'], home).ended;
    const { run } = JSON.parse(shown.stdout);
    expect(run.run_id).toBe(runIds[0]);
    expect(keysOf([runs, run]).filter((key) => /[a-z][A-Z]/.test(key))).toEqual([]);
    const page = await startPrometheus(['backtests', 'ls', ...urls()], home).ended;
    expect(page.stdout).toContain('same-close, no costs: not tradable');
  });
});
