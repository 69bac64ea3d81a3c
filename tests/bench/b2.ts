/** B2: the plan's campaign as users run it, rows written; the server's CPU beside it. */
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { type Bar, builtProgram, runChild } from './harness.ts';
import { openMarket } from './market.ts';

export async function run(): Promise<Bar[]> {
  const market = await openMarket();
  try {
    const argv = [
      'backtest',
      'campaign',
      '--market-id',
      'US_EQ',
      '--start',
      '2014-01-02',
      '--end',
      '2014-03-31',
      '--max-workers',
      '3',
    ];
    argv.push(...canonicalSleeves('US_CORE_LONG_EQ', 'US_EQ').flatMap((sleeve) => ['--sleeve', formatSleeve(sleeve)]));
    const before = market.serverCpu();
    const child = await runChild([builtProgram(), ...argv], { PROMETHEUS_HOME: market.home.root });
    const server = market.serverCpu() - before;
    process.stderr.write(
      `bench: B2 ${market.what}, ${child.wall.toFixed(1)} s wall, server ${server.toFixed(2)} CPU-s, peak ${child.peakMiB.toFixed(0)} MiB\n`,
    );
    return [
      {
        name: 'B2',
        what: "the plan's campaign, whole client process",
        figure: child.cpu,
        bar: 3,
        unit: 'CPU-s',
        higherIsBetter: false,
      },
    ];
  } finally {
    await market.close();
  }
}
