/** Line charts of braille dots, two across and four down in a cell, with axes. */
import { type Line, type Span, span } from './lines.ts';
import { distinct } from './names.ts';
import type { Tone } from './states.ts';
import { cellWidth, cutToWidth, fitToWidth, startOf } from './width.ts';

export interface ChartSeries {
  readonly name: string;
  /** Values at the same places for all series; null, or no finite number, is a gap. */
  readonly points: readonly (number | null)[];
  /** Where each point lies across, ascending, in any unit that all series share; evenly spread when absent. */
  readonly at?: readonly number[];
  readonly tone: Tone;
}

/** A word below the chart: `share` of the way across it is written. */
export interface Tick {
  readonly share: number;
  readonly label: string;
}

export interface ChartOptions {
  /** Cells in all, axes included. */
  readonly width: number;
  readonly height: number;
  readonly ascii?: boolean;
  /** A value for the axis. */
  readonly format: (value: number) => string;
  /** What stands below the first and the last place. */
  readonly ends: readonly [string, string];
  /** What stands between them, as far as there is room. */
  readonly ticks?: readonly Tick[];
  /** Bounds that the axis must reach, as 0 for shares. */
  readonly include?: readonly number[];
}

/** Bit of each dot in U+2800, by column and row of the cell (Unicode, Braille Patterns). */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
/** One mark a series where there is no braille. */
const MARKS = '*+ox#%';
/** Blank cells between the words below a chart. */
const TICK_GAP = 2;

/** Where a dot lies: column 0… from the left, row 0… from the top, in dots. */
export interface Dot {
  readonly column: number;
  readonly row: number;
}

/** Values that the axis spans: those of all series and those asked for; null when there is none. */
function boundsOf(series: readonly ChartSeries[], include: readonly number[]): { low: number; high: number } | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of [...include, ...series.flatMap(({ points }) => points)]) {
    if (value === null || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return null;
  // A line that never moves lies in the middle.
  if (low === high) return { low: low - (Math.abs(low) || 1) / 2, high: high + (Math.abs(high) || 1) / 2 };
  return { low, high };
}

/** The row of dots in which a value lies, the highest in row 0. */
function rowsBetween(low: number, high: number, rows: number): (value: number) => number {
  // Halved where the range overflows, and only there: the smallest numbers have no halves.
  const part = Number.isFinite(high - low) ? 1 : 0.5;
  const range = high * part - low * part;
  return (value) => Math.round((1 - (value * part - low * part) / range) * (rows - 1));
}

/**
 * The dots of one series. More places than dot columns share columns: a column then shows the range of its values, so that
 * no peak is lost. Neighbouring columns are joined; gaps are not.
 */
export function seriesDots(
  points: readonly (number | null)[],
  size: { readonly columns: number; readonly rows: number },
  { low, high }: { readonly low: number; readonly high: number },
  share: (i: number) => number = evenly(points.length),
): Dot[] {
  const { columns, rows } = size;
  const places = points.length;
  if (places === 0 || columns <= 0 || rows <= 0) return [];
  const columnOf = (i: number) => Math.round(share(i) * (columns - 1));
  const rowOf = rowsBetween(low, high, rows);
  const dots: Dot[] = [];
  let before: { column: number; row: number } | null = null;
  let drawn: { column: number; top: number; bottom: number } | null = null;
  const draw = (column: number, from: number, to: number) => {
    for (let row = Math.min(from, to); row <= Math.max(from, to); row++) {
      if (drawn?.column === column && row >= drawn.top && row <= drawn.bottom) continue;
      dots.push({ column, row });
    }
    drawn =
      drawn?.column === column
        ? { column, top: Math.min(drawn.top, from, to), bottom: Math.max(drawn.bottom, from, to) }
        : { column, top: Math.min(from, to), bottom: Math.max(from, to) };
  };
  for (let i = 0; i < places; i++) {
    const value = points[i];
    if (value === null || !Number.isFinite(value)) {
      before = null;
      continue;
    }
    const here = { column: columnOf(i), row: rowOf(value) };
    if (before === null || before.column === here.column) draw(here.column, before?.row ?? here.row, here.row);
    else {
      // Each column between takes its part of the way, so that a steep line has no holes and no steps to the side.
      for (let column = before.column; column <= here.column; column++) {
        const at = (x: number) =>
          Math.round(before!.row + ((x - before!.column) / (here.column - before!.column)) * (here.row - before!.row));
        const to = column === here.column ? here.row : at(column + 0.5);
        // One dot on from where the column before ended, but never past its own end.
        const on = Math.sign(here.row - before.row);
        const next = at(column - 0.5) + on;
        const from = column === before.column ? before.row : on > 0 ? Math.min(next, to) : Math.max(next, to);
        draw(column, from, to);
      }
    }
    before = here;
  }
  return dots;
}

/** How far across each of so many places lies when they are evenly spread. */
const evenly = (places: number) => (i: number) => (places > 1 ? i / (places - 1) : 0);

/** How far across the points of a series lie: by their own places where they have some, within those of all series. */
function acrossOf(series: readonly ChartSeries[]): (one: ChartSeries) => (i: number) => number {
  const all = series.flatMap(({ at }) => (at?.length ? [at[0], at[at.length - 1]] : []));
  const first = Math.min(...all);
  const span = Math.max(...all) - first;
  return ({ at, points }) => (at ? (i) => (span > 0 ? (at[i] - first) / span : 0) : evenly(points.length));
}

/** Round numbers between the bounds, at most so many, ascending: steps of 1, 2 or 5 times a power of ten. */
export function niceTicks(low: number, high: number, most: number): number[] {
  if (!(high > low) || most < 1) return [];
  const raw = high / most - low / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw * 0.999) ?? power * 10;
  const ticks: number[] = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let k = first; k * step <= high + step * 1e-9 && ticks.length < most + 2; k++) {
    // Rounding may carry the outermost ones a hair beyond the bounds.
    ticks.push(k === 0 ? 0 : Math.min(high, Math.max(low, k * step)));
  }
  return ticks;
}

/**
 * The chart as rows of exactly `width` cells at most: values up the left side at round numbers, the line of each series in
 * its tone, its ends named below. Where lines share a cell, the later series gives the colour.
 */
export function lineChart(series: readonly ChartSeries[], options: ChartOptions): Line[] {
  const { width, height, format, ascii = false } = options;
  const bounds = boundsOf(series, options.include ?? []);
  if (!bounds) return [[span('no value to draw', 'muted')]];
  const plotRows = height - 1;
  const ticks = axisTicks(bounds, plotRows);
  const labels = ticks.map(format);
  const gutter = Math.max(0, ...labels.map((label) => cellWidth(label)));
  const plotColumns = width - gutter - 2;
  if (plotRows < 1 || plotColumns < 2) return [];
  const dots = ascii ? { across: 1, down: 1 } : { across: 2, down: 4 };
  const size = { columns: plotColumns * dots.across, rows: plotRows * dots.down };
  const bits = new Uint8Array(plotColumns * plotRows);
  const owner = new Int8Array(plotColumns * plotRows).fill(-1);
  const across = acrossOf(series);
  series.forEach((one, s) => {
    for (const { column, row } of seriesDots(one.points, size, bounds, across(one))) {
      const cell = Math.floor(row / dots.down) * plotColumns + Math.floor(column / dots.across);
      if (!ascii) bits[cell] |= DOTS[column % 2][row % 4];
      owner[cell] = s;
    }
  });
  const letters = ascii || series.length < 2 ? NO_LETTERS : lettersOn(owner, plotColumns, series.length);
  const rowOf = rowsBetween(bounds.low, bounds.high, size.rows);
  const rowOfTick = (value: number) => Math.floor(rowOf(value) / dots.down);
  const labelOf = new Map(ticks.map((tick, k) => [rowOfTick(tick), labels[k]]));
  const rows = Array.from({ length: plotRows }, (_, row): Line => {
    const label = labelOf.get(row);
    const axis = span(`${fitToWidth(label ?? '', gutter, 'right')} ${label === undefined ? '│' : '┤'}`, 'muted');
    return [axis, ...cells(row, plotColumns, bits, owner, series, ascii, letters)];
  });
  return [...rows, [span(`${' '.repeat(gutter)} └`, 'muted'), span(footOf(options, plotColumns), 'muted')]];
}

/** A round number every three rows; where that is less than two of them, more, or else the bounds: one alone is no scale. */
function axisTicks({ low, high }: { readonly low: number; readonly high: number }, rows: number): number[] {
  let most = Math.max(1, Math.floor(rows / 3));
  let ticks = niceTicks(low, high, most);
  while (ticks.length < 2 && ++most <= rows) ticks = niceTicks(low, high, most);
  return ticks.length < 2 && rows > 1 ? [low, high] : ticks;
}

/** The words below a chart: its ends, and between them what there is room for. */
function footOf({ ends, ticks = [] }: ChartOptions, columns: number): string {
  const [left, right] = ends;
  const room = columns - cellWidth(left) - cellWidth(right);
  if (room <= 0) return startOf(left, columns);
  let foot = left;
  for (const { share, label } of ticks) {
    const from = Math.round(share * (columns - 1) - cellWidth(label) / 2);
    const until = columns - cellWidth(right);
    if (from < cellWidth(foot) + TICK_GAP || from + cellWidth(label) + TICK_GAP > until) continue;
    foot = foot.padEnd(from) + label;
  }
  return foot + ' '.repeat(columns - cellWidth(foot) - cellWidth(right)) + right;
}

/** One row's cells, equal tones together. */
function cells(
  row: number,
  columns: number,
  bits: Uint8Array,
  owner: Int8Array,
  series: readonly ChartSeries[],
  ascii: boolean,
  letters: ReadonlySet<number>,
): Span[] {
  const spans: Span[] = [];
  let text = '';
  let tone: Tone = 'plain';
  for (let column = 0; column < columns; column++) {
    const cell = row * columns + column;
    const of = owner[cell];
    const mark =
      of < 0 ? ' ' : ascii ? MARKS[of % MARKS.length] : letters.has(cell) ? letterOf(of) : dotsOf(bits[cell]);
    const next: Tone = of < 0 ? 'plain' : series[of].tone;
    if (next !== tone && text !== '') {
      spans.push(span(text, tone));
      text = '';
    }
    tone = next;
    text += mark;
  }
  return text === '' ? spans : [...spans, span(text, tone)];
}

const dotsOf = (bits: number) => String.fromCodePoint(0x2800 + bits);

/** The letter of a series among several: colours alone would not tell them apart everywhere. */
const letterOf = (series: number) => String.fromCodePoint(65 + (series % 26));

const NO_LETTERS: ReadonlySet<number> = new Set();
/** Letters on each curve, spread over the width. */
const LETTERS = 3;

/** The cells in which a curve shows its letter: those of the series itself nearest to places that no two series share. */
function lettersOn(owner: Int8Array, columns: number, count: number): Set<number> {
  const found = new Set<number>();
  for (let s = 0; s < count; s++) {
    const own = [...owner.keys()].filter((cell) => owner[cell] === s);
    for (let k = 0; k < LETTERS && own.length > 0; k++) {
      const wanted = (columns * (k + (s + 1) / (count + 1))) / LETTERS;
      const away = (cell: number) => Math.abs((cell % columns) - wanted);
      found.add(own.reduce((a, b) => (away(b) < away(a) ? b : a)));
    }
  }
  return found;
}

/**
 * Which series is which: its letter (when there are several) and a mark in its tone, and its name. In `width` cells the longest
 * names are cut, so that no series goes without.
 */
export function chartLegend(series: readonly ChartSeries[], width: number, ascii = false): Line {
  const gap = '   ';
  const marks = series.map((_, s) => (ascii ? MARKS[s % MARKS.length] : `${series.length > 1 ? letterOf(s) : ''}━`));
  const short = distinct(series.map(({ name }) => name));
  const taken = marks.reduce((sum, mark) => sum + cellWidth(mark) + 1, gap.length * (series.length - 1));
  const whole = series.map(({ name }) => name);
  const names = fits(whole, width - taken) ? whole : cutLongest(whole.map(short), width - taken);
  return series.flatMap(({ tone }, s) => [
    ...(s > 0 ? [gap] : []),
    span(marks[s], tone, { bold: true }),
    ` ${names[s]}`,
  ]);
}

const fits = (names: readonly string[], cells: number): boolean =>
  names.reduce((sum, name) => sum + cellWidth(name), 0) <= cells;

/** The names with the longest cut to one length, as long as all together fit. */
function cutLongest(names: readonly string[], cells: number): string[] {
  let most = Math.max(...names.map(cellWidth));
  while (most > 1 && names.reduce((sum, name) => sum + Math.min(most, cellWidth(name)), 0) > cells) most--;
  return names.map((name) => cutToWidth(name, most));
}
