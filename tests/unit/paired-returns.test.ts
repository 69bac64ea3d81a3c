import { expect, test } from 'vitest';
import { pairedGain } from '../../src/phases/paired-returns.ts';
import { Random } from '../../src/platform/random.ts';

/** Equity of daily returns. */
function equity(returns: readonly number[]): number[] {
  const curve = [1];
  for (const value of returns) curve.push(curve[curve.length - 1] * (1 + value));
  return curve;
}
const noise = (seed: number, n: number) => {
  const random = new Random(seed);
  return Array.from({ length: n }, () => 0.01 * (random.uniform() - 0.5));
};

test('a constant difference is certain', () => {
  const base = noise(1, 100);
  const found = pairedGain(equity(base.map((value) => value + 0.0001)), equity(base))!;
  for (const figure of [found.gain, found.low, found.high]) expect(figure).toBeCloseTo(0.0252, 10);
});

test('without serial correlation the interval is that of a mean; too few days or broken curves have none', () => {
  const [own, other] = [noise(2, 5000), noise(3, 5000)];
  const found = pairedGain(equity(own), equity(other))!;
  const d = own.map((value, t) => value - other[t]);
  const mean = d.reduce((sum, value) => sum + value, 0) / d.length;
  const error = Math.sqrt(d.reduce((sum, value) => sum + (value - mean) ** 2, 0) / d.length / d.length);
  expect(found.gain).toBeCloseTo(mean * 252, 10);
  expect((found.high - found.low) / (2 * 1.96 * 252 * error)).toBeCloseTo(1, 0);
  expect(pairedGain([1, 2], [1, 2])).toBeNull();
  expect(pairedGain(equity(own).fill(0, 10), equity(other))).toBeNull();
});

test('days that go together widen it', () => {
  const steps = noise(4, 500).flatMap((value) => Array.from({ length: 10 }, () => value));
  const apart = pairedGain(equity(noise(4, 5000)), equity(Array(5000).fill(0)))!;
  const together = pairedGain(equity(steps), equity(Array(5000).fill(0)))!;
  expect(together.high - together.low).toBeGreaterThan(2 * (apart.high - apart.low));
});
