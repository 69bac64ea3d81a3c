/** A row of the coverage table looked at closely: a year day by day, and who is missing on one day. */
import { formatDay, parseDay } from '../platform/dates.ts';
import type { Databases } from '../platform/db/databases.ts';
import { UsageError, UserError } from '../platform/errors.ts';
import { closedDays, TradingDays, yearEnd, yearStart } from './calendar.ts';
import type { Requirements } from './config.ts';
import { leastRows } from './expectations.ts';
import { probeHolidays } from './historical-evidence.ts';
import { type ProbeOptions, type Query, withProber } from './probes.ts';
import { probeInstruments } from './runtime-evidence.ts';
import type { CoverageDay, CoverageGap, CoverageYear } from './types.ts';

const EPOCH = `date '1970-01-01'`;

/** Counts by day number. */
type ByDay = ReadonlyMap<number, number>;

interface RowKind {
  readonly rule: string;
  /** What is there, and what should be, by day of the year; duplicates count once. */
  readonly present: string;
  readonly expected: string;
  readonly values: readonly unknown[];
  /** Its queries ask for the active equities ($4) and the closed days ($5) too, as far back as `reach` days before the first. */
  readonly embedded?: { readonly reach: number };
  /** Instruments that are expected on a day ($2, $3) and not there; null where rows are not of instruments. */
  readonly missing: string | null;
  fill(first: string, last: string): readonly string[] | null;
}

/** Every instrument that has prices, found by walking the key: the next name, and the next. */
const NAMES = `WITH RECURSIVE names AS (
   SELECT min(instrument_id) AS id FROM prices_daily
   UNION ALL
   SELECT (SELECT min(p.instrument_id) FROM prices_daily p WHERE p.instrument_id > names.id) FROM names WHERE names.id IS NOT NULL)`;

/** First and last price day of each instrument. */
const OWN = `${NAMES} SELECT names.id, own.first, own.last FROM names
   CROSS JOIN LATERAL (SELECT min(trade_date)::date AS first, max(trade_date)::date AS last FROM prices_daily p WHERE p.instrument_id = names.id) own
   WHERE names.id IS NOT NULL`;

/**
 * Spans of days between `$2` and `$3` on which a vector of an active equity is due: from a price row on, as long as no later
 * one follows and the window's least rows lie within three times its calendar days (`contracts.md` §5).
 * `$4`: those equities; `$5`: closed days, rows on which are none. After the last price of all nothing is due.
 */
const dueSpans = (windowDays: number) => `
  SELECT id, greatest(day, $2::int) AS from, least(next - 1, back + ${3 * windowDays}, $3::int, ended) AS to FROM (
    SELECT id, day, coalesce(lead(day) OVER own, $3::int + 1) AS next, lag(day, ${leastRows(windowDays) - 1}) OVER own AS back,
           (SELECT max(trade_date)::date - ${EPOCH} FROM prices_daily) AS ended
      FROM (SELECT DISTINCT instrument_id AS id, trade_date::date - ${EPOCH} AS day FROM prices_daily
             WHERE instrument_id = ANY($4::text[]) AND trade_date::date BETWEEN ${EPOCH} + ($2::int - ${3 * windowDays}) AND ${EPOCH} + $3::int) rows
     WHERE day <> ALL($5::int[])
    WINDOW own AS (PARTITION BY id ORDER BY day)) windows
   WHERE back IS NOT NULL AND least(next - 1, back + ${3 * windowDays}, $3::int, ended) >= greatest(day, $2::int)`;

const BETWEEN = (column: string) => `${column}::date BETWEEN ${EPOCH} + $2::int AND ${EPOCH} + $3::int`;

/** Every kind gets the same values: its own first, then the first and the last day of the span. */
function kindOf(row: string, need: Requirements): RowKind {
  const market = need.market;
  if (row === 'prices_daily') {
    return {
      rule: 'an instrument is expected on every trading day from its first to its last price',
      values: [null],
      present: `SELECT trade_date::date - ${EPOCH} AS day, count(DISTINCT instrument_id) AS n FROM prices_daily WHERE $1::text IS NULL AND ${BETWEEN('trade_date')} GROUP BY 1`,
      expected: `SELECT day, count(*) AS n FROM (${OWN}) own JOIN generate_series($2::int, $3::int) day ON own.first <= ${EPOCH} + day AND own.last >= ${EPOCH} + day WHERE $1::text IS NULL GROUP BY 1`,
      missing: `SELECT id FROM (${OWN}) own WHERE $1::text IS NULL AND own.first <= ${EPOCH} + $2::int AND own.last >= ${EPOCH} + $3::int
                  AND NOT EXISTS (SELECT 1 FROM prices_daily p WHERE p.instrument_id = id AND p.trade_date::date = ${EPOCH} + $2::int) ORDER BY 1`,
      fill: () => null,
    };
  }
  if (row === 'news_articles') {
    return {
      rule: 'every trading day is expected to have an article',
      values: [null],
      present: `SELECT (timestamp AT TIME ZONE 'UTC')::date - ${EPOCH} AS day, 1 AS n FROM news_articles WHERE $1::text IS NULL
                   AND timestamp >= (${EPOCH} + $2::int)::timestamp AT TIME ZONE 'UTC' AND timestamp < (${EPOCH} + $3::int + 1)::timestamp AT TIME ZONE 'UTC' GROUP BY 1`,
      expected: `SELECT day, 1 AS n FROM generate_series($2::int, $3::int) day WHERE $1::text IS NULL`,
      missing: null,
      fill: () => null,
    };
  }
  if (row === need.context.textModel) {
    const span = `a.timestamp >= (${EPOCH} + $2::int)::timestamp AT TIME ZONE 'UTC' AND a.timestamp < (${EPOCH} + $3::int + 1)::timestamp AT TIME ZONE 'UTC'`;
    return {
      rule: 'every article is expected to have a vector',
      values: [row],
      present: `SELECT (a.timestamp AT TIME ZONE 'UTC')::date - ${EPOCH} AS day, count(DISTINCT a.article_id) AS n
                  FROM news_articles a JOIN text_embeddings t ON t.source_id = a.article_id::text WHERE t.source_type = 'NEWS' AND t.model_id = $1 AND ${span} GROUP BY 1`,
      expected: `SELECT (a.timestamp AT TIME ZONE 'UTC')::date - ${EPOCH} AS day, count(*) AS n FROM news_articles a WHERE $1::text IS NOT NULL AND ${span} GROUP BY 1`,
      missing: null,
      fill: (start, end) => [
        'backfill',
        'text-embeddings',
        '--model-id',
        row,
        '--start',
        start,
        '--end',
        end,
        '--market',
        market,
        '--skip-existing',
      ],
    };
  }
  if (need.context.jointModels.includes(row)) {
    return {
      rule: 'every trading day is expected to have a vector',
      values: [row],
      present: `SELECT as_of_date::date - ${EPOCH} AS day, 1 AS n FROM joint_embeddings WHERE model_id = $1 AND ${BETWEEN('as_of_date')} GROUP BY 1`,
      expected: `SELECT day, 1 AS n FROM generate_series($2::int, $3::int) day WHERE $1::text IS NOT NULL`,
      missing: null,
      fill: () => null,
    };
  }
  if (!need.numeric.models.includes(row)) {
    throw new UsageError(`there is no row '${row}' in the coverage table`, 'See: prometheus coverage');
  }
  const { windowDays } = need.numeric;
  const due = dueSpans(windowDays);
  const dueDays = `SELECT id, day FROM (${due}) due CROSS JOIN LATERAL generate_series(due.from, due.to) day`;
  return {
    rule: `an active equity is expected on every trading day with at least ${leastRows(windowDays)} prices in the ${3 * windowDays} days before it`,
    values: [row],
    embedded: { reach: 3 * windowDays },
    // A vector that is not due stands in for no other.
    present: `SELECT day, count(*) AS n FROM (${dueDays}) due
                JOIN (SELECT DISTINCT entity_id AS id, as_of_date::date - ${EPOCH} AS day FROM numeric_window_embeddings
                       WHERE model_id = $1 AND entity_type = 'INSTRUMENT' AND ${BETWEEN('as_of_date')} AND entity_id = ANY($4::text[])) there
               USING (id, day) GROUP BY 1`,
    expected: `SELECT day, count(*) AS n FROM (${dueDays}) due WHERE $1::text IS NOT NULL GROUP BY 1`,
    missing: `SELECT DISTINCT id FROM (${due}) due
               WHERE NOT EXISTS (SELECT 1 FROM numeric_window_embeddings e WHERE e.model_id = $1 AND e.entity_type = 'INSTRUMENT' AND e.entity_id = id AND e.as_of_date::date = ${EPOCH} + $2::int) ORDER BY 1`,
    fill: (start, end) => [
      ...['backfill', 'numeric-embeddings', '--start-date', start, '--end-date', end],
      ...['--window-days', String(windowDays), '--market', market, '--models', row, '--skip-existing'],
    ],
  };
}

export interface CoverageOptions extends ProbeOptions {
  readonly need: Requirements;
}

/**
 * The trading days of a year of one row of the coverage table, with what each holds of what is expected, and its gaps.
 * @throws UsageError for a row that is not in the table, UserError when a database gives no answer.
 */
export function coverageYear(
  databases: Databases,
  row: string,
  year: number,
  options: CoverageOptions,
): Promise<CoverageYear> {
  const kind = kindOf(row, options.need);
  const [first, last] = [yearStart(year), yearEnd(year)];
  return look(databases, options, row, kind, async (query, holidays, instruments) => {
    const values = valuesOf(kind, first, last, holidays, instruments);
    const [present, expected] = [await byDay(query, kind.present, values), await byDay(query, kind.expected, values)];
    const days = [...new TradingDays(first, last, holidays).days].map(
      (day): CoverageDay => ({
        date: formatDay(day),
        present: present.get(day) ?? 0,
        expected: expected.get(day) ?? 0,
      }),
    );
    return { rule: kind.rule, days, gaps: gapsOf(days, kind) };
  });
}

/** Instruments that are expected on a day and not there; empty where rows are not of instruments. */
export function missingOn(
  databases: Databases,
  row: string,
  date: string,
  options: CoverageOptions,
): Promise<readonly string[]> {
  const kind = kindOf(row, options.need);
  const day = parseDay(date);
  return look(databases, options, row, kind, async (query, holidays, instruments) => {
    if (!kind.missing) return [];
    const rows = await query<{ id: string }>(kind.missing, valuesOf(kind, day, day, holidays, instruments));
    return rows.map(({ id }) => id);
  });
}

function valuesOf(
  { values, embedded }: RowKind,
  first: number,
  last: number,
  holidays: readonly number[],
  instruments: readonly string[],
): unknown[] {
  if (!embedded) return [...values, first, last];
  // Windows that end in the span begin before it.
  const closed = closedDays(first - embedded.reach, last, holidays);
  return [...values, first, last, instruments, closed];
}

async function look<T>(
  { historical, runtime }: Databases,
  options: CoverageOptions,
  row: string,
  { embedded }: RowKind,
  read: (query: Query, holidays: readonly number[], instruments: readonly string[]) => Promise<T>,
): Promise<T> {
  const { market } = options.need;
  const instruments = embedded
    ? await withProber(runtime, options, (prober) => probeInstruments(prober, market))
    : null;
  const probe =
    instruments && !instruments.known
      ? instruments
      : await withProber(historical, options, async (prober) => {
          const holidays = await probeHolidays(prober, market);
          if (!holidays.known) return holidays;
          return prober.probe(row, (query) => read(query, holidays.value, instruments?.value ?? []));
        });
  if (!probe.known)
    throw new UserError(probe.cause, probe.fix ? `Use: prometheus ${probe.fix}` : 'See: prometheus coverage');
  return probe.value as T;
}

async function byDay(query: Query, sql: string, values: readonly unknown[]): Promise<ByDay> {
  const rows = await query<{ day: number; n: string | number }>(sql, values);
  return new Map(rows.map(({ day, n }) => [day, Number(n)]));
}

/** Stretches of days with fewer than expected; a day on which nothing is expected neither opens nor closes one. */
function gapsOf(days: readonly CoverageDay[], { fill }: RowKind): CoverageGap[] {
  const gaps: CoverageGap[] = [];
  let open: { first: string; last: string; days: number; missing: number } | null = null;
  const close = () => {
    if (open) gaps.push({ ...open, fill: fill(open.first, open.last) });
    open = null;
  };
  for (const { date, present, expected } of days) {
    if (expected === 0) continue;
    if (present >= expected) {
      close();
      continue;
    }
    open ??= { first: date, last: date, days: 0, missing: 0 };
    open = { ...open, last: date, days: open.days + 1, missing: open.missing + expected - present };
  }
  close();
  return gaps;
}
