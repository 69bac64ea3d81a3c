/** Rates and times left: right for even work, a true range for uneven work, and no figure where there is none. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/supervisor/pace.ts';

/** A pace after reports every `everyMs`, with the given steps. */
function paceOf(steps: readonly number[], everyMs = 1000): { pace: Pace; now: number; done: number } {
  const pace = new Pace();
  let done = 0;
  let now = 0;
  pace.push(now, done);
  for (const step of steps) pace.push((now += everyMs), (done += step));
  return { pace, now, done };
}

describe('Pace', () => {
  it('is the plain rate of even work', () => {
    const { pace, now } = paceOf(Array(60).fill(50));
    expect(pace.rate(now)).toBeCloseTo(50);
    const eta = pace.eta(1000, now)!;
    for (const seconds of [eta.seconds, eta.low, eta.high]) expect(seconds).toBeCloseTo(20);
  });

  it('says nothing from fewer than three reports, in less than 0.4 s, or without a total', () => {
    expect(paceOf([10]).pace.rate(1000)).toBeNull();
    expect(paceOf([10, 10], 100).pace.rate(200)).toBeNull();
    expect(paceOf(Array(60).fill(50)).pace.eta(null, 60_000)).toBeNull();
    // Two pieces have a rate, but no spread to tell a range by.
    expect(paceOf([10, 10]).pace.rate(2000)).toBeCloseTo(10);
    expect(paceOf([10, 10]).pace.eta(5, 2000)).toBeNull();
  });

  it('has no figure for a job gone quiet, unless it has ended', () => {
    const { pace, now } = paceOf(Array(60).fill(50));
    expect(pace.rate(now + 60_000)).toBeNull();
    expect(pace.eta(10, now + 60_000)).toBeNull();
    expect(pace.rate(null)).toBeCloseTo(50);
  });

  it('does not call a job quiet that reports seldom', () => {
    const { pace, now } = paceOf(Array(10).fill(5), 20_000);
    expect(pace.rate(now + 60_000)).toBeCloseTo(0.25);
  });

  it('follows a change of pace, and forgets what is older than its window', () => {
    const { pace, now } = paceOf([...Array(1000).fill(100), ...Array(400).fill(10)]);
    expect(pace.rate(now)).toBeCloseTo(10);
  });

  it('starts over with a new stage', () => {
    const { pace } = paceOf(Array(60).fill(50));
    pace.reset();
    expect(pace.rate(60_000)).toBeNull();
  });

  it('gives a range around its middle that holds the truth of steady noise mostly', () => {
    let held = 0;
    let asked = 0;
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 20, max: 180 }), { minLength: 240, maxLength: 240 }),
        fc.array(fc.integer({ min: 20, max: 180 }), { minLength: 240, maxLength: 240 }),
        (before, after) => {
          const { pace, now } = paceOf(before);
          const left = after.reduce((sum, step) => sum + step, 0);
          const eta = pace.eta(left, now)!;
          expect(eta.low).toBeLessThanOrEqual(eta.seconds);
          expect(eta.seconds).toBeLessThanOrEqual(eta.high);
          asked += 1;
          if (eta.low <= after.length && after.length <= eta.high) held += 1;
        },
      ),
      { numRuns: 200, seed: 7 },
    );
    expect(held / asked).toBeGreaterThanOrEqual(0.8);
  });
});
