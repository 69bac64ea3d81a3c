/** The server dies, or its disk is full, in the middle of a backfill: --resume ends with the rows of an undisturbed run. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { program as digest } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { migrations as historical } from '../../migrations/historical/index.ts';
import { migrations as runtime } from '../../migrations/runtime/index.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { type Databases, openDatabases } from '../../src/platform/db/databases.ts';
import {
  dropServer,
  type EmbeddedServer,
  embeddedTargets,
  startServer,
  stopServer,
} from '../../src/platform/db/embedded.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import { homeAt } from '../../src/platform/home.ts';
import { Random } from '../../src/platform/random.ts';
import { bareEnvironment, MAIN, type Started, startPrometheus } from '../helpers/processes.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

const panel = smallMarket({ seed: 4, instruments: 20, days: 220, gaps: 0.02 });
const ARGS = [
  ...['backfill', 'numeric-embeddings', '--market', 'TEST', '--workers', '2', '--shard-cells', '60', '--device', 'cpu'],
  ...['--start-date', formatDay(panel.calendar.days[60]), '--end-date', formatDay(panel.calendar.days[219])],
];
const random = new Random(Date.now() >>> 0);

/** A server of this test's own: it is going to be killed. */
const home = homeAt(mkdtempSync(path.join(tmpdir(), 'prometheus-trouble-')));
let server: EmbeddedServer;
let databases: Databases;
let expected: string;

const connect = () => {
  databases = openDatabases(embeddedTargets(server), { application: 'test' });
};
const query = <Row extends object>(sql: string) =>
  databases.historical.client(async (client) => (await client.query<Row>(sql)).rows);
const content = async () =>
  (await runProgram(digestSpec, digest, { table: ['numeric_window_embeddings'] }, databases)).stdout;
const backfill = (...more: string[]) => startPrometheus([...ARGS, ...more], home.root);
const postmaster = () => Number(readFileSync(path.join(server.dataFolder, 'postmaster.pid'), 'utf8').split('\n')[0]);
/** Ends the server if it runs, and connects anew to the one that `start` starts. */
async function restart(start: () => unknown): Promise<void> {
  await databases.close();
  await stopServer(home);
  await start();
  connect();
}
const untilMarked = (count: number, of: Started) =>
  until(async () => {
    if (of.over()) throw new Error((await of.ended).stderr);
    return Number((await query<{ n: number }>('SELECT count(*) AS n FROM console.shard_done'))[0].n) >= count;
  }, `${count} shards are marked`);

beforeAll(async () => {
  server = await startServer(home);
  connect();
  await migrate(databases.historical, historical);
  await migrate(databases.runtime, runtime);
  await storePanel(databases, panel);
  const { code, stderr } = await backfill().ended;
  if (code !== 0) throw new Error(stderr);
  expected = await content();
});
beforeEach(() => query('TRUNCATE numeric_window_embeddings, console.backfills, console.shard_done'));
afterAll(async () => {
  await databases?.close();
  await dropServer(home);
  rmSync(home.root, { recursive: true, force: true });
});

it('a server that is killed: marks and rows are lost together or not at all', async () => {
  const one = backfill();
  await untilMarked(10 + random.below(100), one);
  process.kill(postmaster(), 'SIGKILL');
  const { code, stderr } = await one.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/--resume goes on where it broke off/);
  await restart(() => startServer(home));
  const [{ whole }] = await query<{ whole: boolean }>(
    `SELECT (SELECT count(*) FROM numeric_window_embeddings) = (SELECT coalesce(sum(rows), 0) FROM console.shard_done) AS whole`,
  );
  expect(whole).toBe(true);
  expect(await backfill('--resume').ended).toMatchObject({ code: 0 });
  expect(await content()).toBe(expected);
});

it('a full disk is said in one line; when there is room again, --resume does the rest', async () => {
  // A limit on file sizes stands in for it, above a segment of the log and below the table.
  await restart(() =>
    execFileSync('prlimit', ['--fsize=17000000:unlimited', process.execPath, MAIN, 'db', 'up'], {
      env: bareEnvironment(home.root),
      stdio: 'ignore',
    }),
  );
  const { code, stderr } = await backfill().ended;
  await restart(() => startServer(home));
  expect(code).toBe(1);
  expect(stderr).toMatch(/the disk of the server is full .*--resume goes on where it broke off/);
  expect(await backfill('--resume').ended).toMatchObject({ code: 0 });
  expect(await content()).toBe(expected);
});

/** A file system of its own needs root, and a kernel that lets it mount one. */
const canMount =
  spawnSync('sh', ['-c', 'd=$(mktemp -d) && mount -t tmpfs -o size=1m tmpfs "$d" && umount "$d"; rmdir "$d"'])
    .status === 0;

it.runIf(canMount)(
  'a data folder whose disk is really full: nothing half-written, and --resume does the rest',
  async () => {
    const folder = server.dataFolder;
    const aside = `${folder}-aside`;
    await databases.close();
    await stopServer(home);
    renameSync(folder, aside);
    execFileSync('sh', [
      '-c',
      'mkdir "$1" && mount -t tmpfs -o size=512m tmpfs "$1" && cp -a "$0/." "$1"',
      aside,
      folder,
    ]);
    try {
      server = await startServer(home);
      connect();
      // Room for some shards, and for no more of the server's log.
      const ballast = path.join(folder, 'ballast');
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - 4 * 2 ** 20));
      const { code, stderr } = await backfill().ended;
      expect(code).toBe(1);
      // Where the log finds no room, the server ends itself.
      expect(stderr).toMatch(
        /(the disk of the server is full|the connection broke|no server answers).*--resume goes on where/,
      );
      rmSync(ballast);
      await restart(() => startServer(home));
      const [{ whole, left }] = await query<{ whole: boolean; left: boolean }>(
        `SELECT (SELECT count(*) FROM numeric_window_embeddings) = (SELECT coalesce(sum(rows), 0) FROM console.shard_done) AS whole,
              (SELECT count(*) FROM console.shard_done) < max(shards) AS left FROM console.backfills`,
      );
      expect({ whole, left }).toEqual({ whole: true, left: true });
      expect(await backfill('--resume').ended).toMatchObject({ code: 0 });
      expect(await content()).toBe(expected);
    } finally {
      await databases.close();
      await stopServer(home);
      execFileSync('sh', ['-c', 'umount "$1" && rmdir "$1" && mv "$0" "$1"', aside, folder]);
      server = await startServer(home);
      connect();
    }
  },
);
