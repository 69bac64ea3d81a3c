/** An import that is killed, interrupted or run twice at once leaves whole files or nothing. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { until } from '../helpers/until.ts';
import { emptyTables, Files, PRICE_HEADER, priceRow, rowsOf, runImport, scalarOf } from './import-support.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Key of the lock on which the table's trigger waits: rows are written then, and not committed. */
const GATE = 424_242;

let pair: TestDatabases;
let files: Files;
const children: ChildProcess[] = [];

beforeAll(async () => {
  pair = await createTestDatabases();
});

beforeEach(async () => {
  await emptyTables(pair);
  files = new Files();
  await runImport(pair, { instruments: files.instruments('AAPL.US'), holidays: files.holidays('2014-01-01') });
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(async () => {
  await pair.drop();
});

/** `prometheus data import` in a process of its own, on the test's databases. */
function startImport(...prices: string[]): ChildProcess & { exited: Promise<number | null> } {
  const { historical, runtime } = pair.urls;
  const child = spawn(
    process.execPath,
    [
      path.join(ROOT, 'src/cli/main.ts'),
      'data',
      'import',
      '--historical',
      historical,
      '--runtime',
      runtime,
      '--prices',
      ...prices,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PROMETHEUS_HOME: files.path('home') } },
  );
  children.push(child);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return Object.assign(child, { exited });
}

const rows = () => scalarOf<number>(pair.databases.historical, 'SELECT count(*) FROM prices_daily');
const backends = (condition: string) =>
  rowsOf(
    pair.databases.historical,
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'prometheus data import'
     AND pid <> pg_backend_pid() AND ${condition}`,
  );
const gone = () => until(async () => (await backends("state <> 'idle'")).length === 0, 'the server to notice');

/** A day a line from 1900 on: rows enough that COPY is under way long before the file ends. */
function* manyRows(count: number): Generator<string> {
  for (let i = 0; i < count; i++) {
    const date = new Date(Date.UTC(1900, 0, 1 + i));
    if (date.getUTCDay() % 6 !== 0) yield priceRow('AAPL.US', date.toISOString().slice(0, 10), 10);
  }
}

describe('kill -9', () => {
  it('while a file is being read leaves nothing of it', async () => {
    const pipe = files.path('AAPL.csv');
    spawnSync('mkfifo', [pipe]);
    const before = files.write('first.csv', [PRICE_HEADER, priceRow('AAPL.US', '2014-01-02', 1)]);
    const child = startImport(before, pipe);
    const feed = createWriteStream(pipe);
    feed.on('error', () => {}); // the reader is killed below
    feed.write(`${PRICE_HEADER}\n${[...manyRows(30_000)].join('\n')}\n`);
    await until(
      async () => (await backends("query LIKE 'COPY stage_prices%' AND state = 'active'")).length === 1,
      'COPY',
    );
    await until(async () => (await rows()) === 1, 'the first file to have landed');
    child.kill('SIGKILL');
    await child.exited;
    feed.destroy();
    await gone();
    expect(await rows()).toBe(1);
  });

  it('while rows are written and not yet committed leaves nothing, and the same command then completes', async () => {
    const file = files.write('a.csv', [PRICE_HEADER, ...manyRows(200)]);
    const { historical } = pair.databases;
    await historical.client((client) =>
      client.query(
        `CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN PERFORM pg_advisory_xact_lock(${GATE}); RETURN NULL; END $$;
         CREATE TRIGGER gate AFTER INSERT ON prices_daily FOR EACH STATEMENT EXECUTE FUNCTION wait_at_gate()`,
      ),
    );
    try {
      await historical.client(async (gate) => {
        await gate.query('SELECT pg_advisory_lock($1)', [GATE]);
        const child = startImport(file);
        await until(
          async () => (await backends("wait_event = 'advisory'")).length === 1,
          'the import to stand at the gate',
        );
        child.kill('SIGKILL');
        await child.exited;
        await gate.query('SELECT pg_advisory_unlock($1)', [GATE]);
      });
      await gone();
      expect(await rows()).toBe(0);
    } finally {
      await historical.client((client) =>
        client.query('DROP TRIGGER gate ON prices_daily; DROP FUNCTION wait_at_gate'),
      );
    }
    const again = startImport(file);
    expect(await again.exited).toBe(0);
    expect(await rows()).toBe([...manyRows(200)].length);
  });
});

describe('Ctrl-C', () => {
  it('within a process breaks the import off and leaves the databases usable', async () => {
    const pipe = files.path('AAPL.csv');
    spawnSync('mkfifo', [pipe]);
    const stop = new AbortController();
    const running = runImport(pair, { prices: [pipe] }, stop.signal);
    const feed = createWriteStream(pipe);
    feed.on('error', () => {}); // the reader stops below
    feed.write(`${PRICE_HEADER}\n${[...manyRows(30_000)].join('\n')}\n`);
    await until(
      () =>
        rowsOf(pair.databases.historical, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY stage_prices%'").then(
          (found) => found.length > 0,
        ),
      'COPY',
    );
    stop.abort();
    await expect(running).rejects.toMatchObject({ name: 'InterruptedError', exitCode: 130 });
    feed.destroy();
    expect(await rows()).toBe(0);
    const { data } = await runImport(pair, { prices: [files.write('a.csv', [PRICE_HEADER, ...manyRows(10)])] });
    expect(data.tables.prices_daily.rejected).toBe(0);
  });

  it('ends the import with one line and exit code 130', async () => {
    const pipe = files.path('AAPL.csv');
    spawnSync('mkfifo', [pipe]);
    const child = startImport(pipe);
    let stderr = '';
    child.stderr!.on('data', (chunk) => {
      stderr += chunk;
    });
    const feed = createWriteStream(pipe);
    feed.on('error', () => {}); // the reader stops below
    feed.write(`${PRICE_HEADER}\n`);
    await until(async () => (await backends("query LIKE 'COPY stage_prices%'")).length === 1, 'the import to read');
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    feed.destroy();
    expect(stderr).toContain('prometheus: data import was interrupted. Nothing half-written remains');
    expect(stderr).not.toContain('    at ');
    expect(await rows()).toBe(0);
  });
});

describe('a full disk', () => {
  /** A limit on file sizes stands in for it: writing beyond fails in the same way. */
  const limited = (args: readonly string[]) => {
    const { historical, runtime } = pair.urls;
    return spawnSync(
      'prlimit',
      [
        '--fsize=200000',
        process.execPath,
        path.join(ROOT, 'src/cli/main.ts'),
        ...args,
        '--historical',
        historical,
        '--runtime',
        runtime,
      ],
      { encoding: 'utf8', env: { ...process.env, PROMETHEUS_HOME: files.path('home') } },
    );
  };

  it('ends an export with one line and leaves no half file', async () => {
    await runImport(pair, { prices: [files.write('a.csv', [PRICE_HEADER, ...manyRows(40_000)])] });
    // Every row in one year's file, so that it is far larger than what is on its way at any time.
    await pair.databases.historical.client((client) =>
      client.query(
        `ALTER TABLE prices_daily DROP CONSTRAINT prices_daily_pkey;
         UPDATE prices_daily SET trade_date = '2014-01-02', metadata = jsonb_build_object('text', repeat('x', 200))`,
      ),
    );
    const { status, stderr } = limited(['data', 'export', '--output', files.path('out')]);
    expect(stderr).toMatch(/^prometheus: the disk is full \(EFBIG.*\)\. Free some space and run it again\.$/m);
    expect(status).toBe(1);
    expect(readdirSync(files.path('out/prices_daily'))).toEqual([]);
  });

  it('costs an import the list of its findings and no row', async () => {
    const bad = Array.from({ length: 4000 }, () => 'AAPL.US,2014-02-30,1,1,1,1,1,1');
    const file = files.write('a.csv', [PRICE_HEADER, priceRow('AAPL.US', '2014-01-03', 1), ...bad]);
    const { status, stderr, stdout } = limited(['data', 'import', '--prices', file]);
    expect(status).toBe(3);
    expect(stdout).toContain('prices_daily,4001,1,0,0,0,4000');
    expect(stderr).toMatch(/^warn: the list of findings could not be written \(EFBIG.*\); --json prints it$/m);
    expect(readdirSync(files.path('home/logs'))).toEqual([]);
  });
});

describe('two imports at once', () => {
  it('insert every row once, also without a unique index', async () => {
    const other = await createTestDatabases();
    try {
      await other.databases.historical.client((client) =>
        client.query('ALTER TABLE prices_daily DROP CONSTRAINT prices_daily_pkey'),
      );
      await runImport(other, { instruments: files.instruments('AAPL.US') });
      const file = files.write('a.csv', [PRICE_HEADER, ...manyRows(3000)]);
      const copy = files.write('b.csv', [PRICE_HEADER, ...manyRows(3000)]);
      const both = await Promise.all([runImport(other, { prices: [file] }), runImport(other, { prices: [copy] })]);
      const total = [...manyRows(3000)].length;
      expect(both.map(({ data }) => data.tables.prices_daily.inserted).sort((a, b) => a - b)).toEqual([0, total]);
      expect(await scalarOf(other.databases.historical, 'SELECT count(*) FROM prices_daily')).toBe(total);
    } finally {
      await other.drop();
    }
  });
});
