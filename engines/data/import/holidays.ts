/** Rows of a holiday file, and their way into `market_holidays`. */
import type pg from 'pg';
import { copyInto } from '../../../src/platform/db/copy.ts';
import type { CsvReader } from '../csv/reader.ts';
import { type ColumnMap, type ColumnSpecs, mapColumns, shorten } from './header.ts';
import { inTransaction, type MergeCounts, type MergeTarget } from './merge.ts';
import type { RejectRow } from './prices.ts';
import { Reject } from './reasons.ts';
import { dayAt } from './values.ts';

type HolidayField = 'market' | 'date' | 'name' | 'source';

const HOLIDAY_COLUMNS: ColumnSpecs<HolidayField> = {
  market: { aliases: ['market_id', 'market'] },
  date: { aliases: ['holiday_date', 'date', 'trade_date'], required: true },
  name: { aliases: ['holiday_name', 'name', 'holiday'] },
  source: { aliases: ['source'] },
};

const LIMITS = { market: 50, name: 200, source: 50 } as const;

export interface HolidayRow {
  readonly line: number;
  readonly market: string;
  readonly day: number;
  /** Null where the file has none: a stored value is then kept. */
  readonly name: string | null;
  readonly source: string | null;
}

/** Reads holiday rows one by one. */
export class HolidayRows {
  readonly columns: ColumnMap<HolidayField>;
  readonly #market: string;
  readonly #reject: RejectRow;

  /** `market` is the market of rows that name none. @throws FileProblem when the header does not do. */
  constructor(header: readonly string[], market: string, reject: RejectRow) {
    this.columns = mapColumns(header, HOLIDAY_COLUMNS);
    this.#market = market;
    this.#reject = reject;
  }

  /** The row of a record, or null after it was rejected. */
  read(reader: CsvReader): HolidayRow | null {
    const { at, count } = this.columns;
    const no = (reason: string, detail: string) => {
      this.#reject(reader.line, reason, detail);
      return null;
    };
    if (reader.count !== count) return no(Reject.columnCount, `${reader.count}, the header has ${count}`);
    const text = { market: '', name: '', source: '' };
    for (const field of ['market', 'name', 'source'] as const) {
      text[field] = at[field] < 0 ? '' : reader.text(at[field]).trim();
      if (at[field] >= 0 && !reader.isUtf8(at[field])) return no(Reject.notUtf8, field);
      const length = text[field].length;
      if (length > LIMITS[field]) return no(Reject.tooLong, `${field} has ${length} characters, ${LIMITS[field]} fit`);
    }
    const day = dayAt(reader.buffer, reader.starts[at.date], reader.ends[at.date]);
    if (Number.isNaN(day)) {
      const reason = reader.missing(at.date) ? Reject.missingValue : Reject.notADate;
      return no(reason, `holiday_date '${shorten(reader.text(at.date), 40)}'`);
    }
    return {
      line: reader.line,
      market: text.market || this.#market,
      day,
      name: text.name || null,
      source: text.source || null,
    };
  }
}

/** Stages and merges all rows of a file in one transaction. */
export async function mergeHolidays(
  client: pg.ClientBase,
  target: MergeTarget,
  rows: readonly HolidayRow[],
): Promise<MergeCounts> {
  const columns = ['market_id', 'holiday_date', 'holiday_name', 'source'];
  await client.query(
    `DROP TABLE IF EXISTS stage_market_holidays; CREATE TEMP TABLE stage_market_holidays
       (market_id varchar, holiday_date date, holiday_name varchar, source varchar)`,
  );
  await copyInto(client, 'stage_market_holidays', columns, async (writer) => {
    for (const row of rows) {
      writer.row(columns.length);
      writer.text(row.market);
      writer.date(row.day);
      writer.text(row.name);
      writer.text(row.source);
      await writer.flushed();
    }
  });
  return inTransaction(client, async () => {
    await target.lock();
    return target.merge({
      stage: 'stage_market_holidays',
      table: 'market_holidays',
      match: 's.market_id = t.market_id AND s.holiday_date = t.holiday_date::date',
      key: ['market_id', 'holiday_date'],
      identity: ['market_id', 'holiday_date'],
      columns: [
        { name: 'market_id', insert: 's.market_id' },
        { name: 'holiday_date', insert: 's.holiday_date' },
        {
          name: 'holiday_name',
          insert: "COALESCE(s.holiday_name, 'Holiday')",
          update: 'COALESCE(s.holiday_name, t.holiday_name)',
        },
        { name: 'source', insert: "COALESCE(s.source, 'import')", update: 'COALESCE(s.source, t.source)' },
        // A timestamp without zone: UTC, whatever the session's zone is.
        { name: 'created_at', insert: "now() AT TIME ZONE 'UTC'" },
      ],
    });
  });
}
