/** B5: the numeric v1 backfill as users run it, from prices to committed rows with the key in place, and whether it stays flat. */

import { requireFree } from './disk.ts';
import { type Bar, builtProgram, runChild } from './harness.ts';
import { type BenchMarket, openMarket } from './market.ts';

const MODELS = ['num-stab-core-v1', 'num-regime-core-v1'];

/** Empties the table and writes more than two million vectors; returns their number and the CPU that they took. */
export async function fillVectors(market: BenchMarket): Promise<{ rows: number; cpu: number; wall: number }> {
  await market.databases.historical.client((client) =>
    client.query('TRUNCATE numeric_window_embeddings, console.backfills, console.shard_done'),
  );
  const argv = ['backfill', 'numeric-embeddings', '--start-date', market.start, '--end-date', market.end, '--json'];
  const server = market.serverCpu();
  const child = await runChild([builtProgram(), ...argv, ...MODELS.flatMap((model) => ['--models', model])], {
    PROMETHEUS_HOME: market.home.root,
  });
  const cpu = child.cpu + market.serverCpu() - server;
  process.stderr.write(
    `bench: B5 client ${child.cpu.toFixed(1)} CPU-s, all ${cpu.toFixed(1)} CPU-s, ${child.wall.toFixed(1)} s wall, peak ${child.peakMiB.toFixed(0)} MiB\n`,
  );
  return { rows: (JSON.parse(child.stdout) as { written: number }).written, cpu, wall: child.wall };
}

/** Rows a second of each quarter of the backfill, by the times at which its shards committed. */
async function quarters(market: BenchMarket): Promise<number[]> {
  const { rows } = await market.databases.historical.client((client) =>
    client.query<{ rows: number; seconds: number }>(
      `SELECT sum(rows) AS rows, extract(epoch FROM max(done_at) - min(done_at))::float8 AS seconds
         FROM (SELECT rows, done_at, ntile(4) OVER (ORDER BY done_at) AS quarter FROM console.shard_done) q
        GROUP BY quarter ORDER BY quarter`,
    ),
  );
  return rows.map((row) => row.rows / row.seconds);
}

export async function run(): Promise<Bar[]> {
  const market = await openMarket();
  try {
    requireFree(market.home.root, 12, 'B5');
    return await measureBackfill(market);
  } finally {
    await market.close();
  }
}

/** The same of any market. Empties the numeric vectors. */
export async function measureBackfill(market: BenchMarket): Promise<Bar[]> {
  const { rows, cpu } = await fillVectors(market);
  const rates = await quarters(market);
  process.stderr.write(
    `bench: B5 ${market.what}, ${rows} vectors, rows/s by quarter ${rates.map((rate) => Math.round(rate)).join(', ')}\n`,
  );
  return [
    {
      name: 'B5',
      what: 'numeric v1 backfill, end to end, server included',
      figure: rows / cpu,
      bar: 40_000,
      unit: 'rows/CPU-s',
      higherIsBetter: true,
    },
    {
      name: 'B5',
      what: 'rate of the last quarter against the first',
      figure: rates[3] / rates[0],
      bar: 0.8,
      unit: 'times',
      higherIsBetter: true,
    },
  ];
}
