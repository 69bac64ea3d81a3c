/** Looks at the historical database: prices against the calendar, news, vectors. Dates come back as day numbers. */
import { entityBits } from '../platform/db/numeric-entities.ts';
import { partsOf } from '../platform/db/parts.ts';
import { LAST_VECTOR_WRITE } from '../platform/db/vector-writes.ts';
import { UserError } from '../platform/errors.ts';
import { closedDays, longestRun, TradingDays, yearEnd, yearOf, yearStart } from './calendar.ts';
import type { Hole, NewsDay, PriceCell, PriceExtent, PriceGaps, VectorCell, VectorWrite } from './evidence.ts';
import { ownRanges } from './expectations.ts';
import type { Probe, Prober, Query } from './probes.ts';
import type { DayBits, VectorBits } from './vector-days.ts';

/** A date column as a day number: `holiday_date::date - EPOCH`, whatever type of day it has. */
const EPOCH = `date '1970-01-01'`;

/** Holidays of the market as day numbers, ascending. */
export function probeHolidays(prober: Prober, market: string): Promise<Probe<readonly number[]>> {
  return prober.probe('market_holidays', async (query) => {
    const rows = await query<{ day: number }>(
      `SELECT DISTINCT holiday_date::date - ${EPOCH} AS day FROM market_holidays WHERE market_id = $1 ORDER BY 1`,
      [market],
    );
    return rows.map((row) => row.day);
  });
}

/**
 * Extent of `prices_daily`, by instrument and year. With the table's key the index answers alone (a range count an
 * instrument and year: 0.2–0.3 s for 1.5 M rows that vacuum has seen); without it, as in an adopted database, distinct
 * days are counted in one pass (≈ 1 s), so that duplicate rows never count.
 */
export function probePrices(prober: Prober): Promise<Probe<PriceExtent>> {
  return prober.probe('prices_daily', async (query) => {
    const keyed = await hasKey(query, 'prices_daily', ['instrument_id', 'trade_date'], 'trade_date');
    const found = await query<PriceCell & { rows: number }>(keyed ? CELLS_BY_INDEX : CELLS_BY_SCAN);
    let rows = 0;
    let days = 0;
    let first: number | null = null;
    let last: number | null = null;
    const instruments = new Set<string>();
    for (const cell of found) {
      rows += cell.rows;
      days += cell.days;
      instruments.add(cell.instrument);
      first = Math.min(first ?? cell.first, cell.first);
      last = Math.max(last ?? cell.last, cell.last);
    }
    const cells = found.map(({ instrument, year, days, first, last }) => ({ instrument, year, days, first, last }));
    return { rows, duplicates: rows - days, first, last, instruments: instruments.size, cells };
  });
}

const CELLS_BY_SCAN = `
  SELECT instrument_id AS instrument, extract(year FROM trade_date::date)::int AS year, count(*) AS rows,
         count(DISTINCT trade_date::date) AS days, min(trade_date)::date - ${EPOCH} AS first, max(trade_date)::date - ${EPOCH} AS last
    FROM prices_daily GROUP BY 1, 2`;

/** Walks the key: the next instrument, its first and last day, then one range count a year. */
const CELLS_BY_INDEX = `
  WITH RECURSIVE names AS (
    SELECT min(instrument_id) AS id FROM prices_daily
    UNION ALL
    SELECT (SELECT min(p.instrument_id) FROM prices_daily p WHERE p.instrument_id > names.id) FROM names WHERE names.id IS NOT NULL
  )
  SELECT names.id AS instrument, y.year, c.rows, c.rows AS days,
         greatest(own.first, make_date(y.year, 1, 1)) - ${EPOCH} AS first,
         least(own.last, make_date(y.year, 12, 31)) - ${EPOCH} AS last
    FROM names
   CROSS JOIN LATERAL (SELECT min(trade_date) AS first, max(trade_date) AS last FROM prices_daily p WHERE p.instrument_id = names.id) own
   CROSS JOIN LATERAL generate_series(extract(year FROM own.first)::int, extract(year FROM own.last)::int) AS y(year)
   CROSS JOIN LATERAL (SELECT count(*) AS rows FROM prices_daily p
                        WHERE p.instrument_id = names.id AND p.trade_date BETWEEN make_date(y.year, 1, 1) AND make_date(y.year, 12, 31)) c
   WHERE names.id IS NOT NULL`;

/**
 * Whether a valid unique index covers exactly these columns in this order, and the one that says the day is a date: a key
 * over times lets a day stand twice.
 */
async function hasKey(query: Query, table: string, columns: readonly string[], day: string): Promise<boolean> {
  const [row] = await query<{ keyed: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = to_regclass($1) AND indisunique AND indisvalid AND indpred IS NULL
        AND indnkeyatts = cardinality($2::text[])
        AND ARRAY(SELECT pg_get_indexdef(indexrelid, n, true) FROM generate_series(1, indnkeyatts) n ORDER BY n) = $2::text[])
        AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $3 AND atttypid = 'date'::regtype) AS keyed`,
    [table, columns, day],
  );
  return row.keyed;
}

/** Prices against the calendar. Holidays and weekends never count: neither as gaps nor, where rows stand on them, as coverage. */
export async function probeGaps(
  prober: Prober,
  holidays: readonly number[],
  extent: PriceExtent,
  required: { readonly first: number; readonly last: number },
): Promise<Probe<PriceGaps>> {
  const first = extent.first ?? required.first;
  const last = extent.last ?? required.last;
  const calendar = new TradingDays(Math.min(first, required.first), Math.max(last, required.last), holidays);
  const empty: PriceGaps = {
    ...{ calendar, emptyDays: [], closedDayRows: new Map(), missing: [], missed: new Map(), expected: 0, holes: [] },
  };
  return prober.probe('prices_daily against market_holidays', async (query) => {
    if (extent.first === null) return empty;
    const emptyDays = await query<{ day: number }>(
      `SELECT day FROM unnest($1::int[]) AS day
        WHERE NOT EXISTS (SELECT 1 FROM prices_daily p WHERE p.trade_date::date = ${EPOCH} + day) ORDER BY 1`,
      [[...calendar.between(first, last)]],
    );
    const closed = await query<{ instrument: string; year: number; days: number }>(
      `SELECT p.instrument_id AS instrument, extract(year FROM p.trade_date::date)::int AS year, count(DISTINCT p.trade_date::date) AS days
         FROM unnest($1::int[]) AS day JOIN prices_daily p ON p.trade_date::date = ${EPOCH} + day GROUP BY 1, 2`,
      [closedDays(first, last, holidays)],
    );
    const closedDayRows = new Map(closed.map((row) => [`${row.instrument}|${row.year}`, row.days]));
    const closedByInstrument = new Map<string, number>();
    for (const row of closed) {
      closedByInstrument.set(row.instrument, (closedByInstrument.get(row.instrument) ?? 0) + row.days);
    }
    let expected = 0;
    const missing: { instrument: string; days: number }[] = [];
    const ranges = ownRanges(extent.cells);
    for (const [instrument, own] of ranges) {
      const due = calendar.count(own.first, own.last);
      expected += due;
      const lack = due - (own.days - (closedByInstrument.get(instrument) ?? 0));
      if (lack > 0) missing.push({ instrument, days: lack });
    }
    missing.sort((a, b) => b.days - a.days || (a.instrument < b.instrument ? -1 : 1));
    const nobodys = emptyDays.map(({ day }) => day);
    const missed = await readMissed(query, calendar, extent, ranges, closedDayRows, nobodys);
    const holes = [...missed].map(([instrument, days]) => longestHole(instrument, days, calendar));
    holes.sort((a, b) => b.days - a.days || (a.instrument < b.instrument ? -1 : 1));
    return { calendar, emptyDays: nobodys, closedDayRows, missing, missed, expected, holes };
  });
}

/** Each instrument's missing trading days: of the years that lack any, its days are read, unless they are just nobody's. */
async function readMissed(
  query: Query,
  calendar: TradingDays,
  { cells }: PriceExtent,
  ranges: ReturnType<typeof ownRanges>,
  closedDayRows: PriceGaps['closedDayRows'],
  emptyDays: readonly number[],
): Promise<Map<string, number[]>> {
  const filled = new Map(cells.map(({ instrument, year, days }) => [`${instrument}|${year}`, days]));
  const missed = new Map<string, number[]>();
  const unlike: { instrument: string; from: number; to: number }[] = [];
  for (const [instrument, own] of ranges) {
    for (let year = yearOf(own.first); year <= yearOf(own.last); year++) {
      const [from, to] = [Math.max(own.first, yearStart(year)), Math.min(own.last, yearEnd(year))];
      const key = `${instrument}|${year}`;
      const lack = calendar.count(from, to) - (filled.get(key) ?? 0) + (closedDayRows.get(key) ?? 0);
      if (lack <= 0) continue;
      const nobodys = emptyDays.filter((day) => day >= from && day <= to);
      // Most often a holiday that the table lacks.
      if (nobodys.length === lack) extend(missed, instrument, nobodys);
      else unlike.push({ instrument, from, to });
    }
  }
  if (!unlike.length) return missed;
  const read = await query<{ days: number[] | null }>(
    `SELECT (SELECT array_agg(p.trade_date::date - ${EPOCH}) FROM prices_daily p
              WHERE p.instrument_id = s.instrument AND p.trade_date::date BETWEEN ${EPOCH} + s."from" AND ${EPOCH} + s."to") AS days
       FROM unnest($1::text[], $2::int[], $3::int[]) WITH ORDINALITY AS s (instrument, "from", "to", position) ORDER BY position`,
    [unlike.map(({ instrument }) => instrument), unlike.map(({ from }) => from), unlike.map(({ to }) => to)],
  );
  unlike.forEach(({ instrument, from, to }, k) => {
    const there = new Set(read[k].days ?? []);
    extend(
      missed,
      instrument,
      [...calendar.between(from, to)].filter((day) => !there.has(day)),
    );
  });
  for (const days of missed.values()) days.sort((a, b) => a - b);
  return missed;
}

function extend(lists: Map<string, number[]>, key: string, more: readonly number[]): void {
  const own = lists.get(key);
  if (own) own.push(...more);
  else lists.set(key, [...more]);
}

/** The longest stretch of neighbouring trading days among these, which are ascending and at least one. */
function longestHole(instrument: string, days: readonly number[], calendar: TradingDays): Hole {
  const { start, length } = longestRun(days.map((day) => calendar.indexOnOrAfter(day)))!;
  return { instrument, from: calendar.days[start], to: calendar.days[start + length - 1], days: length };
}

/** Articles by UTC day, ascending. */
export function probeNews(prober: Prober): Promise<Probe<readonly NewsDay[]>> {
  return prober.probe('news_articles', (query) =>
    query<NewsDay>(
      `SELECT (timestamp AT TIME ZONE 'UTC')::date - ${EPOCH} AS day, count(*) AS articles FROM news_articles GROUP BY 1 ORDER BY 1`,
    ),
  );
}

/** A table up to this size is counted itself; a larger one through its roll-up, as far as that is there. */
const COUNTED_BYTES = 512 * 1024 * 1024;

interface Standing {
  readonly unknown: number | null;
  readonly uncertain: boolean | null;
  readonly replaced: boolean | null;
  readonly at: number | null;
}

/**
 * Numeric vectors of instruments by model and year. From the roll-up when that holds every row, or when the table is too
 * large to be counted at each look: then the figure has the age of the last refresh.
 */
export function probeNumeric(prober: Prober): Promise<Probe<readonly VectorCell[]>> {
  return prober.probe('numeric_window_embeddings', async (query, trueAt) => {
    if (!(await rollUpSpeaks(query, trueAt))) return countNumeric(query);
    return query<VectorCell>(
      `SELECT model_id AS model, extract(year FROM as_of_date)::int AS year, sum(vectors)::bigint AS vectors,
              sum(rows)::bigint AS rows, min(as_of_date) - ${EPOCH} AS first, max(as_of_date) - ${EPOCH} AS last
         FROM console.numeric_coverage WHERE entity_type = 'INSTRUMENT' AND rows > 0 GROUP BY 1, 2 ORDER BY 1, 2`,
    );
  });
}

/** Which instruments have a vector of these models, day by day; from the roll-up or the table as the counts are. */
export function probeNumericBits(prober: Prober, models: readonly string[]): Promise<Probe<VectorBits>> {
  return prober.probe('numeric_window_embeddings by day', async (query, trueAt) => {
    const rolledUp = await rollUpSpeaks(query, trueAt);
    const names = await query<{ id: string; bit: number }>(
      rolledUp
        ? `SELECT entity_id AS id, number AS bit FROM console.numeric_entities WHERE entity_type = 'INSTRUMENT'`
        : `SELECT id, (row_number() OVER () - 1)::int AS bit
             FROM (SELECT DISTINCT entity_id AS id FROM numeric_window_embeddings WHERE entity_type = 'INSTRUMENT') names`,
    );
    // A row a model. The binary form of a bit string tells its own length.
    const rows = await query<{ model: string; days: number[]; bits: Buffer }>(
      `SELECT model_id AS model, array_agg(as_of_date - ${EPOCH} ORDER BY as_of_date) AS days,
              string_agg(varbit_send(entities), '' ORDER BY as_of_date) AS bits
         FROM ${rolledUp ? 'console.numeric_coverage' : `(${COUNTED_BITS}) counted`}
        WHERE entity_type = 'INSTRUMENT' AND model_id = ANY ($1) AND rows > 0 GROUP BY 1`,
      rolledUp ? [models] : [models, names.map(({ id }) => id), names.map(({ bit }) => bit)],
    );
    return {
      bits: new Map(names.map(({ id, bit }) => [id, bit])),
      models: new Map(rows.map(({ model, days, bits }) => [model, splitBits(days, bits)])),
    };
  });
}

/** Like rows of the roll-up; the numbers of the names are `$2` and `$3`. */
const COUNTED_BITS = `
  WITH names AS MATERIALIZED (SELECT entity_id, number FROM unnest($2::text[], $3::int[]) AS n (entity_id, number))
  SELECT model_id, entity_type, as_of_date::date AS as_of_date, count(*) AS rows, ${entityBits('names')} AS entities
    FROM numeric_window_embeddings JOIN names USING (entity_id)
   WHERE entity_type = 'INSTRUMENT' AND model_id = ANY ($1) GROUP BY 1, 2, 3`;

/** Bit strings in their binary form, one a day: the number of bits (int32), then the bytes. */
function splitBits(days: readonly number[], sent: Buffer): DayBits[] {
  let at = 0;
  return days.map((day) => {
    const from = at + 4;
    at = from + ((sent.readInt32BE(at) + 7) >> 3);
    return { day, bits: sent.subarray(from, at) };
  });
}

/** Tables that the roll-up's figures and its standing are read from. */
const ROLL_UP = ['numeric_coverage', 'numeric_coverage_state', 'numeric_entities', 'numeric_files', 'shard_done'];

/**
 * Whether the roll-up is to be read in place of the table; says how old it is where it is not sure.
 * @throws UserError with the GRANT that is lacking where the role may not read it and the table is too large to be counted.
 */
async function rollUpSpeaks(query: Query, trueAt: (at: number) => void): Promise<boolean> {
  const tables = await query<{ name: string; readable: boolean; role: string }>(
    `SELECT 'console.' || relname AS name, quote_ident(current_user) AS role,
            has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(oid, 'SELECT') AS readable
       FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'console') AND relname = ANY ($1)
      ORDER BY 1`,
    [ROLL_UP],
  );
  if (tables.length < ROLL_UP.length) return false;
  const closed = tables.filter(({ readable }) => !readable);
  if (closed.length > 0) {
    if (await isCounted(query)) return false;
    const names = closed.map(({ name }) => name).join(', ');
    throw new UserError(
      `role ${closed[0].role} may not read ${names}, and numeric_window_embeddings is too large to be counted at each look: ` +
        `GRANT USAGE ON SCHEMA console TO ${closed[0].role}; GRANT SELECT ON ${names} TO ${closed[0].role}`,
      'Let the owner of the tables run it, or use another role.',
    );
  }
  const [standing] = await query<Standing>(
    `SELECT unknown, uncertain, replaced, (extract(epoch FROM refreshed_at) * 1000)::float8 AS at
       FROM console.numeric_coverage_standing()`,
  );
  if (standing.at === null) return false;
  if (standing.unknown === 0 && !standing.uncertain && !standing.replaced) return true;
  if (await isCounted(query)) return false;
  trueAt(standing.at);
  return true;
}

/** Whether the table is small enough to be counted at each look. */
async function isCounted(query: Query): Promise<boolean> {
  const [{ bytes }] = await query<{ bytes: number }>(
    `SELECT sum(pg_relation_size(oid::regclass))::float8 AS bytes FROM (${partsOf(`'numeric_window_embeddings'`)}) parts`,
  );
  return bytes <= COUNTED_BYTES;
}

/** When a backfill last wrote vectors of these models and days. */
export const probeLastWrite = (
  prober: Prober,
  kind: 'numeric' | 'joint',
  { models, start, end }: { models: readonly string[]; start: string; end: string },
): Promise<Probe<string | null>> =>
  prober.probe(`console.backfills, ${kind}`, async (query) => {
    const [{ at }] = await query<{ at: string | null }>(LAST_VECTOR_WRITE, [models, start, end]);
    return at;
  });

/** Writes on record of the vectors of some models that serve the days `start … end`, the week of news before included. */
export const probeVectorWrites = (
  prober: Prober,
  { models, start, end }: { models: readonly string[]; start: string; end: string },
): Promise<Probe<readonly VectorWrite[]>> =>
  prober.probe('console.shard_done', (query) =>
    query<VectorWrite>(
      `SELECT d.model_id AS model, d.first_date - ${EPOCH} AS first, d.last_date - ${EPOCH} AS last,
              extract(epoch FROM max(d.done_at))::float8 * 1000 AS at,
              coalesce((b.spec->>'skipExisting')::boolean, false) AS "addsOnly"
         FROM console.shard_done d JOIN console.backfills b USING (backfill_id)
        WHERE d.model_id = ANY ($1::text[]) AND (d.rows > 0 OR d.removed > 0)
          AND d.first_date <= $3::date AND d.last_date >= $2::date - 7
        GROUP BY 1, 2, 3, 5`,
      [models, start, end],
    ),
  );

async function countNumeric(query: Query): Promise<readonly VectorCell[]> {
  // With the key every row is a pair of its own, and counting needs no second grouping.
  const keyed = await hasKey(
    query,
    'numeric_window_embeddings',
    ['model_id', 'as_of_date', 'entity_type', 'entity_id'],
    'as_of_date',
  );
  const pairs = keyed
    ? `SELECT model_id, as_of_date::date AS day, 1 AS copies FROM numeric_window_embeddings WHERE entity_type = 'INSTRUMENT'`
    : `SELECT model_id, as_of_date::date AS day, count(*) AS copies FROM numeric_window_embeddings WHERE entity_type = 'INSTRUMENT'
        GROUP BY 1, entity_id, 2`;
  // Grouped by day first: the year of a day is worked out once a day, not once a row.
  return query<VectorCell>(
    `SELECT model_id AS model, extract(year FROM day)::int AS year, sum(vectors)::bigint AS vectors, sum(rows)::bigint AS rows,
            min(day) - ${EPOCH} AS first, max(day) - ${EPOCH} AS last
       FROM (SELECT model_id, day, count(*) AS vectors, sum(copies) AS rows FROM (${pairs}) pairs GROUP BY 1, 2) days
      GROUP BY 1, 2 ORDER BY 1, 2`,
  );
}

/** A vector that is one by its size, 384 float32: a row without is none. */
const USABLE = `octet_length(vector) = ${384 * 4}`;

/** Text vectors of news articles by model and the article's UTC year. */
export function probeText(prober: Prober): Promise<Probe<readonly VectorCell[]>> {
  return prober.probe('text_embeddings', (query) =>
    query<VectorCell>(
      `SELECT t.model_id AS model, extract(year FROM a.timestamp AT TIME ZONE 'UTC')::int AS year, count(*) AS rows,
              count(DISTINCT a.article_id) FILTER (WHERE ${USABLE}) AS vectors,
              min((a.timestamp AT TIME ZONE 'UTC')::date) - ${EPOCH} AS first,
              max((a.timestamp AT TIME ZONE 'UTC')::date) - ${EPOCH} AS last
         FROM text_embeddings t JOIN news_articles a ON t.source_id = a.article_id::text
        WHERE t.source_type = 'NEWS' GROUP BY 1, 2 ORDER BY 1, 2`,
    ),
  );
}

/** Joint vectors by model and year, counted in distinct days: what a day needs differs by joint type. */
export function probeJoint(prober: Prober): Promise<Probe<readonly VectorCell[]>> {
  return prober.probe('joint_embeddings', (query) =>
    query<VectorCell>(
      `SELECT model_id AS model, extract(year FROM as_of_date::date)::int AS year, count(*) AS rows,
              count(DISTINCT as_of_date::date) FILTER (WHERE ${USABLE}) AS vectors,
              min(as_of_date)::date - ${EPOCH} AS first, max(as_of_date)::date - ${EPOCH} AS last
         FROM joint_embeddings GROUP BY 1, 2 ORDER BY 1, 2`,
    ),
  );
}
