/** The planner's arithmetic. */
import { describe, expect, it } from 'vitest';
import { type HorizonInput, horizonErrors, planHorizon } from '../../engines/numeric/horizon.model.ts';

const input: HorizonInput = {
  models: [
    {
      modelId: 'a',
      byYear: new Map([
        [2001, 3600],
        [2002, 7200],
      ]),
    },
    { modelId: 'b', byYear: new Map([[2002, 1800]]) },
  ],
  rowsPerSecond: new Map([
    ['a', 1],
    ['b', 0.5],
  ]),
  bytesPerRow: 10,
  workers: [1, 4],
  scaling: null,
  order: 'newest',
  start: '2001-03-01',
  end: '2002-06-30',
  walBytes: 1000,
  freeBytes: 300_000,
  headroom: 2,
};

describe('a plan', () => {
  it('gives hours by what workers were seen to cost each other', () => {
    const { hours } = planHorizon({ ...input, scaling: { alone: 0.9, each: 0.1, measuredTo: 2 } });
    expect(hours.map((one) => one.hours)).toEqual([expect.closeTo(3.6, 12), expect.closeTo(1.2, 12)]);
  });

  it('adds up rows, time and bytes, cuts years newest first, and asks for room beside the rows', () => {
    const plan = planHorizon(input);
    expect(plan).toMatchObject({ rows: 12_600, workerSeconds: 14_400, bytes: 126_000 });
    expect(plan.hours).toEqual([
      { workers: 1, hours: 4 },
      { workers: 4, hours: 1 },
    ]);
    expect(plan.disk).toEqual({ needBytes: 253_000, walBytes: 1000, freeBytes: 300_000, enough: true });
    expect(plan.steps).toEqual([
      { start: '2002-01-01', end: '2002-06-30', rows: 9000, workerSeconds: 10_800, bytes: 90_000 },
      { start: '2001-03-01', end: '2001-12-31', rows: 3600, workerSeconds: 3600, bytes: 36_000 },
    ]);
    expect(planHorizon({ ...input, order: 'oldest' }).steps).toEqual(plan.steps.toReversed());
    expect(planHorizon({ ...input, freeBytes: 252_999 }).disk.enough).toBe(false);
  });

  it('leaves unknown what no rate, size, log limit or free space is known for', () => {
    const plan = planHorizon({ ...input, rowsPerSecond: new Map([['a', 1]]), bytesPerRow: null });
    expect(plan).toMatchObject({ rows: 12_600, workerSeconds: null, bytes: null, disk: { enough: null } });
    expect(plan.hours.map(({ hours }) => hours)).toEqual([null, null]);
    expect(plan.steps.map(({ workerSeconds }) => workerSeconds)).toEqual([null, 3600]);
    expect(planHorizon({ ...input, freeBytes: null }).disk.enough).toBeNull();
  });

  it('is off by planned over real time of the same rows', () => {
    const { models } = planHorizon(input);
    expect(horizonErrors(models, [{ modelId: 'a', rows: 100, workerSeconds: 80 }])).toMatchObject([
      { modelId: 'a', plannedRows: 10_800, rows: 100, plannedSeconds: 100, error: 0.25 },
      { modelId: 'b', rows: 0, error: null },
    ]);
  });
});
