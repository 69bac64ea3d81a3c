/** A campaign: one panel, one pass of features, every sleeve over them, each run recorded in a transaction of its own. */
import { formatDay } from '../../src/platform/dates.ts';
import { UserError } from '../../src/platform/errors.ts';
import { log, stage } from '../../src/platform/events.ts';
import { keyId } from '../../src/platform/ids.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import { FILL_DELISTED } from '../execution/fill-log.ts';
import { type LambdaChoice, type LambdaScores, loadLambdaScores, sourceName } from '../lambda/provider.storage.ts';
import { makeCalendar } from '../market/calendar.ts';
import { daysWithoutPrices, type LoadedPanel, loadHolidays, loadPanel } from '../market/storage.ts';
import { loadRegimeRisk, type RegimeRisk } from '../regime/provider.storage.ts';
import type { UniverseDates } from '../universe/dates.model.ts';
import { loadUniverseDates } from '../universe/dates.storage.ts';
import { loadContext } from './context.ts';
import { computeFeatures, type Features, lookbackFor } from './features.ts';
import type { RunMetrics } from './metrics.ts';
import {
  type CampaignOptions,
  type ContextOrigin,
  caveatOf,
  type InSample,
  inSampleOfRun,
  type RunOrigin,
  runConfig,
  runMetrics,
} from './record.ts';
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

/** What a campaign reads. */
export interface LoadedCampaign {
  readonly panel: LoadedPanel;
  readonly features: Features;
  readonly lambda: LambdaScores | null;
  readonly regime: RegimeRisk | null;
  readonly context: ContextOrigin | null;
  readonly dates: UniverseDates | null;
}

/** Panel and features of a campaign, λ̂ and the regime's risk among them when it has a weight for them. */
export async function loadCampaign(
  options: CampaignOptions,
  context: Pick<ProgramContext, 'databases' | 'home'>,
): Promise<LoadedCampaign> {
  const horizons = options.sleeves.map((sleeve) => sleeve.horizonDays);
  let transitionHistory = 0;
  if (options.transitionHistory !== null) {
    const holidays = await loadHolidays(context.databases.historical, options.marketId);
    transitionHistory = makeCalendar(options.marketId, options.transitionHistory, options.start - 1, holidays).days
      .length;
  }
  const withOpen = options.broker.fill === 'next_open';
  const panel = await loadPanel(context.databases, {
    marketId: options.marketId,
    start: options.start,
    end: options.end,
    lookback: lookbackFor(horizons) + transitionHistory,
    // Adjusting an open needs the ratio of the two closes.
    columns: [...new Set([options.priceField, 'volume', ...(withOpen ? (['open', 'close'] as const) : [])] as const)],
    cacheFolder: context.home.cache,
    everyStatus: options.universeDates !== null,
  });
  const days = panel.calendar.days.subarray(panel.first, panel.first + panel.count);
  const { runtime } = context.databases;
  const dates =
    options.universeDates === null
      ? null
      : await loadUniverseDates(runtime, options.universeDates, { instruments: panel.instruments, days });
  const features = computeFeatures(panel, {
    first: panel.first,
    count: panel.count,
    transitionHistory,
    horizons,
    priceField: options.priceField,
    withOpen,
    dates,
  });
  const lambda =
    options.lambda &&
    (await loadLambdaScores(runtime, options.lambda, {
      marketId: options.marketId,
      instruments: panel.instruments,
      days,
      classCode: features.stability.classCode,
      allowInSample: options.allowInSample,
      eligible: dates ? features.complete.map((whole, cell) => (dates.barred[cell] ? 0 : whole)) : features.complete,
    }));
  const regime =
    options.regimeAlpha > 0 ? await loadRegimeRisk(runtime, options.marketId, days, options.allowInSample) : null;
  const assessed =
    options.context &&
    (await loadContext(options.context, { panel, days, features, allowInSample: options.allowInSample }, context));
  return {
    panel,
    features: {
      ...features,
      lambdaHat: lambda?.hat ?? null,
      regimeRisk: regime?.risk ?? null,
      context: assessed?.assessments ?? null,
    },
    lambda,
    regime,
    context: assessed?.origin ?? null,
    dates,
  };
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
    const where = `regimes of ${regime.region} on ${regime.daysWithRows} of ${panel.count} days`;
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
  requireActivity(result, panel, sleeve, options.initialCash);
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

/** What the context backend reads, and how far it reaches. */
function reportContext({ branches: shares, head, modelId, coverage }: ContextOrigin, { events }: ProgramContext): void {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const branches = Object.entries(shares ?? {});
  const of = branches.length ? ` (${branches.map(([name, share]) => `${name} ${percent(share)}`).join(', ')})` : '';
  log(
    events,
    'info',
    `context: ${head} over ${modelId}, on ${percent(coverage)} of instruments and days${of}; elsewhere HOLD with 0`,
  );
  for (const [name, share] of branches) {
    if (share === 0) log(events, 'warn', `no context has its ${name} branch: what is tried is not the plan's context`);
  }
}

/** What restricts the universe, and what that leaves open. */
function reportDates(
  { source, undated, unknownMembers, barred }: UniverseDates,
  panel: LoadedPanel,
  { events }: ProgramContext,
): void {
  const n = panel.instruments.length;
  const out = barred.reduce((sum, code) => sum + (code > 0 ? 1 : 0), 0);
  const share = ((100 * out) / barred.length).toFixed(1);
  log(
    events,
    'info',
    `names by ${source}: ${n} of every status, ${share} % of instruments and days are outside their dates`,
  );
  if (undated > 0)
    log(events, 'warn', `${undated} of ${n} instruments say no last date: they count as listed to this day`);
  if (unknownMembers > 0)
    log(events, 'warn', `${unknownMembers} members of ${source} are no equities of ${panel.marketId}: no day has them`);
}

/** Share of the eligible instruments below which a λ̂ is warned about. */
const LEAST_REACH = 0.5;

/** What λ̂ a campaign runs with, and what is not known about it. */
function reportLambda(
  choice: LambdaChoice,
  swept: boolean,
  { experimentId, trainEnd, readsPast, daysReached, shareReached }: LambdaScores,
  panel: LoadedPanel,
  { events }: ProgramContext,
): void {
  const weight = swept ? 'weights of the grid' : `weight ${choice.weight}`;
  const days = `on ${daysReached} of ${panel.count} days`;
  log(events, 'info', `λ̂: ${choice.column} of '${experimentId}' from ${sourceName(choice)}, ${weight}, ${days}`);
  if (shareReached < LEAST_REACH) {
    const share = `${(100 * shareReached).toFixed(1)} %`;
    log(
      events,
      'warn',
      `λ̂ of '${experimentId}' reaches ${share} of the instruments that could be held, mean over days: the others gain nothing by it`,
    );
  }
  if (readsPast !== null) {
    log(
      events,
      'warn',
      `training pairs of '${experimentId}' reach to ${readsPast}, into the range: λ̂ of the original's models is no forecast; use prometheus lambda train`,
    );
  }
  if (trainEnd === null) {
    log(
      events,
      'warn',
      `nobody says when the training of '${experimentId}' ended (no column train_end, no row of console.lambda_trials): it may know what comes`,
    );
  }
}

/** Days on which nothing could be held: the curve is flat there for want of history or volume, not of risk. */
function reportEmptyDays(
  result: SleeveResult,
  panel: LoadedPanel,
  sleeve: Sleeve,
  { events }: Pick<ProgramContext, 'events'>,
): void {
  const empty = [...result.universeSize.keys()].filter((d) => result.universeSize[d] === 0);
  if (empty.length === 0) return;
  const [from, to] = [empty[0], empty[empty.length - 1]].map((d) => formatDay(panel.calendar.days[panel.first + d]));
  const what = `the universe was empty on ${empty.length} of ${panel.count} days (${from} … ${to})`;
  log(events, 'warn', `${sleeve.sleeveId}: ${what}: no instrument had 63 complete trading days and enough volume`);
}

/** Positions closed for want of prices: the first few by name, in one line. */
function reportDelistings(
  result: SleeveResult,
  panel: LoadedPanel,
  sleeve: Sleeve,
  { events }: Pick<ProgramContext, 'events'>,
): void {
  const { fills } = result;
  const closed: string[] = [];
  for (let k = 0; k < fills.day.length; k++) {
    if (fills.cause[k] !== FILL_DELISTED) continue;
    const day = formatDay(panel.calendar.days[panel.first + fills.day[k]]);
    closed.push(`${panel.instruments[fills.instrument[k]].id} at ${fills.price[k]} on ${day}`);
  }
  if (closed.length === 0) return;
  const named = closed.slice(0, 3).join(', ');
  const more = closed.length > 3 ? ` and ${closed.length - 3} more` : '';
  log(events, 'warn', `${sleeve.sleeveId}: closed after 5 trading days without a price: ${named}${more}`);
}

/** A flat curve without a single trade is no backtest: say so instead of recording it. */
function requireActivity(result: SleeveResult, panel: LoadedPanel, sleeve: Sleeve, initialCash: number): void {
  if (result.fills.day.length > 0) return;
  const [from, to] = [panel.first, panel.first + panel.count - 1].map((t) => formatDay(panel.calendar.days[t]));
  if (result.universeSize.some((names) => names > 0)) {
    throw new UserError(
      `${sleeve.sleeveId} made no trade from ${from} to ${to}: no order came to a share that could be traded`,
      `Look at --initial-cash (${initialCash}), --whole-shares and --max-participation.`,
    );
  }
  throw new UserError(
    `${sleeve.sleeveId} made no trade from ${from} to ${to}: no instrument had 63 complete trading days and enough volume`,
    'Check prices and holidays of the range and the 3 months before it: prometheus why P0',
  );
}

function warnAboutData(panel: LoadedPanel, { events }: ProgramContext): void {
  if (panel.offCalendarRows > 0) {
    log(
      events,
      'warn',
      `${panel.offCalendarRows.toLocaleString('en-US')} price rows lie on weekends or holidays and were not used`,
    );
  }
  const { atStart, atEnd } = daysWithoutPrices(panel);
  const { days } = panel.calendar;
  requirePricesNearby(panel, atStart, atEnd);
  const trading = (count: number) => (count === 1 ? 'trading day has' : `${count} trading days have`);
  if (atStart > 0) {
    const begin = formatDay(days[panel.first + atStart]);
    log(events, 'warn', `prices begin on ${begin}: the range's first ${trading(atStart)} none`);
  }
  if (atEnd > 0) {
    const last = formatDay(days[days.length - 1 - atEnd]);
    log(events, 'warn', `prices end on ${last}: the range's last ${trading(atEnd)} none`);
  }
}

/** Trading days past the prices from which every name held would count as delisted: no backtest of those days. */
const PAST_PRICES = 5;

/** @throws UserError when the range reaches so far past the prices that part of it is a flat curve. */
function requirePricesNearby(panel: LoadedPanel, atStart: number, atEnd: number): void {
  const { days } = panel.calendar;
  if (atEnd >= PAST_PRICES) {
    const last = formatDay(days[days.length - 1 - atEnd]);
    throw new UserError(
      `prices of ${panel.marketId} end on ${last}: ${atEnd} trading days of the range come after it`,
      `End the range there (--end ${last}), or import later prices.`,
    );
  }
  if (atStart >= PAST_PRICES) {
    const begin = formatDay(days[panel.first + atStart]);
    throw new UserError(
      `prices of ${panel.marketId} begin on ${begin}: ${atStart} trading days of the range come before it`,
      `Begin the range there (--start ${begin}), or import earlier prices.`,
    );
  }
}
