/** Which trading day news belongs to, and how a text backfill is cut into shards. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planTextShards } from '../../engines/text/backfill/plan.model.ts';
import { closingInstants } from '../../engines/text/backfill/trading-day.model.ts';
import { parseDay } from '../../src/platform/dates.ts';

const NEW_YORK = { timeZone: 'America/New_York', minute: 16 * 60 };
const closeOf = (day: string, close = NEW_YORK) => new Date(closingInstants([parseDay(day)], close)[0]).toISOString();

describe('the close', () => {
  it('follows the clocks of the market, on either side of every change', () => {
    expect(closeOf('2014-01-02')).toBe('2014-01-02T21:00:00.000Z');
    expect(closeOf('2014-03-07')).toBe('2014-03-07T21:00:00.000Z');
    expect(closeOf('2014-03-10')).toBe('2014-03-10T20:00:00.000Z');
    expect(closeOf('2014-10-31')).toBe('2014-10-31T20:00:00.000Z');
    expect(closeOf('2014-11-03')).toBe('2014-11-03T21:00:00.000Z');
    expect(closeOf('2014-06-02', { timeZone: 'Asia/Tokyo', minute: 15 * 60 })).toBe('2014-06-02T06:00:00.000Z');
    expect(closeOf('2014-06-02', { timeZone: 'UTC', minute: 0 })).toBe('2014-06-02T00:00:00.000Z');
    expect(() => closeOf('2014-06-02', { timeZone: 'Mars/Base', minute: 0 })).toThrow(RangeError);
  });

  it('comes early in New York on the days on which it may', () => {
    for (const day of ['2014-07-03', '2014-11-28', '2014-12-24', '2013-11-29', '2015-11-27']) {
      expect(closeOf(day).slice(11, 16)).toBe(day.includes('-07-') ? '17:00' : '18:00');
    }
    for (const day of ['2014-11-21', '2014-11-27', '2014-12-23', '2013-11-22']) expect(closeOf(day)).toMatch(/T21:00/);
    expect(closeOf('2014-12-24', { timeZone: 'Europe/London', minute: 16 * 60 })).toMatch(/T16:00/);
  });

  it.each([
    ['1996-01-08', '19:00'],
    ['1996-07-05', '17:00'],
    ['1997-10-27', '20:30'],
    ['1997-12-26', '18:00'],
    ['1999-12-31', '18:00'],
    ['2002-07-05', '17:00'],
    ['2003-12-26', '18:00'],
    ['2008-12-26', '21:00'],
    ['2013-07-05', '20:00'],
  ])('came early in New York on %s at %s UTC, where it did', (day, time) => {
    expect(closeOf(day).slice(11, 16)).toBe(time);
    expect(closeOf(day, { timeZone: 'UTC', minute: 16 * 60 })).toMatch(/T16:00/);
    // A market that closes before that anyway closes when it does.
    expect(closeOf(day, { ...NEW_YORK, minute: 12 * 60 })).toMatch(/T1[67]:00/);
  });

  it('comes once a day, in order', () => {
    const days = Int32Array.from({ length: 4000 }, (_, k) => parseDay('2010-01-01') + k);
    const closes = closingInstants(days, NEW_YORK);
    closes.forEach((at, k) => {
      expect(Math.floor(at / 86_400_000)).toBe(days[k]);
      if (k) expect(at - closes[k - 1]).toBeGreaterThanOrEqual(21 * 3_600_000);
    });
  });
});

describe('the plan', () => {
  it('covers every window once a model, in order, with enough texts in each shard', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 100 }),
        (counts, models, most) => {
          const shards = planTextShards(counts, models, most);
          expect(shards.map(({ number }) => number)).toEqual([...shards.keys()]);
          for (let model = 0; model < models; model++) {
            const own = shards.filter((shard) => shard.model === model);
            expect(own.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, k) => from + k))).toEqual([
              ...counts.keys(),
            ]);
            for (const { from, to } of own.slice(0, -1)) {
              expect(counts.slice(from, to).reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(most);
            }
          }
        },
      ),
    );
  });
});
