/** Nothing dated ≤ t may move when everything after t does: every engine, random markets, random t. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstDifference, simulateAll, withOtherFuture } from '../../engines/verify/point-in-time.ts';
import { Random } from '../../src/platform/random.ts';
import { smallMarket } from '../helpers/small-market.ts';

const FIRST = 70;
const COUNT = 40;
const HORIZONS = [5, 63];

const uniform = (seed: number) => {
  const generator = new Random(seed);
  return () => generator.uniform();
};

describe('point in time', () => {
  it('holds for states, transitions, universes, weights, fills, equity and benchmarks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 0, max: COUNT - 2 }), (seed, day) => {
        const panel = smallMarket({ seed, instruments: 24, days: FIRST + COUNT, gaps: 0.001 });
        const other = withOtherFuture(panel, FIRST + day, uniform(seed + 1));
        const a = simulateAll(panel, FIRST, COUNT, HORIZONS);
        const b = simulateAll(other, FIRST, COUNT, HORIZONS);
        expect(firstDifference(a, b, day, HORIZONS)).toBeNull();
        for (const result of a.results) expect(result.fills.day.length).toBeGreaterThan(0);
        // The comparison is not blind: the changed future does show after t.
        expect(firstDifference(a, b, COUNT - 1, HORIZONS)).not.toBeNull();
      }),
      { numRuns: 25 },
    );
  });
});
