/** Real prices and reference figures of `../shared`, read straight into a panel. Tests say that they are skipped without it. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { makeCalendar, tradingDaysBefore } from '../../engines/market/calendar.ts';
import { type Instrument, makeColumn, type Panel } from '../../engines/market/panel.ts';
import { formatDay, parseDay } from '../../src/platform/dates.ts';

export const SHARED = path.resolve(import.meta.dirname, '../../../shared');
/** Whether the shared folder lies beside the checkout. */
export const haveShared = existsSync(path.join(SHARED, 'data', 'instruments.csv'));
export const SKIP_REASON = 'skipped: ../shared is not beside the checkout';

/** Rows of a (gzip) CSV of `../shared` as objects of strings. */
export function sharedCsv(name: string): Record<string, string>[] {
  const bytes = readFileSync(path.join(SHARED, name));
  return parse(name.endsWith('.gz') ? gunzipSync(bytes) : bytes, { columns: true }) as Record<string, string>[];
}

export function sharedJson<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(SHARED, name), 'utf8')) as T;
}

/** The panel of the first `limit` instruments (all without it) over `[start, end]` and its look-back. */
export function sharedPanel(
  start: string,
  end: string,
  lookback: number,
  limit?: number,
): Panel & { first: number; count: number } {
  const instruments: Instrument[] = sharedCsv('data/instruments.csv')
    .map((row) => ({
      id: row.instrument_id,
      issuerId: row.issuer_id,
      symbol: row.symbol,
      sector: row.sector || null,
      delistingValue: null,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, limit);
  const holidays = sharedCsv('data/market_holidays.csv').map((row) => parseDay(row.holiday_date));
  const firstDay = tradingDaysBefore(parseDay(start), lookback, holidays);
  const calendar = makeCalendar('US_EQ', firstDay, parseDay(end), holidays);
  const days = calendar.days.length;
  const at = new Map<string, number>();
  for (const [t, day] of calendar.days.entries()) at.set(formatDay(day), t);
  const indexOf = new Map(instruments.map((instrument, i) => [instrument.id, i]));
  const columns = {
    open: makeColumn(instruments.length * days),
    close: makeColumn(instruments.length * days),
    volume: makeColumn(instruments.length * days),
  };
  let rows = 0;
  const [from, to] = [...at.keys()]
    .map((d) => Number(d.slice(0, 4)))
    .reduce(([a, b], y) => [Math.min(a, y), Math.max(b, y)], [9999, 0]);
  for (let year = from; year <= to; year++) {
    for (const row of sharedCsv(`data/prices_daily/${year}.csv.gz`)) {
      const i = indexOf.get(row.instrument_id);
      const t = at.get(row.trade_date);
      if (i === undefined || t === undefined) continue;
      columns.open[i * days + t] = Number(row.open);
      columns.close[i * days + t] = Number(row.close);
      columns.volume[i * days + t] = Number(row.volume);
      rows++;
    }
  }
  const first = calendar.days.findIndex((day) => day >= parseDay(start));
  return {
    marketId: 'US_EQ',
    calendar,
    instruments,
    columns,
    rows,
    offCalendarRows: 0,
    fingerprint: '',
    first,
    count: days - first,
  };
}
