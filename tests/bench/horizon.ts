/**
 * A synthetic market of twenty-eight years (splits, listings, delistings) from nothing through Phases 0 to 4 and a bounded part of
 * Phase 5, each step as users run it. 600 instruments; PROMETHEUS_BENCH_INSTRUMENTS=N takes others.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dropServer, serverStatus } from '../../src/platform/db/embedded.ts';
import { createHome, homeAt } from '../../src/platform/home.ts';
import { requireFree } from './disk.ts';
import { type Bar, builtProgram, runChild, treeCpuSeconds } from './harness.ts';

const INSTRUMENTS = process.env.PROMETHEUS_BENCH_INSTRUMENTS ?? '600';
const [FIRST, LAST] = ['1997-01-02', '2024-12-31'];
const MODELS = ['num-stab-core-v1', 'num-regime-core-v1'];
const LAST_QUARTER = ['--start', '2024-10-01', '--end', LAST];
const STATIC = ['--text-model-id', 'text-fin-static-v1'];

/** Phase and command line of each step; `@` is the market's folder. */
const STEPS: readonly (readonly [phase: string, argv: readonly string[]])[] = [
  [
    'P0',
    [
      'data',
      'generate',
      '--output',
      '@',
      '--instruments',
      INSTRUMENTS,
      '--start',
      FIRST,
      '--end',
      LAST,
      '--news-start',
      '2024-01-02',
    ],
  ],
  [
    'P0',
    [
      ...['data', 'import', '--instruments', '@/instruments.csv', '--holidays', '@/market_holidays.csv'],
      ...['--prices', '@/prices_daily', '--news', '@/news'],
    ],
  ],
  [
    'P1',
    [
      ...['backtest', 'campaign-and-meta', '--strategy-id', 'US_CORE_LONG_EQ', '--market-id', 'US_EQ'],
      ...['--start', '1998-01-02', '--end', LAST],
    ],
  ],
  [
    'P2',
    [
      'backfill',
      'numeric-embeddings',
      '--start-date',
      '2010-01-04',
      '--end-date',
      LAST,
      ...MODELS.flatMap((id) => ['--models', id]),
    ],
  ],
  [
    'P3',
    [
      'backfill',
      'opportunity-density',
      '--start',
      '2010-01-04',
      '--end',
      LAST,
      '--min-cluster-size',
      '2',
      '--output',
      '@/lambda.csv',
    ],
  ],
  ['P4', ['models', 'fit', 'text-fin-static-v1', '--train-end', '2024-09-30']],
  ['P4', ['backfill', 'text-embeddings', '--model-id', 'text-fin-static-v1', ...LAST_QUARTER]],
  ['P4', ['backfill', 'joint-stab-fragility', ...LAST_QUARTER, ...STATIC]],
  ['P4', ['backfill', 'joint-assessment-context', ...LAST_QUARTER, ...STATIC]],
  // As much of the years before 2005 as needs no decision: the first 25 names.
  [
    'P5',
    [
      ...['backfill', 'numeric-embeddings', '--start-date', '1998-01-02', '--end-date', '2004-12-31', '--limit', '25'],
      ...['--models', MODELS[0]],
    ],
  ],
];

export async function run(): Promise<Bar[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-horizon-'));
  const home = homeAt(path.join(folder, 'home'));
  createHome(home);
  requireFree(folder, 20, 'horizon');
  const files = path.join(folder, 'market');
  const prometheus = (argv: readonly string[]) =>
    runChild([builtProgram(), ...argv.map((word) => word.replace(/^@/, files))], { PROMETHEUS_HOME: home.root });
  try {
    await prometheus(['db', 'up']);
    const { pid } = await serverStatus(home);
    const cpuOf = new Map<string, number>();
    for (const [phase, argv] of STEPS) {
      const before = treeCpuSeconds(pid!);
      const { cpu, wall, peakMiB, stderr } = await prometheus(argv);
      const server = treeCpuSeconds(pid!) - before;
      cpuOf.set(phase, (cpuOf.get(phase) ?? 0) + cpu + server);
      process.stderr.write(
        `bench: horizon ${phase} ${argv.slice(0, 3).join(' ')}: ${cpu.toFixed(1)} CPU-s, server ${server.toFixed(1)} CPU-s, ${wall.toFixed(0)} s, peak ${peakMiB.toFixed(0)} MiB: ${stderr.trimEnd().split('\n').at(-1)}\n`,
      );
    }
    const total = [...cpuOf.values()].reduce((sum, cpu) => sum + cpu, 0);
    return [
      {
        ...{ name: 'horizon', what: `${INSTRUMENTS} names, 28 years, Phases 0 to 5`, unit: 'CPU-s' },
        ...{ figure: total, bar: 3600, higherIsBetter: false },
      },
    ];
  } finally {
    await dropServer(home);
    rmSync(folder, { recursive: true, force: true });
  }
}
