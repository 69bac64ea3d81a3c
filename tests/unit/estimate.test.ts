import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Extent, estimateRun, type MeasuredRun } from '../../src/supervisor/estimate.ts';

const EXTENT: Extent = { range: { start: 'start', end: 'end' }, lists: ['sleeve'] };
const args = (start: string, end: string, sleeve = ['a']) => ({ start, end, sleeve });
const run = (id: string, given: MeasuredRun['args'], seconds: number, rows: number | null): MeasuredRun => ({
  id: `${id}-backtest-campaign`,
  args: given,
  seconds,
  rows,
});

describe('what a job would take', () => {
  test('is unknown until a run was measured', () => {
    expect(estimateRun(args('2014-01-01', '2014-01-10'), EXTENT, [], 100)).toEqual({
      rows: null,
      seconds: null,
      bytes: null,
      basis: 'no finished job of this program to measure by',
    });
  });

  test('grows with the days and the listed values, between the slowest and the fastest run', () => {
    const runs = [
      run('0001', args('2014-01-01', '2014-01-10'), 10, 1000),
      run('0002', args('2014-01-01', '2014-01-10', ['a', 'b']), 40, 2000),
    ];
    expect(estimateRun(args('2014-02-01', '2014-02-20', ['a', 'b']), EXTENT, runs, 50)).toEqual({
      rows: { value: 4000, low: 4000, high: 4000 },
      seconds: { value: 60, low: 40, high: 80 },
      bytes: { value: 200_000, low: 200_000, high: 200_000 },
      basis: 'as 0001, 0002 took, by the days of their range',
    });
  });

  test('is what the same arguments took, where they ran before', () => {
    const same = args('2014-01-01', '2014-01-10');
    const runs = [run('0003', args('2014-01-01', '2014-12-31'), 1, 1), run('0002', same, 12, null)];
    expect(estimateRun(same, EXTENT, runs, 50)).toEqual({
      rows: null,
      seconds: { value: 12, low: 12, high: 12 },
      bytes: null,
      basis: 'as 0002 took, with the same arguments',
    });
  });

  test('of a program without a range is the span of all runs, and says so', () => {
    const runs = [run('0002', { path: 'x' }, 4, null), run('0001', { path: 'y' }, 8, null)];
    const { seconds, basis } = estimateRun({ path: 'z' }, { range: null, lists: [] }, runs, null);
    expect(seconds).toEqual({ value: 6, low: 4, high: 8 });
    expect(basis).toBe('as 0002, 0001 took, with other arguments');
  });

  test('lies within its span, and scales by the work', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 28 }), fc.integer({ min: 1, max: 1e4 })), { minLength: 1 }),
        fc.integer({ min: 1, max: 28 }),
        (measured, days) => {
          const until = (day: number) => args('2014-01-01', `2014-01-${String(day).padStart(2, '0')}`);
          const runs = measured.map(([day, seconds]) => run('0001', { ...until(day), x: 1 }, seconds, null));
          const { seconds } = estimateRun(until(days), EXTENT, runs, null);
          const rates = measured.map(([day, s]) => (s / day) * days);
          expect(seconds!.low).toBeCloseTo(Math.min(...rates));
          expect(seconds!.high).toBeCloseTo(Math.max(...rates));
          expect(seconds!.value).toBeGreaterThanOrEqual(seconds!.low);
          expect(seconds!.value).toBeLessThanOrEqual(seconds!.high);
        },
      ),
    );
  });
});
