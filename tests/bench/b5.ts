/**
 * B5: the numeric backfill as users run it, from prices to committed rows with the key in place: v1 and whether it stays flat,
 * then an encoder that was fitted.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { requireFree } from './disk.ts';
import { type Bar, builtProgram, runChild } from './harness.ts';
import { type BenchMarket, openMarket } from './market.ts';

const MODELS = ['num-stab-core-v1', 'num-regime-core-v1'];

/** The largest graph of the fitted ones, and the years that it learns from and writes: it may not write its own past. */
const FITTED = 'num-stab-core-v2';
const LEARNS = { start: '2015-01-02', end: '2017-12-29' };
const WRITES = { start: '2018-01-02', end: '2020-12-31' };

interface Filled {
  readonly rows: number;
  readonly cpu: number;
  readonly wall: number;
}

/** Empties the table and writes more than two million vectors; returns their number and the CPU that they took. */
export async function fillVectors(market: BenchMarket): Promise<Filled> {
  await market.databases.historical.client((client) =>
    client.query('TRUNCATE numeric_window_embeddings, console.backfills, console.shard_done'),
  );
  return fill(market, MODELS, market);
}

async function fill(
  market: BenchMarket,
  models: readonly string[],
  { start, end }: { start: string; end: string },
): Promise<Filled> {
  const argv = ['backfill', 'numeric-embeddings', '--start-date', start, '--end-date', end, '--json'];
  const server = market.serverCpu();
  const child = await runChild([builtProgram(), ...argv, ...models.flatMap((model) => ['--models', model])], {
    PROMETHEUS_HOME: market.home.root,
  });
  const cpu = child.cpu + market.serverCpu() - server;
  process.stderr.write(
    `bench: B5 ${models.join(', ')}: client ${child.cpu.toFixed(1)} CPU-s, all ${cpu.toFixed(1)} CPU-s, ${child.wall.toFixed(1)} s wall, peak ${child.peakMiB.toFixed(0)} MiB\n`,
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
    return [...(await measureBackfill(market)), await measureFitted(market)];
  } finally {
    await market.close();
  }
}

async function measureFitted(market: BenchMarket): Promise<Bar> {
  if (!existsSync(path.join(market.home.models, FITTED))) {
    const argv = ['models', 'fit', FITTED, '--train-start', LEARNS.start, '--train-end', LEARNS.end];
    const { cpu } = await runChild([builtProgram(), ...argv], { PROMETHEUS_HOME: market.home.root });
    process.stderr.write(`bench: B5 ${FITTED} fitted in ${cpu.toFixed(1)} CPU-s\n`);
  }
  const { rows, cpu } = await fill(market, [FITTED], WRITES);
  return {
    name: 'B5',
    what: `numeric v2 backfill (${FITTED}), the same`,
    figure: rows / cpu,
    bar: 5000,
    unit: 'rows/CPU-s',
    higherIsBetter: true,
  };
}

/** The backfill of v1 over any market. Empties the numeric vectors. */
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
