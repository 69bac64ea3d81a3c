/** What the board of a demo asks for where its market has a span of its own. */
import type { MarketOptions } from '../../engines/data/generate/market.ts';
import type { Requirements } from '../phases/config.ts';
import { civilFromDay, dayFromCivil, formatDay, parseDay } from '../platform/dates.ts';

/** The thresholds that a demo's market of its own span needs to differ in: what it lacks is not asked for. Pure. */
export function demoThresholds(
  defaults: Requirements,
  { start, end, newsStart }: MarketOptions,
): Record<string, unknown> {
  const overrides: Record<string, unknown> = {};
  if (start !== defaults.prices.start || end !== defaults.prices.end) {
    const { numeric } = defaults;
    overrides.demo = { prices: { start, end } };
    overrides.numeric = { ...within(numeric, start, end), trial: within(numeric.trial, start, end) };
  }
  const [first, last] = [parseDay(start), parseDay(end)];
  // Four months before the first simulated day fill every window of the pipeline.
  if (parseDay(defaults.campaign.start) - first < 125 || parseDay(defaults.campaign.end) > last) {
    const window = lastQuarter(first + 125, last);
    overrides.campaign = { start: formatDay(window.start), end: formatDay(window.end) };
  }
  const lastNewsYear = civilFromDay(last).year;
  const years = lastNewsYear - Math.max(civilFromDay(parseDay(newsStart)).year, defaults.news.fromYear) + 1;
  if (years < defaults.news.minYears) {
    overrides.news = { fromYear: Math.min(lastNewsYear, civilFromDay(parseDay(newsStart)).year), minYears: 1 };
  }
  return overrides;
}

/** What of a span lies in the market's; all of the market's when nothing does. */
function within(span: { readonly start: string; readonly end: string }, start: string, end: string) {
  const [from, to] = [span.start > start ? span.start : start, span.end < end ? span.end : end];
  return from <= to ? { start: from, end: to } : { start, end };
}

/** The last whole calendar quarter inside the span, else the whole span. */
function lastQuarter(first: number, last: number): { start: number; end: number } {
  const { year, month } = civilFromDay(last + 1);
  const quarterMonth = Math.floor((month - 1) / 3) * 3 + 1;
  const end = dayFromCivil(year, quarterMonth, 1) - 1;
  const { year: startYear, month: endMonth } = civilFromDay(end);
  const start = dayFromCivil(startYear, endMonth - 2, 1);
  return start >= first ? { start, end } : { start: Math.min(first, last), end: last };
}
