/** From a request to what is needed to work on it: models, windows of time, and how much is due. */
import { createHash } from 'node:crypto';
import { civilFromDay, formatDay, MS_PER_DAY, parseDay } from '../../../src/platform/dates.ts';
import { UserError } from '../../../src/platform/errors.ts';
import type { ProgramContext } from '../../../src/platform/program.ts';
import { makeCalendar, requireHolidays, tradingDaysBefore } from '../../market/calendar.ts';
import type { Instrument } from '../../market/panel.ts';
import { loadHolidays, loadInstruments } from '../../market/storage.ts';
import { loadTextModel, type TextModel } from '../models.storage.ts';
import {
  articleIdAt,
  countArticles,
  countIssuerDays,
  linkedIssuers,
  newsFingerprint,
  readMarketClose,
} from './news.storage.ts';
import {
  planTextShards,
  SOURCES,
  type TextBackfillSpec,
  type TextShard,
  type TextSource,
  type Windows,
} from './plan.model.ts';
import type { TextShardContext } from './shard.ts';
import { closingInstants } from './trading-day.model.ts';
import type { IssuerDaySpan } from './vectors.storage.ts';

export interface PreparedText {
  readonly spec: TextBackfillSpec;
  readonly models: readonly TextModel[];
  readonly shards: readonly TextShard[];
  /** Vectors due of one model, by source. */
  readonly due: Readonly<Record<TextSource, number>>;
  readonly fingerprint: string;
  readonly context: Omit<TextShardContext, 'backfillId' | 'worker'>;
}

/** @throws UserError for a model that is not whole, a market that is not there, a calendar without holidays, … */
export async function prepareText(
  spec: TextBackfillSpec,
  { home, databases, signal }: Pick<ProgramContext, 'home' | 'databases' | 'signal'>,
): Promise<PreparedText> {
  const models: TextModel[] = [];
  for (const id of spec.models) models.push(await loadTextModel(home.models, id));
  signal.throwIfAborted();
  const counted = await countNews(spec, databases, signal);
  const { range, windows, lastId, instruments, news, issuerDays } = counted;
  const { bounds } = windows;
  const ofIssuers = spec.sources.includes('NEWS_ISSUER_DAY');
  const counts = ofIssuers || !news.length ? await countArticles(databases.historical, bounds, lastId) : news;
  const content = createHash('sha256');
  content.update(await newsFingerprint(databases.historical, bounds[0], bounds[bounds.length - 1], ofIssuers));
  content.update(JSON.stringify([Array.from(bounds), instruments.map(({ id, issuerId }) => [id, issuerId])]));
  const ids = instruments.map(({ id }) => id);
  // Links keep the issuer of their day: rows stand under those as well as under the issuers of today.
  const linked = ofIssuers ? await linkedIssuers(databases.historical, ids) : [];
  return {
    spec,
    models,
    shards: planTextShards(counts, models.length, spec.shardTexts),
    due: { NEWS: sum(news), NEWS_ISSUER_DAY: sum(issuerDays.counts) },
    fingerprint: content.digest('hex'),
    context: {
      skipExisting: spec.skipExisting,
      sources: spec.sources,
      range,
      windows,
      lastId,
      instruments: ids,
      issuers: [...new Set([...instruments.flatMap(({ issuerId }) => issuerId ?? []), ...linked])],
    },
  };
}

const sum = (counts: Int32Array): number => counts.reduce((total, one) => total + one, 0);

interface NewsCount {
  /** Day numbers. */
  readonly range: { readonly first: number; readonly last: number };
  readonly windows: Windows;
  readonly lastId: number | null;
  /** Of the market, where issuer days are asked for. */
  readonly instruments: readonly Instrument[];
  /** Articles due, by UTC day of the range; empty where they are not asked for. */
  readonly news: Int32Array;
  /** Issuers due, by trading day of the range; empty where they are not asked for. */
  readonly issuerDays: Windows & { readonly counts: Int32Array };
}

/** What a request has to do. @throws UserError for a market that is not there, a calendar without holidays. */
async function countNews(
  { market, start, end, sources, limit }: Pick<TextBackfillSpec, 'market' | 'start' | 'end' | 'sources' | 'limit'>,
  databases: ProgramContext['databases'],
  signal: AbortSignal,
): Promise<NewsCount> {
  const { historical } = databases;
  const range = { first: parseDay(start), last: parseDay(end) };
  const ofIssuers = sources.includes('NEWS_ISSUER_DAY');
  const instruments = ofIssuers ? await loadInstruments(databases.runtime, market) : [];
  const windows = ofIssuers ? await tradingWindows(market, range, databases) : utcWindows(range);
  const utc = utcWindows(range).bounds;
  const lastId = limit === null ? null : await articleIdAt(historical, utc[0], utc[utc.length - 1], limit);
  const news = sources.includes('NEWS') ? await countArticles(historical, utc, lastId) : new Int32Array(0);
  signal.throwIfAborted();
  const own = windowsWithin(windows, range);
  const ids = instruments.map(({ id }) => id);
  const counts = ofIssuers ? await countIssuerDays(historical, own.bounds, ids) : new Int32Array(0);
  return { range, windows, lastId, instruments, news, issuerDays: { ...own, counts } };
}

/**
 * Vectors due of any one model over a span, articles and issuer days together, by calendar year; and the span by which issuer days are
 * told that stand and are out of date.
 */
export async function textsByYear(
  span: Pick<TextBackfillSpec, 'market' | 'start' | 'end'>,
  databases: ProgramContext['databases'],
  signal: AbortSignal,
): Promise<{ byYear: Map<number, number>; issuerDays: IssuerDaySpan }> {
  const { range, news, issuerDays, instruments } = await countNews(
    { ...span, sources: SOURCES, limit: null },
    databases,
    signal,
  );
  const byYear = new Map<number, number>();
  const add = (day: number, count: number) => {
    const { year } = civilFromDay(day);
    byYear.set(year, (byYear.get(year) ?? 0) + count);
  };
  news.forEach((count, k) => {
    add(range.first + k, count);
  });
  issuerDays.counts.forEach((count, k) => {
    add(issuerDays.days[k], count);
  });
  const { bounds, days } = issuerDays;
  return { byYear, issuerDays: { bounds, days, instruments: instruments.map(({ id }) => id), news: range } };
}

/** A window a UTC day. */
function utcWindows({ first, last }: { first: number; last: number }): Windows {
  const days = Int32Array.from({ length: last - first + 1 }, (_, k) => first + k);
  return { days, bounds: Float64Array.from({ length: days.length + 1 }, (_, k) => (first + k) * MS_PER_DAY) };
}

/**
 * A window a trading day, from the close before it to its own: all that hold an instant of the range's UTC days, and all
 * trading days of the range.
 */
async function tradingWindows(
  market: string,
  range: { first: number; last: number },
  databases: ProgramContext['databases'],
): Promise<Windows> {
  const holidays = await loadHolidays(databases.historical, market);
  requireHolidays(market, range.first, range.last, holidays);
  const close = await readMarketClose(databases.runtime, market);
  // Far enough on either side for any run of closed days.
  const calendar = makeCalendar(market, tradingDaysBefore(range.first, 2, holidays), range.last + 30, holidays);
  const closes = closingInstants(calendar.days, close);
  const [from, to] = [range.first * MS_PER_DAY, (range.last + 1) * MS_PER_DAY];
  const begin = closes.findLastIndex((at, t) => at <= from && calendar.days[t] < range.first);
  const end = closes.findIndex((at) => at >= to);
  if (begin < 0 || end < 0) {
    throw new UserError(
      `no trading day of ${market} lies around ${formatDay(range.first)} … ${formatDay(range.last)}`,
      'Import the holidays of that span: prometheus data import --holidays FILE',
    );
  }
  return { bounds: closes.slice(begin, end + 1), days: calendar.days.slice(begin + 1, end + 1) };
}

/** Those windows whose day lies in the range. */
function windowsWithin({ bounds, days }: Windows, { first, last }: { first: number; last: number }): Windows {
  const from = days.findIndex((day) => day >= first);
  const to = days.findLastIndex((day) => day <= last);
  return { bounds: bounds.slice(from, to + 2), days: days.slice(from, to + 1) };
}
