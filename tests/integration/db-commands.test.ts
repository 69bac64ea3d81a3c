import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../../src/cli/schema.ts';
import { dropServer } from '../../src/platform/db/embedded.ts';
import { homeAt } from '../../src/platform/home.ts';
import { createEmptyDatabases, createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { bareEnvironment, MAIN } from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';

let folder: string;
let home: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prometheus-db-'));
  chmodSync(folder, 0o711);
  home = path.join(folder, 'home');
});
afterAll(async () => {
  await dropServer(homeAt(home));
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `prometheus …` in a clean environment and an empty folder, where no `.env` lies. */
function prometheus(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = bareEnvironment(folder, home);
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...argv], { cwd: folder, env }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

const flags = (urls: { historical: string; runtime: string }) => [
  ...['--historical', urls.historical, '--runtime', urls.runtime],
];

describe('databases of the user', () => {
  let pair: TestDatabases;
  afterAll(() => pair?.drop());

  test('are checked, migrated on demand, and never dropped', async () => {
    pair = await createEmptyDatabases();
    const own = flags(pair.urls);
    const up = await prometheus('db', 'up', ...own);
    expect(up).toMatchObject({ code: 0, err: '' });
    expect(up.out).toContain('your own historical database');
    const count = Object.keys(MIGRATIONS.historical).length;
    expect(up.out).toContain(`${count} migrations are due: prometheus db migrate`);
    const migrated = await prometheus('db', 'migrate', ...own);
    expect(migrated.out).toContain('historical: applied 0001_prices');
    const status = await prometheus('db', 'status', ...own);
    expect(status).toMatchObject({ code: 0 });
    expect(status.out).toContain('your own; no database is in the embedded one');
    expect(status.out).toContain(`${count} migrations applied · 0 pending`);

    const drop = await prometheus('db', 'drop', '--yes', ...own);
    expect(drop.code).toBe(1);
    expect(drop.err).toContain('is your own (from --historical) and is not dropped');
    const port = await prometheus('db', 'up', '--tcp-port', '55555', ...own);
    expect(port.code).toBe(2);
    expect(port.err).toContain('both databases are your own');
    // Nothing of an embedded server was made on the way.
    expect(existsSync(home)).toBe(false);
  });

  test('one that does not answer: unknown figures with the cause, one line, no password', async () => {
    const other = await createTestDatabases();
    const urls = { historical: 'postgresql://me:canary@127.0.0.1:1/x', runtime: other.urls.runtime };
    const status = await prometheus('db', 'status', '--json', ...flags(urls));
    expect(status.code).toBe(1);
    const { server, databases } = JSON.parse(status.out);
    expect(server).toBeNull();
    expect(databases[0]).toMatchObject({ version: null, sizeBytes: null, migrations: null });
    expect(databases[0].problems[0]).toContain('no server answers');
    expect(databases[1]).toMatchObject({ version: '18.4', problems: [] });
    const up = await prometheus('db', 'up', ...flags(urls));
    expect(up.code).toBe(1);
    expect(up.err.trim().split('\n')).toHaveLength(1);
    const url = await prometheus('db', 'url', 'historical', ...flags(urls));
    expect(url.out).toBe('postgresql://me@127.0.0.1:1/x\n');
    expect(url.err).toContain('the password of --historical is left out');
    for (const { out, err } of [status, up, url]) expect(out + err).not.toContain('canary');
    await other.drop();
  });
});

test('the largest tables, their dead rows, and where a vacuum is due', async () => {
  const own = await createTestDatabases();
  const historical = (sql: string) => own.databases.historical.client((client) => client.query(sql));
  const tables = async () => {
    const { out } = await prometheus('db', 'status', '--json', ...flags(own.urls));
    return JSON.parse(out).databases[0].tables;
  };
  try {
    expect(await tables()).toEqual([]);
    await historical(`ALTER TABLE news_articles SET (autovacuum_enabled = off);
      INSERT INTO news_articles ("timestamp", source, headline) SELECT now(), 's', repeat('x', 200) FROM generate_series(1, 20000)`);
    // A connection reports what it did when it is idle; a vacuum before that would count the rows twice.
    await until(async () => (await tables())[0].rows === 20000, 'the new rows are counted');
    expect((await tables())[0]).toMatchObject({ vacuumedAt: null, vacuumIsDue: true });
    await historical('VACUUM news_articles');
    const [whole] = await tables();
    expect(whole).toMatchObject({ table: 'news_articles', rows: 20000, dead: 0, vacuumIsDue: false });
    expect(whole.bytes).toBeGreaterThan(4e6);
    expect(whole.vacuumedAt).toBeGreaterThan(0);
    await historical('DELETE FROM news_articles WHERE article_id % 2 = 0');
    await until(async () => (await tables())[0].dead > 0, 'the deleted rows are counted');
    expect((await tables())[0]).toMatchObject({ rows: 10000, dead: 10000, vacuumIsDue: true });
    const page = await prometheus('db', 'status', ...flags(own.urls));
    expect(page.out).toMatch(
      /news_articles [\d.]+ MiB · 10,000 rows · 50 % dead · vacuumed just now · a vacuum is due: VACUUM \(ANALYZE\) news_articles/,
    );

    // A table with partitions is one table; which of them are due is named.
    await historical(`DROP TABLE news_articles CASCADE; CREATE TABLE parted (id int, pad text) PARTITION BY RANGE (id);
      CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (10000) WITH (autovacuum_enabled = off);
      CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (10000) TO (MAXVALUE) PARTITION BY RANGE (id);
      CREATE TABLE parted_c PARTITION OF parted_b FOR VALUES FROM (10000) TO (MAXVALUE) WITH (autovacuum_enabled = off);
      CREATE TABLE parted_none PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (0);
      INSERT INTO parted SELECT i, repeat('x', 200) FROM generate_series(0, 29999) i`);
    await until(async () => (await tables())[0]?.rows === 30000, 'the rows of both partitions are counted');
    expect(await tables()).toMatchObject([
      { table: 'parted', partitions: 3, dead: 0, vacuumedAt: null, due: ['parted_a', 'parted_c'] },
    ]);
    await historical('VACUUM parted_a');
    expect(await tables()).toMatchObject([{ vacuumedAt: null, vacuumIsDue: true, due: ['parted_c'] }]);
    expect((await prometheus('db', 'status', ...flags(own.urls))).out).toMatch(
      /parted [\d.]+ MiB in 3 partitions · 30,000 rows · 0 % dead · never vacuumed · a vacuum is due: VACUUM \(ANALYZE\) parted_c\n/,
    );
    await historical('VACUUM parted');
    expect((await tables())[0]).toMatchObject({ vacuumIsDue: false, due: [], vacuumedAt: expect.any(Number) });
  } finally {
    await own.drop();
  }
});

describe('the embedded server', () => {
  test('from nothing to nothing', async () => {
    const before = await prometheus('db', 'status');
    expect(before.code).toBe(1);
    expect(before.out).toContain('PostgreSQL 18.4, not running');
    expect(before.out).toContain('unknown: the embedded server does not run');
    expect(existsSync(home)).toBe(false);

    const up = await prometheus('db', 'up');
    expect(up).toMatchObject({ code: 0 });
    expect(up.out).toContain('historical: applied 0001_prices, 0002_news, 0003_embeddings');
    expect(up.out).toMatch(/PostgreSQL 18\.4 runs \(process \d+\) in .*postgres, socket in /);
    expect(up.err).toContain('making a database cluster');
    const again = await prometheus('db', 'up');
    expect(again.out).toContain('historical: up to date\nruntime: up to date\n');
    expect(again.err).toBe('');

    const status = await prometheus('db', 'status', '--json');
    expect(status.code).toBe(0);
    const { server, databases } = JSON.parse(status.out);
    expect(Object.keys(server).sort()).toEqual(['pid', 'running', 'server', 'startedAt']);
    expect(Object.keys(server.server).sort()).toEqual([
      'base',
      'dataFolder',
      'logFile',
      'passfile',
      'socketFolder',
      'version',
    ]);
    expect(databases).toMatchObject([
      {
        name: 'historical',
        database: 'prometheus_historical',
        version: '18.4',
        migrations: { pending: [] },
        problems: [],
      },
      { name: 'runtime', database: 'prometheus_runtime', version: '18.4', migrations: { pending: [] }, problems: [] },
    ]);
    expect(databases[0].sizeBytes).toBeGreaterThan(1e6);
    const password = readFileSync(server.server.passfile, 'utf8').trim().split(':')[4];
    const url = await prometheus('db', 'url', 'runtime');
    expect(url.out).toMatch(/^postgresql:\/\/\/prometheus_runtime\?host=\S+\n$/);
    for (const { out, err } of [up, again, status, url]) expect(out + err).not.toContain(password);

    expect((await prometheus('db', 'down')).out).toBe('the embedded PostgreSQL is stopped\n');
    expect((await prometheus('db', 'down')).out).toBe('the embedded PostgreSQL was not running\n');
    expect((await prometheus('db', 'url', 'runtime')).err).toContain('does not run');

    const careless = await prometheus('db', 'drop');
    expect(careless.code).toBe(2);
    expect(careless.err).toContain('Say --yes if you mean it.');
    expect(existsSync(server.server.dataFolder)).toBe(true);
    const drop = await prometheus('db', 'drop', '--yes');
    expect(drop).toMatchObject({ code: 0 });
    expect(drop.out).toContain(`removed ${server.server.dataFolder}\n`);
    expect(existsSync(server.server.dataFolder)).toBe(false);
  });
});
