/**
 * The price history of one company, from its own random streams and the shared factors.
 *
 * Daily log return = beta × market + loading × sector + idiosyncratic part + what happened over night (results, other
 * jumps, dividends). Expected excess returns are nil: neither past returns nor any trait tell future ones, save what a
 * failing or a bought company shows.
 */

import { exp, log, Random } from '../../../src/platform/random.ts';
import { type Company, QUARTER } from './company.ts';
import { COMPANY_STRESS, DAILY, type Factors, VolatilityClustering } from './factors.ts';
import { ShareCount } from './share-count.ts';
import { STREAM } from './streams.ts';

/**
 * Something that happened to a company; news is written about these.
 * `value`: log return of the jump (`earnings`, `jump`), new shares for one old (`splitAnnounced`, `split`), US dollars a
 * share at that time (`dividend`, `dividendRaised`, `listed`, `offer`, `acquired`, `delisted`), 0 otherwise.
 */
export interface CompanyEvent {
  readonly kind:
    | 'earnings'
    | 'jump'
    | 'splitAnnounced'
    | 'split'
    | 'dividend'
    | 'dividendRaised'
    | 'listed'
    | 'distress'
    | 'bankruptcy'
    | 'delisted'
    | 'offer'
    | 'acquired';
  /** Trading day that it takes effect on: an index into the market's trading days. */
  readonly day: number;
  readonly value: number;
}

/**
 * Daily columns from the company's first to its last trading day. US dollars a share, adjusted for all splits up to the
 * end (open, high, low, close), for splits and dividends (adjustedClose); volume in shares, adjusted for splits.
 */
export interface PriceSeries {
  readonly company: Company;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly adjustedClose: Float64Array;
  readonly volume: Float64Array;
  /** What a holder got for a share when trading ended, in the units of `close`; null while it trades. */
  readonly delistingValue: number | null;
  readonly events: readonly CompanyEvent[];
}

/** Idiosyncratic log volatility: an AR(1), see VolatilityClustering. */
const COMPANY_CLUSTERING = { persistence: 0.95, innovation: 0.11 };
/** Standard deviation of the jump on results (in a calm market) and of other jumps; how often the latter come. */
const EARNINGS_VOL = 0.034;
const JUMP_VOL = 0.065;
const JUMPS_A_DAY = 1.2 * DAILY;
/** Share of the day's common move that happens over night, and extra noise of the opening price. */
const OVERNIGHT_SHARE = 0.35;
const OPENING_NOISE = 0.25;
/** Volatility of the session as a share of the day's. */
const SESSION_SHARE = 0.8;
/** A failing company is this much more volatile, jumps more often, and lower. */
const FAILING = { stress: 1.7, jumps: 4, jumpDrift: -0.08 };
/** A company bought trades this far under the offer on the first day, closing to nothing on the last. */
const OFFER_SPREAD = 0.025;
const OFFER_NOISE = 0.0022;
/** Persistence and innovation of log volume; how much a move of one usual deviation, and each regime, adds to it. */
const VOLUME = { persistence: 0.88, innovation: 0.17, move: 0.2, regime: 0.18, mostMove: 6, least: 100 };

/** Prices are kept to 1/10,000 of a dollar, adjusted closes to a millionth. */
const toPrice = (value: number) => Math.round(value * 1e4) / 1e4;
const toAdjusted = (value: number) => Math.round(value * 1e6) / 1e6;
const toCents = (value: number) => Math.round(value * 100) / 100;

interface DailyMove {
  /** Log return from the last close to the open, known before the session. */
  night: number;
  /** Log return of the rest, partly over night as well. */
  common: number;
  /** Standard deviation of `common`. */
  vol: number;
}

/** The whole history of one company: a pure function of seed, company and factors. */
export function generatePricePath(seed: number, company: Company, factors: Factors): PriceSeries {
  const { first, last, turn, fate } = company;
  const length = last - first + 1;
  const returns = new Random(seed, STREAM.returns, company.index);
  const jumps = new Random(seed, STREAM.jumps, company.index);
  const session = new Random(seed, STREAM.session, company.index);
  const clustering = new VolatilityClustering(COMPANY_CLUSTERING.persistence, COMPANY_CLUSTERING.innovation);
  const sectorReturns = factors.sectors[company.sector];
  const sectorVols = factors.sectorVols[company.sector];

  const columns = {
    open: new Float64Array(length),
    high: new Float64Array(length),
    low: new Float64Array(length),
    close: new Float64Array(length),
  };
  const volume = new Float64Array(length);
  /** Dividend of the ex day as a share of the close before it. */
  const payouts = new Float64Array(length);
  const events: CompanyEvent[] = [];
  const shares = new ShareCount(company, events);
  const move: DailyMove = { night: 0, common: 0, vol: 0 };

  const premium = 0.18 + 0.27 * jumps.uniform();
  /** A failing company heads for this many dollars a share. */
  const ruin = 0.15 + 1.8 * jumps.uniform() * jumps.uniform();
  let declinePerDay = 0;
  let offer = 0;
  let activity = 0;
  /** Logarithm of what the shares that one share of the first day has become are worth at the close. */
  let level = log(company.startPrice);
  if (first > 0) events.push({ kind: 'listed', day: first, value: company.startPrice });

  for (let i = 0; i < length; i++) {
    const t = first + i;
    const failing = fate === 'failed' && t >= turn;
    const bought = fate === 'acquired' && t >= turn;
    const before = level;
    shares.open(t);
    if (failing && t === turn) {
      declinePerDay = Math.min(-1.5, log(ruin * shares.count) - level) / (last - turn + 1);
      events.push({ kind: 'distress', day: t, value: 0 });
    }
    if (bought && t === turn) {
      offer = toCents((exp(before) / shares.count) * (1 + premium));
      events.push({ kind: 'offer', day: t, value: offer });
    }

    const stress = COMPANY_STRESS[factors.regimes[t]] * (failing ? FAILING.stress : 1);
    const companyVol = company.companyVol * stress * clustering.next(returns.normal());
    const shock = companyVol * returns.fatTailed();
    const openingNoise = returns.normal();
    if (bought) followOffer(move, log(offer * shares.count) - before, t, company, openingNoise);
    else {
      const sectorVol = company.sectorLoading * sectorVols[t];
      const marketVol = company.beta * factors.marketVol[t];
      const ownVariance = companyVol * companyVol + sectorVol * sectorVol;
      move.vol = Math.sqrt(ownVariance + marketVol * marketVol);
      // Half the variance is taken off, so that volatile companies earn no more on average than quiet ones.
      move.common =
        company.beta * factors.market[t] +
        company.sectorLoading * sectorReturns[t] +
        shock -
        0.5 * ownVariance +
        declinePerDay;
      move.night = i === 0 ? 0 : jumpOfNight(company, t, stress, failing, jumps, events);
      if (i > 0 && !failing && company.dividendYield > 0 && t % QUARTER === company.dividendPhase) {
        payouts[i] = shares.payDividend(t, exp(before));
        move.night += log(1 - payouts[i]);
      }
    }

    level = Math.max(shares.floor, before + move.night + move.common);
    const openLevel = before + move.night + OVERNIGHT_SHARE * move.common + OPENING_NOISE * move.vol * openingNoise;
    writeSession(columns, i, Math.max(shares.floor, openLevel), level, move.vol, session);

    activity = VOLUME.persistence * activity + VOLUME.innovation * session.normal();
    const excitement = Math.min(VOLUME.mostMove, Math.abs(level - before) / (company.companyVol * 1.5));
    const mood = VOLUME.regime * factors.regimes[t] + (failing ? 0.6 : 0) + (bought && t > turn ? -0.5 : 0) - 0.15;
    volume[i] = Math.max(VOLUME.least, Math.round(exp(company.logVolume + activity + VOLUME.move * excitement + mood)));
    shares.considerSplit(t, columns.close[i]);
  }

  const adjustedClose = adjust(shares.count, payouts, columns);
  const delistingValue = endOfTrading(company, columns.close[length - 1], offer, jumps.uniform(), events);
  return { company, ...columns, adjustedClose, volume, delistingValue, events };
}

/** Once an offer stands the price follows it, not the market: there at one go on the first day, then slowly to its end. */
function followOffer(move: DailyMove, toOffer: number, t: number, company: Company, noise: number): void {
  const { turn, last } = company;
  const spread = (OFFER_SPREAD * (last - t)) / Math.max(1, last - turn);
  const target = toOffer - spread + (t === last ? 0 : OFFER_NOISE * noise);
  move.night = t === turn ? target : 0;
  move.common = t === turn ? 0 : target;
  move.vol = OFFER_NOISE;
}

/** Log return over night from results or another jump. */
function jumpOfNight(
  company: Company,
  t: number,
  stress: number,
  failing: boolean,
  random: Random,
  events: CompanyEvent[],
): number {
  if (t % QUARTER === company.earningsPhase) {
    const value = EARNINGS_VOL * (stress * random.normal() - 0.5 * EARNINGS_VOL);
    events.push({ kind: 'earnings', day: t, value });
    return value;
  }
  if (random.uniform() >= JUMPS_A_DAY * (failing ? FAILING.jumps : 1)) return 0;
  const value = JUMP_VOL * (random.fatTailed() - 0.5 * JUMP_VOL) + (failing ? FAILING.jumpDrift : 0);
  events.push({ kind: 'jump', day: t, value });
  return value;
}

/** Prices of a session; the extremes are those of a Brownian bridge from open to close, each by its exact law. */
function writeSession(
  columns: { open: Float64Array; high: Float64Array; low: Float64Array; close: Float64Array },
  i: number,
  open: number,
  close: number,
  vol: number,
  random: Random,
): void {
  const way = (close - open) * (close - open);
  const scale = 2 * SESSION_SHARE * SESSION_SHARE * vol * vol;
  columns.high[i] = exp(0.5 * (open + close + Math.sqrt(way - scale * log(random.uniform()))));
  columns.low[i] = exp(0.5 * (open + close - Math.sqrt(way - scale * log(random.uniform()))));
  columns.open[i] = exp(open);
  columns.close[i] = exp(close);
}

/** Puts prices on the share count of the end, in place, rounded; returns closes adjusted for dividends as well. */
function adjust(
  sharesAtEnd: number,
  payouts: Float64Array,
  prices: { open: Float64Array; high: Float64Array; low: Float64Array; close: Float64Array },
): Float64Array {
  const { open, high, low, close } = prices;
  const adjusted = new Float64Array(close.length);
  let factor = 1;
  for (let i = close.length - 1; i >= 0; i--) {
    open[i] = toPrice(open[i] / sharesAtEnd);
    close[i] = toPrice(close[i] / sharesAtEnd);
    high[i] = Math.max(toPrice(high[i] / sharesAtEnd), open[i], close[i]);
    low[i] = Math.min(toPrice(low[i] / sharesAtEnd), open[i], close[i]);
    adjusted[i] = toAdjusted(close[i] * factor);
    factor *= 1 - payouts[i];
  }
  return adjusted;
}

/** The value of a share after the last day of trading, with the events that end it. */
function endOfTrading(
  company: Company,
  lastClose: number,
  offer: number,
  recovery: number,
  events: CompanyEvent[],
): number | null {
  const day = company.last;
  if (company.fate === 'failed') {
    const value = toPrice(lastClose * 0.3 * recovery);
    events.push({ kind: 'bankruptcy', day, value: 0 }, { kind: 'delisted', day, value });
    return value;
  }
  if (company.fate !== 'acquired') return null;
  events.push({ kind: 'acquired', day, value: offer });
  return offer;
}
