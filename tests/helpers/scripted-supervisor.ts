/** A supervisor whose world is written down: for the console's tests and pictures, where the figures must not move. */
import { PROGRAMS } from '../../engines/catalog.ts';
import { validateJob } from '../../src/cli/job-check.ts';
import { policySchema } from '../../src/cli/job-policy.ts';
import { argumentFields, programSummary } from '../../src/cli/job-programs.ts';
import type { CheckResult, CheckState, CoverageRow, PhaseResult } from '../../src/phases/types.ts';
import { homeAt } from '../../src/platform/home.ts';
import type { ComparedFigure, ComparedRun, Comparison, RunDetail, RunRow } from '../../src/report/types.ts';
import type {
  JobState,
  JobView,
  LaunchRequest,
  MetricSeries,
  RunSummary,
  Snapshot,
  Supervisor,
} from '../../src/supervisor/protocol.ts';
import type { KeptSeries, ReadArgs, ReadName, ReadResult, ReadResults } from '../../src/supervisor/reads.ts';
import { jobViewOf } from './snapshots.ts';

/** The moment at which the scripted world stands still. */
export const NOW = Date.UTC(2025, 11, 8, 14, 22, 7);

const check = (id: string, title: string, state: CheckState, rest: Partial<CheckResult>): CheckResult => ({
  id,
  title,
  state,
  observed: '–',
  required: 'any',
  reason: '',
  fix: null,
  at: NOW - 38_000,
  costMs: 12,
  advisory: false,
  source: 'SELECT 1',
  ...rest,
});

const phase = (
  name: PhaseResult['phase'],
  title: string,
  state: CheckState,
  rest: Partial<PhaseResult>,
): PhaseResult => ({
  phase: name,
  title,
  goal: '',
  optional: false,
  state,
  passed: 0,
  required: 0,
  headline: '',
  why: [],
  blockedBy: [],
  checks: [],
  commands: [],
  next: 0,
  notes: [],
  skip: null,
  ...rest,
});

export const CAMPAIGN = [
  'backtest',
  'campaign',
  '--market-id',
  'US_EQ',
  '--start',
  '2014-01-02',
  '--end',
  '2014-03-31',
  ...[5, 21, 63].flatMap((h) => {
    const sleeve = `US_CORE_LONG_EQ_H${h}`;
    return ['--sleeve', `${sleeve}:US_CORE_LONG_EQ:US_EQ:${sleeve}_UNIVERSE:${sleeve}_PORTFOLIO:${sleeve}_ASSESS:${h}`];
  }),
];

const p0Checks = [
  check('P0.databases', 'both databases reachable and migrated', 'OK', {
    observed: 'historical: 3 migrations · runtime: 3 migrations',
  }),
  check('P0.prices', 'daily prices over the required range', 'OK', {
    observed: '301,842 rows · 80 instruments · 2010-01-04 → 2024-12-31',
    required: '2010-01-04 → 2024-12-31 (demo)',
  }),
  check('P0.holidays', 'holiday table covers the prices', 'OK', { observed: '135 holidays · 2010-01-01 → 2024-12-25' }),
  check('P0.gaps', 'prices are continuous', 'OK', {
    observed: '100 % of 3,773 trading days · 99.98 % of instrument days · no hole',
  }),
  check('P0.news', 'several years of news', 'OK', {
    observed: '41,204 articles · 2013-01-02 → 2024-12-31 · 120 months from 2015 on',
  }),
  check('P0.tests', 'test run of this build', 'WAIT', {
    observed: 'no record',
    required: 'a run of bin/test on this build without failures',
    reason: 'no test run is recorded in this checkout',
    fix: 'bin/test',
  }),
];

const p1Checks = [
  check('P1.runs', 'a run of each canonical sleeve', 'PART', {
    observed: '2 of 3 sleeves: US_CORE_LONG_EQ_H5, US_CORE_LONG_EQ_H21',
    required: 'a run of US_CORE_LONG_EQ_H5, _H21 and _H63 over 2014-01-02 → 2014-03-31',
    reason: 'US_CORE_LONG_EQ_H63 has no run over the window; its last one ended 2014-02-14, when job 0003 was stopped',
    fix: 'backtest campaign --market-id US_EQ --start 2014-01-02 --end 2014-03-31 --sleeve US_CORE_LONG_EQ_H63:US_CORE_LONG_EQ:US_EQ:US_CORE_LONG_EQ_H63_UNIVERSE:US_CORE_LONG_EQ_H63_PORTFOLIO:US_CORE_LONG_EQ_H63_ASSESS:63',
    at: NOW - 65_000,
  }),
  check('P1.equity', 'equity moves', 'FAIL', {
    observed: 'US_CORE_LONG_EQ_H5 is flat on 58 of 61 days',
    required: 'no sleeve flat on more than 5 days in a row',
    reason: 'a flat curve means that nothing was traded: prices or holidays were missing when it ran',
    fix: 'why P0.gaps',
  }),
  check('P1.trades', 'trades and positions are written', 'OK', {
    observed: '1,904 trades · 4,410 month-end positions',
  }),
  check('P1.point-in-time', 'nothing looks ahead', 'UNKN', {
    observed: '–',
    required: 'changing every price after a date changes no row before it',
    reason: 'the query was cancelled after 4 s (statement_timeout) while a campaign was writing',
    fix: 'verify point-in-time',
    at: NOW - 3_600_000,
  }),
];

export const PHASES: readonly PhaseResult[] = [
  phase('P0', 'Sanity: tests and data', 'PART', {
    passed: 5,
    required: 6,
    headline: 'no test run recorded',
    why: ['P0.tests WAIT: no test run is recorded in this checkout'],
    checks: p0Checks,
    commands: [
      {
        label: 'import prices',
        argv: ['data', 'import', '--instruments', 'FILE', '--holidays', 'FILE', '--prices', 'PATH'],
      },
    ],
  }),
  phase('P1', 'Baseline backtest', 'FAIL', {
    passed: 1,
    required: 4,
    headline: 'US_CORE_LONG_EQ_H5 is flat on 58 of 61 days',
    why: p1Checks.filter((c) => c.state !== 'OK').map((c) => `${c.id} ${c.state}: ${c.reason}`),
    checks: p1Checks,
    commands: [{ label: 'campaign 2014-01-02 → 2014-03-31', argv: CAMPAIGN }],
  }),
  phase('P2', 'Numeric embeddings', 'BLKD', {
    required: 5,
    headline: 'needs P1: equity is flat',
    why: ['Needs P1: P1.equity is FAIL. A flat curve means that nothing was traded.'],
    blockedBy: ['Needs P1: P1.equity is FAIL. A flat curve means that nothing was traded.'],
    commands: [{ label: 'numeric embeddings', argv: ['backfill', 'numeric-embeddings'] }],
  }),
  phase('P3', 'Opportunity density λ', 'SKIP', {
    optional: true,
    required: 4,
    headline: 'skipped by ada@desk: after Phase 4',
    why: ['Skipped by ada@desk on 2025-11-26: after Phase 4.'],
    skip: { reason: 'after Phase 4', who: 'ada@desk', at: NOW - 12 * 86_400_000 },
  }),
  phase('P4', 'Context assessment', 'BLKD', {
    required: 6,
    headline: 'needs P2: numeric embeddings cover 0 % of 2010-01-04 → 2024-12-31',
    why: ['Needs P2, which is itself blocked: needs P1'],
    blockedBy: ['Needs P2, which is itself blocked: needs P1'],
  }),
  phase('P5', 'Full-horizon decision', 'WAIT', {
    required: 3,
    headline: 'needs P1, P2 and P3 or P4',
    why: ['Needs P1, P2 and one of P3 and P4.'],
    blockedBy: ['Needs P1, P2 and one of P3 and P4.'],
  }),
];

const years = (from: number, to: number, share: (year: number) => number | null) =>
  Object.fromEntries(Array.from({ length: to - from + 1 }, (_, i) => [String(from + i), share(from + i)]));

export const COVERAGE: readonly CoverageRow[] = [
  {
    name: 'prices_daily',
    rows: 301_842,
    first: '2010-01-04',
    last: '2024-12-31',
    share: 0.9998,
    byYear: years(2010, 2024, () => 1),
    countByYear: years(2010, 2024, () => 20_123),
    problem: null,
  },
  {
    name: 'news_articles',
    rows: 41_204,
    first: '2013-01-02',
    last: '2024-12-31',
    share: 0.871,
    byYear: years(2010, 2024, (y) => (y < 2013 ? null : y === 2019 ? 0.41 : y === 2016 ? 0.93 : 0.999)),
    countByYear: years(2010, 2024, (y) => (y < 2013 ? 0 : y === 2019 ? 103 : 251)),
    problem: null,
  },
  {
    name: 'num-regime-core-v1',
    rows: 84_100,
    first: '2010-04-05',
    last: '2014-11-20',
    share: 0.279,
    byYear: years(2010, 2024, (y) => (y < 2014 ? 1 : y === 2014 ? 0.88 : 0)),
    countByYear: years(2010, 2024, (y) => (y < 2014 ? 18_800 : y === 2014 ? 8_900 : 0)),
    problem: null,
  },
  {
    name: 'num-stab-core-v1',
    rows: 0,
    first: null,
    last: null,
    share: 0,
    byYear: years(2010, 2024, () => 0),
    countByYear: years(2010, 2024, () => 0),
    problem: null,
  },
  {
    name: 'text-fin-general-v1',
    rows: null,
    first: null,
    last: null,
    share: null,
    byYear: {},
    countByYear: {},
    problem: 'permission denied for table text_embeddings',
  },
  {
    name: 'joint-assessment-v1',
    rows: 0,
    first: null,
    last: null,
    share: 0,
    byYear: years(2010, 2024, () => 0),
    countByYear: years(2010, 2024, () => 0),
    problem: null,
  },
];

const job = (id: string, state: JobState, rest: Partial<JobView>): JobView =>
  jobViewOf({
    id,
    args: CAMPAIGN.slice(2),
    state,
    createdAt: NOW - 60_000,
    startedAt: NOW - 60_000,
    pid: null,
    build: '9f3c2e1',
    ...rest,
  });

const JOBS: readonly JobView[] = [
  job('0007-backtest-campaign', 'RUN', {
    startedAt: NOW - 42_000,
    pid: 4711,
    stage: 'simulate and record',
    progress: { done: 112, total: 183, unit: 'days', rate: 2.87, eta: { seconds: 24.7, low: 23, high: 28 } },
  }),
  job('0006-verify-point-in-time', 'FAIL', {
    program: 'verify point-in-time',
    args: [],
    reason: 'exit code 1',
    summary: 'the historical database does not answer. Start it with: prometheus db up',
    startedAt: NOW - 3_700_000,
    endedAt: NOW - 3_600_000,
    exitCode: 1,
  }),
  job('0005-backtest-campaign', 'DONE', {
    summary: '3 runs · best US_CORE_LONG_EQ_H21, Sharpe 1.62',
    startedAt: NOW - 9_000_000,
    endedAt: NOW - 8_984_000,
    exitCode: 0,
    progress: { done: 183, total: 183, unit: 'days', rate: 2.9, eta: null },
  }),
  job('0004-data-import', 'PART', {
    program: 'data import',
    args: ['--prices', 'in/'],
    reason: 'exit code 3: some items failed',
    summary: '301,842 rows imported, 12 rejected',
    startedAt: NOW - 90_000_000,
    endedAt: NOW - 89_980_000,
    exitCode: 3,
  }),
  job('0003-backtest-campaign', 'STOP', {
    reason: 'stopped by hand, ended by SIGTERM',
    startedAt: NOW - 95_000_000,
    endedAt: NOW - 94_996_000,
  }),
  job('0002-backtest-campaign', 'LOST', {
    reason: 'no exit record: its processes are gone (killed, or the machine was restarted)',
    startedAt: NOW - 180_000_000,
  }),
];

/** A curve that looks like one: deterministic, with drifts and a drawdown. */
const curve = (count: number, seed: number): number[] => {
  let value = 1_000_000;
  return Array.from(
    { length: count },
    (_, i) => (value *= 1 + 0.004 * Math.sin(i / 5 + seed) + 0.0012 * Math.cos(i * 1.7 + seed)),
  );
};

const SLEEVES = ['US_CORE_LONG_EQ_H5', 'US_CORE_LONG_EQ_H21', 'US_CORE_LONG_EQ_H63'];
const RUNS: readonly RunSummary[] = SLEEVES.map((sleeveId, i) => ({
  runId: ['6f1e9d02-77aa', '9c20b1ff-2d8a', 'e4b703be-c45d'][i],
  sleeveId,
  start: '2014-01-02',
  end: '2014-03-31',
  createdAt: NOW - 8_984_000,
  cumulativeReturn: [0.0438, 0.0438, -0.0121][i],
  sharpe: [1.49, 1.49, null][i],
  maxDrawdown: [-0.0499, -0.0499, -0.0833][i],
  trades: [25_100, 25_100, 0][i],
  equity: i === 2 ? Array.from({ length: 61 }, () => 1_000_000) : curve(61, i * 0.7),
  caveat: 'same-close, no costs: not tradable',
}));

export const METRICS = SLEEVES.flatMap((series, i) => [
  { name: 'equity', series, unit: 'USD', last: 1_012_000 + i * 911, points: curve(37, i) },
  {
    name: 'drawdown',
    series,
    unit: 'share',
    last: -0.0123 * (i + 1),
    points: curve(37, i + 2).map((v) => -Math.abs(Math.sin(v / 9000)) / 30),
  },
  {
    name: 'positions',
    series,
    unit: 'names',
    last: 38 + i,
    points: Array.from({ length: 37 }, (_, k) => 30 + ((k * 7 + i) % 11)),
  },
  {
    name: 'speed',
    series,
    unit: 'days/s',
    last: 61.4 + i,
    points: Array.from({ length: 37 }, (_, k) => 58 + ((k * 5 + i) % 7)),
  },
]);

const LOG = [
  'loaded 80 instruments, 3,773 trading days from the panel cache',
  'US_CORE_LONG_EQ_H5: 61 days, 25 names a day',
  'US_CORE_LONG_EQ_H21 and US_CORE_LONG_EQ_H5 are identical: max(horizon, 21) days of momentum',
  'warn: AXPE.US has no price on 2014-02-11; its last close is kept',
  'US_CORE_LONG_EQ_H63: day 37 of 61 · equity 1,013,822',
];

/** The whole scripted world: something of everything, with trouble in it. */
export const SNAPSHOT: Snapshot = {
  sequence: 1,
  journal: [],
  handover: null,
  at: NOW,
  demo: true,
  home: '/home/user/.local/share/prometheus-demo',
  databases: {
    historical: { label: 'historical database (prometheus_historical on /run/x)', up: true, problem: null },
    runtime: { label: 'runtime database (prometheus_runtime on /run/x)', up: true, problem: null },
  },
  board: { at: NOW - 38_000, phases: PHASES, coverage: { rows: COVERAGE, at: NOW - 38_000, costMs: 41 } },
  boardProblem: null,
  checking: false,
  machine: {
    at: NOW,
    cpu: { cores: 64, busy: 0.71, perCore: Array.from({ length: 64 }, (_, i) => (i % 9) / 9), load1: 41.2 },
    memory: { totalBytes: 160 * 2 ** 30, usedBytes: 97.8 * 2 ** 30, swapUsedBytes: 0 },
    disk: { path: '/mnt/data', totalBytes: 1.5 * 2 ** 40, freeBytes: 612 * 2 ** 30 },
    gpus: [],
    gpuProblem: 'no nvidia-smi on this machine',
    history: {
      cpu: Array.from({ length: 60 }, (_, i) => 0.4 + 0.3 * Math.sin(i / 6)),
      memory: Array.from({ length: 60 }, (_, i) => 0.3 + i / 200),
      gpu: [],
    },
  },
  jobs: JOBS,
  runs: RUNS,
  detail: {
    timed: true,
    id: JOBS[0].id,
    log: Array.from({ length: 60 }, (_, i) => ({
      stream: 'err' as const,
      text: `${String(i + 1).padStart(3)} ${LOG[i % LOG.length]}`,
    })),
    events: [
      { t: NOW - 40_000, type: 'stage', name: 'simulate and record', index: 2, of: 3 },
      ...Array.from({ length: 40 }, (_, i) => ({
        t: NOW - 39_000 + i * 1000,
        type: 'progress' as const,
        done: i * 2.87,
        total: 183,
        unit: 'days',
      })),
    ],
    metrics: METRICS,
  },
};

/** A machine that was just installed: databases up, nothing in them. */
export const FRESH: Snapshot = {
  ...SNAPSHOT,
  board: {
    at: NOW - 3000,
    phases: PHASES.map((p) => ({
      ...p,
      state: p.phase === 'P0' ? 'PART' : 'WAIT',
      passed: 0,
      headline: 'nothing has run yet',
    })),
    coverage: { rows: [], at: NOW - 3000, costMs: 2 },
  },
  jobs: [],
  runs: [],
  detail: null,
};

/** Who is missing on a day that is not whole. */
const UNSEEN = ['AXPE.US', ...Array.from({ length: 101 }, (_, i) => `SYN${i + 100}.US`), 'YHOO.US'];

/** A year in which the vectors stop in October, after a week without those of `UNSEEN`. */
function coverageYear(year: number): ReadResults['coverageYear'] {
  const weekdays = Array.from({ length: 366 }, (_, i) => new Date(Date.UTC(year, 0, 1 + i)))
    .filter((day) => day.getUTCDay() % 6 !== 0 && day.getUTCFullYear() === year)
    .map((day) => day.toISOString().slice(0, 10));
  const fill = ['backfill', 'numeric-embeddings', '--start-date', weekdays[200], '--end-date', weekdays.at(-1)!];
  const days = weekdays.map((date, i) => ({
    date,
    present: i < 200 ? 503 : i < 205 ? 503 - UNSEEN.length : 0,
    expected: 503,
  }));
  const missing = days.reduce((sum, { present, expected }) => sum + expected - present, 0);
  return {
    rule: 'an instrument is expected on every day with a price of its own from its 54th price on',
    days,
    gaps: [{ first: weekdays[200], last: weekdays.at(-1)!, days: weekdays.length - 200, missing, fill }],
  };
}

const RUN_ROWS: readonly RunRow[] = RUNS.map((run, i) => ({
  runId: run.runId,
  sleeveId: run.sleeveId,
  backend: i === 1 ? 'context' : 'basic',
  start: run.start,
  end: run.end,
  createdAt: run.createdAt,
  complete: run.sharpe !== null,
  cumulativeReturn: run.cumulativeReturn,
  volatility: run.sharpe === null ? null : 0.12,
  sharpe: run.sharpe,
  maxDrawdown: run.maxDrawdown,
  trades: run.trades,
  turnoverPerDay: 0.04,
  breakEvenCostBp: 3.1,
  equalWeightReturn: 0.02,
  buyAndHoldReturn: 0.015,
  activeReturn: 0.024,
  beta: 0.92,
  tradeListHash: `hash-${i}`,
  caveat: run.caveat,
  demo: true,
  provenance: {
    campaignId: 'c1',
    version: '0.1.0',
    build: null,
    gitSha: i === 1 ? null : '9f3c2e1aa07b',
    gitDirty: i === 0,
    data: '77e0',
  },
  spark: run.equity,
}));

/** A run over the weekdays of a quarter. */
function runDetail(id: string): RunDetail {
  const row = RUN_ROWS.find((run) => run.runId === id)!;
  const days = Array.from({ length: 89 }, (_, i) => new Date(Date.UTC(2014, 0, 2 + i)))
    .filter((day) => day.getUTCDay() % 6 !== 0)
    .map((day) => day.toISOString().slice(0, 10));
  const equity = days.map((_, i) => 1e6 * (1 + 0.03 * Math.sin(i / 9 + row.trades! / 1e4) + i / 2000));
  let peak = 0;
  const drawdown = equity.map((value) => {
    peak = Math.max(peak, value);
    return value / peak - 1;
  });
  return {
    ...row,
    days,
    equity,
    drawdown,
    config: { sleeve_id: row.sleeveId, fill: 'close', risk: true },
    exposures: { universe_size: days.map((_, i) => 40 + (i % 5)), stab_risk_score_mean: days.map(() => 0.2) },
    tradesByDay: days.map((_, i) => i % 7),
    monthly: [{ month: '2014-01', value: 0.012 }],
  };
}

/** Two runs whose code and data differ: nothing is isolated. */
function comparison(a: string, b: string): Comparison {
  const brief = (id: string): ComparedRun => {
    const { runId, sleeveId, backend, start, end, caveat } = RUN_ROWS.find((run) => run.runId === id)!;
    return {
      runId,
      sleeveId,
      marketId: 'US_EQ',
      backend,
      start,
      end,
      caveat,
      trial: runId,
      contextModel: null,
      assessmentModel: null,
      contextCoverage: null,
      contextBranches: null,
      contextIc: null,
      contextNotJudged: null,
      inSample: null,
    };
  };
  const figure = (name: string, unit: ComparedFigure['unit'], [x, y]: readonly [number, number]): ComparedFigure => ({
    ...{ name, unit, a: x, b: y, difference: y - x, interval: [y - x - 0.4, y - x + 0.4] },
  });
  const attribution = 'Not attributable: code and data differ.';
  const trade = { date: '2014-02-06', ticker: 'GM.US', direction: 'BUY', size: 310, price: 35.11 };
  return {
    names: ['A', 'B'],
    pairs: [
      {
        a: brief(a),
        b: brief(b),
        differences: [
          { kind: 'code', name: 'git_sha', a: '9f3c2e1aa07b', b: '1aa07bd00c1e', cause: 'code' },
          { kind: 'data', name: 'data_fingerprint', a: '77e0', b: '75c4', cause: 'data' },
          { kind: 'config', name: 'campaign_id', a: 'c1', b: 'c2' },
        ],
        isolates: null,
        attribution,
        days: { shared: 61, onlyA: 0, onlyB: 2 },
        first: '2014-01-02',
        last: '2014-03-31',
        figures: [
          figure('cumulative return', 'share', [0.0291, 0.026]),
          figure('Sharpe ratio, a year', 'ratio', [0.81, 0.69]),
        ],
        costs: [],
        years: [{ ...figure('2014', 'share', [0.0291, 0.026]), days: 61 }],
        exposures: [figure('universe_size', 'count', [42, 40.5])],
        slices: [],
        missing: [],
        trades: {
          ...{ same: 604, changed: 12, onlyA: 18, onlyB: 33, firstDivergence: '2014-02-06' },
          examplesA: [{ ...trade, ticker: 'AAPL.US' }],
          examplesB: [trade],
        },
        caution: null,
        beyondNoise: false,
        verdict: 'No evidence that B differs from A.',
      },
    ],
    coverage: 0.95,
    draws: 400,
    trials: 9,
    verdict: `No evidence that B differs from A. ${attribution}`,
  };
}

/** What the running job told in its 37 seconds, and what its processes used. */
const kept = (source: KeptSeries['source'], { last, points, ...one }: MetricSeries): KeptSeries => ({
  ...{ ...one, source, last, mean: points, low: points.map((v) => v * 0.99), high: points.map((v) => v * 1.01) },
  t: points.map((_, i) => NOW - (points.length - i) * 1000),
  at: source === 'program' ? points.map((_, i) => `2014-02-${String(1 + (i % 28)).padStart(2, '0')}`) : null,
});
const ramp = (base: number, swing: number) => Array.from({ length: 37 }, (_, i) => base + swing * Math.sin(i / 4));
const JOB_SERIES: readonly KeptSeries[] = [
  ...METRICS.map((one) => kept('program', one)),
  kept('process', { name: 'cpu', series: '', unit: 'cores', last: 3.81, points: ramp(3.5, 0.4) }),
  kept('process', { name: 'memory', series: '', unit: 'bytes', last: 1.2e9, points: ramp(1.1e9, 1e8) }),
  kept('process', { name: 'write', series: '', unit: 'bytes/s', last: 4.1e6, points: ramp(4e6, 3e6) }),
];

/** What it answers to consoles' questions. */
const ANSWERS: Omit<ReadResults, 'compare' | 'coverageYear' | 'jobSeries' | 'run' | 'validate'> = {
  programs: { programs: PROGRAMS.map(programSummary), policy: argumentFields(policySchema) },
  preflight: {
    checks: [
      { name: 'historical', state: 'OK', detail: 'reachable, 3 migrations, none pending' },
      { name: 'code', state: 'WARN', detail: 'the tree has changes on top of 9f3c2e1' },
    ],
    estimate: {
      rows: { value: 21_000, low: 20_100, high: 23_400 },
      seconds: { value: 16, low: 15, high: 19 },
      bytes: null,
      basis: 'as 0005 took, by the days of their range',
    },
  },
  rerun: [],
  log: { size: 0, data: '', problem: null },
  coverageMissing: UNSEEN,
  runs: RUN_ROWS,
  models: [
    {
      id: 'num-stab-core-v1',
      kind: 'numeric',
      entities: ['INSTRUMENT'],
      dim: 64,
      bytes: 12_000,
      fitted: null,
      probes: {},
      problem: '',
    },
    {
      id: 'num-stab-core-v2',
      kind: 'numeric',
      entities: ['INSTRUMENT'],
      dim: 64,
      bytes: 91_000,
      fitted: { first: '2010-01-04', last: '2012-12-31' },
      probes: { volatility_r2: 0.512, drawdown_auc: 0.733 },
      problem: '',
    },
    {
      id: 'text-fin-general-v1',
      kind: null,
      entities: [],
      dim: null,
      bytes: null,
      fitted: null,
      probes: {},
      problem: 'model.json is no JSON',
    },
  ],
  lambda: {
    heat: {
      marketId: 'US_EQ',
      lookbackDays: 20,
      minClusterSize: 5,
      stabSource: 'computed',
      first: '2013-01-02',
      last: '2015-12-31',
      rows: 12_480,
      columns: Array.from({ length: 60 }, () => '2013-01-02'),
      clusters: ['Energy', 'Technology', 'Utilities'].map((sector, k) => ({
        sector,
        softTargetClass: 'STABLE',
        values: Array.from({ length: 60 }, (_, i) => (i % 17 === k ? null : 0.4 + 0.2 * Math.sin(i / (4 + k)))),
        lastLambda: 0.41 + k / 10,
        lastDay: '2015-12-31',
      })),
    },
    forecasts: [
      {
        experimentId: 'har-ridge-h5-2013',
        rows: 4160,
        first: '2014-01-02',
        last: '2015-12-23',
        trainEnd: '2013-12-31',
        realised: 4160,
        correlation: 0.482,
        tenths: Array.from({ length: 10 }, (_, i) => ({ lambdaHat: i / 10, realised: i / 12, rows: 416 })),
        columns: Array.from({ length: 8 }, (_, i) => ({
          from: '2014-01-02',
          lambdaHat: 2 ** (i / 2),
          realised: 2 ** i,
        })),
      },
    ],
    buckets: [],
    weights: [],
    trials: { recorded: 12, distinct: 9 },
  },
  similar: { candidates: 502, neighbours: [{ entityId: 'MSFT.US', date: '2014-01-02', cosine: 0.9312 }] },
  history: { cpu: { fine: Array.from({ length: 120 }, (_, i) => 0.4 + 0.3 * Math.sin(i / 6)), coarse: [] } },
  events: [
    {
      at: NOW - 7_300_000,
      kind: 'supervisor',
      subject: 'supervisor',
      what: 'start',
      detail: 'build 9f3c2e1',
      who: null,
    },
    {
      at: NOW - 7_200_000,
      kind: 'action',
      subject: '0005-backtest-campaign',
      what: 'launch',
      detail: '',
      who: 'user@laptop',
    },
    {
      at: NOW - 7_100_000,
      kind: 'job',
      subject: '0005-backtest-campaign',
      what: 'FAIL',
      detail: 'exit 1: no prices',
      who: null,
    },
    {
      at: NOW - 38_000,
      kind: 'evidence',
      subject: 'P1',
      what: 'FAIL',
      detail: 'US_CORE_LONG_EQ_H5 is flat',
      who: null,
    },
  ],
};

export interface ScriptedSupervisor extends Supervisor {
  /** Changes the world and tells everybody. */
  change(change: Partial<Snapshot>): void;
  /** What was asked for, in order: `launch backtest campaign key-1`. */
  readonly asked: readonly string[];
  /** Requests to launch, whole. */
  readonly launched: readonly LaunchRequest[];
  /** From now on a read is answered so. */
  answer<Name extends ReadName>(name: Name, value: ReadResult<Name>): void;
}

/** A supervisor over a scripted world. Launched jobs appear as running ones at once. */
export function scriptedSupervisor(first: Snapshot): ScriptedSupervisor {
  let snapshot = first;
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const asked: string[] = [];
  const launched: LaunchRequest[] = [];
  const answers = new Map<ReadName, unknown>();
  const change = (changed: Partial<Snapshot>) => {
    snapshot = { ...snapshot, ...changed, sequence: snapshot.sequence + 1 };
    for (const listener of [...listeners]) listener(snapshot);
  };
  const start = (program: string, args: readonly string[]) => {
    const id = `${String(snapshot.jobs.length + 2).padStart(4, '0')}-${program.replaceAll(' ', '-')}`;
    const view = job(id, 'RUN', { program, args, startedAt: snapshot.at, stage: 'load prices', build: null });
    change({ jobs: [view, ...snapshot.jobs] });
    return view;
  };
  const known = (id: string) => {
    const found = snapshot.jobs.find((one) => one.id === id);
    if (!found) throw Object.assign(new Error(`there is no job ${id}`), { fix: 'See: prometheus status' });
    return found;
  };
  return {
    setReadOnly: async (readOnly) => {
      asked.push(readOnly ? 'ro' : 'rw');
    },
    read: async <Name extends ReadName>(name: Name, args: unknown) => {
      if (answers.has(name)) return answers.get(name) as ReadResult<Name>;
      if (name === 'jobSeries') {
        const { name: wanted } = args as ReadArgs<'jobSeries'>;
        const series = JOB_SERIES.filter((one) => wanted === undefined || one.name === wanted);
        return { series, dropped: 0 } as unknown as ReadResult<Name>;
      }
      if (name === 'compare') {
        const { a, b } = args as ReadArgs<'compare'>;
        return comparison(a, b) as unknown as ReadResult<Name>;
      }
      if (name === 'run') return runDetail((args as { id: string }).id) as ReadResult<Name>;
      if (name === 'coverageYear') return coverageYear((args as { year: number }).year) as ReadResult<Name>;
      if (name === 'validate') {
        return validateJob(homeAt('/nowhere'), PROGRAMS, args as ReadArgs<'validate'>) as ReadResult<Name>;
      }
      return (ANSWERS as Partial<ReadResults>)[name] as ReadResult<Name>;
    },
    shutdown: async () => {
      asked.push('shutdown');
    },
    asked,
    launched,
    answer: (name, value) => void answers.set(name, value),
    change,
    snapshot: () => snapshot,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    launch: async (request) => {
      const { program, args, idempotencyKey } = request;
      launched.push(request);
      asked.push(`launch ${program} ${idempotencyKey}`);
      return start(program, args);
    },
    rerun: async ({ jobId, idempotencyKey }) => {
      asked.push(`rerun ${jobId} ${idempotencyKey}`);
      const { program, args } = known(jobId);
      return start(program, args);
    },
    chain: async ({ phase, override }) => {
      asked.push(`chain ${phase}${override === undefined ? '' : ` though blocked: ${override}`}`);
      return [];
    },
    kill: async (jobId) => {
      asked.push(`kill ${jobId}`);
      return known(jobId);
    },
    remove: async (jobId) => {
      asked.push(`remove ${jobId}`);
    },
    keep: async ({ jobId, kept, archived }) => {
      asked.push(`keep ${jobId} ${JSON.stringify({ kept, archived })}`);
      const before = known(jobId);
      const job = { ...before, kept: kept ?? before.kept, archived: archived ?? before.archived };
      change({ jobs: snapshot.jobs.map((one) => (one.id === jobId ? job : one)) });
      return job;
    },
    pause: async ({ jobId, paused }) => {
      asked.push(`${paused ? 'pause' : 'go on'} ${jobId}`);
      const job = { ...known(jobId), paused: paused ? 'by hand' : null };
      change({ jobs: snapshot.jobs.map((one) => (one.id === jobId ? job : one)) });
      return job;
    },
    skip: async ({ phase, skipped, reason }) => {
      asked.push(`${skipped ? 'skip' : 'unskip'} ${phase} ${reason}`);
    },
    note: async ({ phase, note }) => {
      asked.push(`note ${phase} ${note}`);
    },
    stop: async ({ jobId }) => {
      asked.push(`stop ${jobId}`);
      const stopped: JobView = {
        ...known(jobId),
        state: 'STOP',
        reason: 'stopped by hand, ended by SIGTERM',
        endedAt: snapshot.at,
      };
      change({ jobs: snapshot.jobs.map((one) => (one.id === jobId ? stopped : one)) });
      return stopped;
    },
    watch: () => {},
    recheck: async () => {
      asked.push('recheck');
    },
    close: async () => {},
  };
}
