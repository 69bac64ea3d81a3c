/** The plan of a backfill: every cell lies in exactly one shard, and no shard is larger than asked for. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { monthEnds, planShards } from '../../engines/numeric/plan.model.ts';

it('shards cover every model, day and entity exactly once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 20_000 }),
      (entities, days, cells) => {
        const shards = planShards(entities, days, cells);
        const seen = entities.map((count) => new Uint8Array(count * days));
        shards.forEach((shard, k) => {
          expect(shard.number).toBe(k);
          const [width, height] = [shard.days.to - shard.days.from, shard.entities.to - shard.entities.from];
          expect(width * height).toBeGreaterThan(0);
          expect(width * height).toBeLessThanOrEqual(cells);
          for (let day = shard.days.from; day < shard.days.to; day++) {
            for (let e = shard.entities.from; e < shard.entities.to; e++)
              seen[shard.model][day * entities[shard.model] + e]++;
          }
        });
        expect(seen.every((model) => model.every((count) => count === 1))).toBe(true);
      },
    ),
    { numRuns: 30 },
  );
});

it('month ends are the last days there are of each month', () => {
  const days = Int32Array.of(3, 9, 30, 31, 59, 60, 61);
  // 31 January and 1 February 1970 are the days 30 and 31.
  expect(monthEnds(days)).toEqual([2, 3, 6]);
});
