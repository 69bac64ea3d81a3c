/**
 * One worker process, then two with homes of their own, at the same backfill, and at the same sweep (docs/scale.md).
 * CPU-seconds a row say what the second one costs the first, on a busy machine too; the clock says it only on an idle one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Database, openDatabases } from '../../src/platform/db/databases.ts';
import { databaseUrl, dropServer, embeddedTargets, serverStatus, startServer } from '../../src/platform/db/embedded.ts';
import { createHome, homeAt } from '../../src/platform/home.ts';
import { changeThrottle, openBackfills } from '../../src/queue/throttle-store.ts';
import { requireFree } from './disk.ts';
import { type Bar, builtProgram, runChild, treeCpuSeconds } from './harness.ts';

const [START, END] = ['2015-01-02', '2024-12-31'];
const INSTRUMENTS = '100';
const MODEL = 'num-stab-core-v1';

/** Runs of one sleeve over the ten years. */
const SWEEP = [
  ...['sweep', '--market-id', 'US_EQ', '--start', START, '--end', END],
  ...['--sleeve', 'S_H21:S:US_EQ:S_H21_U:S_H21_P:S_H21_A:21', '--grid', 'slippage-bps=0,1,2,3,5,8,13,20'],
];

interface Figures {
  /** Vectors, or runs. */
  readonly rows: number;
  /** Of all worker processes, and of the server. */
  readonly clientCpu: number;
  readonly serverCpu: number;
  /** From the first shard's begin to the last one's commit, and the workers at once on average. */
  readonly seconds: number;
  readonly workers: number;
}

/** Hours that are not now. */
function farHour(): string {
  const hour = (new Date().getUTCHours() + 12) % 24;
  return `${String(hour).padStart(2, '0')}:00-${String(hour).padStart(2, '0')}:30`;
}

/** Processes that count as working on a backfill. */
const working = (database: Database): Promise<number> =>
  database.client(async (client) => {
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(DISTINCT pid)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted`,
    );
    return rows[0].n;
  });

/** Asks until the answer is there. */
async function soon<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    await setTimeout(100);
  }
}

/** What the marks say of a backfill that is done, beside what its processes and the server took; told on stderr. */
async function marked(
  database: Database,
  unit: string,
  ran: readonly { readonly cpu: number }[],
  serverCpu: number,
): Promise<Figures> {
  const { rows: found } = await database.client((client) =>
    client.query<{ rows: number; busy: number; seconds: number; processes: number }>(
      `SELECT sum(rows)::float8 AS rows, sum(seconds)::float8 AS busy, count(DISTINCT worker)::int AS processes,
              extract(epoch FROM max(done_at) - min(done_at - make_interval(secs => seconds)))::float8 AS seconds
         FROM console.shard_done`,
    ),
  );
  const [{ rows, busy, seconds, processes }] = found;
  const [clientCpu, workers] = [ran.reduce((sum, { cpu }) => sum + cpu, 0), busy / seconds];
  process.stderr.write(
    `bench: scale ${processes} process${processes === 1 ? '' : 'es'}: ${rows} ${unit}, workers ${clientCpu.toFixed(1)} CPU-s, server ${serverCpu.toFixed(1)} CPU-s, ${(rows / seconds).toPrecision(4)} ${unit}/s by the clock, ${workers.toFixed(2)} at once\n`,
  );
  return { rows, seconds, workers, clientCpu, serverCpu };
}

export async function run(): Promise<Bar[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-scale-'));
  const homes = ['one', 'two'].map((name) => homeAt(path.join(folder, name)));
  for (const home of homes) createHome(home);
  requireFree(folder, 4, 'scale');
  const server = await startServer(homes[0]);
  const targets = embeddedTargets(server);
  const databases = openDatabases(targets, { application: 'bench' });
  const urls = [
    ...['--historical', databaseUrl(targets.historical, server)],
    ...['--runtime', databaseUrl(targets.runtime, server)],
  ];
  const prometheus = (home: number, ...argv: string[]) =>
    runChild([builtProgram(), ...argv], { PROMETHEUS_HOME: homes[home].root });
  try {
    const files = path.join(folder, 'market');
    const market = ['--instruments', INSTRUMENTS, '--start', '2014-01-02', '--end', END, '--news-start', END];
    await prometheus(0, 'data', 'generate', '--output', files, ...market);
    const imports = ['instruments.csv', 'market_holidays.csv', 'prices_daily'].map((name) => path.join(files, name));
    await prometheus(
      0,
      'data',
      'import',
      ...['--instruments', '--holidays', '--prices'].flatMap((f, i) => [f, imports[i]]),
    );
    const { pid } = await serverStatus(homes[0]);
    const backfill = ['backfill', 'numeric-embeddings', '--start-date', START, '--end-date', END, '--models', MODEL];
    const figures: Figures[] = [];
    for (const count of [1, 2]) {
      await databases.historical.client((client) =>
        client.query('TRUNCATE numeric_window_embeddings, console.backfills, console.throttles, console.shard_done'),
      );
      const before = treeCpuSeconds(pid!);
      // Outside its hours until all have joined: they begin at the same moment.
      const first = prometheus(0, ...backfill, '--window', farHour(), '--workers', '1', '--device', 'cpu', ...urls);
      const id = await soon(async () => (await openBackfills(databases.historical))[0]?.id);
      const others = Array.from({ length: count - 1 }, () =>
        prometheus(1, 'worker', '--workers', '1', '--device', 'cpu', '--until-idle', ...urls),
      );
      await soon(async () => (await working(databases.historical)) === count);
      await changeThrottle(databases.historical, id, { fromNothing: true });
      const ran = await Promise.all([first, ...others]);
      figures.push(await marked(databases.historical, 'rows', ran, treeCpuSeconds(pid!) - before));
    }
    const sweeps: Figures[] = [];
    for (const count of [1, 2]) {
      await databases.historical.client((client) => client.query('TRUNCATE console.backfills, console.shard_done'));
      const begun = prometheus(0, ...SWEEP, '--distributed', '--wait-only', ...urls);
      await soon(async () => (await openBackfills(databases.historical))[0]);
      const before = treeCpuSeconds(pid!);
      // The one that waits is counted with neither: it makes no run.
      const ran = await Promise.all(
        homes.slice(0, count).map((_, k) => prometheus(k, 'worker', '--workers', '1', '--until-idle', ...urls)),
      );
      sweeps.push(await marked(databases.historical, 'runs', ran, treeCpuSeconds(pid!) - before));
      await begun;
    }
    const cost = ({ rows, clientCpu, serverCpu }: Figures) => (clientCpu + serverCpu) / rows;
    const against = ([one, two]: readonly Figures[], what: string): Bar => ({
      ...{ name: 'scale', what: `CPU a ${what} of two processes, against one`, unit: 'times' },
      ...{ figure: cost(two) / cost(one), bar: 1.5, higherIsBetter: false },
    });
    return [against(figures, 'row'), against(sweeps, 'run')];
  } finally {
    await databases.close();
    await dropServer(homes[0]);
    rmSync(folder, { recursive: true, force: true });
  }
}
