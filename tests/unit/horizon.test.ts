/** The planner's arithmetic. */
import { describe, expect, it } from 'vitest';
import { clockError, type HorizonInput, horizonErrors, planHorizon } from '../../src/queue/horizon.ts';

const numeric: HorizonInput['kinds'][number] = {
  kind: 'numeric',
  table: 'numbers',
  models: [
    {
      modelId: 'a',
      byYear: new Map([
        [2001, 3600],
        [2002, 7200],
      ]),
      standing: 5,
    },
    { modelId: 'b', byYear: new Map([[2002, 1800]]), standing: 0 },
  ],
  bytesPerRow: 10,
  scaling: null,
};
const text: HorizonInput['kinds'][number] = {
  kind: 'text',
  table: 'texts',
  models: [{ modelId: 't', byYear: new Map([[2000, 600]]), standing: 0 }],
  bytesPerRow: 100,
  scaling: { alone: 1, each: 1, measuredTo: 2 },
};
const input: HorizonInput = {
  kinds: [numeric],
  rowsPerSecond: new Map([
    ['a', 1],
    ['b', 0.5],
    ['t', 1],
  ]),
  workers: [1, 4],
  order: 'newest',
  start: '2001-03-01',
  end: '2002-06-30',
  walBytes: 1000,
  freeBytes: 300_000,
  headroom: 2,
};

describe('a plan', () => {
  it('gives hours by what workers were seen to cost each other', () => {
    const { hours } = planHorizon({
      ...input,
      kinds: [{ ...numeric, scaling: { alone: 0.9, each: 0.1, measuredTo: 2 } }],
    });
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
    const plan = planHorizon({
      ...input,
      kinds: [{ ...numeric, bytesPerRow: null }],
      rowsPerSecond: new Map([['a', 1]]),
    });
    expect(plan).toMatchObject({ rows: 12_600, workerSeconds: null, bytes: null, disk: { enough: null } });
    expect(plan.hours.map(({ hours }) => hours)).toEqual([null, null]);
    expect(plan.steps.map(({ workerSeconds }) => workerSeconds)).toEqual([null, 3600]);
    expect(planHorizon({ ...input, freeBytes: null }).disk.enough).toBeNull();
  });

  it('adds kinds up, each with rows of its own size and workers of its own cost', () => {
    const plan = planHorizon({ ...input, kinds: [numeric, text] });
    expect(plan).toMatchObject({ rows: 13_200, workerSeconds: 15_000, bytes: 186_000 });
    expect(plan.kinds).toMatchObject([
      { kind: 'numeric', table: 'numbers', rows: 12_600, bytes: 126_000, workerSeconds: 14_400 },
      { kind: 'text', table: 'texts', rows: 600, bytes: 60_000, workerSeconds: 600 },
    ]);
    // Four workers quarter the numeric part; a further one at the texts neither helps nor harms.
    expect(plan.hours.map(({ hours }) => hours)).toEqual([15_000 / 3600, (14_400 / 4 + 600) / 3600]);
    expect(plan.disk.needBytes).toBe(2 * 186_000 + 1000);
    expect(plan.steps.map(({ rows, bytes }) => [rows, bytes])).toEqual([
      [9000, 90_000],
      [3600, 36_000],
      [600, 60_000],
    ]);
    const none = {
      ...text,
      models: [{ modelId: 'u', byYear: new Map<number, number>(), standing: 0 }],
      bytesPerRow: null,
    };
    expect(planHorizon({ ...input, kinds: [numeric, none] })).toMatchObject({ workerSeconds: 14_400, bytes: 126_000 });
    expect(planHorizon({ ...input, kinds: [numeric, { ...text, bytesPerRow: null }] })).toMatchObject({
      bytes: null,
      kinds: [{ bytes: 126_000 }, { bytes: null }],
      disk: { needBytes: null },
    });
  });

  it('is off by the clock, kind by kind', () => {
    const plan = planHorizon({ ...input, kinds: [numeric, text] });
    const models = horizonErrors(plan.models, [
      { modelId: 'a', rows: 100, workerSeconds: 120 },
      { modelId: 't', rows: 50, workerSeconds: 60 },
    ]);
    const [numbers, texts] = plan.kinds;
    expect(clockError(numbers, models, 60)).toEqual({
      ...{ kind: 'numeric', seconds: 60, workers: 2, planned: 50 },
      error: expect.closeTo(50 / 60 - 1, 12),
    });
    // One worker at the texts: no slowdown.
    expect(clockError(texts, models, 60)).toMatchObject({ workers: 1, planned: 50 });
    expect(clockError(texts, models, null)).toMatchObject({ seconds: null, workers: null, planned: null, error: null });
  });

  it('is off by planned over real time of the same rows', () => {
    const { models } = planHorizon(input);
    expect(horizonErrors(models, [{ modelId: 'a', rows: 100, workerSeconds: 80 }])).toMatchObject([
      { modelId: 'a', plannedRows: 10_800, rows: 100, plannedSeconds: 100, error: 0.25 },
      { modelId: 'b', rows: 0, error: null },
    ]);
  });
});
