/** Rows of an instruments file: instruments, their issuers and their markets. */
import { formatDay } from '../../../src/platform/dates.ts';
import type { CsvReader } from '../csv/reader.ts';
import { type ColumnMap, type ColumnSpecs, mapColumns, shorten } from './header.ts';
import { isJsonObject, type RejectRow } from './prices.ts';
import { Reject } from './reasons.ts';
import { dayAt } from './values.ts';

/** Text columns with the length that their table holds. */
const TEXT_LIMITS = {
  instrument_id: 50,
  issuer_id: 50,
  symbol: 50,
  name: 200,
  issuer_type: 50,
  sector: 100,
  industry: 100,
  country: 50,
  market_id: 50,
  market_name: 200,
  market_region: 50,
  market_timezone: 50,
  asset_class: 50,
  exchange: 50,
  currency: 10,
  underlying_instrument_id: 50,
  status: 20,
} as const;

type TextField = keyof typeof TEXT_LIMITS;
type DateField = 'first_date' | 'last_date' | 'maturity_date';
type NumberField = 'multiplier' | 'delisting_value';
type JsonField = 'metadata' | 'issuer_metadata';
type InstrumentField = TextField | DateField | NumberField | JsonField;

const named = (...aliases: string[]) => ({ aliases });

const INSTRUMENT_COLUMNS: ColumnSpecs<InstrumentField> = {
  instrument_id: { aliases: ['instrument_id', 'id', 'instrument'], required: true },
  issuer_id: named('issuer_id', 'issuer'),
  symbol: named('symbol', 'ticker', 'code'),
  name: named('name', 'issuer_name', 'company', 'company_name', 'security', 'security_name'),
  issuer_type: named('issuer_type'),
  sector: named('sector', 'gics_sector'),
  industry: named('industry', 'gics_sub_industry', 'sub_industry'),
  country: named('country'),
  market_id: named('market_id', 'market'),
  market_name: named('market_name'),
  market_region: named('market_region'),
  market_timezone: named('market_timezone'),
  asset_class: named('asset_class'),
  exchange: named('exchange'),
  currency: named('currency'),
  underlying_instrument_id: named('underlying_instrument_id'),
  status: named('status'),
  first_date: named('first_date'),
  last_date: named('last_date'),
  maturity_date: named('maturity_date'),
  multiplier: named('multiplier'),
  delisting_value: named('delisting_value'),
  metadata: named('metadata'),
  issuer_metadata: named('issuer_metadata'),
};

const UPPER_CASE: ReadonlySet<TextField> = new Set(['asset_class', 'currency', 'status', 'issuer_type']);

export interface InstrumentRow {
  readonly line: number;
  /** Null where the file has no such column or the field is empty: a stored value is then kept. */
  readonly text: Readonly<Record<TextField, string | null>>;
  readonly multiplier: number | null;
  readonly maturityDay: number | null;
  /** JSON text of the metadata keys that the row carries, or null. */
  readonly metadata: string | null;
  readonly issuerMetadata: string | null;
}

/** Reads instrument rows one by one. */
export class InstrumentRows {
  readonly columns: ColumnMap<InstrumentField>;
  readonly #reject: RejectRow;

  /** @throws FileProblem when the header does not do. */
  constructor(header: readonly string[], reject: RejectRow) {
    this.columns = mapColumns(header, INSTRUMENT_COLUMNS);
    this.#reject = reject;
  }

  /** The row of a record, or null after it was rejected. */
  read(reader: CsvReader): InstrumentRow | null {
    const { at, count } = this.columns;
    const no = (reason: string, detail: string) => {
      this.#reject(reader.line, reason, detail);
      return null;
    };
    if (reader.count !== count) return no(Reject.columnCount, `${reader.count}, the header has ${count}`);
    const text = {} as Record<TextField, string | null>;
    for (const [field, limit] of Object.entries(TEXT_LIMITS) as [TextField, number][]) {
      const value = at[field] < 0 ? '' : reader.text(at[field]).trim();
      if (at[field] >= 0 && !reader.isUtf8(at[field])) return no(Reject.notUtf8, field);
      if (value.length > limit) return no(Reject.tooLong, `${field} has ${value.length} characters, ${limit} fit`);
      text[field] = value === '' ? null : UPPER_CASE.has(field) ? value.toUpperCase() : value;
    }
    if (text.instrument_id === null) return no(Reject.missingValue, 'instrument_id');
    // Our own ids are made of natural keys joined by this sign.
    if (text.instrument_id.includes('|')) return no('id holds a |', shorten(text.instrument_id, 50));

    const dates: Partial<Record<DateField, number>> = {};
    for (const field of ['first_date', 'last_date', 'maturity_date'] as const) {
      if (at[field] < 0 || reader.missing(at[field])) continue;
      const day = dayAt(reader.buffer, reader.starts[at[field]], reader.ends[at[field]]);
      if (Number.isNaN(day)) return no(Reject.notADate, `${field} '${shorten(reader.text(at[field]), 40)}'`);
      dates[field] = day;
    }
    const numbers: Partial<Record<NumberField, number>> = {};
    for (const field of ['multiplier', 'delisting_value'] as const) {
      if (at[field] < 0 || reader.missing(at[field])) continue;
      const value = reader.number(at[field]);
      if (!Number.isFinite(value)) return no(Reject.notANumber, `${field} '${shorten(reader.text(at[field]), 40)}'`);
      if (value < 0) return no(Reject.notPositive, `${field} ${value}`);
      numbers[field] = value;
    }
    for (const field of ['metadata', 'issuer_metadata'] as const) {
      const json = at[field] < 0 ? '' : reader.text(at[field]);
      if (json !== '' && !(reader.isUtf8(at[field]) && isJsonObject(json)))
        return no(Reject.notJson, shorten(json, 40));
    }
    const carried = at.metadata < 0 ? '' : reader.text(at.metadata);
    const metadata: Record<string, unknown> = carried === '' ? {} : JSON.parse(carried);
    if (dates.first_date !== undefined) metadata.first_date = formatDay(dates.first_date);
    if (dates.last_date !== undefined) metadata.last_date = formatDay(dates.last_date);
    if (numbers.delisting_value !== undefined) metadata.delisting_value = numbers.delisting_value;
    return {
      line: reader.line,
      text,
      multiplier: numbers.multiplier ?? null,
      maturityDay: dates.maturity_date ?? null,
      metadata: Object.keys(metadata).length > 0 || carried !== '' ? JSON.stringify(metadata) : null,
      issuerMetadata: (at.issuer_metadata >= 0 && reader.text(at.issuer_metadata)) || null,
    };
  }
}

/** The symbol of a row: its own, else the id without what follows its last dot (`AAPL` of `AAPL.US`). */
export function symbolOf({ text }: InstrumentRow): string {
  const id = text.instrument_id!;
  const dot = id.lastIndexOf('.');
  return text.symbol ?? (dot > 0 ? id.slice(0, dot) : id);
}

/** Where an instrument belongs: what its row says, else what is stored, else the defaults. */
export interface Belonging {
  readonly issuerId: string;
  readonly marketId: string;
}

/** An instrument without an issuer anywhere gets one of its symbol's name. */
export function belongingOf(row: InstrumentRow, stored: Belonging | undefined, defaultMarket: string): Belonging {
  return {
    issuerId: row.text.issuer_id ?? stored?.issuerId ?? symbolOf(row),
    marketId: row.text.market_id ?? stored?.marketId ?? defaultMarket,
  };
}

export interface GroupedRow {
  readonly id: string;
  readonly text: Record<string, string | null>;
  readonly metadata: string | null;
}

/**
 * One row a key (issuer or market) out of rows that repeat its columns: the first value that stands there counts.
 * `differing` hears of a key whose rows differ, once a column.
 */
export function groupRows(
  rows: readonly InstrumentRow[],
  keyOf: (row: InstrumentRow) => string,
  fields: readonly TextField[],
  metadataOf: (row: InstrumentRow) => string | null,
  differing: (row: InstrumentRow, detail: string) => void,
): GroupedRow[] {
  const groups = new Map<string, { id: string; text: Record<string, string | null>; metadata: string | null }>();
  for (const row of rows) {
    const id = keyOf(row);
    let group = groups.get(id);
    if (!group) {
      group = { id, text: Object.fromEntries(fields.map((field) => [field, null])), metadata: null };
      groups.set(id, group);
    }
    for (const field of fields) {
      const value = row.text[field];
      if (value === null) continue;
      const known = group.text[field];
      if (known === null) group.text[field] = value;
      else if (known !== value) differing(row, `${id} ${field}: '${shorten(known, 40)}' and '${shorten(value, 40)}'`);
    }
    group.metadata ??= metadataOf(row);
  }
  return [...groups.values()];
}
