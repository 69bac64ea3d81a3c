/** Reads markets, instruments, holidays and prices; builds the panel. */
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { copyOut, sqlLiteral } from '../../src/platform/db/copy.ts';
import type { Database, Databases } from '../../src/platform/db/databases.ts';
import { errorCode, UserError } from '../../src/platform/errors.ts';
import { type Calendar, makeCalendar, requireHolidays, tradingDaysBefore } from './calendar.ts';
import {
  type Instrument,
  makeColumn,
  type Panel,
  type PriceColumn,
  panelFingerprint,
  type UnusableValues,
} from './panel.ts';
import { readCachedColumns, writeCachedColumns } from './panel-cache.ts';

interface MarketTables {
  instruments: {
    instrument_id: string;
    issuer_id: string;
    market_id: string;
    asset_class: string;
    status: string;
    symbol: string;
    metadata: { delisting_value?: unknown } | null;
  };
  issuers: { issuer_id: string; sector: string | null };
  market_holidays: { market_id: string; holiday_date: string };
}

/** Byte order of UTF-8, the order of `COLLATE "C"`: no result depends on the server's collation. */
function compareIds(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Active equities of a market, ascending by id; equities of every status with `everyStatus`.
 * @throws UserError when there are none, or one has a delisting value that is no price.
 */
export async function loadInstruments(runtime: Database, marketId: string, everyStatus = false): Promise<Instrument[]> {
  const rows = await runtime.client(async () =>
    runtime
      .kysely<MarketTables>()
      .selectFrom('instruments')
      .leftJoin('issuers', 'issuers.issuer_id', 'instruments.issuer_id')
      .select([
        'instruments.instrument_id',
        'instruments.issuer_id',
        'instruments.symbol',
        'instruments.metadata',
        'issuers.sector',
      ])
      .where('instruments.market_id', '=', marketId)
      .where('instruments.asset_class', '=', 'EQUITY')
      .$if(!everyStatus, (select) => select.where('instruments.status', '=', 'ACTIVE'))
      .execute(),
  );
  if (rows.length === 0) {
    throw new UserError(
      `market ${marketId} has no ${everyStatus ? '' : 'active '}equities in the ${runtime.target.label}`,
      'Import them: prometheus data import --instruments FILE',
    );
  }
  return rows
    .map((row) => ({
      id: row.instrument_id,
      issuerId: row.issuer_id,
      symbol: row.symbol,
      sector: row.sector,
      delistingValue: delistingValueOf(row.instrument_id, row.metadata?.delisting_value),
    }))
    .sort((a, b) => compareIds(a.id, b.id));
}

/** A price, or null where none is given. @throws UserError for what is no price: the last close must not stand for it unseen. */
function delistingValueOf(id: string, value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null;
  const price = typeof value === 'string' ? Number(value) : value;
  if (typeof price === 'number' && Number.isFinite(price) && price >= 0) return price;
  throw new UserError(
    `instruments.metadata: delisting_value of ${id} is ${JSON.stringify(value)}, no price`,
    'Correct it, or import the instrument anew.',
  );
}

/** All holidays of a market as day numbers, ascending. */
export async function loadHolidays(historical: Database, marketId: string): Promise<number[]> {
  return historical.client(async (client) => {
    const { rows } = await client.query<{ day: number }>(
      `SELECT market_holidays.holiday_date::date - date '1970-01-01' AS day
         FROM market_holidays WHERE market_holidays.market_id = $1 ORDER BY 1`,
      [marketId],
    );
    return rows.map((row) => row.day);
  });
}

export interface PanelRequest {
  readonly marketId: string;
  /** First and last day of the range that must be covered (day numbers). */
  readonly start: number;
  readonly end: number;
  /** Trading days before `start` that the engines look back on. */
  readonly lookback: number;
  readonly columns: readonly PriceColumn[];
  /** Folder of the on-disk cache; null reads from PostgreSQL without keeping anything. */
  readonly cacheFolder: string | null;
  /** Equities of every status, not of ACTIVE alone. */
  readonly everyStatus?: boolean;
  /** Values that no day can have are marked in the panel; without this they are refused. */
  readonly markUnusable?: boolean;
}

export interface LoadedPanel extends Panel {
  /** Index of the first trading day ≥ start. */
  readonly first: number;
  /** Number of trading days of `[start, end]`. */
  readonly count: number;
  readonly fromCache: boolean;
}

/**
 * Loads the panel of a market for `[start, end]` with its look-back.
 * @throws UserError for an empty market, a range without trading days, without prices or else without holidays, and for
 * prices that no day can have, unless they are to be marked.
 */
export async function loadPanel(databases: Databases, request: PanelRequest): Promise<LoadedPanel> {
  const { marketId, start, end, lookback } = request;
  const instruments = await loadInstruments(databases.runtime, marketId, request.everyStatus);
  const holidays = await loadHolidays(databases.historical, marketId);
  const firstDay = tradingDaysBefore(start, lookback, holidays);
  const calendar = makeCalendar(marketId, firstDay, end, holidays);
  const first = calendar.days.findIndex((day) => day >= start);
  if (first < 0) {
    throw new UserError(
      `${formatDay(start)} … ${formatDay(end)} holds no trading day of ${marketId}`,
      'Choose a longer range.',
    );
  }
  const read = await readColumns(databases.historical, calendar, instruments, request);
  const panel: LoadedPanel = {
    marketId,
    calendar,
    instruments,
    columns: read.columns,
    rows: read.rows,
    offCalendarRows: read.offCalendarRows,
    unusable: read.unusable,
    fingerprint: panelFingerprint(instruments, calendar.days, read.columns),
    first,
    count: calendar.days.length - first,
    fromCache: read.fromCache,
  };
  const priced = pricedNames(panel);
  requirePrices(panel, priced, databases.historical);
  requireHolidays(marketId, start, end, holidays);
  refuseEmptyDays(panel, priced);
  return panel;
}

interface ColumnsRead {
  readonly columns: Partial<Record<PriceColumn, Float64Array>>;
  readonly rows: number;
  readonly offCalendarRows: number;
  readonly unusable?: UnusableValues;
  readonly fromCache: boolean;
}

async function readColumns(
  historical: Database,
  calendar: Calendar,
  instruments: readonly Instrument[],
  request: PanelRequest,
): Promise<ColumnsRead> {
  // One snapshot for the fingerprint and for the rows: nothing can change between the two.
  return historical.client(async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      const [from, to] = [formatDay(calendar.days[0]), formatDay(calendar.days[calendar.days.length - 1])];
      const where = `prices_daily.trade_date::date BETWEEN ${sqlLiteral(from)} AND ${sqlLiteral(to)}`;
      const names = [...new Set(request.columns)].sort();
      const version = request.cacheFolder ? await tableVersion(client, where, names) : null;
      const key = version && {
        version,
        instruments: instruments.map((i) => i.id),
        days: calendar.days,
        columns: names,
      };
      const cached = key && (await readCachedColumns(request.cacheFolder!, key));
      if (cached) return { ...cached, fromCache: true };

      const length = instruments.length * calendar.days.length;
      const columns = Object.fromEntries(names.map((name) => [name, makeColumn(length)])) as Record<
        PriceColumn,
        Float64Array
      >;
      const { unusable, ...counts } = await copyPrices(client, where, names, columns, instruments, calendar);
      if (!request.markUnusable) unusable.refuse(instruments, calendar.days);
      const read = { columns, ...counts };
      // The cache holds usable prices only: whoever reads it need not look.
      if (unusable.count) return { ...read, unusable: unusable.values, fromCache: false };
      if (key) await writeCachedColumns(request.cacheFolder!, key, read);
      return { ...read, fromCache: false };
    } finally {
      await client.query('ROLLBACK').catch(() => {});
    }
  });
}

/**
 * Key and these columns, each with its table: an error about a column that is gone then names both. Each is cast to the type
 * that is read in binary: an adopted table may hold numeric prices, volumes as bigint or days as timestamps.
 */
const priceColumns = (names: readonly PriceColumn[]): string =>
  ['instrument_id::text', 'trade_date::date', ...names.map((name) => `${name}::float8`)]
    .map((column) => `prices_daily.${column}`)
    .join(', ');

/**
 * A value that changes with any change of the rows in range: the sum of their 64-bit hashes. PostgreSQL ≥ 14; null on
 * older servers, which then go without the cache.
 */
async function tableVersion(
  client: import('pg').ClientBase,
  where: string,
  names: readonly PriceColumn[],
): Promise<string | null> {
  try {
    const { rows } = await client.query<{ version: string }>(
      `SELECT count(*)::text || ':' || coalesce(sum(hash_record_extended(ROW(${priceColumns(names)}), 0)), 0)::text AS version
         FROM prices_daily WHERE ${where}`,
    );
    return rows[0].version;
  } catch (error) {
    if (errorCode(error) !== '42883') throw error;
    await client.query('ROLLBACK');
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return null;
  }
}

async function copyPrices(
  client: import('pg').ClientBase,
  where: string,
  names: readonly PriceColumn[],
  columns: Record<PriceColumn, Float64Array>,
  instruments: readonly Instrument[],
  calendar: Calendar,
): Promise<{ rows: number; offCalendarRows: number; unusable: Unusable }> {
  const days = calendar.days.length;
  const firstDay = calendar.days[0];
  const dayIndex = new Int32Array(calendar.days[days - 1] - firstDay + 1).fill(-1);
  calendar.days.forEach((day, t) => {
    dayIndex[day - firstDay] = t;
  });
  const indexOf = new Map(instruments.map((instrument, i) => [instrument.id, i]));
  const targets = names.map((name) => columns[name]);
  const lowest = names.map((name) => (name === 'volume' ? 0 : Number.MIN_VALUE));
  const unusable = new Unusable();
  // Rows come mostly instrument by instrument: compare bytes with the row before and look names up only on a change.
  let lastId = Buffer.alloc(0);
  let lastIndex = -1;
  let rows = 0;
  let offCalendarRows = 0;
  await copyOut(client, `SELECT ${priceColumns(names)} FROM prices_daily WHERE ${where}`, (row) => {
    const id = row.bytes()!;
    if (!id.equals(lastId)) {
      lastId = Buffer.from(id);
      lastIndex = indexOf.get(id.toString('utf8')) ?? -1;
    }
    const t = dayIndex[row.date() - firstDay];
    if (lastIndex >= 0) {
      if (t >= 0) rows++;
      else offCalendarRows++;
    }
    const at = lastIndex * days + t;
    const use = lastIndex >= 0 && t >= 0;
    for (let c = 0; c < targets.length; c++) {
      const value = row.float64();
      if (!use) continue;
      const before = targets[c][at];
      if (!(value >= lowest[c] && value < Number.POSITIVE_INFINITY)) {
        unusable.add(names[c], at, `${names[c]} is ${Number.isNaN(value) ? 'no number' : value}`);
        targets[c][at] = Number.POSITIVE_INFINITY;
      } else if (before !== value && !Number.isNaN(before)) {
        unusable.add(names[c], at, `two rows differ in ${names[c]}`);
        targets[c][at] = Number.POSITIVE_INFINITY;
      } else targets[c][at] = value;
    }
  });
  return { rows, offCalendarRows, unusable };
}

/**
 * Figures that no trading day can have (a price that is not above 0, a negative volume, NaN, infinity, none), and rows of one
 * day that contradict each other, where a table lacks its key. An import refuses them, another system may have stored them:
 * they would silently empty every window across them, or make results depend on the order of the table.
 */
class Unusable {
  readonly values: Partial<Record<PriceColumn, Map<number, string>>> = {};
  count = 0;

  add(column: PriceColumn, cell: number, what: string): void {
    this.count++;
    this.values[column] ??= new Map();
    const known = this.values[column].get(cell);
    // The same sentence whatever the order of the rows in the table.
    if (known === undefined || what < known) this.values[column].set(cell, what);
  }

  /** @throws UserError naming the first by day, then by instrument, when there is any. */
  refuse(instruments: readonly Instrument[], days: Int32Array): void {
    if (this.count === 0) return;
    const T = days.length;
    let [first, text] = [-1, ''];
    for (const values of Object.values(this.values)) {
      for (const [cell, what] of values) {
        const order = (cell % T) - (first % T) || cell - first;
        if (first < 0 || order < 0 || (order === 0 && what < text)) [first, text] = [cell, what];
      }
    }
    const more = this.count > 1 ? ` (unusable values in the range: ${formatCount(this.count)})` : '';
    throw new UserError(
      `prices_daily of ${instruments[Math.floor(first / T)].id} on ${formatDay(days[first % T])}: ${text}${more}`,
      'Correct or delete the row, or import it anew: prometheus data import --prices PATH',
    );
  }
}

/** @throws UserError naming the range when it has no price at all. */
function requirePrices({ marketId, calendar, first }: LoadedPanel, priced: Int32Array, historical: Database): void {
  if (!priced.subarray(first).some((n) => n > 0)) {
    throw new UserError(
      `${marketId} has no prices from ${formatDay(calendar.days[first])} to ${formatDay(calendar.days.at(-1)!)} in the ${historical.target.label}`,
      'Import them: prometheus data import --prices PATH, or choose another range.',
    );
  }
}

/**
 * A day without any price between days with prices is a holiday the table does not know, or a hole in the import: every
 * window across it would be incomplete, and the whole universe empty. @throws UserError naming the days.
 */
function refuseEmptyDays({ marketId, calendar }: LoadedPanel, priced: Int32Array): void {
  const empty: number[] = [];
  const [from, to] = [priced.findIndex((n) => n > 0), priced.findLastIndex((n) => n > 0)];
  for (let t = from + 1; t < to; t++) if (priced[t] === 0) empty.push(calendar.days[t]);
  if (empty.length > 0) {
    const named = empty.slice(0, 5).map(formatDay).join(', ');
    const more = empty.length > 5 ? ` and ${formatCount(empty.length - 5)} more days` : '';
    const these = empty.length === 1 ? 'a trading day' : 'trading days';
    throw new UserError(
      `no instrument of ${marketId} has a price on ${named}${more}, which market_holidays calls ${these}`,
      'Import the complete holidays (prometheus data import --holidays FILE) or the missing prices.',
    );
  }
}

/**
 * Trading days of the range before the first and after the last price of the market: the range reaches past the data.
 * Between the two a panel has no day without prices.
 */
export function daysWithoutPrices(panel: LoadedPanel): { atStart: number; atEnd: number } {
  const days = panel.calendar.days.length;
  const priced = pricedNames(panel).subarray(panel.first);
  return {
    atStart: priced.findIndex((n) => n > 0),
    atEnd: days - panel.first - 1 - priced.findLastIndex((n) => n > 0),
  };
}

/** Instruments with a price on each day of the panel. */
function pricedNames({ calendar, instruments, columns }: LoadedPanel): Int32Array {
  const days = calendar.days.length;
  const close = columns.close ?? columns.adjusted_close!;
  const priced = new Int32Array(days);
  for (let i = 0; i < instruments.length; i++) {
    for (let t = 0; t < days; t++) if (!Number.isNaN(close[i * days + t])) priced[t]++;
  }
  return priced;
}

/** First and last day (`YYYY-MM-DD`) on which any of these instruments has a price; null without any. */
export async function priceRange(
  historical: Database,
  instruments: readonly string[],
): Promise<{ readonly first: string | null; readonly last: string | null }> {
  return historical.client(async (client) => {
    const { rows } = await client.query<{ first: string | null; last: string | null }>(
      `SELECT min(own.first)::date::text AS first, max(own.last)::date::text AS last FROM unnest($1::text[]) AS names(id)
        CROSS JOIN LATERAL (SELECT min(trade_date) AS first, max(trade_date) AS last
          FROM prices_daily WHERE instrument_id::text = names.id) own`,
      [instruments],
    );
    return rows[0];
  });
}
