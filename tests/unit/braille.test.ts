import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChartSeries, chartLegend, lineChart, niceTicks, seriesDots } from '../../src/format/braille.ts';
import { lineText, lineWidth } from '../../src/format/lines.ts';

const one = (points: readonly (number | null)[], tone: ChartSeries['tone'] = 'info'): ChartSeries => ({
  name: 'a',
  points,
  tone,
});
const chart = (points: readonly (number | null)[], width = 12, height = 3, more: object = {}) =>
  lineChart([one(points)], { width, height, format: (v) => v.toFixed(0), ends: ['', ''], ...more }).map(lineText);
/** The cells right of the axis. */
const plot = (rows: readonly string[]) => rows.slice(0, -1).map((row) => row.slice(row.search(/[│┤]/) + 1));

describe('dots', () => {
  test('one cell shows each dot where it belongs', () => {
    expect(seriesDots([0, 3], { columns: 2, rows: 4 }, { low: 0, high: 3 })).toEqual([
      { column: 0, row: 3 },
      { column: 0, row: 2 },
      { column: 1, row: 0 },
      { column: 1, row: 1 },
    ]);
    expect(
      seriesDots([0, 1, 2, 3], { columns: 4, rows: 4 }, { low: 0, high: 3 }).map(({ column, row }) => column + row),
    ).toContain(3);
  });

  test('every value of a series with a column of its own lies on its own dot', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 31 }), { minLength: 2, maxLength: 60 }), (values) => {
        const size = { columns: values.length, rows: 32 };
        const dots = new Set(
          seriesDots(values, size, { low: 0, high: 31 }).map(({ column, row }) => `${column},${row}`),
        );
        for (const [i, value] of values.entries()) expect(dots.has(`${i},${31 - value}`)).toBe(true);
      }),
    );
  });

  test('a rising line rises: no dot of a later column lies below one of an earlier column', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 300 }),
        fc.integer({ min: 2, max: 120 }),
        fc.integer({ min: 4, max: 64 }),
        (values, columns, rows) => {
          const rising = values.sort((a, b) => a - b);
          fc.pre(rising[0] < rising.at(-1)!);
          const dots = seriesDots(rising, { columns, rows }, { low: rising[0], high: rising.at(-1)! });
          const lowest = new Map<number, number>();
          const highest = new Map<number, number>();
          for (const { column, row } of dots) {
            lowest.set(column, Math.max(lowest.get(column) ?? -1, row));
            highest.set(column, Math.min(highest.get(column) ?? rows, row));
          }
          for (let c = 1; c < columns; c++) {
            if (lowest.has(c) && highest.has(c - 1)) expect(lowest.get(c)!).toBeLessThanOrEqual(lowest.get(c - 1)!);
          }
          expect(highest.get(columns - 1)).toBe(0);
          expect(lowest.get(0)).toBe(rows - 1);
        },
      ),
      { examples: [[[5.4e-323, 6e-323], 2, 4]] },
    );
  });

  test('a line without gaps has a dot in every column, whatever it does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 2, maxLength: 500 }),
        fc.integer({ min: 2, max: 90 }),
        (values, columns) => {
          const [low, high] = [Math.min(...values), Math.max(...values)];
          fc.pre(low < high);
          const dots = seriesDots(values, { columns, rows: 16 }, { low, high });
          expect(new Set(dots.map(({ column }) => column)).size).toBe(columns);
          for (const { row } of dots) expect(row >= 0 && row < 16).toBe(true);
        },
      ),
    );
  });

  test('more values than columns lose no peak', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i === 437 ? 100 : 0));
    const dots = seriesDots(values, { columns: 20, rows: 10 }, { low: 0, high: 100 });
    expect(dots.some(({ row }) => row === 0)).toBe(true);
  });

  test('a gap is a gap: null, NaN and infinity draw nothing and join nothing', () => {
    for (const gap of [null, Number.NaN, Number.POSITIVE_INFINITY]) {
      const dots = seriesDots([1, gap, gap, gap, 1], { columns: 9, rows: 4 }, { low: 0, high: 2 });
      expect(dots.map(({ column }) => column)).toEqual([0, 8]);
    }
  });
});

describe('the chart', () => {
  test('points with places of their own lie there, series of different lengths on one axis', () => {
    const series = [
      { ...one([0, 0, 3]), at: [0, 10, 100] },
      { ...one([3]), at: [50] },
    ];
    const rows = lineChart(series, { width: 25, height: 2, ascii: true, format: () => '', ends: ['a', 'b'] });
    const [line, foot] = rows.map(lineText).map((row) => row.slice(2));
    expect(line.indexOf('+')).toBe(11);
    expect(line.trimEnd().length).toBe(23);
    expect(foot).toMatch(/^a +b$/);
  });

  test('words below stand at their places, and leave rather than touch', () => {
    const ticks = [
      { share: 0.02, label: 'early' },
      { share: 0.5, label: 'half' },
      { share: 0.55, label: 'soon' },
      { share: 0.97, label: 'late' },
    ];
    const rows = chart([1, 2], 43, 3, { ends: ['from', 'to'], ticks });
    const foot = rows.at(-1)!;
    expect(foot).toMatch(/└from +half +to$/);
    expect(foot.indexOf('half') + 2).toBe(foot.indexOf('└') + 1 + 20);
    expect(foot.length).toBe(43);
  });

  test('fits its cells exactly, at any size, with any values', () => {
    const value = fc.option(fc.double({ noNaN: false }), { nil: null });
    fc.assert(
      fc.property(
        fc.array(fc.array(value, { maxLength: 80 }), { maxLength: 3 }),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 30 }),
        fc.boolean(),
        (all, width, height, ascii) => {
          const rows = lineChart(
            all.map((points) => one(points)),
            { width, height, ascii, format: (v) => v.toPrecision(3), ends: ['2014-01-02', '2014-03-31'] },
          );
          expect(rows.length).toBeLessThanOrEqual(Math.max(1, height));
          if (rows.length > 1) for (const row of rows) expect(lineWidth(row)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  test('a rising line rises from the lower left to the upper right', () => {
    const rows = plot(
      chart(
        Array.from({ length: 40 }, (_, i) => i),
        24,
        6,
      ),
    );
    expect(rows[0].trim()).not.toBe('');
    expect(rows[0].trimStart().length).toBeLessThan(rows[4].trimEnd().length + 20);
    expect(rows[4].startsWith(' ')).toBe(false);
    expect(rows[0].startsWith(' ')).toBe(true);
  });

  test('a line that never moves lies in the middle; no value at all says so', () => {
    const rows = plot(chart([5, 5, 5], 20, 6));
    expect(rows.findIndex((row) => row.trim() !== '')).toBe(2);
    expect(chart([null, Number.NaN])).toEqual(['no value to draw']);
  });

  test('of several, each shows its letter on its own line and in the legend; one alone has none', () => {
    const two = [one([0, 10]), one([10, 0])];
    const options = { width: 40, height: 10, format: String, ends: ['', ''] as const };
    const rows = lineChart(two, options);
    const toned = (letter: string) =>
      rows.flat().filter((part) => typeof part !== 'string' && part.text.includes(letter)).length;
    expect(toned('A')).toBeGreaterThan(0);
    expect(toned('B')).toBeGreaterThan(0);
    expect(lineText(chartLegend(two, 40))).toMatch(/^A━ .* B━ /);
    expect(lineChart([two[0]], options).map(lineText).join('')).not.toMatch(/[A-Z]/);
    expect(lineText(chartLegend([two[0]], 40))).toMatch(/^━ /);
  });

  test('a legend names every series in its room, the longest names cut', () => {
    const names = ['num-regime-core-v1', 'num-stab-core-v1', 'num-profile-core-v1', 'joint'];
    const legend = (width: number) =>
      lineText(
        chartLegend(
          names.map((name) => ({ ...one([0, 1]), name })),
          width,
        ),
      );
    expect(legend(80)).toBe('A━ num-regime-core-v1   B━ num-stab-core-v1   C━ num-profile-core-v1   D━ joint');
    for (const width of [40, 50, 60, 79]) {
      expect(legend(width).length).toBeLessThanOrEqual(width);
      expect(legend(width)).toMatch(/^A━ num.* B━ num.* C━ num.* D━ joi/);
    }
  });

  test('an axis has two numbers at least, whatever its range and height', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-3, max: 1e6, noNaN: true })),
        fc.integer({ min: 3, max: 20 }),
        ([low, range], height) => {
          const options = { width: 60, height, format: String, ends: ['', ''] as const };
          const rows = lineChart([one([low, low + range])], options).map(lineText);
          expect(rows.filter((row) => row.includes('┤')).length).toBeGreaterThanOrEqual(2);
        },
      ),
    );
  });

  test('in ASCII each series has a mark of its own', () => {
    const rows = lineChart([one([0, 10]), one([10, 0])], {
      width: 20,
      height: 6,
      ascii: true,
      format: String,
      ends: ['', ''],
    }).map(lineText);
    expect(rows.join('')).toContain('*');
    expect(rows.join('')).toContain('+');
    expect(rows.join('')).not.toMatch(/[\u2800-\u28ff]/);
  });
});

test('ticks are round, inside the bounds and not more than asked for', () => {
  expect(niceTicks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(niceTicks(-3.2, 4.9, 5)).toEqual([-2, 0, 2, 4]);
  fc.assert(
    fc.property(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
      fc.integer({ min: 1, max: 12 }),
      (low, span, most) => {
        const ticks = niceTicks(low, low + span, most);
        expect(ticks.length).toBeLessThanOrEqual(most + 2);
        for (const tick of ticks) expect(tick >= low - span * 1e-6 && tick <= low + span * 1.000001).toBe(true);
      },
    ),
  );
});
