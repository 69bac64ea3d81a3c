/**
 * The synthetic US equity market: a pure function of its options, made company by company so that memory stays flat.
 * What it models and what it does not: docs/synthetic-market.md.
 */
import { civilFromDay, formatDay, tryParseDay } from '../../../src/platform/dates.ts';
import { UsageError } from '../../../src/platform/errors.ts';
import type { Random } from '../../../src/platform/random.ts';
import { makeCalendar } from '../../market/calendar.ts';
import { type Company, generateCompany, MAX_COMPANIES } from './company.ts';
import { exchangeHolidays, FIRST_YEAR, type Holiday, LAST_YEAR } from './exchange-calendar.ts';
import { type Factors, generateFactors } from './factors.ts';
import { type ArticleText, writeArticle } from './headlines.ts';
import { type Article, planArticles } from './news-plan.ts';
import { MARKET } from './output.ts';
import { generatePricePath, type PriceSeries } from './price-path.ts';
import { SECTORS } from './sectors.ts';

/** Raised whenever the same options give other figures than before. */
export const GENERATOR_VERSION = 1;

export interface MarketOptions {
  /** Non-negative integer. */
  readonly seed: number;
  readonly instruments: number;
  /** First and last day of prices, first day of news: `YYYY-MM-DD`. */
  readonly start: string;
  readonly end: string;
  readonly newsStart: string;
}

/** Options and version: equal fingerprints are equal markets. */
export interface MarketFingerprint extends MarketOptions {
  readonly version: number;
}

export interface SyntheticMarket {
  readonly fingerprint: MarketFingerprint;
  /** Weekdays without trading, from a year before the span to a year after it. */
  readonly holidays: readonly Holiday[];
  /** Day numbers of the span; companies and events count in indices of this list. */
  readonly tradingDays: Int32Array;
  readonly factors: Factors;
  /** By instrument id, ascending. */
  readonly companies: readonly Company[];
  /** The price history of a company; computed anew at each call. */
  prices(company: Company): PriceSeries;
  /** The articles about a company, in no particular order; `sortArticles` puts those of all in theirs. */
  articles(series: PriceSeries): Article[];
  text(article: Article): ArticleText;
}

/** @throws UsageError for options that make no market. */
export function generateMarket(options: MarketOptions): SyntheticMarket {
  const { seed, instruments } = options;
  const [start, end, newsStart] = validDays(options);
  const holidays = exchangeHolidays(start, end);
  const { days: tradingDays } = makeCalendar(
    MARKET.id,
    start,
    end,
    holidays.map((holiday) => holiday.day),
  );
  if (tradingDays.length === 0) {
    throw new UsageError(`no trading day lies in ${options.start} … ${options.end}`, 'Choose a longer span.');
  }
  const factors = generateFactors(seed, tradingDays.length);
  const created = Array.from({ length: instruments }, (_, index) => generateCompany(seed, index, tradingDays.length));

  const earlierPeers = earlierOfSector(created);
  /** Only companies created earlier are named, so that more companies leave the articles of the first ones as they are. */
  const peerOf = (company: Company, t: number, random: Random): Company | null => {
    const peers = earlierPeers.get(company)!;
    const peer = peers.length > 0 ? random.pick(peers) : null;
    return peer && peer.first <= t && t <= peer.last ? peer : null;
  };
  const context = { seed, tradingDays, factors, newsStart, end, peerOf };

  return {
    fingerprint: { ...options, version: GENERATOR_VERSION },
    holidays,
    tradingDays,
    factors,
    companies: created.sort((a, b) => (a.instrumentId < b.instrumentId ? -1 : 1)),
    prices: (company) => generatePricePath(seed, company, factors),
    articles: (series) => planArticles(series, context),
    text: (article) => writeArticle(seed, article),
  };
}

/** For each company those of its sector that come before it in the order of creation. */
function earlierOfSector(created: readonly Company[]): Map<Company, readonly Company[]> {
  const earlier = new Map<Company, readonly Company[]>();
  const bySector = SECTORS.map((): Company[] => []);
  for (const company of created) {
    earlier.set(company, [...bySector[company.sector]]);
    bySector[company.sector].push(company);
  }
  return earlier;
}

/** Whether two fingerprints name the same market. */
export function sameMarket(a: MarketFingerprint, b: MarketFingerprint): boolean {
  const keys: readonly (keyof MarketFingerprint)[] = ['seed', 'instruments', 'start', 'end', 'newsStart', 'version'];
  return keys.every((key) => a[key] === b[key]);
}

/** Articles in the order in which they are stored and printed: by id, which is by time. */
export function sortArticles(articles: Article[]): Article[] {
  return articles.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Start, end and first day of news as day numbers. */
function validDays(options: MarketOptions): [start: number, end: number, newsStart: number] {
  const { seed, instruments } = options;
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UsageError(`the seed ${seed} is not usable`, 'Give an integer from 0.');
  if (!Number.isInteger(instruments) || instruments < 1 || instruments > MAX_COMPANIES) {
    throw new UsageError(`${instruments} instruments cannot be made`, `Give a number from 1 to ${MAX_COMPANIES}.`);
  }
  const day = (name: string, text: string): number => {
    const parsed = tryParseDay(text);
    if (parsed === null) throw new UsageError(`${name} '${text}' is not a date`, 'Write dates as YYYY-MM-DD.');
    const { year } = civilFromDay(parsed);
    if (year < FIRST_YEAR || year > LAST_YEAR) {
      throw new UsageError(`${name} ${text} is out of range`, `Choose years from ${FIRST_YEAR} to ${LAST_YEAR}.`);
    }
    return parsed;
  };
  const start = day('the start', options.start);
  const end = day('the end', options.end);
  if (end < start)
    throw new UsageError(`the end ${formatDay(end)} is before the start ${formatDay(start)}`, 'Swap them.');
  return [start, end, day('the start of news', options.newsStart)];
}
