/** The synthetic market as a pure function: same figures everywhere, sane prices, a real calendar, honest returns. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_COMPANIES } from '../../engines/data/generate/company.ts';
import { CALM, CRISIS, NERVOUS } from '../../engines/data/generate/factors.ts';
import {
  generateMarket,
  type MarketOptions,
  type SyntheticMarket,
  sortArticles,
} from '../../engines/data/generate/market.ts';
import type { Article } from '../../engines/data/generate/news-plan.ts';
import type { PriceSeries } from '../../engines/data/generate/price-path.ts';
import { SECTORS } from '../../engines/data/generate/sectors.ts';
import { DEFAULT_MARKET } from '../../engines/data/generate/spec.ts';
import { logReturns, STABILITY_WINDOW, stabilityOf } from '../../engines/stability/model.ts';
import { formatDay, isWeekend, parseDay } from '../../src/platform/dates.ts';
import { UsageError } from '../../src/platform/errors.ts';
import { haveShared, SKIP_REASON, sharedCsv } from '../helpers/shared-data.ts';

const SMALL: MarketOptions = {
  seed: 7,
  instruments: 20,
  start: '2012-01-03',
  end: '2013-12-31',
  newsStart: '2012-06-01',
};

const COLUMNS = ['open', 'high', 'low', 'close', 'adjustedClose', 'volume'] as const;

/** All histories of a market, by company index. */
function histories(market: SyntheticMarket): PriceSeries[] {
  return market.companies.map((company) => market.prices(company)).sort((a, b) => a.company.index - b.company.index);
}

function newsOf(market: SyntheticMarket, series: readonly PriceSeries[]): Article[] {
  return sortArticles(series.flatMap((one) => market.articles(one)));
}

/** SHA-256 of everything that one company brings: traits, columns as little-endian bytes, events, articles with their words. */
function companyDigest(market: SyntheticMarket, series: PriceSeries): string {
  const hash = createHash('sha256').update(JSON.stringify(series.company));
  for (const name of COLUMNS) hash.update(new Uint8Array(series[name].buffer));
  hash.update(JSON.stringify([series.delistingValue, series.events]));
  for (const article of sortArticles(market.articles(series))) {
    const { headline, body } = market.text(article);
    hash.update(JSON.stringify([article.id, article.at, article.peer?.instrumentId ?? null, headline, body]));
  }
  return hash.digest('hex');
}

function marketDigest(market: SyntheticMarket): string {
  const hash = createHash('sha256').update(JSON.stringify(market.holidays));
  for (const series of histories(market)) hash.update(companyDigest(market, series));
  return hash.digest('hex');
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const deviation = (values: readonly number[]) => {
  const centre = mean(values);
  return Math.sqrt(sum(values.map((v) => (v - centre) ** 2)) / (values.length - 1));
};

/** The market of `prometheus demo`, made once. */
const demo = generateMarket(DEFAULT_MARKET);
const demoSeries = histories(demo);
const demoDay = (date: string) => demo.tradingDays.indexOf(parseDay(date));

describe('determinism', () => {
  it('gives the same market again, and the one that is on record', () => {
    const digest = marketDigest(generateMarket(SMALL));
    expect(marketDigest(generateMarket(SMALL))).toBe(digest);
    // Changes with the generator only, and then GENERATOR_VERSION must be raised.
    expect(digest).toBe('f956ca9827778bc333644117b374393eaafe80e6b5e1f360c06ab22662af4611');
  });

  it('is another market with another seed', () => {
    const other = generateMarket({ ...SMALL, seed: 8 });
    expect(marketDigest(other)).not.toBe(marketDigest(generateMarket(SMALL)));
    expect(other.factors.market[0]).not.toBe(generateMarket(SMALL).factors.market[0]);
  });

  it('keeps the first companies, articles and all, when there are more', () => {
    const market = generateMarket(SMALL);
    const larger = generateMarket({ ...SMALL, instruments: 60 });
    const more = histories(larger);
    for (const [i, series] of histories(market).entries()) {
      expect(companyDigest(larger, more[i])).toBe(companyDigest(market, series));
    }
  });

  it('keeps the articles that remain when news starts later', () => {
    const texts = (market: SyntheticMarket) =>
      newsOf(market, histories(market)).map((article) => `${article.id} ${market.text(article).headline}`);
    const all = texts(generateMarket(SMALL));
    const late = texts(generateMarket({ ...SMALL, newsStart: '2013-03-01' }));
    expect(late.length).toBeGreaterThan(0);
    expect(all.slice(-late.length)).toEqual(late);
  });
});

describe('prices', () => {
  const options = fc.record({
    seed: fc.nat(),
    instruments: fc.integer({ min: 1, max: 25 }),
    start: fc.integer({ min: parseDay('1997-01-01'), max: parseDay('2023-01-01') }),
    days: fc.integer({ min: 7, max: 900 }),
  });

  it('are well-formed for any options', () => {
    fc.assert(
      fc.property(options, ({ seed, instruments, start, days }) => {
        const market = generateMarket({
          seed,
          instruments,
          start: formatDay(start),
          end: formatDay(start + days),
          newsStart: formatDay(start),
        });
        const closed = new Set(market.holidays.map((holiday) => holiday.day));
        expect([...market.tradingDays].every((day) => !isWeekend(day) && !closed.has(day))).toBe(true);
        expect(market.companies.length).toBe(instruments);
        for (const company of market.companies) expectSound(market, market.prices(company));
      }),
      { numRuns: 40 },
    );
  });

  /** One assertion a company: a matcher call for each of a million figures takes minutes. */
  function expectSound(market: SyntheticMarket, series: PriceSeries): void {
    const { company, open, high, low, close, adjustedClose, volume } = series;
    const wrong: string[] = [];
    if (close.length !== company.last - company.first + 1) wrong.push('length');
    if (company.first < 0 || company.last >= market.tradingDays.length) wrong.push('life');
    for (let i = 0; i < close.length; i++) {
      if (!(low[i] > 0)) wrong.push(`low ${low[i]}`);
      if (!(low[i] <= open[i] && low[i] <= close[i] && high[i] >= open[i] && high[i] >= close[i]))
        wrong.push(`bar ${i}`);
      if (!(adjustedClose[i] > 0 && adjustedClose[i] <= close[i])) wrong.push(`adjusted ${i}`);
      if (!(Number.isInteger(volume[i]) && volume[i] > 0)) wrong.push(`volume ${volume[i]}`);
      if (Math.round(close[i] * 1e4) / 1e4 !== close[i]) wrong.push(`digits ${close[i]}`);
      if (i > 0 && Math.abs(Math.log(close[i] / close[i - 1])) > 1) wrong.push(`step ${i}`);
    }
    expect(wrong, company.instrumentId).toEqual([]);
  }

  it('are as volatile as their regime', () => {
    const returns = [CALM, NERVOUS, CRISIS].map((regime) =>
      [...demo.factors.market].filter((_, t) => demo.factors.regimes[t] === regime),
    );
    const [calm, nervous, crisis] = returns.map((list) => deviation(list) * Math.sqrt(252));
    expect(calm).toBeGreaterThan(0.07);
    expect(calm).toBeLessThan(0.15);
    expect(nervous).toBeGreaterThan(0.13);
    expect(nervous).toBeLessThan(0.26);
    expect(crisis).toBeGreaterThan(0.28);
    expect(crisis).toBeLessThan(0.6);
    for (const list of returns) expect(list.length).toBeGreaterThan(60);
  });

  it('cluster in volatility, with fat tails', () => {
    const moves = demoSeries.filter((s) => s.company.fate === 'plain').map((s) => [...logReturns(s.close)].slice(1));
    const kurtosis = mean(moves.map((r) => mean(r.map((v) => v ** 4)) / mean(r.map((v) => v ** 2)) ** 2));
    const clustering = mean(moves.map((r) => correlation(r.slice(0, -1).map(Math.abs), r.slice(1).map(Math.abs))));
    expect(kurtosis).toBeGreaterThan(6);
    expect(clustering).toBeGreaterThan(0.08);
  });

  it('hold jumps, results, splits and dividends', () => {
    const count = (kind: string) => sum(demoSeries.map((s) => s.events.filter((event) => event.kind === kind).length));
    expect(count('jump')).toBeGreaterThan(500);
    expect(count('earnings')).toBeGreaterThan(3000);
    expect(count('dividend')).toBeGreaterThan(1000);
    expect(count('split')).toBeGreaterThan(5);
    const large = sum(demoSeries.map((s) => [...logReturns(s.close)].filter((r) => Math.abs(r) > 0.12).length));
    expect(large).toBeGreaterThan(100);
  });

  it('show no jump on the day of a split: they are adjusted for it', () => {
    for (const { company, close, events } of demoSeries) {
      for (const event of events.filter(({ kind }) => kind === 'split')) {
        const i = event.day - company.first;
        expect(Math.abs(Math.log(close[i] / close[i - 1]))).toBeLessThan(0.35);
      }
    }
  });

  it('pay dividends into the adjusted close only', () => {
    const payer = demoSeries.find((s) => s.events.some((event) => event.kind === 'dividend'))!;
    const factor = payer.adjustedClose.map((value, i) => value / payer.close[i]);
    expect(factor.at(-1)).toBe(1);
    const exDays = payer.events
      .filter(({ kind }) => kind.startsWith('dividend'))
      .map(({ day }) => day - payer.company.first);
    const steps = [...factor.keys()].filter((i) => i > 0 && factor[i] / factor[i - 1] > 1.0002);
    expect(steps.every((i) => exDays.includes(i))).toBe(true);
    expect(steps.length).toBeGreaterThan(exDays.length / 2);
  });

  it('begin late, end in ruin and end in a purchase for some', () => {
    const fates = (fate: string) => demoSeries.filter((s) => s.company.fate === fate);
    expect(fates('listed')).toHaveLength(12);
    for (const { company } of fates('listed')) expect(company.first).toBeGreaterThan(0);
    expect(fates('failed')).toHaveLength(4);
    for (const { company, close, delistingValue } of fates('failed')) {
      expect(company.last).toBeLessThan(demo.tradingDays.length - 1);
      expect(delistingValue).toBeLessThan(close.at(-1)!);
      expect(close.at(-1)!).toBeLessThan(0.25 * close[company.turn]);
    }
    expect(fates('failed').some((s) => s.delistingValue! < 0.2)).toBe(true);
    expect(fates('acquired')).toHaveLength(4);
    for (const { company, close, delistingValue } of fates('acquired')) {
      expect(delistingValue).toBe(close.at(-1));
      expect(close[company.turn] / close[company.turn - 1]).toBeGreaterThan(1.1);
    }
    const others = demoSeries.filter((s) => s.delistingValue === null);
    expect(others.every((s) => s.company.last === demo.tradingDays.length - 1)).toBe(true);
  });

  it('carry no momentum: ranks of the last month say nothing about the next', () => {
    const plain = demoSeries.filter((s) => s.company.fate === 'plain');
    const coefficients: number[] = [];
    for (let t = 63; t + 21 < demo.tradingDays.length; t += 21) {
      const past = plain.map(({ close }) => close[t] / close[t - 21]);
      const next = plain.map(({ close }) => close[t + 21] / close[t]);
      coefficients.push(correlation(ranks(past), ranks(next)));
    }
    const standardError = deviation(coefficients) / Math.sqrt(coefficients.length);
    expect(Math.abs(mean(coefficients))).toBeLessThan(Math.max(0.03, 2.5 * standardError));
  });
});

describe('what the pipeline needs', () => {
  const from = demoDay('2014-01-02');
  const to = demoDay('2014-03-31');
  const states = demoSeries.flatMap(({ company, close }) => {
    const list: { t: number; sector: number; classCode: number }[] = [];
    for (let t = Math.max(from, company.first + STABILITY_WINDOW - 1); t <= Math.min(to, company.last); t++) {
      const window = close.subarray(t - company.first - STABILITY_WINDOW + 1, t - company.first + 1);
      const state = stabilityOf(window, logReturns(window).subarray(1));
      if (state) list.push({ t, sector: company.sector, classCode: state.classCode });
    }
    return list;
  });

  it('gives most instruments a full window on every day of the first quarter of 2014', () => {
    for (let t = from; t <= to; t++) {
      expect(states.filter((state) => state.t === t).length).toBeGreaterThan(0.8 * demo.companies.length);
    }
  });

  it('spreads soft target classes, and fills clusters of sector and class', () => {
    const classes = new Set(states.map((state) => state.classCode));
    expect(classes.size).toBeGreaterThanOrEqual(3);
    const sizes = new Map<string, number>();
    for (const { t, sector, classCode } of states) {
      const key = `${t} ${sector} ${classCode}`;
      sizes.set(key, (sizes.get(key) ?? 0) + 1);
    }
    const large = [...sizes.values()].filter((size) => size >= 5).length;
    expect(large / (to - from + 1)).toBeGreaterThan(4);
  });

  it('lets most pass the liquidity filter of 100,000 shares, and some fail it', () => {
    const liquid = demoSeries.map(({ volume }) => mean([...volume]) >= 100_000);
    expect(liquid.filter(Boolean).length).toBeGreaterThan(0.85 * liquid.length);
    expect(liquid.filter((passes) => !passes).length).toBeGreaterThanOrEqual(3);
    const volumes = demoSeries.map(({ volume }) => mean([...volume]));
    expect(Math.max(...volumes)).toBeLessThan(8e7);
  });

  it('holds every sector', () => {
    expect(new Set(demo.companies.map((company) => company.sector)).size).toBe(SECTORS.length);
  });
});

describe('names', () => {
  it('are unlike each other, and six letters long as no US ticker is', () => {
    const { companies } = generateMarket({ ...SMALL, instruments: MAX_COMPANIES, end: '2012-01-10' });
    expect(new Set(companies.map((company) => company.symbol)).size).toBe(MAX_COMPANIES);
    for (const { symbol, instrumentId, issuerId } of companies) {
      expect(symbol).toMatch(/^[A-Z]{6}$/);
      expect(instrumentId).toBe(`${symbol}.US`);
      expect(issuerId).toBe(symbol);
    }
  });

  it.skipIf(!haveShared)(`are nobody's in the real list (${haveShared ? 'shared data' : SKIP_REASON})`, () => {
    const { companies } = generateMarket({ ...SMALL, instruments: MAX_COMPANIES, end: '2012-01-10' });
    const real = sharedCsv('data/instruments.csv');
    const symbols = new Set(real.map((row) => row.symbol));
    const words = new Set(real.flatMap((row) => row.name.toUpperCase().split(/[^A-Z]+/)));
    expect(companies.filter(({ symbol }) => symbols.has(symbol) || words.has(symbol))).toEqual([]);
  });
});

describe('options that make no market', () => {
  const cases: [Partial<MarketOptions>, RegExp][] = [
    [{ seed: -1 }, /seed/],
    [{ seed: 1.5 }, /seed/],
    [{ instruments: 0 }, /instruments/],
    [{ instruments: MAX_COMPANIES + 1 }, /instruments/],
    [{ start: '2014-02-30' }, /not a date/],
    [{ start: '1850-01-01' }, /out of range/],
    [{ start: '2014-01-02', end: '2013-12-31' }, /before the start/],
    [{ start: '2014-01-04', end: '2014-01-05' }, /no trading day/],
    [{ newsStart: 'soon' }, /not a date/],
  ];
  it.each(cases)('%j', (change, message) => {
    const make = () => generateMarket({ ...SMALL, ...change });
    expect(make).toThrow(UsageError);
    expect(make).toThrow(message);
  });
});

function correlation(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  const products = sum(a.map((v, i) => (v - ma) * (b[i] - mb)));
  return products / Math.sqrt(sum(a.map((v) => (v - ma) ** 2)) * sum(b.map((v) => (v - mb) ** 2)));
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const result = new Array<number>(values.length);
  order.forEach((i, rank) => {
    result[i] = rank;
  });
  return result;
}
