/** `prometheus demo --headless` as a newcomer's script would call it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
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
  const other = await prometheus('db', 'status', '--historical', 'postgresql://127.0.0.1:1/own');
  expect(other.stderr).toContain('is a demo: it has databases of its own');
  expect(other.exitCode).toBe(2);
});

test('is judged by the market that it holds, whatever a call that was broken off wanted', async () => {
  const home = path.join(parent, 'again');
  const own = { ...env, PROMETHEUS_HOME: home };
  const first = execa(PROMETHEUS, ['demo'], { env: own, reject: false, stdin: 'ignore', detached: true });
  while (!existsSync(path.join(home, 'DEMO'))) await nextTurn();
  process.kill(-first.pid!, 'SIGKILL');
  await first;
  // What such a call leaves when it had got further.
  writeFileSync(
    path.join(home, 'phases.yaml'),
    '# Thresholds of this demo: its market has a span of its own, from …\n',
  );
  const short = ['--instruments', '10', '--start', '2013-01-02', '--end', '2014-06-30', '--news-start', '2013-01-02'];
  const again = await execa(PROMETHEUS, ['demo', ...short], { env: own, reject: false, stdin: 'ignore' });
  expect(`${again.exitCode} ${again.exitCode ? again.stderr : ''}`).toBe('0 ');
  const thresholds = readFileSync(path.join(home, 'phases.yaml'), 'utf8');
  expect(thresholds).toMatch(/from 2013-01-02 to 2014-06-30, with news from 2013-01-02\.\n/);
  // Edited ones stay.
  writeFileSync(path.join(home, 'phases.yaml'), `${thresholds}# edited\n`);
  expect((await execa(PROMETHEUS, ['demo', ...short], { env: own, reject: false, stdin: 'ignore' })).exitCode).toBe(0);
  expect(readFileSync(path.join(home, 'phases.yaml'), 'utf8')).toBe(`${thresholds}# edited\n`);
  await execa(PROMETHEUS, ['db', 'drop', '--yes'], { env: own });
}, 300_000);
