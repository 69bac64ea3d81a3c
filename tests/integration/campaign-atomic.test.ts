/** A run is all or nothing: the process is killed while it waits at each of its writes, which a lock of ours holds open. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { bareEnvironment } from '../helpers/processes.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SLEEVES = canonicalSleeves('S', 'TEST');
/** Tables of a run in the order in which they are written; the states belong to the campaign's first run. */
const TABLES = [
  'backtest_runs',
  'backtest_daily_equity',
  'backtest_trades',
  'engine_decisions',
  'decision_outcomes',
  'executed_actions',
  'positions_snapshots',
  'soft_target_classes',
];

let db: TestDatabases;
let holder: pg.Client;
/** Apart from the holder: inside its transaction pg_stat_activity would stand still. */
let watcher: pg.Client;
let argv: string[];

beforeAll(async () => {
  const panel = smallMarket({ seed: 3, instruments: 20, days: 120 });
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  holder = new pg.Client(db.targets.runtime.config);
  watcher = new pg.Client(db.targets.runtime.config);
  await Promise.all([holder.connect(), watcher.connect()]);
  const [start, end] = [formatDay(panel.calendar.days[80]), formatDay(panel.calendar.days[119])];
  argv = [
    'backtest',
    'campaign',
    '--market-id',
    'TEST',
    '--start',
    start,
    '--end',
    end,
    ...SLEEVES.flatMap((s) => ['--sleeve', formatSleeve(s)]),
  ];
  argv.push('--historical', db.urls.historical, '--runtime', db.urls.runtime);
});
afterAll(async () => {
  await Promise.all([holder?.end(), watcher?.end()]);
  await db?.drop();
});

function start(): {
  child: ChildProcess;
  ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
} {
  const home = mkdtempSync(path.join(tmpdir(), 'prometheus-atomic-'));
  const child = spawn(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...argv], {
    env: bareEnvironment(home),
    cwd: home,
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk) => (stdout += chunk));
  child.stderr!.on('data', (chunk) => (stderr += chunk));
  return {
    child,
    ended: new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))),
  };
}

/** Waits until a campaign's session waits for a lock; a campaign that ends instead fails the test with its words. */
const waitUntilBlocked = (ended: ReturnType<typeof start>['ended']) => {
  let early: string | null = null;
  void ended.then(({ stderr }) => {
    early = stderr;
  });
  return until(async () => {
    if (early !== null) throw new Error(`the campaign ended: ${early}`);
    const { rows } = await watcher.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'prometheus backtest%' AND wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  }, 'the campaign waits for our lock');
};

const waitUntilGone = () =>
  until(async () => {
    const { rows } = await watcher.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'prometheus backtest%'`,
    );
    return rows.length === 0;
  }, 'the server has let go of the dead session');

/** Rows by table. */
async function counts(): Promise<Record<string, number>> {
  const { rows } = await holder.query(
    `SELECT ${TABLES.map((table) => `(SELECT count(*)::int FROM ${table}) AS ${table}`).join(', ')}`,
  );
  return rows[0];
}

const EMPTY = Object.fromEntries(TABLES.map((table) => [table, 0]));

describe('kill -9', () => {
  it.each(TABLES)('while it waits to write %s: not a row of the run', async (table) => {
    await holder.query('BEGIN');
    await holder.query(`LOCK TABLE ${table} IN SHARE MODE`);
    const { child, ended } = start();
    await waitUntilBlocked(ended);
    child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    await holder.query('ROLLBACK');
    await waitUntilGone();
    expect(await counts()).toEqual(EMPTY);
  });

  it('between two runs: the first is whole, the second is not there', async () => {
    await holder.query(`SELECT pg_advisory_lock(hashtextextended('prometheus ${SLEEVES[1].portfolioId}', 0))`);
    const { child, ended } = start();
    await waitUntilBlocked(ended);
    child.kill('SIGKILL');
    await ended;
    await holder.query(`SELECT pg_advisory_unlock_all()`);
    await waitUntilGone();
    const { rows } = await holder.query(
      `SELECT (SELECT count(*)::int FROM backtest_runs) AS runs,
              (SELECT count(*)::int FROM backtest_trades t JOIN backtest_runs r USING (run_id)) AS trades,
              (SELECT sum((metrics_json->>'num_trades')::int)::int FROM backtest_runs) AS promised,
              (SELECT count(*)::int FROM executed_actions) AS actions`,
    );
    expect(rows[0].runs).toBe(1);
    expect(rows[0].trades).toBe(rows[0].promised);
    expect(rows[0].actions).toBe(rows[0].promised);
    await holder.query(
      'TRUNCATE backtest_runs, backtest_daily_equity, backtest_trades, executed_actions, engine_decisions, decision_outcomes, positions_snapshots, soft_target_classes CASCADE',
    );
  });
});

describe('Ctrl-C', () => {
  it('in the middle of a write ends with 130, one line, and nothing half-written', async () => {
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE executed_actions IN SHARE MODE');
    const { child, ended } = start();
    await waitUntilBlocked(ended);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    await holder.query('ROLLBACK');
    await waitUntilGone();
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n').at(-1)).toBe(
      'prometheus: backtest campaign was interrupted. Nothing half-written remains; run the same command again.',
    );
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(await counts()).toEqual(EMPTY);
  });
});

describe('undisturbed', () => {
  it('the same command then records three runs', async () => {
    const { code, stdout } = await start().ended;
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(4);
    expect((await counts()).backtest_runs).toBe(3);
  });
});
