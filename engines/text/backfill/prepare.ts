/** From a request to what is needed to work on it: models, windows of time, and how much is due. */
import { createHash } from 'node:crypto';
import { formatDay, MS_PER_DAY, parseDay } from '../../../src/platform/dates.ts';
import { UserError } from '../../../src/platform/errors.ts';
import type { ProgramContext } from '../../../src/platform/program.ts';
import { makeCalendar, requireHolidays, tradingDaysBefore } from '../../market/calendar.ts';
import { loadHolidays, loadInstruments } from '../../market/storage.ts';
import { loadTextModel, type TextModel } from '../models.storage.ts';
import { articleIdAt, countArticles, countIssuerDays, newsFingerprint, readMarketClose } from './news.storage.ts';
import { planTextShards, type TextBackfillSpec, type TextShard, type TextSource, type Windows } from './plan.model.ts';
import type { TextShardContext } from './shard.ts';
import { closingInstants } from './trading-day.model.ts';

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
  const { historical } = databases;
  const range = { first: parseDay(spec.start), last: parseDay(spec.end) };
  const issuerDays = spec.sources.includes('NEWS_ISSUER_DAY');
  const instruments = issuerDays ? await loadInstruments(databases.runtime, spec.market) : [];
  const windows = issuerDays ? await tradingWindows(spec.market, range, databases) : utcWindows(range);
  const { bounds } = windows;
  const [from, to] = [bounds[0], bounds[bounds.length - 1]];
  const utc = utcWindows(range).bounds;
  const lastId = spec.limit === null ? null : await articleIdAt(historical, utc[0], utc[utc.length - 1], spec.limit);
  const news = spec.sources.includes('NEWS') ? await countArticles(historical, utc, lastId) : new Int32Array(0);
  signal.throwIfAborted();
  const own = ownBounds(windows, range);
  const due = {
    NEWS: news.reduce((sum, one) => sum + one, 0),
    NEWS_ISSUER_DAY: issuerDays
      ? await countIssuerDays(
          historical,
          own,
          instruments.map(({ id }) => id),
        )
      : 0,
  };
  const counts = issuerDays || !news.length ? await countArticles(historical, bounds, lastId) : news;
  const content = createHash('sha256');
  content.update(await newsFingerprint(historical, from, to, issuerDays));
  content.update(JSON.stringify([Array.from(bounds), instruments.map(({ id, issuerId }) => [id, issuerId])]));
  return {
    spec,
    models,
    shards: planTextShards(counts, models.length, spec.shardTexts),
    due,
    fingerprint: content.digest('hex'),
    context: {
      skipExisting: spec.skipExisting,
      sources: spec.sources,
      range,
      windows,
      lastId,
      instruments: instruments.map(({ id }) => id),
      issuers: [...new Set(instruments.map(({ issuerId }) => issuerId))],
    },
  };
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

/** The bounds of those windows whose day lies in the range. */
function ownBounds({ bounds, days }: Windows, { first, last }: { first: number; last: number }): Float64Array {
  const from = days.findIndex((day) => day >= first);
  const to = days.findLastIndex((day) => day <= last);
  return bounds.slice(from, to + 2);
}
