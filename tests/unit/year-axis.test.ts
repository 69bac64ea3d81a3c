import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { yearCells, yearTicks } from '../../src/format/year-axis.ts';

describe('years beside each other', () => {
  test.each<[number, number, number, string]>([
    [2010, 2024, 1, '10   15   20   '],
    [2010, 2024, 2, '10  12  14  16  18  20  22  24'],
    [2010, 2012, 3, '10 11 12 '],
    [2023, 2024, 5, '2023 2024 '],
    // The first year has its label where the next one leaves room for it.
    [1997, 2004, 1, '97 00   '],
    [1998, 2004, 1, '  00   '],
    [2010, 2020, 1, '10   15   20'],
  ])('%i to %i, %i cells each', (first, last, cells, ticks) => {
    expect(yearTicks({ first, last }, cells)).toBe(ticks);
  });

  test('labels begin above their year, whole, with a blank between two; few years are all labelled', () => {
    const years = fc.record({ first: fc.integer({ min: 1950, max: 2030 }), more: fc.nat(80) });
    fc.assert(
      fc.property(years, fc.integer({ min: 15, max: 200 }), ({ first, more }, room) => {
        const last = first + more;
        const cells = yearCells({ first, last }, room);
        expect(cells === 1 || (more + 1) * cells <= room).toBe(true);
        const labels = [...yearTicks({ first, last }, cells).matchAll(/\d+/g)];
        for (const { 0: label, index } of labels) {
          expect(label).toBe(String(first + index / cells).slice(-label.length));
        }
        if (more < 5) expect(labels.length).toBe(more + 1);
      }),
    );
  });
});
