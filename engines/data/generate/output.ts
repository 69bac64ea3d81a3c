/** What the databases and the CSV files share: constants, and what is known of an instrument beyond its columns. */
import { formatDay } from '../../../src/platform/dates.ts';
import type { PriceSeries } from './price-path.ts';

/** The market's row, as `prometheus data import` makes it. */
export const MARKET = { id: 'US_EQ', name: 'US equities', region: 'US', timezone: 'America/New_York' } as const;
export const CURRENCY = 'USD';
/** `market_holidays.source`. */
export const HOLIDAY_SOURCE = 'synthetic';
/** `news_articles.source`. */
export const NEWS_SOURCE = 'synthetic-wire';
export const NEWS_LANGUAGE = 'en';

/** Facts of an instrument that come out of its price history. */
export interface InstrumentFacts {
  /** US dollars a share, null while it trades. */
  readonly delistingValue: number | null;
  /** New shares for one old one from this day on; stored prices and volumes are adjusted for them already. */
  readonly splits: readonly { readonly date: string; readonly ratio: number }[];
}

export function factsOf(series: PriceSeries, tradingDays: Int32Array): InstrumentFacts {
  const splits = series.events.filter((event) => event.kind === 'split');
  return {
    delistingValue: series.delistingValue,
    splits: splits.map((event) => ({ date: formatDay(tradingDays[event.day]), ratio: event.value })),
  };
}
