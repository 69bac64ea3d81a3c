/** `prometheus demo --headless` as a newcomer's script would call it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';

const PROMETHEUS = path.resolve(import.meta.dirname, '../../bin/prometheus');
const MARKET = ['--instruments', '24', '--start', '2013-01-02', '--end', '2014-12-31', '--news-start', '2013-01-02'];
const HEADER = 'run_id,sleeve_id,strategy_id,cumulative_return,annualised_sharpe,max_drawdown';

const parent = mkdtempSync(path.join(tmpdir(), 'prometheus-demo-'));
const env = { PROMETHEUS_HOME: path.join(parent, 'home'), HISTORICAL_DB_URL: undefined, RUNTIME_DB_URL: undefined };
const prometheus = (...args: string[]) => execa(PROMETHEUS, args, { env, reject: false, stdin: 'ignore' });

afterAll(async () => {
  await prometheus('db', 'drop', '--yes');
  rmSync(parent, { recursive: true, force: true });
});

test('two at once both end well, with the same figures, and stop what they started', async () => {
  const both = await Promise.all([prometheus('demo', ...MARKET), prometheus('demo', ...MARKET)]);
  expect(both.map((one) => `${one.exitCode} ${one.exitCode ? one.stderr : ''}`)).toEqual(['0 ', '0 ']);
  const figures = both.map(({ stdout }) => {
    const [header, ...rows] = stdout.split('\n');
    expect(header).toBe(HEADER);
    return rows.map((row) => row.slice(row.indexOf(',')));
  });
  expect(figures[0]).toHaveLength(3);
  expect(figures[0]).toEqual(figures[1]);
  expect((await prometheus('db', 'status')).stdout).toContain('not running');
}, 300_000);

test('nothing else is imported into it', async () => {
  const file = path.join(parent, 'holidays.csv');
  writeFileSync(file, 'market_id,holiday_date,holiday_name\nUS_EQ,2015-01-01,New Year\n');
  const refused = await prometheus('data', 'import', '--holidays', file);
  expect(refused.stderr).toContain('is a demo: its market is synthetic');
  expect(refused.stderr).toContain('set PROMETHEUS_HOME to another folder');
  expect(refused.exitCode).toBe(1);
});
