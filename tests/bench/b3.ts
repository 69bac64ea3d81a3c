/** B3: fifteen years (or those of another market), three sleeves: engine, rows written, and whether a late day costs more than an early one. */

import { computeFeatures } from '../../engines/backtest/features.ts';
import { loadCampaign } from '../../engines/backtest/load.ts';
import { campaignOptions } from '../../engines/backtest/options.ts';
import { runMetrics } from '../../engines/backtest/record.ts';
import { simulateSleeve } from '../../engines/backtest/simulate.ts';
import { canonicalSleeves } from '../../engines/backtest/sleeves.ts';
import { writeRun } from '../../engines/backtest/storage.ts';
import { newId } from '../../src/platform/ids.ts';
import { type Bar, cpuSeconds, measure } from './harness.ts';
import { type BenchMarket, openMarket } from './market.ts';

export async function run(): Promise<Bar[]> {
  const market = await openMarket();
  try {
    return await measureCampaign(market, '15 years');
  } finally {
    await market.databases.close().catch(() => {});
    await market.close().catch(() => {});
  }
}

/** The same of any market. Empties the tables of backtests, and closes the market's databases. */
export async function measureCampaign(market: BenchMarket, years: string): Promise<Bar[]> {
  const sleeves = canonicalSleeves('BENCH', 'US_EQ');
  const options = campaignOptions(
    {
      marketId: 'US_EQ',
      start: market.start,
      end: market.end,
      initialCash: 1e6,
      disableRisk: false,
      assessmentBackend: 'basic',
      assessmentUseJointContext: false,
      regimeAlpha: 0,
      fill: 'close',
      slippageBps: 0,
      commissionBps: 0,
      wholeShares: false,
      priceField: 'close',
      persist: 'standard',
      allowInSample: false,
    },
    sleeves,
  );
  const { panel } = await loadCampaign(options, { databases: market.databases, home: market.home });
  let engine = 0;
  const horizons = sleeves.map((sleeve) => sleeve.horizonDays);
  const { value: features, cpu } = await measure(() =>
    computeFeatures(panel, {
      first: panel.first,
      count: panel.count,
      transitionHistory: 0,
      horizons,
      priceField: 'close',
      withOpen: false,
    }),
  );
  engine += cpu;
  const months = new Set<string>();
  const snapshotDays = Array.from({ length: panel.count }, (_, d) => panel.count - 1 - d).filter((d) => {
    const month = new Date(panel.calendar.days[panel.first + d] * 86_400_000).toISOString().slice(0, 7);
    return !months.has(month) && months.add(month);
  });
  const dayTimes: number[][] = [];
  const results = [];
  for (const sleeve of sleeves) {
    const times: number[] = [];
    let last = performance.now();
    const measured = await measure(() =>
      simulateSleeve(
        features,
        {
          horizonDays: sleeve.horizonDays,
          initialCash: 1e6,
          broker: options.broker,
          risk: true,
          snapshotDays,
          keepStages: false,
        },
        () => {
          const now = performance.now();
          times.push(now - last);
          last = now;
        },
      ),
    );
    engine += measured.cpu;
    dayTimes.push(times);
    results.push(measured.value);
  }
  // Sessions of 50 days about either, and of as many names.
  const late = Math.min(2400, panel.count - 51);
  const median = (d: number) => {
    const near = dayTimes.flatMap((times) => times.slice(d - 50, d + 50)).sort((a, b) => a - b);
    return near[near.length >> 1];
  };
  // What earlier benchmarks wrote would be replaced row by row; a first run of a sleeve is what is measured.
  await market.databases.runtime.client((client) =>
    client.query(
      'TRUNCATE backtest_runs, engine_decisions, decision_outcomes, executed_actions, positions_snapshots, soft_target_classes CASCADE',
    ),
  );
  let rows = 0;
  const server = market.serverCpu();
  const client = cpuSeconds();
  for (let k = 0; k < sleeves.length; k++) {
    const written = await writeRun(market.databases.runtime, {
      runId: newId(),
      sleeve: sleeves[k],
      config: {},
      metrics: runMetrics(results[k], panel, options, {}),
      panel,
      features,
      result: results[k],
      initialCash: 1e6,
      risk: true,
      full: false,
      ownsStates: k === 0,
    });
    rows += Object.values(written).reduce((a, b) => a + b, 0);
  }
  // A session's CPU reaches the server's account when it ends.
  await market.databases.close();
  const spent = cpuSeconds() - client + market.serverCpu() - server;
  process.stderr.write(
    `bench: B3 ${market.what}, ${panel.count} days, ${rows} rows written in ${spent.toFixed(1)} CPU-s\n`,
  );
  return [
    {
      name: 'B3',
      what: `${years}, 3 sleeves, engine`,
      figure: engine,
      bar: 15,
      unit: 'CPU-s',
      higherIsBetter: false,
    },
    {
      name: 'B3',
      what: 'rows written, server included',
      figure: rows / spent,
      bar: 150_000,
      unit: 'rows/CPU-s',
      higherIsBetter: true,
    },
    {
      name: 'B3',
      what: `day ${late.toLocaleString('en-US')} against day 100`,
      figure: median(late) / median(100),
      bar: 1.3,
      unit: 'times',
      higherIsBetter: false,
    },
  ];
}
