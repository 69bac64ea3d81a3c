/**
 * A synthetic market (splits, listings, delistings) from nothing through Phases 0 to 4, by the commands that the phases
 * themselves name, and a bounded part of Phase 5; then B3 and B5 on that market. 600 instruments and 28 years;
 * PROMETHEUS_BENCH_INSTRUMENTS=N and PROMETHEUS_BENCH_YEARS=N (8 … 28, the last ones) take others.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type PhaseSpec, phaseSpecs } from '../../src/phases/catalogue.ts';
import { loadPhaseConfig, requirementsOf } from '../../src/phases/config.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { dropServer, embeddedServer, embeddedTargets, serverStatus } from '../../src/platform/db/embedded.ts';
import { createHome, type Home, homeAt } from '../../src/platform/home.ts';
import { measureCampaign } from './b3.ts';
import { measureBackfill } from './b5.ts';
import { failSuddenly, requireDelisted } from './delisting.ts';
import { requireFree } from './disk.ts';
import { type Bar, builtProgram, runChild, treeCpuSeconds } from './harness.ts';

const INSTRUMENTS = Number(process.env.PROMETHEUS_BENCH_INSTRUMENTS ?? '600');
const YEARS = Number(process.env.PROMETHEUS_BENCH_YEARS ?? '28');
const LAST = '2024-12-31';
const FIRST_YEAR = 2025 - YEARS;
const dayOf = (year: number) => `${Math.max(year, FIRST_YEAR)}-01-02`;
const FIRST = dayOf(FIRST_YEAR);
/** A year of prices stands before the first day that anything is asked of. */
const START = dayOf(FIRST_YEAR + 1);

/** `phases.yaml` of this market: the plan's steps, with contexts over the last two years. */
const PHASES = JSON.stringify({
  prices: { start: FIRST, end: LAST },
  campaign: { start: '2023-01-03', end: LAST },
  numeric: {
    start: dayOf(Math.max(2010, FIRST_YEAR + 1)),
    end: LAST,
    models: ['num-stab-core-v1', 'num-regime-core-v1'],
  },
  lambda: {
    start: dayOf(Math.max(2010, FIRST_YEAR + 1)),
    end: LAST,
    trainStart: dayOf(Math.max(2010, FIRST_YEAR + 1)),
  },
  context: {
    ...{ start: '2023-01-03', headEnd: '2023-12-29', end: LAST, textModel: 'text-fin-static-v1' },
    ...{ encoderStart: dayOf(2010), encoderEnd: '2022-12-30' },
  },
});
/** Words of the news before `context.start`: the table of words is fitted on them. */
const NEWS_START = '2022-01-03';

type Step = readonly [phase: string, argv: readonly string[]];

/** What makes the market; `@` is its folder. */
const MARKET: readonly Step[] = [
  [
    'P0',
    [
      ...['data', 'generate', '--output', '@', '--instruments', String(INSTRUMENTS)],
      ...['--start', FIRST, '--end', LAST, '--news-start', NEWS_START],
    ],
  ],
  [
    'P0',
    [
      ...['data', 'import', '--instruments', '@/instruments.csv', '--holidays', '@/market_holidays.csv'],
      ...['--prices', '@/prices_daily', '--news', '@/news'],
    ],
  ],
];
const WHOLE: Step = [
  'P1',
  [
    ...['backtest', 'campaign-and-meta', '--strategy-id', 'US_CORE_LONG_EQ', '--market-id', 'US_EQ'],
    ...['--start', START, '--end', LAST],
  ],
];
/** As much of the first years as needs no decision: the first 25 names. */
const BOUNDED: Step = [
  'P5',
  [
    ...[
      'backfill',
      'numeric-embeddings',
      '--start-date',
      START,
      '--end-date',
      `${FIRST_YEAR + 7}-12-31`,
      '--limit',
      '25',
    ],
    ...['--models', 'num-stab-core-v1'],
  ],
];

/** B5's first day: a backfill from an earlier one is of the full horizon, and wants a person's decision. */
const B5_START = dayOf(2005);

/** Commands of Phase 3 that leave small clusters out. */
const CLUSTERED = ['opportunity-density', 'train'];

/** The commands of a phase, as the console launches them. */
const stepsOf = ({ phase, commands }: PhaseSpec): Step[] =>
  // Clusters are groups of a sector's names: a small market has few in each.
  commands.map(({ argv }) => [
    phase,
    CLUSTERED.includes(argv[1]) && INSTRUMENTS < 300 ? [...argv, '--min-cluster-size', '2'] : argv,
  ]);

const phasesOf = (home: Home): PhaseSpec[] => phaseSpecs(requirementsOf(loadPhaseConfig(home, {}), false));

export async function run(): Promise<Bar[]> {
  if (!(YEARS >= 8 && YEARS <= 28)) throw new Error('PROMETHEUS_BENCH_YEARS is a number from 8 to 28');
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-horizon-'));
  const home = homeAt(path.join(folder, 'home'));
  createHome(home);
  requireFree(folder, INSTRUMENTS * YEARS > 5000 ? 20 : 3, 'horizon');
  writeFileSync(path.join(home.root, 'phases.yaml'), PHASES);
  const files = path.join(folder, 'market');
  const env = { PROMETHEUS_HOME: home.root, XDG_CONFIG_HOME: folder };
  const databases = openDatabases(embeddedTargets(embeddedServer(home)), { application: 'bench' });
  try {
    await runChild([builtProgram(), 'db', 'up'], env);
    const pid = (await serverStatus(home)).pid!;
    const cpuOf = new Map<string, number>();
    const take = async ([phase, argv]: Step) => {
      const before = treeCpuSeconds(pid);
      const child = await runChild([builtProgram(), ...argv.map((word) => word.replace(/^@/, files))], env);
      const server = treeCpuSeconds(pid) - before;
      cpuOf.set(phase, (cpuOf.get(phase) ?? 0) + child.cpu + server);
      process.stderr.write(
        `bench: horizon ${phase} ${argv.slice(0, 3).join(' ')}: ${child.cpu.toFixed(1)} CPU-s, server ${server.toFixed(1)} CPU-s, ${child.wall.toFixed(0)} s, peak ${child.peakMiB.toFixed(0)} MiB: ${child.stderr.trimEnd().split('\n').at(-1)}\n`,
      );
    };
    for (const step of [...MARKET, WHOLE]) await take(step);
    const failed = await failSuddenly(databases);
    await take(WHOLE);
    process.stderr.write(`bench: horizon ${await requireDelisted(databases, failed)}\n`);
    for (const step of phasesOf(home).flatMap(stepsOf)) await take(step);
    await take(BOUNDED);
    const total = [...cpuOf.values()].reduce((sum, cpu) => sum + cpu, 0);
    process.stderr.write(
      `bench: horizon ${[...cpuOf].map(([phase, cpu]) => `${phase} ${cpu.toFixed(1)} CPU-s`).join(', ')}\n`,
    );
    const what = `${INSTRUMENTS} synthetic instruments of ${YEARS} years`;
    const market = { home, databases, start: START, end: LAST, what, serverCpu: () => treeCpuSeconds(pid) };
    const named = (bars: Bar[]) => bars.map((bar) => ({ ...bar, name: 'horizon', what: `${bar.name} ${bar.what}` }));
    const close = () => databases.close();
    const b5 = named(await measureBackfill({ ...market, start: B5_START > START ? B5_START : START, close }));
    const b3 = named(await measureCampaign({ ...market, close }, `${YEARS - 1} years`));
    return [
      {
        ...{ name: 'horizon', what: `${INSTRUMENTS} names, ${YEARS} years, Phases 0 to 5`, unit: 'CPU-s' },
        ...{ figure: total, bar: 3600, higherIsBetter: false },
      },
      ...b3,
      ...b5,
    ];
  } finally {
    await databases.close().catch(() => {});
    await dropServer(home);
    rmSync(folder, { recursive: true, force: true });
  }
}
