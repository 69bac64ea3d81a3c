/** The program `compare`. */

import type pg from 'pg';
import type { z } from 'zod';
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { Exit, UsageError } from '../../src/platform/errors.ts';
import { type Events, log, stage } from '../../src/platform/events.ts';
import type { Program } from '../../src/platform/program.ts';
import { Random } from '../../src/platform/random.ts';
import { attribute, differencesOf } from '../../src/platform/run-differences.ts';
import type { ComparedRun, Comparison, RunComparison } from '../../src/report/types.ts';
import { makeCalendar } from '../market/calendar.ts';
import { loadHolidays } from '../market/storage.ts';
import type { RecordedTrials } from '../meta/evidence.model.ts';
import { recordedTrials } from '../meta/storage.ts';
import { writeEvidence } from '../verify/storage.ts';
import {
  type Bootstrap,
  cautionOf,
  costsOf,
  exposuresOf,
  figuresOf,
  haveSameTrades,
  recorded,
  sharedDays,
  sharpeOf,
  slicesBy,
  thirds,
  unequalThirds,
  verdictOf,
  yearsOf,
} from './model.ts';
import type { compareSpec } from './spec.ts';
import {
  atOneMoment,
  findRun,
  newestPairs,
  type PairRequest,
  readRegimes,
  readSeries,
  readTradeDifference,
  type StoredRun,
} from './storage.ts';
import { overall, shortcoming } from './verdict.model.ts';

const TOGETHER = 0.95;

interface Asked {
  readonly run: readonly string[];
  readonly basic: readonly string[];
  readonly context: readonly string[];
  /** Which runs are looked for when none is named; absent: any. */
  readonly newest?: PairRequest;
}

/** What `compare` is asked for: the pairs, and how their sides are called. */
export async function compareRuns(
  runtime: Database,
  asked: Asked,
  options: { readonly draws: number; readonly seed: number },
  events: Events | null = null,
): Promise<Comparison> {
  const { names, pairs } = await atOneMoment(runtime, (client) => findPairs(client, asked));
  const trials = new Map<string, RecordedTrials>();
  for (const pair of pairs) trials.set(pair[1].runId, await trialsOf(runtime, pair));
  const coverage = 1 - (1 - TOGETHER) / pairs.length;
  const compared = await atOneMoment(runtime, async (client) => {
    const list: RunComparison[] = [];
    for (const [a, b] of pairs) {
      if (events) stage(events, b.sleeveId, list.length + 1, pairs.length);
      const generator = new Random(options.seed);
      const bootstrap = { draws: options.draws, coverage, uniform: () => generator.uniform() };
      list.push(await comparePair(client, names, [a, b], trials.get(b.runId)!, bootstrap));
    }
    return list;
  });
  return {
    names,
    pairs: compared,
    coverage,
    draws: options.draws,
    trials: Math.max(...[...trials.values()].map((one) => one.distinct)),
    verdict: overall(names, compared),
  };
}

const ANY: PairRequest = { sleeves: [], first: null, last: null };
const NO_PAIR = 'there is no run with context assessment and a basic one over the same days';

/** Days and sleeves that were looked for. */
function wordsOf({ sleeves, first, last }: PairRequest): string {
  const days =
    first === null && last === null
      ? ''
      : `, ${[first, last].map((day) => (day === null ? '' : formatDay(day))).join(' … ')}`;
  return `${days}${sleeves.length ? ` of ${sleeves.join(', ')}` : ''}`;
}

/** The days that runs have to cover, from the first trading day of those asked for to the last. */
async function requestOf(
  { run, basic, context, sleeve, start, end, marketId }: z.infer<typeof compareSpec.args>,
  historical: Database,
): Promise<PairRequest> {
  if (run.length + basic.length + context.length > 0 && (sleeve.length > 0 || start || end))
    throw new UsageError(
      '--sleeve, --start and --end look for runs, and runs are named',
      'Leave out the one or the other.',
    );
  const [first, last] = [start ? parseDay(start) : null, end ? parseDay(end) : null];
  if (first === null || last === null) return { sleeves: sleeve, first, last };
  if (first > last) throw new UsageError('--end lies before --start', 'Exchange them.');
  const { days } = makeCalendar(marketId, first, last, await loadHolidays(historical, marketId));
  return { sleeves: sleeve, first: days[0] ?? first, last: days[days.length - 1] ?? last };
}

async function findPairs(
  client: pg.ClientBase,
  { run, basic, context, newest = ANY }: Asked,
): Promise<{ names: [string, string]; pairs: [StoredRun, StoredRun][] }> {
  if (run.length > 0 && basic.length + context.length > 0)
    throw new UsageError('runs are named twice', 'Name two runs, or use --basic and --context.');
  if (run.length > 0) {
    if (run.length !== 2) throw new UsageError(`compare takes two runs, not ${run.length}`, 'Name A and B.');
    const [a, b] = [await findRun(client, run[0]), await findRun(client, run[1])];
    if (a.runId === b.runId) throw new UsageError('a run cannot be compared with itself', 'Name two runs.');
    const backends = `${a.backend} ${b.backend}`;
    if (backends === 'basic context') return { names: ['basic', 'context'], pairs: [[a, b]] };
    return { names: ['A', 'B'], pairs: [[a, b]] };
  }
  if (basic.length + context.length === 0) {
    const pairs = await newestPairs(client, newest);
    if (pairs.length === 0)
      throw new UsageError(
        `${NO_PAIR}${wordsOf(newest)}`,
        'Make them: prometheus phases run P4. Or name two runs: prometheus compare RUN RUN',
      );
    return { names: ['basic', 'context'], pairs };
  }
  if (basic.length !== context.length)
    throw new UsageError(
      `${basic.length} basic and ${context.length} context runs do not make pairs`,
      'Name as many --basic as --context.',
    );
  const basics: StoredRun[] = [];
  for (const id of basic) basics.push(await ofBackend(client, id, 'basic'));
  const pairs: [StoredRun, StoredRun][] = [];
  for (const id of context) {
    const one = await ofBackend(client, id, 'context');
    const left = basics.filter((other) => !pairs.some(([used]) => used === other));
    const match = left.find((o) => o.sleeveId === one.sleeveId) ?? left.find((o) => o.horizon === one.horizon);
    if (!match)
      throw new UsageError(`no basic run has the sleeve or the horizon of ${one.sleeveId}`, 'Name its --basic run.');
    pairs.push([match, one]);
  }
  return { names: ['basic', 'context'], pairs };
}

async function ofBackend(client: pg.ClientBase, id: string, backend: string): Promise<StoredRun> {
  const run = await findRun(client, id);
  if (run.backend !== backend)
    throw new UsageError(`run '${id}' has ${run.backend} assessment, not ${backend}`, 'See: prometheus backtests ls');
  return run;
}

/** Runs on record that either run has to be measured against. */
async function trialsOf(runtime: Database, pair: readonly StoredRun[]): Promise<RecordedTrials> {
  let distinct = 0;
  const sharpes: number[] = [];
  for (const marketId of new Set(pair.map((run) => run.marketId))) {
    const found = await recordedTrials(runtime, { marketId, runIds: pair.map(({ runId }) => runId) });
    distinct += found.distinct;
    sharpes.push(...found.sharpes);
  }
  return { distinct, sharpes };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

const brief = ({ runId, sleeveId, marketId, backend, start, end, caveat, trial, config }: StoredRun): ComparedRun => ({
  runId,
  sleeveId,
  marketId,
  backend,
  start,
  end,
  caveat,
  trial,
  contextModel: textOf(config.assessment_context_model_id),
  assessmentModel: textOf(config.assessment_model_id),
  contextCoverage: numberOf(config.assessment_context_coverage),
  contextBranches: (config.assessment_context_branches as ComparedRun['contextBranches']) ?? null,
  contextIc: numberOf(config.assessment_ic),
  contextNotJudged: textOf(config.assessment_not_judged),
  inSample: (config.in_sample as ComparedRun['inSample']) ?? null,
});

async function comparePair(
  client: pg.ClientBase,
  names: readonly [string, string],
  [a, b]: readonly [StoredRun, StoredRun],
  trials: RecordedTrials,
  bootstrap: Bootstrap,
): Promise<RunComparison> {
  const [own, other] = [await readSeries(client, a.runId), await readSeries(client, b.runId)];
  const shared = sharedDays(own, other);
  const [first, last] = [shared.dates[0] ?? null, shared.dates.at(-1) ?? null];
  const trades = await readTradeDifference(client, a.runId, b.runId);
  const figures = figuresOf(shared, bootstrap, trials);
  const differences = differencesOf(a.config, b.config);
  const { isolates, sentence } = attribute(a.config, b.config, differences);
  const regimes = first && last ? await readRegimes(client, { marketId: b.marketId, first, last }) : new Map();
  const regimeLabels = shared.dates.map((date) => regimes.get(date) ?? null);
  const missing: string[] = [];
  const byThirds = (by: string, name: string) => {
    const values = recorded(own, other, shared, name);
    const { labels, order } = thirds(values);
    if (order.length === 0) missing.push(`${by}: ${whyNoThirds(name, values)}`);
    const unequal = unequalThirds(labels, order);
    return slicesBy(unequal ? `${by} (${unequal})` : by, shared, labels, order, bootstrap);
  };
  if (regimes.size === 0) missing.push('regime: none recorded on these days');
  const slices = [
    ...slicesBy('regime', shared, regimeLabels, [...new Set<string>(regimes.values())].sort(), bootstrap),
    ...byThirds('λ̂ of the universe', 'lambda_score_mean'),
    ...byThirds('risk of the universe', 'stab_risk_score_mean'),
  ];
  const verdict = verdictOf(names, figures, {
    shared: shared.dates.length,
    sameTrades: haveSameTrades(trades),
    coverage: bootstrap.coverage,
  });
  return {
    a: brief(a),
    b: brief(b),
    differences,
    isolates,
    attribution: sentence,
    days: { shared: shared.dates.length, onlyA: shared.onlyA, onlyB: shared.onlyB },
    first,
    last,
    figures,
    costs: costsOf(shared),
    years: yearsOf(shared),
    exposures: exposuresOf(own, other, shared),
    slices,
    missing,
    caution: cautionOf(shared.dates.length),
    trades,
    ...verdict,
  };
}

/** Why days were not parted into thirds of what they record under a name. */
function whyNoThirds(name: string, values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null).length;
  if (known === 0) return `no ${name} on these days`;
  return known < 3 ? `${name} on ${known} of these days only` : `${name} is the same on all of these days`;
}

/** Compares, and records what came out. */
export const compare: Program<typeof compareSpec> = async (args, { databases, events, provenance }) => {
  const newest = await requestOf(args, databases.historical);
  const comparison = await compareRuns(databases.runtime, { ...args, newest }, args, events);
  const without = newest.sleeves.filter((sleeve) => !comparison.pairs.some(({ b }) => b.sleeveId === sleeve));
  if (without.length) log(events, 'warn', `${NO_PAIR}${wordsOf({ ...newest, sleeves: without })}: left out`);
  const board = comparison.names[0] === 'basic';
  const reason = board
    ? shortcoming(comparison.pairs, await tradingDaysOf(comparison.pairs, databases.historical))
    : '';
  await writeEvidence(databases.runtime, {
    checkId: board ? 'P4.comparison' : 'comparison',
    phase: 'P4',
    state: reason === '' ? 'OK' : 'PART',
    observed: observedOf(comparison),
    required: board ? { isolates: 'assessment' } : {},
    reason,
    provenance,
  });
  for (const pair of comparison.pairs)
    if (pair.a.caveat || pair.b.caveat) log(events, 'warn', `${pair.b.sleeveId}: ${pair.b.caveat || pair.a.caveat}`);
  const summary = comparison.verdict;
  return { exitCode: Exit.done, summary, rows: { 'console.evidence': 1 }, data: comparison };
};

/** Trading days that both runs of a pair were made for. */
async function tradingDaysOf(
  pairs: readonly RunComparison[],
  historical: Database,
): Promise<(pair: RunComparison) => number> {
  const holidays = new Map<string, Awaited<ReturnType<typeof loadHolidays>>>();
  for (const { b } of pairs)
    if (!holidays.has(b.marketId)) holidays.set(b.marketId, await loadHolidays(historical, b.marketId));
  return ({ a, b }) => {
    const [first, last] = [later(a.start, b.start), earlier(a.end, b.end)].map(parseDay);
    return makeCalendar(b.marketId, first, last, holidays.get(b.marketId)!).days.length;
  };
}
const later = (a: string, b: string) => (a > b ? a : b);
const earlier = (a: string, b: string) => (a < b ? a : b);

/** The row of evidence: which runs, on equal terms or not, and what came out. */
const observedOf = (comparison: Comparison): Record<string, unknown> => ({
  kind: 'comparison',
  sides: comparison.names,
  verdict: comparison.verdict,
  coverage: comparison.coverage,
  trials: comparison.trials,
  pairs: comparison.pairs.map((pair) => {
    const sharpe = sharpeOf(pair.figures);
    return {
      run_ids: [pair.a.runId, pair.b.runId],
      sleeve_ids: [pair.a.sleeveId, pair.b.sleeveId],
      backends: [pair.a.backend, pair.b.backend],
      start: pair.first,
      end: pair.last,
      days: pair.days.shared,
      sharpe_difference: sharpe.difference,
      interval: sharpe.interval,
      beyond_noise: pair.beyondNoise,
      context_model: pair.b.contextModel,
      assessment_model: pair.b.assessmentModel,
      context_coverage: pair.b.contextCoverage,
      context_branches: pair.b.contextBranches,
      context_ic: pair.b.contextIc,
      context_not_judged: pair.b.contextNotJudged,
      isolates: pair.isolates,
      differs: [...new Set(pair.differences.flatMap(({ cause }) => cause ?? []))],
    };
  }),
});
