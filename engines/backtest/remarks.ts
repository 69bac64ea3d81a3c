/** What a reader of a campaign is told of its data and of how a sleeve went, and what is refused for it. */
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { UserError } from '../../src/platform/errors.ts';
import { log } from '../../src/platform/events.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import { FILL_DELISTED } from '../execution/fill-log.ts';
import { type LambdaChoice, type LambdaScores, sourceName } from '../lambda/provider.storage.ts';
import { daysWithoutPrices, type LoadedPanel } from '../market/storage.ts';
import type { UniverseDates } from '../universe/dates.model.ts';
import type { ContextOrigin } from './record.ts';
import type { SleeveResult } from './simulate.ts';
import type { Sleeve } from './sleeves.ts';

/** What the context backend reads, and how far it reaches. */
export function reportContext(
  { branches: shares, head, modelId, coverage }: ContextOrigin,
  { events }: ProgramContext,
): void {
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
export function reportDates(
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
    `names by ${source}: ${formatCount(n)} of every status, ${share} % of instruments and days are outside their dates`,
  );
  if (undated > 0)
    log(
      events,
      'warn',
      `${formatCount(undated)} of ${formatCount(n)} instruments say no last date: they count as listed to this day`,
    );
  if (unknownMembers > 0)
    log(events, 'warn', `${unknownMembers} members of ${source} are no equities of ${panel.marketId}: no day has them`);
}

/** Share of the eligible instruments below which a λ̂ is warned about. */
const LEAST_REACH = 0.5;

/** What λ̂ a campaign runs with, and what is not known about it. */
export function reportLambda(
  choice: LambdaChoice,
  swept: boolean,
  { experimentId, trainEnd, readsPast, daysReached, shareReached }: LambdaScores,
  panel: LoadedPanel,
  { events }: ProgramContext,
): void {
  const weight = swept ? 'weights of the grid' : `weight ${choice.weight}`;
  const days = `on ${formatCount(daysReached)} of ${formatCount(panel.count)} days`;
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
export function reportEmptyDays(
  result: SleeveResult,
  panel: LoadedPanel,
  sleeve: Sleeve,
  { events }: Pick<ProgramContext, 'events'>,
): void {
  const empty = [...result.universeSize.keys()].filter((d) => result.universeSize[d] === 0);
  if (empty.length === 0) return;
  const [from, to] = [empty[0], empty[empty.length - 1]].map((d) => formatDay(panel.calendar.days[panel.first + d]));
  const what = `the universe was empty on ${formatCount(empty.length)} of ${formatCount(panel.count)} days (${from} … ${to})`;
  log(events, 'warn', `${sleeve.sleeveId}: ${what}: no instrument had 63 complete trading days and enough volume`);
}

/** Positions closed for their name's end, or for want of prices: the first few by name, in one line. */
export function reportDelistings(
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
  log(
    events,
    'warn',
    `${sleeve.sleeveId}: closed as delisted (past its last day, or 5 trading days without a price): ${named}${more}`,
  );
}

/** Why a sleeve's result is no backtest: a flat curve without a single trade. Null when it traded. */
export function inactivity(
  result: SleeveResult,
  panel: LoadedPanel,
  sleeve: Sleeve,
  initialCash: number,
): UserError | null {
  if (result.fills.day.length > 0) return null;
  const [from, to] = [panel.first, panel.first + panel.count - 1].map((t) => formatDay(panel.calendar.days[t]));
  const what = `${sleeve.sleeveId} made no trade from ${from} to ${to}`;
  return result.universeSize.some((names) => names > 0)
    ? new UserError(
        `${what}: no order came to a share that could be traded`,
        `Look at --initial-cash (${initialCash}), --whole-shares and --max-participation.`,
      )
    : new UserError(
        `${what}: no instrument had 63 complete trading days and enough volume`,
        'Check prices and holidays of the range and the 3 months before it: prometheus why P0',
      );
}

export function warnAboutData(panel: LoadedPanel, { events }: ProgramContext): void {
  if (panel.offCalendarRows > 0) {
    log(
      events,
      'warn',
      `${formatCount(panel.offCalendarRows)} price rows lie on weekends or holidays and were not used`,
    );
  }
  const { atStart, atEnd } = daysWithoutPrices(panel);
  const { days } = panel.calendar;
  requirePricesNearby(panel, atStart, atEnd);
  const trading = (count: number) => (count === 1 ? 'trading day has' : `${formatCount(count)} trading days have`);
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
