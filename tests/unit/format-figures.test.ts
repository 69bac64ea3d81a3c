import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAge, formatAgo, formatClock, formatElapsed, formatInstant } from '../../src/format/age.ts';
import { heatMark, progressBar } from '../../src/format/bars.ts';
import { measureText } from '../../src/format/measure.ts';
import { distinct } from '../../src/format/names.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatPercent,
  formatShare,
} from '../../src/format/numbers.ts';
import { positiveBounds, sparkline } from '../../src/format/spark.ts';
import { CHECK_SIGNS, JOB_SIGNS } from '../../src/format/states.ts';
import { timeLabel, timeTicks } from '../../src/format/time-axis.ts';

describe('figures', () => {
  test('unknown is never a number', () => {
    for (const none of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const format of [
        formatCount,
        formatPercent,
        formatDuration,
        formatBytes,
        formatAge,
        formatClock,
        formatElapsed,
        formatInstant,
      ]) {
        expect(format(none)).toBe('–');
      }
      expect(formatFixed(none, 2)).toBe('–');
    }
  });

  test('thousands are told apart, behind the point they are not', () => {
    expect([0, 999, 1000, -1_331_465, 99.25, 1234.5678].map(formatCount)).toEqual([
      ...['0', '999', '1,000', '-1,331,465', '99.3', '1,235'],
    ]);
    expect([formatFixed(1234.5678, 4), formatFixed(-0.1234, 4), formatPercent(-123.4567)]).toEqual([
      ...['1,234.5678', '-0.1234', '-12,345.67 %'],
    ]);
  });

  test('a share is never rounded up: only what is complete is 100 %', () => {
    expect([1, 0.9999999, 0.99951, 0.29, 0.0009, 0].map((share) => formatShare(share))).toEqual([
      '100 %',
      '99.9 %',
      '99.9 %',
      '29.0 %',
      '0.0 %',
      '0.0 %',
    ]);
    expect([formatShare(0.999999, 2), formatShare(0.999999, 0), formatShare(null)]).toEqual(['99.99 %', '99 %', '–']);
  });

  test('ages in one unit, no finer than a minute', () => {
    expect([0, 59_999, 60_000, 119_999, 3_700_000, 200_000_000].map(formatAge)).toEqual([
      'now',
      'now',
      '1 m',
      '1 m',
      '1 h',
      '2 d',
    ]);
    expect([0, 238_000].map(formatAgo)).toEqual(['just now', '3 m ago']);
    expect(formatAge(-5)).toBe('now');
  });

  test('times are UTC', () => {
    const at = Date.UTC(2025, 11, 8, 14, 22, 7);
    expect(formatClock(at)).toBe('14:22:07');
    expect(formatInstant(at)).toBe('2025-12-08 14:22');
    expect([65_000, 45_067_000].map(formatElapsed)).toEqual(['1:05', '12:31:07']);
  });
});

describe('sparklines', () => {
  test('a rising series rises, and its ends are the lowest and the highest block', () => {
    expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8, { ascii: true })).toBe('_.-=+*#@');
  });

  test('a series that never moves is a line, not a low or a high', () => {
    expect(sparkline([5, 5, 5], 10)).toBe('───');
    expect(sparkline([0], 10, { min: 0, max: 1 })).toBe('▁');
    expect(sparkline([Number.MIN_VALUE, 0], 10)).toBe('▁▁');
  });

  test('a series that never moves is a line however many values share a cell', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 1, max: 400 }),
        (value, count) => {
          expect(sparkline(Array(count).fill(value), 40)).toBe('─'.repeat(Math.min(40, count)));
        },
      ),
      {
        examples: [
          [1, 120],
          [1, 131],
          [0.1, 97],
        ],
      },
    );
  });

  test('by logs, equal factors are equal steps; what is not above the lowest is the lowest', () => {
    const doubling = [1, 2, 4, 8, 16, 32, 64, 128];
    expect(sparkline(doubling, 8, { log: true })).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([0, null, ...doubling], 10, { log: true, min: 1 })).toBe('▁ ▁▂▃▄▅▆▇█');
    expect(positiveBounds([[0, null, 3], [7]])).toEqual({ min: 3, max: 7 });
    expect(sparkline([0, 0], 2, { log: true, ...positiveBounds([[0, null]]) })).toBe('──');
  });

  test('gaps stay gaps', () => {
    expect(sparkline([1, null, Number.NaN, 9], 10)).toBe('▁  █');
    expect(sparkline([], 10)).toBe('');
    expect(sparkline([null, null], 10)).toBe('  ');
  });

  test('never more cells than asked for, all from the scale', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double())), fc.nat(40), fc.boolean(), (values, width, ascii) => {
        const text = sparkline(values, width, { ascii });
        expect([...text].length).toBe(Math.min(width, values.length));
        expect(text).toMatch(ascii ? /^[ _.\-=+*#@]*$/ : /^[ ▁▂▃▄▅▆▇█─]*$/);
      }),
    );
  });

  test('more values than cells are averaged, not sampled: a spike leaves a trace', () => {
    const values = Array.from({ length: 100 }, (_, i) => (i === 55 ? 100 : 0));
    expect(sparkline(values, 10)).toBe('▁▁▁▁▁█▁▁▁▁');
  });
});

describe('bars', () => {
  test('are exact in width, empty at 0, full at 1', () => {
    expect(progressBar(0, 4)).toBe('····');
    expect(progressBar(1, 4)).toBe('████');
    expect(progressBar(0.5, 4)).toBe('██··');
    expect(progressBar(0.54, 4)).toBe('██▏·');
    expect(progressBar(0.5, 4, { ascii: true })).toBe('##..');
    expect(progressBar(null, 4)).toBe('····');
    fc.assert(
      fc.property(fc.double(), fc.nat(50), fc.boolean(), (share, width, ascii) => {
        expect(progressBar(share, width, { ascii })).toHaveLength(width);
      }),
    );
  });

  test('a bar is full only when all is done', () => {
    expect(progressBar(0.999, 10)).not.toBe('██████████');
  });

  test('heat marks: nothing expected, none, some, complete', () => {
    expect([null, 0, 0.2, 0.7, 0.95, 1].map((share) => heatMark(share)).join('')).toBe(' ·░▒▓█');
    expect([null, 0, 0.2, 0.7, 0.95, 1].map((share) => heatMark(share, { ascii: true })).join('')).toBe(' .-=%#');
    expect(heatMark(0.9899)).toBe('▓');
  });
});

describe('state signs', () => {
  test.each([
    ['checks', CHECK_SIGNS],
    ['jobs', JOB_SIGNS],
  ])('of %s differ by word, and in ASCII by sign too', (_, signs) => {
    const all = Object.values(signs);
    expect(new Set(all.map((sign) => sign.word)).size).toBe(all.length);
    expect(new Set(all.map((sign) => sign.ascii)).size).toBe(all.length);
    for (const sign of all) expect(sign.ascii).toMatch(/^[!-~]$/);
    for (const [state, sign] of Object.entries(signs)) expect(sign.word).toBe(state);
  });
});

test('a measured value carries its unit, whatever it is', () => {
  const cases: readonly (readonly [number, string, string])[] = [
    [-0.0246, 'share', '-2.46 %'],
    [8.7e9, 'bytes', '8.1 GiB'],
    [4096, 'bytes/s', '4.0 KiB/s'],
    [1_012_911.4, 'USD', '1,012,911 USD'],
    [0.00042, 's', '0.00042 s'],
    [61.4, 'days/s', '61.40 days/s'],
    [3, '', '3'],
  ];
  for (const [value, unit, text] of cases) expect(measureText(value, unit)).toBe(text);
});

test('names that begin alike are told apart by their ends, and never mixed up', () => {
  const short = distinct(['US_CORE_LONG_EQ_H5', 'US_CORE_LONG_EQ_H21']);
  expect([short('US_CORE_LONG_EQ_H5'), short('US_CORE_LONG_EQ_H21')]).toEqual(['…H5', '…H21']);
  expect(distinct(['num-stab-core-v1', 'num-stab-core-v1'])('num-stab-core-v1')).toBe('num-stab-core-v1');
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '_', 'b') }), { maxLength: 6 }), (names) => {
      const told = distinct(names);
      expect(new Set(names.map(told)).size).toBe(new Set(names).size);
    }),
  );
});

describe('an axis of time', () => {
  const start = Date.UTC(2025, 11, 8, 14, 22, 7);

  test('has round moments, within its span and not more than there is room for', () => {
    expect(timeTicks(start, start + 60_000, 60).map(({ label }) => label)).toEqual([
      '14:22:15',
      '14:22:30',
      '14:22:45',
      '14:23:00',
    ]);
    expect(timeTicks(start, start + 6 * 3_600_000, 60).map(({ label }) => label)).toEqual(['16:00', '18:00', '20:00']);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4e11 }), fc.integer({ min: 0, max: 200 }), (span, cells) => {
        const ticks = timeTicks(start, start + span, cells);
        expect(ticks.length).toBeLessThanOrEqual(Math.floor(cells / 14) + 1);
        for (const { share } of ticks) expect(share >= 0 && share < 1).toBe(true);
      }),
    );
  });

  test('is as fine as its span needs', () => {
    const spans = [1000, 3_600_000, 3 * 86_400_000, 1e11];
    expect(spans.map((span) => timeLabel(start, span))).toEqual(['14:22:07', '14:22', '12-08 14:22', '2025-12-08']);
  });
});
