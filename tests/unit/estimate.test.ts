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

  test('of a program without a range is unknown but for the same arguments: another file is another job', () => {
    const runs = [run('0002', { path: 'x' }, 4, null), run('0001', { path: 'y' }, 8, null)];
    const extent = { range: null, lists: [] };
    expect(estimateRun({ path: 'x' }, extent, runs, null).seconds).toEqual({ value: 4, low: 4, high: 4 });
    const { seconds, basis } = estimateRun({ path: 'z' }, extent, runs, null);
    expect([seconds, basis]).toEqual([null, 'no finished job to compare with']);
  });

  test('is unknown where jobs differ in anything but days and listed values', () => {
    const given = args('2014-02-01', '2014-02-20');
    const runs = [run('0001', { ...args('2014-01-01', '2014-01-10'), fill: 'close' }, 10, 1000)];
    expect(estimateRun(given, EXTENT, runs, 50)).toMatchObject({ rows: null, seconds: null, bytes: null });
    expect(estimateRun({ ...given, fill: 'close' }, EXTENT, runs, 50).rows?.value).toBe(2000);
    // No value listed: how many that is, is not known.
    expect(estimateRun({ ...given, fill: 'close', sleeve: [] }, EXTENT, runs, 50).rows).toBeNull();
  });

  test('lies within its span, and scales by the work', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 28 }), fc.integer({ min: 1, max: 1e4 })), { minLength: 1 }),
        fc.integer({ min: 1, max: 28 }),
        (measured, days) => {
          const until = (day: number, month: string) =>
            args(`2014-${month}-01`, `2014-${month}-${String(day).padStart(2, '0')}`);
          const runs = measured.map(([day, seconds]) => run('0001', until(day, '01'), seconds, null));
          const { seconds } = estimateRun(until(days, '03'), EXTENT, runs, null);
          const rates = measured.map(([day, s]) => (s / day) * days);
          expect(seconds!.low).toBeCloseTo(Math.min(...rates));
          // A shorter range has the same start and end of the program: it may take as long.
          expect(seconds!.high).toBeCloseTo(Math.max(...measured.map(([day, s]) => Math.max(s, (s / day) * days))));
          expect(seconds!.value).toBeGreaterThanOrEqual(seconds!.low);
          expect(seconds!.value).toBeLessThanOrEqual(seconds!.high);
        },
      ),
    );
  });
});

describe('what a backfill would take', () => {
  const BACKFILL: Extent = {
    range: { start: 'start', end: 'end' },
    lists: ['models'],
    work: {
      unit: 'vectors',
      all: { models: ['a', 'b', 'c', 'd', 'e'] },
      limit: 'limit',
      skips: 'skip',
      manner: ['workers'],
    },
  };
  /** Ten days of 70 entities a model. */
  const TEN = { start: '2014-01-01', end: '2014-01-10', models: [] as string[], skip: false };
  const TWENTY = { ...TEN, start: '2014-02-01', end: '2014-02-20' };
  const rowsOf = (given: MeasuredRun['args'], runs: readonly MeasuredRun[], present: number | null = null) =>
    estimateRun(given, BACKFILL, runs, 2000, present).rows;
  const exactly = (value: number) => ({ value, low: value, high: value });
  const all = run('0001', TEN, 10, 3500);

  test('takes no model for all of them', () => {
    expect(rowsOf({ ...TWENTY, models: ['a'] }, [all])).toEqual(exactly(1400));
    expect(rowsOf(TWENTY, [run('0002', { ...TEN, models: ['a'] }, 2, 700)])).toEqual(exactly(7000));
  });

  test('is at most what a limit of entities allows, and tells nothing of more entities than a run had', () => {
    expect(rowsOf({ ...TWENTY, models: ['a'], limit: 30 }, [all])).toEqual({ value: null, low: 0, high: 600 });
    expect(rowsOf({ ...TWENTY, models: ['a'], limit: 300 }, [all])).toEqual({ value: null, low: 0, high: 1400 });
    const few = run('0002', { ...TEN, limit: 30 }, 4, 1500);
    expect(rowsOf({ ...TWENTY, limit: 30 }, [few])).toEqual(exactly(3000));
    expect(rowsOf({ ...TWENTY, limit: 31 }, [few])).toBeNull();
    expect(rowsOf(TWENTY, [few])).toBeNull();
    expect(rowsOf(TWENTY, [few, all])).toEqual(exactly(7000));
  });

  test('that leaves alone what is there is what is missing, or at most the whole', () => {
    const skip = { ...TEN, skip: true };
    const first = { ...run('0001', skip, 10, 3500), due: 3500 };
    const second = { ...run('0002', skip, 1, 0), due: 3500 };
    expect(rowsOf(skip, [second, first], 3500)).toEqual({ value: 0, low: 0, high: 3500 });
    expect(rowsOf(skip, [second, first], 3000)).toEqual({ value: 500, low: 0, high: 3500 });
    expect(rowsOf(skip, [second, first])).toEqual({ value: null, low: 0, high: 3500 });
    const { seconds, bytes, basis } = estimateRun(skip, BACKFILL, [second, first], 2000, 3500);
    // The second run did nothing, and is no measure of the work.
    expect(seconds).toEqual({ value: null, low: 0, high: 10 });
    expect(bytes).toEqual({ value: 0, low: 0, high: 7_000_000 });
    expect(basis).toBe('as 0002, 0001 took, with the same arguments, less 3,500 there');
    // Of a scaled whole the rest is no bound; where nothing is there, it is the whole.
    expect(rowsOf({ ...TWENTY, skip: true }, [first], 1000)).toEqual(exactly(6000));
    expect(estimateRun({ ...TWENTY, skip: true }, BACKFILL, [first], 1, 0)).toMatchObject({
      ...{ rows: exactly(7000), seconds: exactly(20), basis: 'as 0001 took, by the days of their range' },
    });
    // One that skipped and does not tell what was due measures nothing.
    expect(rowsOf(TWENTY, [run('0003', skip, 1, 12)])).toBeNull();
    expect(rowsOf(TWENTY, [second])).toEqual(exactly(7000));
    expect(estimateRun(TWENTY, BACKFILL, [second], 2000).seconds).toBeNull();
  });

  test('takes its time from runs in the same manner alone', () => {
    const found = estimateRun({ ...TWENTY, workers: 8 }, BACKFILL, [all], 2000);
    expect([found.rows, found.seconds]).toEqual([exactly(7000), null]);
  });
});
