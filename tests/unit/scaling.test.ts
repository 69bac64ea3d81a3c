/** What workers cost each other, by backfills that ran with different numbers of them. */
import { expect, test } from 'vitest';
import { clockSeconds, fitScaling } from '../../src/queue/scaling.ts';

test('finds the cost of one more worker, and what the clock says then', () => {
  const points = [1, 2, 4].map((workers) => ({ workers, slowdown: 0.9 + 0.1 * (workers - 1) }));
  const scaling = fitScaling(points)!;
  expect(scaling.alone).toBeCloseTo(0.9, 12);
  expect(scaling.each).toBeCloseTo(0.1, 12);
  expect(scaling.measuredTo).toBe(4);
  expect(clockSeconds(3600, 1, scaling)).toBeCloseTo(3240, 9);
  expect(clockSeconds(3600, 4, scaling)).toBeCloseTo(1080, 9);
  // More workers never come to more than one worker's time over what one more costs.
  expect(clockSeconds(3600, 1e9, scaling)).toBeCloseTo(360, 5);
});

test('workers do not speed each other up', () => {
  const scaling = fitScaling([
    { workers: 1, slowdown: 1.1 },
    { workers: 2, slowdown: 0.9 },
  ]);
  expect(scaling).toMatchObject({ alone: 1, each: 0 });
});

test('one more worker never makes it later', () => {
  const scaling = fitScaling([
    { workers: 1, slowdown: 0.5 },
    { workers: 2, slowdown: 1.5 },
    { workers: 4, slowdown: 4.5 },
  ])!;
  expect(scaling.each).toBe(scaling.alone);
  // Σ workers · slowdown / Σ workers²
  expect(scaling.alone).toBeCloseTo(21.5 / 21, 12);
  expect(clockSeconds(100, 8, scaling)).toBeCloseTo(clockSeconds(100, 1, scaling), 9);
});

test('is unknown where the number of workers never differed; then the clock is plain division', () => {
  expect(fitScaling([])).toBeNull();
  expect(fitScaling([{ workers: 2, slowdown: 1 }])).toBeNull();
  expect(
    fitScaling([
      { workers: 1.9, slowdown: 1 },
      { workers: 2.1, slowdown: 3 },
    ]),
  ).toBeNull();
  expect(clockSeconds(100, 4, null)).toBe(25);
});
