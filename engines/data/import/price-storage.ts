/** Staging and merging of price rows. A file is staged row by row, cleared of repeats and merged in one transaction. */
import type pg from 'pg';
import { formatDay } from '../../../src/platform/dates.ts';
import { type CopyWriter, copyInto, sqlLiteral } from '../../../src/platform/db/copy.ts';
import { inTransaction, type MergeColumn, type MergeCounts, type MergeTarget } from './merge.ts';
import type { PriceRows } from './prices.ts';

const STAGE = 'stage_prices_daily';
const STAGED = [
  'line',
  'instrument_id',
  'trade_date',
  'open',
  'high',
  'low',
  'close',
  'adjusted_close',
  'volume',
  'currency',
  'own_currency',
  'metadata',
] as const;

/** Up to this many instruments a merge looks each up by the primary key instead of joining whole date ranges. */
const FEW_INSTRUMENTS = 64;

/** Which part of `prices_daily` the staged rows of a file can meet. */
export class StagedRange {
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  #previous = '';
  readonly #ids = new Set<string>();

  add(rows: PriceRows): void {
    if (rows.day < this.#first) this.#first = rows.day;
    if (rows.day > this.#last) this.#last = rows.day;
    const { id } = rows.series.instrument;
    if (id === this.#previous || this.#ids.size > FEW_INSTRUMENTS) return;
    this.#previous = id;
    this.#ids.add(id);
  }

  /** A condition on stored rows `t`; null when nothing was staged. */
  condition(): string | null {
    if (this.#ids.size === 0) return null;
    const [first, last] = [this.#first, this.#last].map((day) => sqlLiteral(formatDay(day)));
    const range = `t.trade_date::date BETWEEN ${first} AND ${last}`;
    if (this.#ids.size > FEW_INSTRUMENTS) return range;
    return `${range} AND t.instrument_id IN (${[...this.#ids].map(sqlLiteral).join(', ')})`;
  }
}

/** Makes the staging table of this connection. Temporary tables are not logged and vanish with the connection. */
export async function createPriceStage(client: pg.ClientBase): Promise<void> {
  await client.query(
    `CREATE TEMP TABLE ${STAGE} (line int4, instrument_id varchar(50), trade_date date, open float8, high float8,
       low float8, close float8, adjusted_close float8, volume float8, currency varchar(10), own_currency varchar(10),
       metadata jsonb)`,
  );
}

/** Empties the staging table and fills it with the rows that `produce` writes through `stagePriceRow`. */
export async function stagePrices(
  client: pg.ClientBase,
  produce: (writer: CopyWriter) => Promise<void>,
): Promise<number> {
  await client.query(`TRUNCATE ${STAGE}`);
  return copyInto(client, STAGE, STAGED, produce);
}

export function stagePriceRow(writer: CopyWriter, line: number, rows: PriceRows): void {
  writer.row(STAGED.length);
  writer.int32(line);
  writer.bytes(rows.series.idBytes);
  writer.date(rows.day);
  writer.float64(rows.open);
  writer.float64(rows.high);
  writer.float64(rows.low);
  writer.float64(rows.close);
  writer.float64(rows.adjustedClose);
  writer.float64(rows.volume);
  writer.bytes(rows.series.currencyBytes);
  writer.text(rows.currency);
  writer.jsonb(rows.metadata);
}

export interface Conflict {
  readonly instrumentId: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly lines: number[];
}

/**
 * Resolves days that a file holds more than once: exact repeats become one row, rows that differ all go.
 * Returns how many repeats were dropped, and the rows that contradict each other.
 */
export async function resolveRepeats(client: pg.ClientBase): Promise<{ collapsed: number; conflicts: Conflict[] }> {
  const figures = STAGED.slice(3).join(', ');
  const { rows } = await client.query<{ instrument_id: string; trade_date: string; lines: number[] }>(
    `SELECT instrument_id, trade_date, array_agg(line ORDER BY line) AS lines FROM ${STAGE}
     GROUP BY instrument_id, trade_date HAVING count(*) > 1 AND count(DISTINCT ROW(${figures})) > 1
     ORDER BY min(line)`,
  );
  if (rows.length > 0) {
    await client.query(`DELETE FROM ${STAGE} WHERE line = ANY($1)`, [rows.flatMap((row) => row.lines)]);
  }
  const dropped = await client.query(
    `DELETE FROM ${STAGE} s USING (SELECT instrument_id, trade_date, min(line) AS line FROM ${STAGE}
       GROUP BY instrument_id, trade_date HAVING count(*) > 1) kept
     WHERE s.instrument_id = kept.instrument_id AND s.trade_date = kept.trade_date AND s.line <> kept.line`,
  );
  const conflicts = rows.map((row) => ({ instrumentId: row.instrument_id, date: row.trade_date, lines: row.lines }));
  return { collapsed: dropped.rowCount ?? 0, conflicts };
}

/**
 * Merges what is staged into `prices_daily`, in one transaction. A column that the file does not carry keeps its stored
 * value; an adjusted close that is not carried keeps its stored factor to the close, so that a vendor's plain closes do
 * not wipe out another's adjustments.
 */
export async function mergePrices(
  client: pg.ClientBase,
  target: MergeTarget,
  range: StagedRange,
  carries: { adjustedClose: boolean; currency: boolean; metadata: boolean },
): Promise<MergeCounts> {
  const within = range.condition();
  if (within === null) return { inserted: 0, updated: 0 };
  const plain = (name: string): MergeColumn => ({ name, insert: `s.${name}`, update: `s.${name}` });
  const keptFactor = `CASE WHEN t.close = s.close THEN t.adjusted_close ELSE COALESCE(s.close * (t.adjusted_close / NULLIF(t.close, 0)), s.close) END`;
  return inTransaction(client, async () => {
    await target.lock();
    return target.merge({
      stage: STAGE,
      table: 'prices_daily',
      match: 's.instrument_id = t.instrument_id AND s.trade_date = t.trade_date::date',
      key: ['instrument_id', 'trade_date'],
      identity: ['instrument_id', 'trade_date'],
      within,
      columns: [
        { name: 'instrument_id', insert: 's.instrument_id' },
        { name: 'trade_date', insert: 's.trade_date' },
        plain('open'),
        plain('high'),
        plain('low'),
        plain('close'),
        {
          name: 'adjusted_close',
          insert: 'COALESCE(s.adjusted_close, s.close)',
          update: carries.adjustedClose ? 's.adjusted_close' : keptFactor,
        },
        plain('volume'),
        {
          name: 'currency',
          insert: 'COALESCE(s.own_currency, s.currency)',
          update: carries.currency ? 'COALESCE(s.own_currency, t.currency)' : undefined,
        },
        {
          name: 'metadata',
          insert: 's.metadata',
          update: carries.metadata ? 'COALESCE(s.metadata, t.metadata)' : undefined,
        },
      ],
    });
  });
}

/** Market holidays by market, as day numbers. */
export async function loadHolidays(client: pg.ClientBase, target: MergeTarget): Promise<Map<string, Set<number>>> {
  const holidays = new Map<string, Set<number>>();
  for (const table of target.rowSources('market_holidays')) {
    const { rows } = await client.query<{ market_id: string; day: number }>(
      `SELECT market_id, holiday_date::date - date '1970-01-01' AS day FROM ${table}`,
    );
    for (const { market_id, day } of rows) {
      const days = holidays.get(market_id) ?? new Set<number>();
      days.add(day);
      holidays.set(market_id, days);
    }
  }
  return holidays;
}
