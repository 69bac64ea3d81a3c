/** The PostgreSQL sampler on a real server: figures, missing rights, a server that is away, recovery. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeTarget, type Target } from '../../src/platform/db/targets.ts';
import { PostgresSampler, type PostgresSamplerOptions } from '../../src/telemetry/postgres.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { until } from '../helpers/until.ts';

let pair: TestDatabases;
beforeAll(async () => {
  pair = await createTestDatabases();
});
afterAll(() => pair.drop());

const open: PostgresSampler[] = [];
afterEach(async () => {
  for (const sampler of open.splice(0)) await sampler.close();
});
function watch(target: Target, options: PostgresSamplerOptions = {}): PostgresSampler {
  const sampler = new PostgresSampler(target, { retryMs: 20, restMs: 20, patienceMs: 30_000, ...options });
  open.push(sampler);
  return sampler;
}
const runtime = <T>(sql: string) =>
  pair.databases.runtime.client(async (client) => (await client.query(sql)).rows as T[]);

describe('PostgresSampler', () => {
  test('tells sessions, sizes and rates, over a read-only session with short statements', async () => {
    const sampler = watch(pair.targets.runtime);
    const first = await sampler.read();
    expect(first).toMatchObject({
      name: 'runtime',
      up: true,
      problems: [],
      rowsPerSecond: null,
      walBytesPerSecond: null,
    });
    expect(first.maxConnections).toBeGreaterThanOrEqual(first.serverConnections!);
    expect(first.serverConnections).toBeGreaterThanOrEqual(first.connections!);
    expect(first.sizeBytes).toBeGreaterThan(1e6);
    const settings = await runtime<{ n: number }>(
      `SELECT count(*) AS n FROM pg_stat_activity
        WHERE application_name = 'prometheus telemetry' AND datname = current_database()`,
    );
    expect(settings).toEqual([{ n: 1 }]);

    await runtime('CREATE TABLE counted (x int)');
    await runtime('INSERT INTO counted SELECT generate_series(1, 5000)');
    // Sessions report what they did within a second.
    let rows = 0;
    let wal = 0;
    await until(async () => {
      const sample = await sampler.read();
      rows = Math.max(rows, sample.rowsPerSecond ?? 0);
      wal = Math.max(wal, sample.walBytesPerSecond ?? 0);
      return rows > 0 && wal > 0;
    }, 'rates');
    expect(sampler.pids).toContain((await runtime<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0].pid);
  });

  test('sees a statement that runs and a lock that is waited for', async () => {
    const sampler = watch(pair.targets.runtime);
    await runtime('CREATE TABLE locked (x int)');
    await pair.databases.runtime.transaction(async (client) => {
      await client.query('LOCK TABLE locked IN ACCESS EXCLUSIVE MODE');
      const waiting = runtime('SELECT * FROM locked');
      await until(async () => (await sampler.read()).waitingLocks === 1, 'a waiting lock');
      const sample = await sampler.read();
      expect(sample.active).toBe(1);
      expect(sample.longestSeconds).toBeGreaterThanOrEqual(0);
      await client.query('COMMIT');
      await waiting;
      await client.query('BEGIN');
    });
    await until(async () => (await sampler.read()).waitingLocks === 0, 'no lock any more');
  });

  test('leaves out what the role may not see, with the reason, and recovers by itself', async () => {
    const role = `observer_${pair.targets.runtime.config.database}`;
    await runtime(`CREATE ROLE ${role} LOGIN PASSWORD 'watch'`);
    await runtime('REVOKE EXECUTE ON FUNCTION pg_wal_lsn_diff(pg_lsn, pg_lsn) FROM PUBLIC');
    try {
      const { config, name } = pair.targets.runtime;
      const sampler = watch(makeTarget(name, { ...config, user: role, password: 'watch' }, 'the test'));
      const sample = await sampler.read();
      expect(sample).toMatchObject({ up: true, active: null, longestSeconds: null, walBytesPerSecond: null });
      expect(sample.connections).toBeGreaterThan(0);
      expect(sample.waitingLocks).toBe(0);
      expect(sample.problems).toEqual([
        'activity: the role may not see what other sessions do (GRANT pg_read_all_stats)',
        expect.stringContaining('permission denied for function pg_wal_lsn_diff'),
      ]);
      await runtime('GRANT EXECUTE ON FUNCTION pg_wal_lsn_diff(pg_lsn, pg_lsn) TO PUBLIC');
      await runtime(`GRANT pg_read_all_stats TO ${role}`);
      const mended = await until(async () => {
        const now = await sampler.read();
        return now.problems.length === 0 && now.walBytesPerSecond !== null && now;
      }, 'recovery');
      expect(mended.active).toBe(0);
    } finally {
      await runtime('GRANT EXECUTE ON FUNCTION pg_wal_lsn_diff(pg_lsn, pg_lsn) TO PUBLIC');
      await runtime(`DROP ROLE ${role}`).catch(() => {});
    }
  });

  test('survives that its session is ended', async () => {
    const sampler = watch(pair.targets.historical);
    await sampler.read();
    await runtime(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = 'prometheus telemetry' AND datname = '${pair.targets.historical.config.database}'`);
    await until(async () => (await sampler.read()).up, 'a new session');
  });

  test.each([
    ['no server', { host: '127.0.0.1', port: 1 }, /no server answers/],
    ['no such database', { database: 'nowhere' }, /does not exist/],
  ])('says why it knows nothing: %s', async (_, change, reason) => {
    const { config, name } = pair.targets.runtime;
    const sample = await watch(makeTarget(name, { ...config, ...change }, 'the test')).read();
    expect(sample).toMatchObject({ up: false, connections: null, sizeBytes: null });
    expect(sample.problems).toEqual([expect.stringMatching(reason)]);
  });

  test('does not wait for a server that hangs', async () => {
    const sampler = watch(pair.targets.runtime, { patienceMs: 0 });
    expect(await sampler.read()).toMatchObject({ up: false, problems: ['the server does not answer'] });
  });
});
