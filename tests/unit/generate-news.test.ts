/** The news of the synthetic market: when it is published, whom it names, and what it may tell of. */
import { describe, expect, it } from 'vitest';
import { generateMarket, sortArticles } from '../../engines/data/generate/market.ts';
import { DEFAULT_MARKET } from '../../engines/data/generate/spec.ts';
import { dayOfInstant, isWeekend, MS_PER_DAY, parseDay } from '../../src/platform/dates.ts';

const demo = generateMarket(DEFAULT_MARKET);
const demoSeries = demo.companies
  .map((company) => demo.prices(company))
  .sort((a, b) => a.company.index - b.company.index);
const demoNews = sortArticles(demoSeries.flatMap((series) => demo.articles(series)));

describe('news', () => {
  it('falls into the span, within the life of its company, and on whole minutes', () => {
    expect(demoNews.length).toBeGreaterThan(8_000);
    expect(demoNews.length).toBeLessThan(20_000);
    const start = parseDay(DEFAULT_MARKET.newsStart);
    const end = parseDay(DEFAULT_MARKET.end);
    const wrong = demoNews.filter(({ at, company }) => {
      const day = dayOfInstant(at);
      const alive = demo.tradingDays[company.first] <= day && day <= demo.tradingDays[company.last];
      return day < start || day > end || !alive || at % 60_000 !== 0;
    });
    expect(wrong).toEqual([]);
  });

  it('covers every year, the evening after the close and weekends', () => {
    const years = new Map<string, number>();
    for (const { at } of demoNews) {
      const year = new Date(at).toISOString().slice(0, 4);
      years.set(year, (years.get(year) ?? 0) + 1);
    }
    expect(years.size).toBe(12);
    for (const count of years.values()) expect(count).toBeGreaterThan(700);
    const late = demoNews.filter(({ at }) => at % MS_PER_DAY >= 21 * 3_600_000).length / demoNews.length;
    expect(late).toBeGreaterThan(0.2);
    expect(late).toBeLessThan(0.6);
    expect(demoNews.filter(({ at }) => isWeekend(dayOfInstant(at))).length).toBeGreaterThan(100);
  });

  it('has ids of its own, in the order of time', () => {
    expect(new Set(demoNews.map((article) => article.id)).size).toBe(demoNews.length);
    const times = demoNews.map((article) => article.at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('names its companies and leaves no placeholder', () => {
    const wrong: string[] = [];
    let pairs = 0;
    let bodies = 0;
    for (const article of demoNews) {
      const { headline, body } = demo.text(article);
      const stem = (name: string) => name.split(' ')[0];
      if (!headline.includes(stem(article.company.name))) wrong.push(headline);
      if (article.peer) {
        pairs++;
        if (!headline.includes(article.peer.name) || article.peer === article.company) wrong.push(headline);
      }
      if (/[{}]|undefined|NaN/.test(headline + body)) wrong.push(`${headline} ${body}`);
      if (body) bodies++;
    }
    expect(wrong).toEqual([]);
    expect(pairs).toBeGreaterThan(300);
    expect(bodies / demoNews.length).toBeGreaterThan(0.3);
    expect(bodies / demoNews.length).toBeLessThan(0.5);
  });

  it('tells of results on the day they come out: before the move when they come after the close', () => {
    const results = demoNews.filter(({ topic }) => topic === 'earningsBeat' || topic === 'earningsMiss');
    expect(results.length).toBeGreaterThan(1000);
    for (const article of results.slice(0, 300)) {
      const series = demoSeries[article.company.index];
      const t = demo.tradingDays.indexOf(dayOfInstant(article.at));
      const moves = article.company.reportsAfterClose ? t + 1 : t;
      const event = series.events.find(({ kind, day }) => kind === 'earnings' && day === moves);
      expect(event?.value).toBe(article.value);
    }
  });
});
