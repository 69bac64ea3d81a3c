/** 50 MB/s of log from one job: nothing is lost, memory stays flat, and others are told of their jobs while it goes on. */
import { expect, it } from 'vitest';
import { flood } from '../helpers/flood.ts';

const MB = 1024 * 1024;

it('of one job is whole on the disk, costs the supervisor no memory, and delays nobody', async () => {
  const { printed, kept, during, memory } = await flood(50, 5);
  expect(kept).toEqual({ bytes: printed.bytes, hash: printed.hash });
  // Each of the other jobs began and ended while the flood went on, told by its own events.
  expect(during.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'DONE'));
  for (const { from, to } of during) expect(to).toBeGreaterThan(from);
  expect(printed.bytes).toBeGreaterThan(20 * MB);
  expect(Math.max(...memory.during) - memory.before).toBeLessThan(64 * MB);
});
