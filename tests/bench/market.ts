/**
 * The benchmarks' databases: an embedded server in a home of its own that is kept between runs, filled once with the real
 * prices of ../shared, or with a synthetic market of the same size where they are absent.
 */
import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Databases, openDatabases } from '../../src/platform/db/databases.ts';
import {
  embeddedServer,
  embeddedTargets,
  serverStatus,
  startServer,
  stopServer,
} from '../../src/platform/db/embedded.ts';
import { createHome, type Home, homeAt } from '../../src/platform/home.ts';
import { builtProgram, runChild, treeCpuSeconds } from './harness.ts';

const NEEDED_BYTES = 8 * 2 ** 30;

export interface BenchMarket {
  readonly home: Home;
  readonly databases: Databases;
  /** First day of campaigns and vectors. */
  readonly start: string;
  /** Last day with prices. */
  readonly end: string;
  readonly what: string;
  /** CPU seconds of the whole server so far, ended sessions included. */
  serverCpu(): number;
  close(): Promise<void>;
}

/** Starts the server and fills it when it is empty. */
export async function openMarket(): Promise<BenchMarket> {
  const root = path.join(tmpdir(), 'prometheus-bench-home');
  const free = statfsSync(tmpdir());
  if (!existsSync(root) && free.bavail * free.bsize < NEEDED_BYTES) {
    throw new Error(`the benchmarks need 8 GiB free in ${tmpdir()}; set TMPDIR to a larger disk`);
  }
  const home = homeAt(root);
  createHome(home);
  const wasRunning = (await serverStatus(home)).running;
  await startServer(home);
  const shared = path.resolve(import.meta.dirname, '../../../shared/data');
  const real = existsSync(path.join(shared, 'instruments.csv'));
  const env = { PROMETHEUS_HOME: root };
  const databases = openDatabases(embeddedTargets(embeddedServer(home)), { application: 'bench' });
  await runChild([builtProgram(), 'db', 'up'], env);
  const { rows } = await databases.historical.client((client) =>
    client.query(`SELECT count(*) AS n FROM prices_daily`),
  );
  if (rows[0].n === 0) {
    process.stderr.write('bench: filling the databases once (about a minute)\n');
    let files = shared;
    if (!real) {
      files = path.join(home.cache, 'market');
      await runChild([builtProgram(), 'data', 'generate', '--output', files, '--instruments', '451'], env);
    }
    const flags = [
      '--instruments',
      `${files}/instruments.csv`,
      '--holidays',
      `${files}/market_holidays.csv`,
      '--prices',
      `${files}/prices_daily`,
    ];
    await runChild([builtProgram(), 'data', 'import', ...flags], env);
    await databases.historical.client((client) => client.query('VACUUM ANALYZE prices_daily'));
  }
  const serverPid = (await serverStatus(home)).pid!;
  return {
    home,
    databases,
    start: '2010-01-04',
    end: real ? '2024-08-26' : '2024-12-31',
    what: real ? '451 real instruments' : '451 synthetic instruments',
    serverCpu: () => treeCpuSeconds(serverPid),
    close: async () => {
      await databases.close();
      if (!wasRunning) await stopServer(home);
    },
  };
}
