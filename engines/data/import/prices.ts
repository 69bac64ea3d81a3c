/** One row of a price file: read, resolved, checked. */
import { formatDay, isWeekend } from '../../../src/platform/dates.ts';
import type { CsvReader } from '../csv/reader.ts';
import { FileProblem } from '../csv/source.ts';
import { type ColumnMap, type ColumnSpecs, INSTRUMENT_ALIASES, mapColumns, shorten } from './header.ts';
import { Reject } from './reasons.ts';
import type { Series, SeriesBook } from './series.ts';
import { dayAt } from './values.ts';

type PriceField =
  | 'instrument'
  | 'date'
  | 'open'
  | 'high'
  | 'low'
  | 'close'
  | 'adjusted_close'
  | 'volume'
  | 'currency'
  | 'metadata'
  | 'period'
  | 'time'
  | 'open_interest';

/** Yahoo, Stooq, EODHD, Kaggle and our own names. `name` is the ticker in Kaggle's "S&P 500 stock data". */
const PRICE_COLUMNS: ColumnSpecs<PriceField> = {
  instrument: { aliases: [...INSTRUMENT_ALIASES, 'name'] },
  date: { aliases: ['trade_date', 'date', 'datetime', 'timestamp'], required: true },
  open: { aliases: ['open'], required: true },
  high: { aliases: ['high'], required: true },
  low: { aliases: ['low'], required: true },
  close: { aliases: ['close'], required: true },
  adjusted_close: { aliases: ['adjusted_close', 'adj_close', 'adjclose', 'adjustedclose', 'adjusted'] },
  volume: { aliases: ['volume', 'vol'], required: true },
  currency: { aliases: ['currency'] },
  metadata: { aliases: ['metadata'] },
  period: { aliases: ['per'] },
  time: { aliases: ['time'] },
  open_interest: { aliases: ['openint'] },
};

/**
 * How far open or close may lie outside [low, high], relative to the bound: vendors store float32 (6e-8) and print seven
 * digits (5e-7), so that a close equal to the high may come out above it by that much.
 */
const RANGE_TOLERANCE = 1e-6;
const MAX_CURRENCY = 10;

export type RejectRow = (line: number, reason: string, detail: string) => void;

/** Reads the rows of one price file; after `accept` has returned true the public fields hold the row. */
export class PriceRows {
  readonly columns: ColumnMap<PriceField>;
  series!: Series;
  day = 0;
  open = 0;
  high = 0;
  low = 0;
  close = 0;
  /** NaN when the file has no such column. */
  adjustedClose = Number.NaN;
  volume = 0;
  /** Null when the file has no such column. */
  currency: string | null = null;
  /** JSON text of an object, null when the file has none. */
  metadata: string | null = null;

  readonly #book: SeriesBook;
  readonly #reject: RejectRow;
  readonly #file: string;
  #fileSeries: Series | null = null;
  #name = Buffer.alloc(0);
  #named: Series | null = null;

  /** @throws FileProblem when the header does not do. */
  constructor(file: string, header: readonly string[], book: SeriesBook, reject: RejectRow) {
    this.columns = mapColumns(header, PRICE_COLUMNS);
    this.#book = book;
    this.#reject = reject;
    this.#file = file;
  }

  get hasAdjustedClose(): boolean {
    return this.columns.at.adjusted_close >= 0;
  }

  /**
   * Reads and checks a record; a row that fails is rejected with the first reason that applies, in the order below.
   * @throws FileProblem when the file has no instrument column and its name names no known instrument.
   */
  accept(reader: CsvReader): boolean {
    const at = this.columns.at;
    if (reader.count !== this.columns.count) {
      return this.#no(reader, Reject.columnCount, `${reader.count}, the header has ${this.columns.count}`);
    }
    const series = this.#seriesOf(reader);
    if (!series) return this.#no(reader, Reject.unknownInstrument, shorten(reader.text(at.instrument), 60));
    this.series = series;
    if (!this.#acceptDay(reader) || !this.#acceptNumbers(reader)) return false;
    if (!this.#acceptFigures(reader)) return false;
    return this.#acceptExtras(reader);
  }

  #acceptDay(reader: CsvReader): boolean {
    const { date, period, time } = this.columns.at;
    const day = dayAt(reader.buffer, reader.starts[date], reader.ends[date]);
    if (Number.isNaN(day)) {
      const reason = reader.missing(date) ? Reject.missingValue : Reject.notADate;
      return this.#no(reader, reason, `date '${shorten(reader.text(date), 40)}'`);
    }
    // Stooq writes the period and a time into every row; bars of minutes come in the same form.
    if (period >= 0 && !/^d?$/i.test(reader.text(period).trim())) {
      return this.#no(reader, Reject.notDaily, `period '${shorten(reader.text(period), 20)}'`);
    }
    if (time >= 0 && !/^[0:]*$/.test(reader.text(time).trim())) {
      return this.#no(reader, Reject.notDaily, `time '${shorten(reader.text(time), 20)}'`);
    }
    if (isWeekend(day)) return this.#no(reader, Reject.weekend, formatDay(day));
    if (this.series.holidays.has(day)) return this.#no(reader, Reject.holiday, formatDay(day));
    this.day = day;
    return true;
  }

  #acceptNumbers(reader: CsvReader): boolean {
    const at = this.columns.at;
    this.open = reader.number(at.open);
    this.high = reader.number(at.high);
    this.low = reader.number(at.low);
    this.close = reader.number(at.close);
    this.adjustedClose = at.adjusted_close < 0 ? Number.NaN : reader.number(at.adjusted_close);
    this.volume = reader.number(at.volume);
    const sum = this.open + this.high + this.low + this.close + this.volume;
    // One test for the usual case: a NaN or an infinity in any of them shows in the sum.
    if (Number.isFinite(sum) && (at.adjusted_close < 0 || Number.isFinite(this.adjustedClose))) return true;
    for (const field of ['open', 'high', 'low', 'close', 'adjusted_close', 'volume'] as const) {
      const index = at[field];
      if (index < 0 || Number.isFinite(reader.number(index))) continue;
      if (reader.missing(index)) return this.#no(reader, Reject.missingValue, field);
      return this.#no(reader, Reject.notANumber, `${field} '${shorten(reader.text(index), 40)}'`);
    }
    return this.#no(reader, Reject.notANumber, 'a value is too large');
  }

  #acceptFigures(reader: CsvReader): boolean {
    const { open, high, low, close, adjustedClose, volume } = this;
    if (!(open > 0 && high > 0 && low > 0 && close > 0) || adjustedClose <= 0) {
      const figures = { open, high, low, close, adjusted_close: adjustedClose };
      const wrong = Object.entries(figures).find(([, value]) => value <= 0)!;
      return this.#no(reader, Reject.notPositive, `${wrong[0]} ${wrong[1]}`);
    }
    if (volume < 0) return this.#no(reader, Reject.negativeVolume, String(volume));
    // Days without a trade carry the last price forward: a vendor's filler, not an observation.
    if (volume === 0) return this.#no(reader, Reject.noTrade, '');
    if (high < low * (1 - RANGE_TOLERANCE)) return this.#no(reader, Reject.highBelowLow, `high ${high}, low ${low}`);
    const floor = low * (1 - RANGE_TOLERANCE);
    const ceiling = high * (1 + RANGE_TOLERANCE);
    if (close < floor || close > ceiling || open < floor || open > ceiling) {
      const [name, value] = close < floor || close > ceiling ? ['close', close] : ['open', open];
      return this.#no(reader, Reject.outsideRange, `${name} ${value}, low ${low}, high ${high}`);
    }
    return true;
  }

  #acceptExtras(reader: CsvReader): boolean {
    const { currency, metadata } = this.columns.at;
    this.currency = currency < 0 ? null : reader.text(currency).trim().toUpperCase() || null;
    if (this.currency !== null && this.currency.length > MAX_CURRENCY) {
      return this.#no(reader, Reject.tooLong, `currency '${shorten(this.currency, 20)}'`);
    }
    this.metadata = metadata < 0 ? null : reader.text(metadata) || null;
    if (this.metadata !== null && !isJsonObject(this.metadata)) {
      return this.#no(reader, Reject.notJson, shorten(this.metadata, 40));
    }
    return true;
  }

  /** Rows of one instrument follow each other: the bytes of the name before answer most of the time. */
  #seriesOf(reader: CsvReader): Series | null {
    const index = this.columns.at.instrument;
    if (index < 0) return (this.#fileSeries ??= this.#seriesOfFile());
    const start = reader.starts[index];
    const end = reader.ends[index];
    if (this.#named !== null && this.#name.equals(reader.buffer.subarray(start, end))) return this.#named;
    const series = this.#book.find(reader.text(index));
    this.#name = Buffer.from(reader.buffer.subarray(start, end));
    this.#named = series;
    return series;
  }

  #seriesOfFile(): Series {
    const { series, tried } = this.#book.findByFileName(this.#file);
    if (series) return series;
    throw new FileProblem(
      Reject.noFileInstrument,
      `tried ${tried.map((name) => `'${shorten(name, 40)}'`).join(' and ')}`,
    );
  }

  #no(reader: CsvReader, reason: string, detail: string): false {
    this.#reject(reader.line, reason, detail);
    return false;
  }
}

/** True for JSON text of an object that PostgreSQL's jsonb takes (it holds no U+0000). */
export function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) && !text.includes('\\u0000');
  } catch {
    return false;
  }
}
