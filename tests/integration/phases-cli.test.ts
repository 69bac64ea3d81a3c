/** `prometheus phases | why | coverage | status | check` as a person and a script see them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { openDatabase } from '../../src/platform/db/databases.ts';
import { dropServer, embeddedTargets, startServer } from '../../src/platform/db/embedded.ts';
import { homeAt } from '../../src/platform/home.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { seedGreen, smallConfig } from '../helpers/phase-market.ts';
import { bareEnvironment, MAIN } from '../helpers/processes.ts';

let pair: TestDatabases;
let home: string;
beforeAll(async () => {
  pair = await createTestDatabases();
  // A proof that is never too old, whenever this test runs.
  await seedGreen(pair.databases);
  await pair.databases.runtime.client((client) => client.query('UPDATE console.evidence SET recorded_at = now()'));
  home = mkdtempSync(path.join(tmpdir(), 'phases-cli-'));
  const { prices, news, gaps } = smallConfig;
  writeFileSync(path.join(home, 'phases.yaml'), stringify({ prices, news, gaps }));
});
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await pair.drop();
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function prometheus(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      {
        env: {
          ...bareEnvironment(home),
          LANG: 'C.UTF-8',
          HISTORICAL_DB_URL: pair.urls.historical,
          RUNTIME_DB_URL: pair.urls.runtime,
          ...env,
        },
      },
      (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

const json = async (args: readonly string[], env?: NodeJS.ProcessEnv) =>
  JSON.parse((await prometheus([...args, '--json'], env)).out);
const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length));
const keys = (value: object) => Object.keys(value).sort();

const CHECK_KEYS = [
  'advisory',
  'at',
  'costMs',
  'fix',
  'id',
  'observed',
  'reason',
  'required',
  'source',
  'state',
  'title',
];
const PHASE_KEYS = [
  'blockedBy',
  'checks',
  'commands',
  'goal',
  'headline',
  'next',
  'notes',
  'optional',
  'passed',
  'phase',
  'required',
  'skip',
  'state',
  'title',
  'why',
];

describe('phases', () => {
  test('prints a line a phase, with sign and word, in 100 columns', async () => {
    const { code, out, err } = await prometheus(['phases']);
    expect([code, err]).toEqual([0, '']);
    expect(widest(out)).toBeLessThanOrEqual(100);
    expect(out).toMatch(/^P0 .*◐ PART +5\/6 +no test run recorded$/m);
    expect(out).toMatch(/^P1 .*✓ OK +5\/5 +3 sleeves over 2014-01-02 → 2014-03-31$/m);
    expect(out).toMatch(/^P4 .*✗ BLKD/m);
    expect(out).not.toContain('DEMO');
  });

  test('uses ASCII only where the locale is not UTF-8', async () => {
    const { out } = await prometheus(['phases'], { LANG: 'C' });
    expect(out).toMatch(/^P1 .*\+ OK /m);
    expect([...out].every((char) => char < '\x7f')).toBe(true);
  });

  test('has a stable schema', async () => {
    const board = await json(['phases']);
    expect(keys(board)).toEqual(['at', 'phases', 'schema']);
    expect(board.schema).toBe(1);
    expect(board.phases.map((phase: { phase: string }) => phase.phase)).toEqual(['P0', 'P1', 'P2', 'P3', 'P4', 'P5']);
    for (const phase of board.phases) {
      expect(keys(phase)).toEqual(PHASE_KEYS);
      for (const check of phase.checks) expect(keys(check)).toEqual(CHECK_KEYS);
    }
  });
});

describe('a statement_timeout of 1 ms', () => {
  const OWNED = ['P0.prices', 'P0.holidays', 'P0.gaps', 'P0.news'];
  const statesOf = (board: { phases: { checks: { id: string; state: string; reason: string }[] }[] }) =>
    new Map(board.phases.flatMap((phase) => phase.checks.map((check) => [check.id, check])));

  test('of one’s own database is UNKN with the cause', async () => {
    const { historical } = pair.databases;
    const { database } = pair.targets.historical.config;
    await historical.client((client) => client.query(`ALTER DATABASE ${database} SET statement_timeout = 1`));
    try {
      // Whoever reads the prices waits for this transaction, in vain.
      const { code, out, err } = await historical.transaction(async (client) => {
        await client.query('SET LOCAL statement_timeout = 0');
        await client.query('LOCK TABLE prices_daily IN ACCESS EXCLUSIVE MODE');
        return prometheus(['phases', '--json']);
      });
      expect([code, err]).toEqual([0, '']);
      const board = JSON.parse(out);
      const checks = statesOf(board);
      expect(checks.get('P0.prices')).toMatchObject({ state: 'UNKN', observed: '–' });
      expect(checks.get('P0.prices')!.reason).toMatch(/cancell?ed .*statement timeout/);
      expect(board.phases[0].headline).toMatch(/^historical database: the statement was cancelled/);
    } finally {
      await historical.client((client) => client.query(`ALTER DATABASE ${database} RESET statement_timeout`));
    }
  });

  test('of the embedded databases cuts no migration short', async () => {
    const own = mkdtempSync(path.join(tmpdir(), 'phases-timeout-'));
    const embedded = { PROMETHEUS_HOME: own, HISTORICAL_DB_URL: undefined, RUNTIME_DB_URL: undefined };
    try {
      const targets = embeddedTargets(await startServer(homeAt(own)));
      const server = openDatabase(targets.runtime, { application: 'test', statementTimeoutMs: 0 });
      await server.client((client) => client.query('ALTER ROLE prometheus SET statement_timeout = 1'));
      const { code, out, err } = await prometheus(['phases', '--json'], embedded);
      expect([code, err]).toEqual([0, '']);
      for (const id of OWNED) expect(['UNKN', 'WAIT']).toContain(statesOf(JSON.parse(out)).get(id)!.state);
      await server.client((client) => client.query('ALTER ROLE prometheus RESET statement_timeout'));
      await server.close();
      const { databases } = await json(['db', 'status'], embedded);
      for (const { migrations } of databases) expect(migrations).toMatchObject({ pending: [], missing: [] });
    } finally {
      await dropServer(homeAt(own));
      rmSync(own, { recursive: true, force: true });
    }
  });
});

describe('a server that does not start', () => {
  test('is UNKN with the cause', async () => {
    const own = mkdtempSync(path.join(tmpdir(), 'phases-broken-'));
    try {
      writeFileSync(path.join(own, 'postgres'), 'a file where the folder should be');
      const { code, out } = await prometheus(['phases'], {
        PROMETHEUS_HOME: own,
        HISTORICAL_DB_URL: undefined,
        RUNTIME_DB_URL: undefined,
      });
      expect(code).toBe(0);
      expect(out).toMatch(/^P0 .*\? UNKN +0\/6/m);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });
});

describe('why', () => {
  test('explains a phase and a check, in any case of letters', async () => {
    const phase = await prometheus(['why', 'p0']);
    expect(phase.code).toBe(0);
    expect(phase.out).toContain('- P0.tests WAIT: No test run is recorded in this checkout.');
    expect(phase.out).toMatch(/fix +bin\/test$/m);
    const check = await prometheus(['why', 'P1.trades']);
    expect(check.out).toContain('observed  3 trades · 3 position snapshots');
    expect(check.out).toContain('source    ');
    expect(widest(check.out)).toBeLessThanOrEqual(100);
  });

  test('has a stable schema for both', async () => {
    const phase = await json(['why', 'P1']);
    expect([keys(phase), keys(phase.phase)]).toEqual([['at', 'phase', 'schema'], PHASE_KEYS]);
    const check = await json(['why', 'P1.trades']);
    expect([keys(check), keys(check.check)]).toEqual([['at', 'check', 'phase', 'schema'], CHECK_KEYS]);
  });

  test('names what there is when asked for what there is not', async () => {
    expect(await prometheus(['why', 'P9'])).toEqual({
      code: 2,
      out: '',
      err: "prometheus: there is no phase 'P9'. Choose one of P0, P1, P2, P3, P4, P5.\n",
    });
    expect((await prometheus(['why', 'P1.x'])).err).toBe(
      "prometheus: there is no check 'P1.x'. Choose one of P1.runs, P1.equity, P1.trades, P1.pit, P1.latest.\n",
    );
  });
});

describe('coverage', () => {
  test('prints a heat line a table in 100 columns, and the same as JSON', async () => {
    const { code, out } = await prometheus(['coverage']);
    expect(code).toBe(0);
    expect(widest(out)).toBeLessThanOrEqual(100);
    expect(out).toMatch(/^prices_daily +\d+ +2013-11-01 +2014-04-30 +100 % +████ ████$/m);
    expect(out).toMatch(/^TABLE OR MODEL .* 2013 2014$/m);
    const found = await json(['coverage']);
    expect(keys(found)).toEqual(['at', 'costMs', 'rows', 'schema']);
    for (const row of found.rows)
      expect(keys(row)).toEqual(['byYear', 'countByYear', 'first', 'last', 'name', 'problem', 'rows', 'share']);
    expect(found.rows[0]).toMatchObject({
      name: 'prices_daily',
      share: 1,
      byYear: { 2013: 1, 2014: 1 },
      problem: null,
    });
  });
});

describe('status', () => {
  test('exits 0 while nothing has failed, 1 when something has', async () => {
    const good = await prometheus(['status']);
    expect([good.code, good.err]).toEqual([0, '']);
    expect(widest(good.out)).toBeLessThanOrEqual(100);
    await pair.databases.runtime.client((client) =>
      client.query(`INSERT INTO backtest_runs (run_id, strategy_id, config_json, start_date, end_date) VALUES
        ('broken', 'x', '{"sleeve_id": "US_CORE_LONG_EQ_H5"}', '2014-01-02', '2014-03-31')`),
    );
    const bad = await prometheus(['status']);
    await pair.databases.runtime.client((client) => client.query(`DELETE FROM backtest_runs WHERE run_id = 'broken'`));
    expect(bad.code).toBe(1);
    expect(bad.out).toContain('failed  P1.latest: The newest run of US_CORE_LONG_EQ_H5 (broken) has no metrics.');
  });

  test('is one line on demand', async () => {
    const { code, out } = await prometheus(['status', '--line']);
    expect(code).toBe(0);
    expect(out).toMatch(/^P0 ◐PART P1 ✓OK P2 ·WAIT P3 ✗BLKD P4 ✗BLKD P5 ✗BLKD \| 0 running, 0 failed \| CPU .*\n$/);
  });

  test('has a stable schema', async () => {
    const found = await json(['status']);
    expect(keys(found)).toEqual([
      'at',
      'databases',
      'failed',
      'failures',
      'home',
      'jobs',
      'machine',
      'phases',
      'schema',
    ]);
    expect(found).toMatchObject({ failed: false, failures: [], jobs: { running: [], failed: [] }, home });
    for (const phase of found.phases) {
      expect(keys(phase)).toEqual(['headline', 'optional', 'passed', 'phase', 'required', 'state', 'title']);
    }
  });

  test('a server of one’s own that does not answer is a failure', async () => {
    const found = await json(['status'], { HISTORICAL_DB_URL: 'postgresql://nobody@localhost:1/nowhere' });
    expect(found.failed).toBe(true);
    expect(found.failures[0]).toMatch(/^P0\.databases: .*no server answers/);
    expect(found.phases[0].state).toBe('UNKN');
  });

  test('starts nothing: a demo whose server is down is UNKN, and says DEMO', async () => {
    const demo = mkdtempSync(path.join(tmpdir(), 'phases-demo-'));
    try {
      writeFileSync(path.join(demo, 'DEMO'), '');
      const found = await json(['status'], { PROMETHEUS_HOME: demo });
      expect(found).toMatchObject({ schema: 1, demo: true, failed: false });
      expect(new Set(found.phases.map((phase: { state: string }) => phase.state))).toEqual(new Set(['UNKN']));
      const { out } = await prometheus(['status'], { PROMETHEUS_HOME: demo });
      expect(out.split('\n')[0]).toBe('DEMO: synthetic market, not real prices');
      expect((await prometheus(['status', '--line'], { PROMETHEUS_HOME: demo })).out).toMatch(
        /^DEMO \| P0(-5)? \?UNKN/,
      );
    } finally {
      rmSync(demo, { recursive: true, force: true });
    }
  });
});

describe('check', () => {
  test('computes the stored figures and leaves nothing behind', async () => {
    const { code, out } = await prometheus(['check']);
    expect(code).toBe(0);
    expect(out.match(/✓ OK/g)).toHaveLength(6);
    const found = await json(['check']);
    expect(keys(found)).toEqual(['checks', 'ok', 'schema']);
    for (const step of found.checks) expect(keys(step)).toEqual(['detail', 'ms', 'name', 'state']);
    const left = async (name: 'historical' | 'runtime', table: string, column: string) =>
      pair.databases[name].client(
        async (client) => (await client.query(`SELECT 1 FROM ${table} WHERE ${column} LIKE '%SELF_CHECK%'`)).rowCount,
      );
    expect(await left('historical', 'prices_daily', 'instrument_id')).toBe(0);
    expect(await left('runtime', 'backtest_runs', 'strategy_id')).toBe(0);
    expect(await left('runtime', 'soft_target_classes', 'entity_id')).toBe(0);
    expect(await left('runtime', 'positions_snapshots', 'portfolio_id')).toBe(0);
  });

  test('says which step failed, skips what needs it, and exits 1', async () => {
    const broken = { HISTORICAL_DB_URL: pair.urls.historical.replace(/test_historical_\w+/, 'not_there') };
    const { code, out } = await prometheus(['check'], broken);
    expect(code).toBe(1);
    expect(out).toMatch(/^historical database +✗ FAIL/m);
    expect(out).toMatch(/^campaign +– SKIP/m);
    expect(out.replace(/\s+/g, ' ')).toContain('the database does not exist');
  });
});
