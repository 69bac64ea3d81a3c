/** Regimes as a pure function: prototypes of groups that are there, names by volatility, risk from the past alone. */
import { describe, expect, it } from 'vitest';
import { changeRisk, fitPrototypes, labelDays, REGIMES } from '../../engines/regime/model.ts';
import { Random } from '../../src/platform/random.ts';

const DIM = 12;

/** Days around four centres far from each other; `kind` of each day, and a volatility that rises with it, with noise. */
function fourKinds(count: number, seed: number) {
  const random = new Random(seed);
  const kind = Int8Array.from({ length: count }, () => random.below(REGIMES));
  const values = new Float32Array(count * DIM);
  kind.forEach((k, d) => {
    for (let j = 0; j < DIM; j++) values[d * DIM + j] = (j === k ? 5 : 0) + 0.3 * random.normal();
  });
  const volatility = Float64Array.from(kind, (k) => 0.01 * (k + 1) + 0.004 * random.normal());
  return { kind, volatility, vectors: { count, dim: DIM, values } };
}

describe('prototypes', () => {
  it('find four kinds of days and name them by their volatility', () => {
    const { kind, volatility, vectors } = fourKinds(600, 1);
    const prototypes = fitPrototypes(vectors, volatility);
    const { regime, confidence } = labelDays(vectors, prototypes);
    expect([...regime]).toEqual([...kind]);
    expect(Math.min(...confidence)).toBeGreaterThan(0.5);
    expect(prototypes.days.reduce((a, b) => a + b)).toBe(600);
    expect(fitPrototypes(vectors, volatility)).toEqual(prototypes);
  });

  it('are refused where the days hold no four groups', () => {
    const vectors = { count: 400, dim: 2, values: new Float32Array(800) };
    expect(() =>
      fitPrototypes(
        vectors,
        Float64Array.from({ length: 400 }, (_, d) => d),
      ),
    ).toThrow(/fewer than 4 groups/);
  });
});

describe('change risk', () => {
  it('is that of the chain counted so far', () => {
    // Moves up to the last day: 0→0 three times, 0→3 once, 3→0 once.
    const regime = Int8Array.from([0, 0, 0, 3, 0, 0]);
    const { transition, change, risk } = changeRisk(regime, 2);
    const last = transition.subarray(5 * 16);
    expect([...last.subarray(0, 4)]).toEqual([0.75, 0, 0, 0.25]);
    expect([...last.subarray(12, 16)]).toEqual([1, 0, 0, 0]);
    expect(change[5]).toBeCloseTo(1 - 0.75 ** 2, 15);
    expect(risk[5]).toBeCloseTo(0.75 * 0.25, 15);
    // Nothing has been counted on the first day: the regime keeps itself.
    expect([change[0], risk[0]]).toEqual([0, 0]);
    expect(changeRisk(Int8Array.from([2]), 5).risk[0]).toBe(1);
  });

  it('of a day does not depend on the days after it', () => {
    const { kind } = fourKinds(300, 2);
    const whole = changeRisk(kind, 21);
    for (const t of [1, 57, 200]) {
      const cut = changeRisk(kind.subarray(0, t + 1), 21);
      expect(cut.risk).toEqual(whole.risk.subarray(0, t + 1));
      expect(cut.change).toEqual(whole.change.subarray(0, t + 1));
      expect(cut.transition).toEqual(whole.transition.subarray(0, (t + 1) * 16));
    }
  });
});
