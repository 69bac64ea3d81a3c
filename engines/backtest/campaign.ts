/** A campaign: one panel, one pass of features, every sleeve over them, each run recorded in a transaction of its own. */
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { log, stage } from '../../src/platform/events.ts';
import { keyId } from '../../src/platform/ids.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import type { LoadedPanel } from '../market/storage.ts';
import { type LoadedCampaign, loadCampaign } from './load.ts';
import type { RunMetrics } from './metrics.ts';
import {
  type CampaignOptions,
  caveatOf,
  type InSample,
  inSampleOfRun,
  type RunOrigin,
  runConfig,
  runMetrics,
} from './record.ts';
import {
  inactivity,
  reportContext,
  reportDates,
  reportDelistings,
  reportEmptyDays,
  reportLambda,
  warnAboutData,
} from './remarks.ts';
import type { DayListener, SimulationOptions, SleeveResult } from './simulate.ts';
import { simulateSleeves } from './sleeve-pool.ts';
import type { Sleeve } from './sleeves.ts';
import { writeRun } from './storage.ts';

export interface Run {
  readonly runId: string;
  readonly sleeve: Sleeve;
  /** First and last simulated trading day, `YYYY-MM-DD`. */
  readonly firstDay: string;
  readonly lastDay: string;
  readonly metrics: RunMetrics;
  readonly config: Record<string, unknown>;
  readonly rows: Record<string, number>;
  /** Equity at the end of each day. */
  readonly equity: Float64Array;
}

/** One sleeve under the options of its point. */
export interface Task {
  readonly options: CampaignOptions;
  readonly sleeve: Sleeve;
}

/** Every sleeve of every point, point by point. */
export const tasksOf = (points: readonly CampaignOptions[]): Task[] =>
  points.flatMap((options) => options.sleeves.map((sleeve) => ({ options, sleeve })));

/** Reads what all points share, and says what is to be known of it. @throws UserError when the range lies past the prices. */
export async function loadPoints(points: readonly CampaignOptions[], context: ProgramContext): Promise<LoadedCampaign> {
  const [options] = points;
  const mostRegimeAlpha = Math.max(...points.map((point) => point.regimeAlpha));
  const loaded = await loadCampaign({ ...options, regimeAlpha: mostRegimeAlpha }, context);
  context.signal.throwIfAborted();
  const { panel, lambda, regime, context: read, dates } = loaded;
  warnAboutData(panel, context);
  if (dates) reportDates(dates, panel, context);
  if (read) reportContext(read, context);
  if (lambda) reportLambda(options.lambda!, 'lambda-score-weight' in (options.sweep ?? {}), lambda, panel, context);
  if (regime) {
    const where = `regimes of ${regime.region} on ${formatCount(regime.daysWithRows)} of ${formatCount(panel.count)} days`;
    log(
      context.events,
      regime.daysWithRows < panel.count ? 'warn' : 'info',
      `regime risk, weight up to ${mostRegimeAlpha}: ${where}`,
    );
  }
  return loaded;
}

/**
 * Runs several sets of options over one panel and one pass of features: they share market, range, prices and λ̂, and differ
 * in weights, costs and sleeve ids. Runs come back point by point. `batch` sleeves are in memory at a time.
 */
export async function runPoints(
  points: readonly CampaignOptions[],
  batch: number,
  context: ProgramContext,
): Promise<Run[]> {
  const { events, signal, now } = context;
  const tasks = tasksOf(points);
  stage(events, 'load prices', 1, 3);
  const loaded = await loadPoints(points, context);
  const { panel, features } = loaded;

  stage(events, 'simulate and record', 2, 3);
  const started = now();
  const days = new Int32Array(tasks.length);
  const runs: Run[] = [];
  const totalDays = features.count * days.length;
  // Once every day is simulated what is left is writing: days say nothing about that any more.
  const tellRuns = () => events.emit({ type: 'progress', done: runs.length, total: tasks.length, unit: 'runs' });
  let simulated = 0;
  const simulate = (from: number) =>
    simulateSleeves(
      features,
      tasks.slice(from, from + batch).map((task): SimulationOptions => simulationOf(task, panel)),
      points[0].maxWorkers,
      signal,
      (offset, day, equity, drawdown, positions) => {
        const index = from + offset;
        days[index] = day + 1;
        simulated = days.reduce((a, b) => a + b);
        events.emit({ type: 'progress', done: simulated, total: totalDays, unit: 'days' });
        reportDay(tasks[index], panel, started, context)(day, equity, drawdown, positions);
        if (simulated === totalDays) {
          stage(events, 'write rows', 3, 3);
          tellRuns();
        }
      },
    );
  const { provenance, home } = context;
  const origin = originOf({ campaignId: context.newId(), provenance, demo: home.demo }, loaded);
  for (let from = 0; from < tasks.length; from += batch) {
    for (const [offset, pending] of simulate(from).entries()) {
      const result = await pending;
      signal.throwIfAborted();
      const how = { ownsStates: runs.length === 0, shared: false };
      runs.push(await recordRun(tasks[from + offset], how, result, loaded, origin, context));
      if (simulated === totalDays) tellRuns();
    }
  }
  reportCaveat(tasks, loaded, context);
  return runs;
}

/** What a reader of all the runs must know first. */
export function reportCaveat(tasks: readonly Task[], loaded: LoadedCampaign, { events }: ProgramContext): void {
  const inSample: InSample = Object.assign({}, ...tasks.map((one) => inSampleOfRun(one.sleeve, one.options, loaded)));
  const caveat = caveatOf(tasks[0].options, inSample);
  if (caveat) log(events, Object.keys(inSample).length ? 'warn' : 'info', `note: ${caveat}`);
}

/** Tells the curves of a sleeve, day by day. `started`: when its simulation began, milliseconds since 1970. */
export function reportDay(
  { sleeve }: Task,
  panel: LoadedPanel,
  started: number,
  { events, now }: ProgramContext,
): DayListener {
  const series = sleeve.sleeveId;
  return (day, equity, drawdown, positions) => {
    const at = formatDay(panel.calendar.days[panel.first + day]);
    events.emit({ type: 'metric', name: 'equity', value: equity, unit: 'USD', series, at });
    events.emit({ type: 'metric', name: 'drawdown', value: drawdown, unit: 'share', series, at });
    events.emit({ type: 'metric', name: 'positions', value: positions, unit: 'names', series, at });
    const seconds = (now() - started) / 1000;
    if (seconds > 0)
      events.emit({ type: 'metric', name: 'speed', value: (day + 1) / seconds, unit: 'days/s', series, at });
  };
}

/** Where the runs of a campaign come from. */
export const originOf = (
  campaign: Pick<RunOrigin, 'campaignId' | 'provenance' | 'demo'>,
  { lambda, regime, context, dates }: LoadedCampaign,
): RunOrigin => ({ ...campaign, lambda, regime, context, dates });

/** The id of a campaign's run: whoever records it, it is the same run. */
export const runIdOf = (campaignId: string, { sleeveId }: Sleeve): string => keyId(campaignId, sleeveId);

export function simulationOf({ sleeve, options }: Task, panel: LoadedPanel): SimulationOptions {
  const full = options.persist === 'full';
  return {
    horizonDays: sleeve.horizonDays,
    context: sleeve.backend === 'context',
    initialCash: options.initialCash,
    broker: options.broker,
    risk: options.risk,
    lambdaWeight: options.lambda?.weight,
    regimeAlpha: options.regimeAlpha,
    snapshotDays: full ? Array.from({ length: panel.count }, (_, d) => d) : monthEnds(panel),
    keepStages: full,
  };
}

/** Simulated days after which a new month begins. */
function monthEnds(panel: LoadedPanel): number[] {
  const month = (d: number) => formatDay(panel.calendar.days[panel.first + d]).slice(0, 7);
  const ends: number[] = [];
  for (let d = 0; d + 1 < panel.count; d++) if (month(d) !== month(d + 1)) ends.push(d);
  return ends;
}

/**
 * Records a simulated sleeve as a run. `ownsStates`: it writes the states that all sleeves share; `shared`: other processes may
 * record the same run, and one does. @throws UserError for a sleeve without a trade.
 */
export async function recordRun(
  task: Task,
  { ownsStates, shared }: { readonly ownsStates: boolean; readonly shared: boolean },
  result: SleeveResult,
  { panel, features }: LoadedCampaign,
  origin: RunOrigin,
  context: Pick<ProgramContext, 'databases' | 'events'>,
): Promise<Run> {
  const { options, sleeve } = task;
  const unfit = inactivity(result, panel, sleeve, options.initialCash);
  if (unfit) throw unfit; // to be told, not recorded
  const runId = runIdOf(origin.campaignId, sleeve);
  const config = runConfig(sleeve, options, panel, origin);
  const metrics = runMetrics(result, panel, options, inSampleOfRun(sleeve, options, origin));
  const rows = await writeRun(context.databases.runtime, {
    runId,
    sleeve,
    config,
    metrics,
    panel,
    features,
    result,
    initialCash: options.initialCash,
    risk: options.risk,
    full: options.persist === 'full',
    ownsStates,
    shared,
  });
  reportEmptyDays(result, panel, sleeve, context);
  reportDelistings(result, panel, sleeve, context);
  context.events.emit({ type: 'artifact', kind: 'backtest_run', id: runId });
  return { runId, sleeve, ...simulatedDays(panel), metrics, config, rows, equity: result.equity };
}

/** First and last simulated trading day, `YYYY-MM-DD`. */
export function simulatedDays(panel: LoadedPanel): Pick<Run, 'firstDay' | 'lastDay'> {
  const [firstDay, lastDay] = [panel.first, panel.first + panel.count - 1].map((t) =>
    formatDay(panel.calendar.days[t]),
  );
  return { firstDay, lastDay };
}
