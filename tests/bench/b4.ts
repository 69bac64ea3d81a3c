/** B4: loading prices into the panel, from PostgreSQL and from the cache on disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCachedColumns, writeCachedColumns } from '../../engines/market/panel-cache.ts';
import { loadPanel } from '../../engines/market/storage.ts';
import { parseDay } from '../../src/platform/dates.ts';
import { type Bar, cpuSeconds, measure } from './harness.ts';
import { openMarket } from './market.ts';

export async function run(): Promise<Bar[]> {
  const market = await openMarket();
  const cacheFolder = mkdtempSync(path.join(tmpdir(), 'prometheus-bench-cache-'));
  try {
    const request = {
      marketId: 'US_EQ',
      start: parseDay('2010-01-04'),
      end: parseDay(market.end),
      lookback: 0,
      columns: ['close', 'volume'] as const,
      cacheFolder: null,
    };
    await loadPanel(market.databases, request); // warms the server's buffers
    const server = market.serverCpu();
    const client = cpuSeconds();
    const panel = await loadPanel(market.databases, request);
    await market.databases.close();
    const spent = cpuSeconds() - client + market.serverCpu() - server;
    const key = {
      version: 'bench',
      instruments: panel.instruments.map((i) => i.id),
      days: panel.calendar.days,
      columns: ['close', 'volume'] as const,
    };
    await writeCachedColumns(cacheFolder, key, panel);
    await readCachedColumns(cacheFolder, key);
    const times = [];
    for (let k = 0; k < 5; k++) times.push((await measure(() => readCachedColumns(cacheFolder, key))).cpu);
    process.stderr.write(`bench: B4 ${market.what}, ${panel.rows} rows\n`);
    return [
      {
        name: 'B4',
        what: 'price load from PostgreSQL, server included',
        figure: panel.rows / spent,
        bar: 500_000,
        unit: 'rows/CPU-s',
        higherIsBetter: true,
      },
      {
        name: 'B4',
        what: 'price load from the panel cache',
        figure: panel.rows / Math.min(...times),
        bar: 8_000_000,
        unit: 'rows/CPU-s',
        higherIsBetter: true,
      },
    ];
  } finally {
    rmSync(cacheFolder, { recursive: true, force: true });
    await market.databases.close().catch(() => {});
    await market.close().catch(() => {});
  }
}
