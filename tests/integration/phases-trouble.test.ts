/** Proof 29 for Phases 0 and 1: a database in trouble gives UNKN with the cause, never a number. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withProber } from '../../src/phases/probes.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { dropServer, embeddedTargets, startServer, stopServer } from '../../src/platform/db/embedded.ts';
import { type DatabaseName, makeTarget, type Targets } from '../../src/platform/db/targets.ts';
import { InterruptedError } from '../../src/platform/errors.ts';
import { homeAt } from '../../src/platform/home.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { type Evaluation, evaluate, seedGreen, smallConfig } from '../helpers/phase-market.ts';
import { until } from '../helpers/until.ts';

/** The checks that need each table; every other check must not notice. */
const TABLES: readonly [DatabaseName, string, readonly string[]][] = [
  ['historical', 'prices_daily', ['P0.prices', 'P0.holidays', 'P0.gaps', 'P1.runs', 'P4.inputs']],
  ['historical', 'market_holidays', ['P0.prices', 'P0.holidays', 'P0.gaps', 'P1.equity', 'P4.inputs']],
  ['historical', 'news_articles', ['P0.news', 'P4.inputs']],
  ['runtime', 'backtest_runs', ['P1.runs', 'P1.equity', 'P1.trades', 'P1.pit', 'P1.latest']],
  ['runtime', 'backtest_daily_equity', ['P1.equity']],
  ['runtime', 'backtest_trades', ['P1.trades']],
  ['runtime', 'positions_snapshots', ['P1.trades']],
  ['runtime', 'console.evidence', ['P1.pit']],
];

/** A number in a figure: what an unknown check must not show. */
function expectUnknown({ board, check }: Evaluation, ids: readonly string[], cause: RegExp): void {
  for (const id of ids) {
    expect([id, check(id).state, check(id).observed]).toEqual([id, 'UNKN', '–']);
    expect(check(id).reason).toMatch(cause);
  }
  for (const phase of board.phases) expect(phase.state === 'OK').toBe(phase.why.length === 0);
}

/** All other checks of Phases 0 and 1 that read a database stay as they were. */
function expectOthersGreen({ board }: Evaluation, lost: readonly string[]): void {
  const others = board.phases
    .slice(0, 2)
    .flatMap((phase) => phase.checks)
    .filter((one) => !lost.includes(one.id) && one.id !== 'P0.tests' && one.id !== 'P0.databases');
  expect(others.map((one) => [one.id, one.state, one.reason])).toEqual(others.map((one) => [one.id, 'OK', '']));
}

let pair: TestDatabases;
beforeEach(async () => {
  pair = await createTestDatabases();
  await seedGreen(pair.databases);
});
afterEach(() => pair.drop());

test('the seeded home is green, so that what follows is due to the trouble', async () => {
  const found = await evaluate(pair.targets);
  expectOthersGreen(found, []);
  expect(found.check('P0.databases').state).toBe('OK');
  expect(found.board.phases[1]).toMatchObject({ state: 'OK', why: [] });
});

describe.each(TABLES)('%s.%s', (name, table, checks) => {
  test('dropped', async () => {
    await pair.databases[name].client((client) => client.query(`DROP TABLE ${table} CASCADE`));
    const found = await evaluate(pair.targets);
    expectUnknown(found, checks, new RegExp(`relation "${table}" does not exist`));
    expectOthersGreen(found, checks);
    expect(found.check('P0.databases')).toMatchObject({ state: 'FAIL', fix: 'db status' });
    for (const id of checks) expect(found.check(id).fix).toBe('db status');
  });

  test('not permitted', async () => {
    const role = `reader_${randomBytes(6).toString('hex')}`;
    const password = randomBytes(12).toString('hex');
    await pair.databases[name].client(async (client) => {
      await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
      await client.query(
        `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}; GRANT USAGE ON SCHEMA console TO ${role};
         GRANT SELECT ON ALL TABLES IN SCHEMA console TO ${role}; REVOKE ALL ON ${table} FROM ${role}`,
      );
    });
    try {
      const { config, source } = pair.targets[name];
      const limited = makeTarget(name, { ...config, user: role, password }, source);
      const found = await evaluate({ ...pair.targets, [name]: limited });
      expectUnknown(found, checks, /permission denied for table/);
      expectOthersGreen(found, checks);
    } finally {
      await pair.databases[name].client((client) => client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
    }
  });

  test('too slow for statement_timeout', async () => {
    const evidence = { ...smallConfig.evidence, probeTimeoutMs: 250 };
    await pair.databases[name].transaction(async (client) => {
      // Whoever reads the table now waits until this transaction ends.
      await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
      const found = await evaluate(pair.targets, { config: { ...smallConfig, evidence } });
      expectUnknown(found, checks, /statement timeout/);
    });
  });
});

describe('the server', () => {
  const all = ['P0.databases', 'P0.prices', 'P0.holidays', 'P0.gaps', 'P0.news'];

  test('stopped', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'phases-stopped-'));
    const home = homeAt(folder);
    try {
      const targets = embeddedTargets(await startServer(home));
      await stopServer(home);
      const found = await evaluate(targets);
      expectUnknown(
        found,
        [...all, 'P1.runs', 'P1.equity', 'P1.trades', 'P1.pit', 'P1.latest'],
        /the embedded server does not answer/,
      );
      expect(found.check('P0.prices').fix).toBe('db up');
      expect(found.board.phases.map((phase) => phase.state)).toEqual(Array(6).fill('UNKN'));
      for (const row of found.board.coverage.rows) {
        expect(row).toMatchObject({ rows: null, first: null, last: null, share: null });
        expect(row.problem).toMatch(/does not answer/);
      }
    } finally {
      await dropServer(home);
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('not there for one of the two databases: the other one’s checks are known', async () => {
    const nowhere = makeTarget('historical', { ...pair.targets.historical.config, database: 'not_there' }, 'a test');
    const found = await evaluate({ ...pair.targets, historical: nowhere });
    expectUnknown(found, all, /the database does not exist/);
    expect(found.check('P1.trades').state).toBe('OK');
    expect(found.board.phases[0].state).toBe('UNKN');
    expect(found.board.phases[1].state).toBe('UNKN');
  });

  test('that ends the connection in the middle leaves the rest unknown', async () => {
    const { runtime } = pair.databases;
    const evaluation = await runtime.transaction(async (client) => {
      await client.query('LOCK TABLE backtest_trades IN ACCESS EXCLUSIVE MODE');
      const pending = evaluate(pair.targets);
      await until(() => waiting(pair.targets), 'the look to wait for the lock');
      await runtime.client((other) =>
        other.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        ),
      );
      return await pending;
    });
    expectUnknown(evaluation, ['P1.trades', 'P1.pit'], /connection|terminating/i);
    expect(evaluation.check('P1.runs').state).toBe('OK');
  });
});

describe('looking', () => {
  /** Pools that may write, to show that a look may not. */
  const lookAt = <T>(work: Parameters<typeof withProber<T>>[2], signal = new AbortController().signal) =>
    withProber(pair.databases.historical, { now: Date.now, signal, timeoutMs: 5000 }, work);

  test('never writes, and a failing look spoils no other', async () => {
    const looks = await lookAt(async (prober) => [
      await prober.probe('a write', (query) => query(`DELETE FROM prices_daily`)),
      await prober.probe('a mistake', (query) => query(`SELECT nonsense`)),
      await prober.probe(
        'a read',
        async (query) => (await query<{ n: number }>(`SELECT count(*) AS n FROM market_holidays`))[0].n,
      ),
    ]);
    expect(looks[0]).toMatchObject({ known: false, cause: expect.stringContaining('read-only') });
    expect(looks[1]).toMatchObject({ known: false, cause: expect.stringContaining('nonsense') });
    expect(looks[2]).toMatchObject({ known: true, value: 6 });
  });

  test('sees one state of the database from first to last', async () => {
    const count = (prober: Parameters<Parameters<typeof withProber>[2]>[0]) =>
      prober.probe(
        'rows',
        async (query) => (await query<{ n: number }>(`SELECT count(*) AS n FROM market_holidays`))[0].n,
      );
    const looks = await lookAt(async (prober) => {
      const before = await count(prober);
      await pair.databases.historical.client((client) => client.query('DELETE FROM market_holidays'));
      return [before, await count(prober)];
    });
    expect(looks).toMatchObject([{ value: 6 }, { value: 6 }]);
  });

  test('takes one connection a database, and an abort ends what runs on the server', async () => {
    const stop = new AbortController();
    await pair.databases.historical.transaction(async (client) => {
      await client.query('LOCK TABLE prices_daily IN ACCESS EXCLUSIVE MODE');
      const pending = evaluate(pair.targets, { signal: stop.signal });
      const failed = expect(pending).rejects.toThrow(InterruptedError);
      await until(() => waiting(pair.targets), 'the look to wait for the lock');
      expect(await sessions(pair.targets)).toBeLessThanOrEqual(2);
      stop.abort();
      await failed;
      // The lock is still held: the server has given up by itself because nobody listens.
      await until(async () => (await sessions(pair.targets)) === 0, 'the server to end the query');
    });
  });
});

/** Sessions of the evaluation that wait for a lock. */
const waiting = (targets: Targets) => countSessions(targets, `AND wait_event_type = 'Lock'`);
const sessions = (targets: Targets) => countSessions(targets, '');

async function countSessions(targets: Targets, filter: string): Promise<number> {
  const databases = openDatabases(targets, { application: 'watch', maxConnections: 1 });
  try {
    return await databases.runtime.client(async (client) => {
      const names = [targets.historical.config.database, targets.runtime.config.database];
      const { rows } = await client.query(
        `SELECT count(*) AS n FROM pg_stat_activity WHERE datname = ANY ($1) AND application_name = 'prometheus phases test' ${filter}`,
        [names],
      );
      return rows[0].n;
    });
  } finally {
    await databases.close();
  }
}
