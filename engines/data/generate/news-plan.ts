/** Which articles are written about a company, when, and about what: from its events, from the factors, and filler. */
import { formatDay, isWeekend, MS_PER_DAY } from '../../../src/platform/dates.ts';
import { Random } from '../../../src/platform/random.ts';
import type { Company } from './company.ts';
import type { Factors } from './factors.ts';
import type { CompanyEvent, PriceSeries } from './price-path.ts';
import { STREAM } from './streams.ts';

/** Occasions of articles; `headlines.ts` holds the words for each. */
export type Topic =
  | 'earningsPreview'
  | 'earningsBeat'
  | 'earningsMiss'
  | 'earningsInLine'
  | 'guidanceRaised'
  | 'guidanceCut'
  | 'goodNews'
  | 'badNews'
  | 'sharesUp'
  | 'sharesDown'
  | 'splitAnnounced'
  | 'split'
  | 'dividend'
  | 'dividendRaised'
  | 'listed'
  | 'distress'
  | 'bankruptcy'
  | 'delisted'
  | 'offer'
  | 'acquired'
  | 'sectorUp'
  | 'sectorDown'
  | 'marketUp'
  | 'marketDown'
  | 'ratingRaised'
  | 'ratingCut'
  | 'rivals'
  | 'filler';

export interface Article {
  /**
   * Unique in the market, `SW<minute>-<company>-<number>`; depends on (seed, company) alone. Ascending ids are ascending
   * times, so that importing the files numbers articles as a fill of the database does.
   */
  readonly id: string;
  /** Milliseconds since 1970, UTC; whole minutes. */
  readonly at: number;
  readonly company: Company;
  /** A second company that it names and is linked to. */
  readonly peer: Company | null;
  readonly topic: Topic;
  /** Number of the article within its company: names the stream of its words. */
  readonly number: number;
  /** As in CompanyEvent; the factor's return for sector and market topics; 0 for the rest. */
  readonly value: number;
}

export interface NewsContext {
  readonly seed: number;
  readonly tradingDays: Int32Array;
  readonly factors: Factors;
  /** Day numbers, both included. */
  readonly newsStart: number;
  readonly end: number;
  /** A company of the same sector, created earlier, that trades on trading day t; null when there is none. */
  readonly peerOf: (company: Company, t: number, random: Random) => Company | null;
}

type Time = 'beforeOpen' | 'session' | 'afterClose' | 'anyTime';

/** Minutes of the UTC day, [from, to). The New York session is 13:30–20:00Z in summer and 14:30–21:00Z in winter. */
const TIMES: Record<Time, readonly [from: number, to: number]> = {
  beforeOpen: [11 * 60, 13 * 60 + 15],
  session: [14 * 60 + 40, 19 * 60 + 50],
  afterClose: [21 * 60 + 2, 23 * 60],
  anyTime: [8 * 60, 23 * 60 + 59],
};

const TRADING_DAYS = 252;
const FILLERS_A_DAY = 5 / TRADING_DAYS;
const RATINGS_A_DAY = 2.4 / TRADING_DAYS;
const WEEKEND_FILLERS_A_DAY = 0.0055;
/** A factor's day counts as a move when it is this many times its volatility, and is tied to a company with these chances. */
const FACTOR_MOVE = 2.2;
const SECTOR_SHARE = 0.09;
const MARKET_SHARE = 0.02;
/** A jump above this (log return) draws an article about the shares as well. */
const NOTED_JUMP = 0.03;

/** All articles about one company within the news span, in no particular order. */
export function planArticles(series: PriceSeries, context: NewsContext): Article[] {
  const { company } = series;
  const { seed, tradingDays, factors, newsStart, end, peerOf } = context;
  const random = new Random(seed, STREAM.news, company.index);
  const articles: Article[] = [];
  let number = 0;

  const write = (topic: Topic, day: number, time: Time, value = 0, peer: Company | null = null) => {
    const [from, to] = TIMES[time];
    const minute = from + random.below(to - from);
    // Counted and drawn even outside the span, so that another news start changes no article inside it.
    number++;
    if (day < newsStart || day > end) return;
    const id = articleId(day, minute, company, number);
    articles.push({ id, at: day * MS_PER_DAY + minute * 60_000, company, peer, topic, number, value });
  };
  const dayAt = (t: number) => tradingDays[Math.max(company.first, t)];

  for (const event of series.events) planEvent(event, company, random, write, dayAt, peerOf);

  for (let t = company.first; t <= company.last; t++) {
    const day = tradingDays[t];
    const chance = random.uniform();
    const peer = peerOf(company, t, random);
    if (chance < FILLERS_A_DAY) {
      const two = peer !== null && random.uniform() < 0.25;
      write(two ? 'rivals' : 'filler', day, 'anyTime', 0, two ? peer : null);
    } else if (chance > 1 - RATINGS_A_DAY) {
      write(random.uniform() < 0.5 ? 'ratingRaised' : 'ratingCut', day, 'beforeOpen');
    }
    const sector = factors.sectors[company.sector][t];
    if (Math.abs(sector) > FACTOR_MOVE * factors.sectorVols[company.sector][t] && random.uniform() < SECTOR_SHARE) {
      write(sector > 0 ? 'sectorUp' : 'sectorDown', day, 'session', sector, random.uniform() < 0.6 ? peer : null);
    }
    const market = factors.market[t];
    if (Math.abs(market) > FACTOR_MOVE * factors.marketVol[t] && random.uniform() < MARKET_SHARE) {
      write(market > 0 ? 'marketUp' : 'marketDown', day, 'afterClose', market);
    }
    const nextDay = t < company.last ? tradingDays[t + 1] : day;
    for (let free = day + 1; free < nextDay; free++) {
      if (isWeekend(free) && random.uniform() < WEEKEND_FILLERS_A_DAY) write('filler', free, 'anyTime');
    }
  }
  return articles;
}

function articleId(day: number, minute: number, company: Company, number: number): string {
  const digits = (value: number, count: number) => String(value).padStart(count, '0');
  const time = digits(Math.floor(minute / 60), 2) + digits(minute % 60, 2);
  return `SW${formatDay(day).replaceAll('-', '')}${time}-${digits(company.index, 4)}-${digits(number, 5)}`;
}

/** The articles that one event draws. An event known after a close is written about on the day before it moves the price. */
function planEvent(
  event: CompanyEvent,
  company: Company,
  random: Random,
  write: (topic: Topic, day: number, time: Time, value?: number, peer?: Company | null) => void,
  dayAt: (t: number) => number,
  peerOf: NewsContext['peerOf'],
): void {
  const { kind, day: t, value } = event;
  const rises = value > 0;
  switch (kind) {
    case 'earnings': {
      const after = company.reportsAfterClose;
      const at = dayAt(after ? t - 1 : t);
      const time = after ? 'afterClose' : 'beforeOpen';
      if (random.uniform() < 0.35) write('earningsPreview', dayAt(t - 4 - random.below(5)), 'anyTime');
      write(value > 0.008 ? 'earningsBeat' : value < -0.008 ? 'earningsMiss' : 'earningsInLine', at, time, value);
      if (random.uniform() < 0.3) write(rises ? 'guidanceRaised' : 'guidanceCut', at, time, value);
      if (Math.abs(value) > NOTED_JUMP) write(rises ? 'sharesUp' : 'sharesDown', dayAt(t), 'session', value);
      break;
    }
    case 'jump': {
      const after = random.uniform() < 0.4;
      write(rises ? 'goodNews' : 'badNews', dayAt(after ? t - 1 : t), after ? 'afterClose' : 'beforeOpen', value);
      if (Math.abs(value) > NOTED_JUMP) write(rises ? 'sharesUp' : 'sharesDown', dayAt(t), 'session', value);
      break;
    }
    case 'dividend':
      // Declared some weeks before the ex day; every other one is reported.
      if (random.uniform() < 0.5) write('dividend', dayAt(t - 14), 'afterClose', value);
      break;
    case 'dividendRaised':
      write('dividendRaised', dayAt(t - 14), 'afterClose', value);
      break;
    case 'offer':
      write('offer', dayAt(t), 'beforeOpen', value, peerOf(company, t, random));
      break;
    case 'listed':
    case 'split':
    case 'distress':
      write(kind, dayAt(t), 'beforeOpen', value);
      break;
    default:
      write(kind, dayAt(t), 'afterClose', value);
  }
}
