/** What is odd about accepted price rows: it is imported, and said. Also finds repeats of a day within a file. */
import { formatCount } from '../../../src/format/numbers.ts';
import { civilFromDay, dayFromCivil, formatDay, isWeekend } from '../../../src/platform/dates.ts';
import type { PriceRows } from './prices.ts';
import { Warn } from './reasons.ts';
import type { DaySet, Series, YearPage } from './series.ts';

/** close and adjusted close part ways when their one-day ratios differ by more than this. */
const JUMP = 0.1;
/** A longer silence between two rows is a gap, and no one-day move. */
const JUMP_MAX_DAYS = 10;
/** Gaps of up to this many trading days are common (halts); beyond it a back-test closes the position. */
const GAP_DAYS = 5;
/** Years with fewer common rows prove nothing about two series being the same. */
const TWIN_ROWS = 5;

export type Warning = (line: number | null, reason: string, detail: string) => void;

const bits = new DataView(new ArrayBuffer(8));

/** Mixes a figure of a row into a 32-bit hash (the finaliser of MurmurHash3). */
function mix(hash: number, figure: number): number {
  bits.setFloat64(0, figure);
  let h = hash ^ bits.getInt32(0);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) ^ bits.getInt32(4);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Watches the rows of an import across files. A file's rows count from `fileLanded` on; those of a rejected file never do. */
export class PriceWatch {
  readonly #today: number;
  #serial = 0;
  #pagesOfFile: YearPage[] = [];
  #yearOfDay = -1;
  #yearStart = 0;
  #yearEnd = -1;

  constructor(today: number) {
    this.#today = today;
  }

  startFile(): void {
    this.#serial++;
    this.#pagesOfFile = [];
  }

  /** Takes an accepted row; true when the file already held a row of this instrument and day. */
  row(rows: PriceRows, line: number, warn: Warning): boolean {
    const { series, day } = rows;
    if (day < this.#yearStart || day >= this.#yearEnd) this.#enterYear(day);
    const page = this.#pageOf(series);
    const word = (day - this.#yearStart) >>> 5;
    const bit = 1 << ((day - this.#yearStart) & 31);
    if (page.inFile.bits[word] & bit) return true;
    page.inFile.bits[word] |= bit;
    if (!(page.landed.bits[word] & bit)) addFingerprint(page.inFile, rows);
    if (day > this.#today) warn(line, Warn.future, formatDay(day));
    warnOfJump(rows, line, warn);
    series.previousDay = day;
    series.previousClose = rows.close;
    series.previousAdjusted = rows.adjustedClose;
    return false;
  }

  /** The rows of the file are in the table. */
  fileLanded(): void {
    for (const { inFile, landed } of this.#pagesOfFile) {
      for (let word = 0; word < landed.bits.length; word++) landed.bits[word] |= inFile.bits[word];
      landed.rows += inFile.rows;
      landed.sumA = (landed.sumA + inFile.sumA) | 0;
      landed.sumB = (landed.sumB + inFile.sumB) | 0;
    }
  }

  #enterYear(day: number): void {
    this.#yearOfDay = civilFromDay(day).year;
    this.#yearStart = dayFromCivil(this.#yearOfDay, 1, 1);
    this.#yearEnd = dayFromCivil(this.#yearOfDay + 1, 1, 1);
  }

  /** The page of the current year, clean of what an earlier file left in its file part. */
  #pageOf(series: Series): YearPage {
    let page = series.years.get(this.#yearOfDay);
    if (!page) {
      page = { inFile: emptyDays(), serial: -1, landed: emptyDays() };
      series.years.set(this.#yearOfDay, page);
    }
    if (page.serial !== this.#serial) {
      page.inFile.bits.fill(0);
      Object.assign(page.inFile, { rows: 0, sumA: 0, sumB: 0 });
      page.serial = this.#serial;
      this.#pagesOfFile.push(page);
    }
    return page;
  }
}

const emptyDays = (): DaySet => ({ bits: new Uint32Array(12), rows: 0, sumA: 0, sumB: 0 });

function warnOfJump({ series, day, close, adjustedClose }: PriceRows, line: number, warn: Warning): void {
  const since = day - series.previousDay;
  if (!(since > 0 && since <= JUMP_MAX_DAYS)) return;
  const closeMove = close / series.previousClose;
  const adjustedMove = adjustedClose / series.previousAdjusted;
  const parting = closeMove / adjustedMove;
  // Without adjusted closes the figure is NaN and nothing is said.
  if (!(parting > 1 + JUMP || parting < 1 / (1 + JUMP))) return;
  const figures = `close ${percent(closeMove)}, adjusted close ${percent(adjustedMove)}`;
  warn(line, Warn.jump, `${series.instrument.id} ${formatDay(day)}: ${figures}`);
}

/** Sums of hashes do not depend on the order of rows, so that yearly files and whole series compare. */
function addFingerprint(days: DaySet, { day, open, high, low, close, volume }: PriceRows): void {
  const a = mix(mix(mix(day | 0, open), high), low);
  const b = mix(mix(~day | 0, close), volume);
  days.rows++;
  days.sumA = (days.sumA + mix(a, b)) | 0;
  days.sumB = (days.sumB + mix(b, a)) | 0;
}

const percent = (ratio: number) => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;

/** Pairs (or larger groups) of instruments whose rows of whole years are the same. */
export function findTwins(series: readonly Series[]): string[] {
  const owners = new Map<string, { ids: string[]; year: number; rows: number }>();
  for (const one of series) {
    for (const [year, { landed }] of one.years) {
      if (landed.rows < TWIN_ROWS) continue;
      const key = `${year}|${landed.rows}|${landed.sumA}|${landed.sumB}`;
      const owner = owners.get(key);
      if (owner) owner.ids.push(one.instrument.id);
      else owners.set(key, { ids: [one.instrument.id], year, rows: landed.rows });
    }
  }
  const groups = new Map<string, { first: number; last: number; rows: number }>();
  for (const { ids, year, rows } of owners.values()) {
    if (ids.length < 2) continue;
    const names = ids.sort().join(' and ');
    const group = groups.get(names) ?? { first: year, last: year, rows: 0 };
    groups.set(names, {
      first: Math.min(group.first, year),
      last: Math.max(group.last, year),
      rows: group.rows + rows,
    });
  }
  return [...groups].map(([names, { first, last, rows }]) => `${names}: ${formatCount(rows)} rows of ${first}–${last}`);
}

export interface GapReport {
  /** One line an instrument with a gap. */
  readonly gaps: string[];
  /** Years that hold rows of a market but no holiday of it, as `US_EQ 2025`. */
  readonly uncheckedYears: string[];
}

/** Trading days without a row between the first and the last row of each series, over all files that have landed. */
export function findGaps(series: readonly Series[]): GapReport {
  const gaps: string[] = [];
  const unchecked = new Set<string>();
  const yearsOf = new Map<ReadonlySet<number>, Set<number>>();
  for (const one of series) {
    const span = spanOf(one);
    if (!span) continue;
    let checkedYears = yearsOf.get(one.holidays);
    if (!checkedYears) {
      checkedYears = new Set([...one.holidays].map((day) => civilFromDay(day).year));
      yearsOf.set(one.holidays, checkedYears);
    }
    let expected = 0;
    let missing = 0;
    for (let year = civilFromDay(span.first).year; year <= civilFromDay(span.last).year; year++) {
      const bits = one.years.get(year)?.landed.bits;
      if (!checkedYears.has(year)) {
        if (bits) unchecked.add(`${one.instrument.marketId} ${year}`);
        continue;
      }
      const start = dayFromCivil(year, 1, 1);
      const last = Math.min(dayFromCivil(year + 1, 1, 1) - 1, span.last);
      for (let day = Math.max(start, span.first); day <= last; day++) {
        if (isWeekend(day) || one.holidays.has(day)) continue;
        expected++;
        if (!bits || !hasDay(bits, day - start)) missing++;
      }
    }
    if (missing > GAP_DAYS) {
      const range = `${formatDay(span.first)} … ${formatDay(span.last)}`;
      gaps.push(`${one.instrument.id}: ${formatCount(missing)} of ${formatCount(expected)} trading days in ${range}`);
    }
  }
  return { gaps, uncheckedYears: [...unchecked].sort() };
}

const hasDay = (bits: Uint32Array, index: number): boolean => (bits[index >>> 5] & (1 << (index & 31))) !== 0;

/** First and last day of a series that has landed, or null. */
function spanOf(series: Series): { first: number; last: number } | null {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const [year, { landed }] of series.years) {
    const start = dayFromCivil(year, 1, 1);
    for (let index = 0; index < 366; index++) {
      if (!hasDay(landed.bits, index)) continue;
      if (start + index < first) first = start + index;
      if (start + index > last) last = start + index;
    }
  }
  return last === Number.NEGATIVE_INFINITY ? null : { first, last };
}
