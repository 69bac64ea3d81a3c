/** The coverage table: what each table or model holds of what the calendar expects, by year. Pure, from the evidence. */
import { formatDay, parseDay } from '../platform/dates.ts';
import { TradingDays, yearEnd, yearOf, yearStart } from './calendar.ts';
import type { Requirements } from './config.ts';
import type { Evidence, PriceExtent, PriceGaps, VectorCell } from './evidence.ts';
import { firstUnknown } from './evidence.ts';
import { addYears, type ByYear, daysByYear, ownRanges, tradingDaysByYear, vectorsByYear } from './expectations.ts';
import type { Known, Probe } from './probes.ts';
import type { Coverage, CoverageRow } from './types.ts';

interface Frame {
  /** Years of the heat line, the same for every row. */
  readonly years: readonly number[];
  readonly calendar: TradingDays;
}

/** Coverage of prices, news and every configured model. */
export function coverageOf(evidence: Evidence, need: Requirements, at: number): Coverage {
  const looks = [
    evidence.holidays,
    evidence.prices,
    evidence.gaps,
    evidence.news,
    evidence.numeric,
    evidence.numericDays,
    evidence.text,
    evidence.joint,
    evidence.instruments,
  ];
  const frame = frameOf(evidence, need);
  const daysDue =
    known(evidence.prices) && evidence.prices.value.first !== null && evidence.prices.value.last !== null
      ? tradingDaysByYear(frame.calendar, evidence.prices.value.first, evidence.prices.value.last)
      : new Map<number, number>();
  return {
    rows: [
      pricesRow(evidence, need, frame),
      newsRow(evidence, need, frame),
      ...need.numeric.models.map((model) => numericRow(model, evidence, need, frame)),
      vectorRow(need.context.textModel, evidence.text, [evidence.news], articlesByYear(evidence), need.context, frame),
      ...need.context.jointModels.map((model) =>
        vectorRow(model, evidence.joint, [evidence.prices, evidence.holidays], daysDue, need.context, frame),
      ),
    ],
    at: Math.min(at, ...looks.map((look) => look.at)),
    costMs: looks.reduce((sum, look) => sum + look.costMs, 0),
  };
}

function frameOf(evidence: Evidence, need: Requirements): Frame {
  const firsts = [yearOf(parseDay(need.prices.start))];
  const lasts = [yearOf(parseDay(need.prices.end))];
  if (known(evidence.prices) && evidence.prices.value.first !== null && evidence.prices.value.last !== null) {
    firsts.push(yearOf(evidence.prices.value.first));
    lasts.push(yearOf(evidence.prices.value.last));
  }
  const [first, last] = [Math.min(...firsts), Math.max(...lasts)];
  const years = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const holidays = known(evidence.holidays) ? evidence.holidays.value : [];
  return { years, calendar: new TradingDays(yearStart(first), yearEnd(last), holidays) };
}

/**
 * Prices: within the instruments' own ranges the share of (instrument, trading day) cells that are filled, times the share
 * of the year's required trading days that lie inside the market's range at all. The whole is the mean over trading days.
 */
function pricesRow(evidence: Evidence, need: Requirements, frame: Frame): CoverageRow {
  const name = 'prices_daily';
  const unknown = firstUnknown([evidence.prices, evidence.holidays, evidence.gaps]);
  if (unknown) return unknownRow(name, frame, unknown.cause);
  const extent = (evidence.prices as Known<PriceExtent>).value;
  const gaps = (evidence.gaps as Known<PriceGaps>).value;
  const byYear: Record<string, number | null> = {};
  const cells = filledCells(extent, gaps);
  let days = 0;
  let covered = 0;
  const [start, end] = [parseDay(need.prices.start), parseDay(need.prices.end)];
  const [first, last] = [extent.first ?? end + 1, extent.last ?? start - 1];
  const filled = filledByYear(extent, cells, frame);
  for (const year of frame.years) {
    const [from, to] = [yearStart(year), yearEnd(year)];
    // Required days, and days beyond them for which there are prices.
    const due = frame.calendar.count(Math.max(from, Math.min(start, first)), Math.min(to, Math.max(end, last)));
    if (!due) {
      byYear[year] = null;
      continue;
    }
    const inside = frame.calendar.count(Math.max(from, first), Math.min(to, last));
    const share = (inside / due) * (filled.get(year) ?? 0);
    byYear[year] = share;
    days += due;
    covered += due * share;
  }
  return {
    name,
    rows: extent.rows,
    first: extent.first === null ? null : formatDay(extent.first),
    last: extent.last === null ? null : formatDay(extent.last),
    share: days ? covered / days : null,
    byYear,
    countByYear: counts(cells, frame),
    problem: null,
  };
}

/** Share of filled cells inside own ranges by year; rows on closed days are not coverage. `cells`: filled ones. */
function filledByYear(extent: PriceExtent, cells: ByYear, frame: Frame): ByYear {
  const due = new Map<number, number>();
  for (const own of ownRanges(extent.cells).values()) {
    for (const [year, days] of tradingDaysByYear(frame.calendar, own.first, own.last)) {
      due.set(year, (due.get(year) ?? 0) + days);
    }
  }
  return new Map([...due].map(([year, days]) => [year, Math.min(1, (cells.get(year) ?? 0) / days)]));
}

/** Filled (instrument, trading day) cells by year. */
function filledCells(extent: PriceExtent, gaps: PriceGaps): ByYear {
  const seen = new Map<number, number>();
  for (const cell of extent.cells) {
    const closed = gaps.closedDayRows.get(`${cell.instrument}|${cell.year}`) ?? 0;
    seen.set(cell.year, (seen.get(cell.year) ?? 0) + cell.days - closed);
  }
  return seen;
}

/** News: trading days with at least one article; many articles on a day count once. */
function newsRow(evidence: Evidence, need: Requirements, frame: Frame): CoverageRow {
  const name = 'news_articles';
  const unknown = firstUnknown([evidence.news, evidence.holidays]);
  if (unknown) return unknownRow(name, frame, unknown.cause);
  const days = known(evidence.news) ? evidence.news.value : [];
  const trading = new Set(frame.calendar.days);
  const seen = new Map<number, number>();
  for (const one of days) {
    if (!trading.has(one.day)) continue;
    const year = yearOf(one.day);
    seen.set(year, (seen.get(year) ?? 0) + 1);
  }
  const due = tradingDaysByYear(frame.calendar, yearStart(need.news.fromYear), parseDay(need.prices.end));
  const all = tradingDaysByYear(frame.calendar, frame.calendar.days[0] ?? 0, frame.calendar.days.at(-1) ?? 0);
  const { byYear, share } = shares(seen, due, all, frame);
  return {
    name,
    rows: days.reduce((sum, one) => sum + one.articles, 0),
    first: days.length ? formatDay(days[0].day) : null,
    last: days.length ? formatDay(days[days.length - 1].day) : null,
    share,
    byYear,
    countByYear: counts(seen, frame),
    problem: null,
  };
}

function articlesByYear(evidence: Evidence): ByYear {
  const byYear = new Map<number, number>();
  if (known(evidence.news)) {
    for (const one of evidence.news.value)
      byYear.set(yearOf(one.day), (byYear.get(yearOf(one.day)) ?? 0) + one.articles);
  }
  return byYear;
}

/** A numeric model: vectors on days on which none is due never stand in for one that is missing. */
function numericRow(model: string, evidence: Evidence, need: Requirements, frame: Frame): CoverageRow {
  const { numeric, numericDays, prices, gaps, instruments } = evidence;
  const found = known(numericDays) ? numericDays.value.get(model) : undefined;
  const byYear = (what: 'present' | 'missing'): ByYear =>
    found ? daysByYear(found, found[what], yearStart(frame.years[0]), yearEnd(frame.years.at(-1)!)) : new Map();
  const present = byYear('present');
  const due = addYears(present, byYear('missing'));
  return vectorRow(model, numeric, [prices, gaps, instruments, numericDays], due, need.numeric, frame, present);
}

/**
 * A model's vectors; years outside the required span count only where there are some. `present`: those of them that are
 * expected; default: as many as there are.
 */
function vectorRow(
  model: string,
  look: Probe<readonly VectorCell[]>,
  needed: readonly Probe<unknown>[],
  expected: ByYear,
  span: { start: string; end: string },
  frame: Frame,
  present?: ByYear,
): CoverageRow {
  const unknown = firstUnknown([look, ...needed]);
  if (unknown || !look.known) return unknownRow(model, frame, unknown?.cause ?? '');
  const cells = look.value.filter((cell) => cell.model === model);
  const [from, to] = [yearOf(parseDay(span.start)), yearOf(parseDay(span.end))];
  const due = new Map([...expected].filter(([year]) => year >= from && year <= to));
  const vectors = vectorsByYear(cells, model);
  const { byYear, share } = shares(present ?? vectors, due, expected, frame);
  return {
    name: model,
    rows: cells.reduce((sum, cell) => sum + cell.rows, 0),
    first: cells.length ? formatDay(Math.min(...cells.map((cell) => cell.first))) : null,
    last: cells.length ? formatDay(Math.max(...cells.map((cell) => cell.last))) : null,
    share,
    byYear,
    countByYear: counts(vectors, frame),
    problem: null,
  };
}

/** Shares by year of what is `due`; in other years of what could be there (`all`), where something is. */
function shares(
  seen: ByYear,
  due: ByYear,
  all: ByYear,
  frame: Frame,
): { byYear: Record<string, number | null>; share: number | null } {
  const byYear: Record<string, number | null> = {};
  let expected = 0;
  let present = 0;
  for (const year of frame.years) {
    const count = seen.get(year) ?? 0;
    const required = due.get(year) ?? 0;
    if (required) {
      expected += required;
      present += Math.min(count, required);
      byYear[year] = Math.min(1, count / required);
    } else {
      const possible = all.get(year) ?? 0;
      byYear[year] = count && possible ? Math.min(1, count / possible) : null;
    }
  }
  return { byYear, share: expected ? present / expected : null };
}

const counts = (seen: ByYear, { years }: Frame): Record<string, number> =>
  Object.fromEntries(years.map((year) => [year, seen.get(year) ?? 0]));

function unknownRow(name: string, frame: Frame, cause: string): CoverageRow {
  const byYear = Object.fromEntries(frame.years.map((year) => [year, null]));
  return { name, rows: null, first: null, last: null, share: null, byYear, countByYear: byYear, problem: cause };
}

function known<T>(probe: Probe<T>): probe is Known<T> {
  return probe.known;
}
