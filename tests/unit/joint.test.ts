import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JOINT_DIM } from '../../engines/joint/ids.model.ts';
import { joinTurned, meanOf, rotationOf, turned, weightedMean } from '../../engines/joint/join.model.ts';

const vector = fc
  .array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: JOINT_DIM, maxLength: JOINT_DIM })
  .map((values) => Float32Array.from(values));
const nonZero = vector.filter((one) => one.some((value) => Math.abs(value) > 1e-3));
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, j) => sum + value * b[j], 0);
const length = (a: Float32Array) => Math.sqrt(dot(a, a));

describe('v1', () => {
  test('is the plain mean of equal weights, and absent branches do not count', () => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const both = weightedMean([
          { branch: 'numeric', vector: a, weight: 1 },
          { branch: 'text', vector: b, weight: 1 },
        ]);
        for (let j = 0; j < JOINT_DIM; j++) expect(both[j]).toBeCloseTo((a[j] + b[j]) / 2, 4);
        expect(
          [...weightedMean([{ branch: 'stab', vector: a, weight: 3 }])].every(
            (value, j) => Math.abs(value - a[j]) <= 1e-5 * Math.abs(a[j]),
          ),
        ).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test('weights count by their share', () => {
    const a = new Float32Array(JOINT_DIM).fill(1);
    const b = new Float32Array(JOINT_DIM).fill(5);
    const joined = weightedMean([
      { branch: 'stab', vector: a, weight: 3 },
      { branch: 'text', vector: b, weight: 1 },
    ]);
    expect(new Set(joined)).toEqual(new Set([2]));
    expect(new Set(meanOf([a, b]))).toEqual(new Set([3]));
  });
});

describe('v2', () => {
  test('rotations keep lengths and angles, differ by branch and are the same every time', () => {
    const rotation = rotationOf('stab');
    expect(rotationOf('stab')).toBe(rotation);
    expect(rotation[0]).not.toBe(rotationOf('text')[0]);
    for (const i of [0, 100, 383]) {
      for (const k of [0, 100, 383]) {
        const product = dot(
          rotation.subarray(i * JOINT_DIM, (i + 1) * JOINT_DIM),
          rotation.subarray(k * JOINT_DIM, (k + 1) * JOINT_DIM),
        );
        expect(product).toBeCloseTo(i === k ? 1 : 0, 5);
      }
    }
    fc.assert(
      fc.property(nonZero, nonZero, (a, b) => {
        const [x, y] = [turned('stab', a)!, turned('stab', b)!];
        expect(length(x)).toBeCloseTo(1, 4);
        expect(dot(x, y)).toBeCloseTo(dot(a, b) / length(a) / length(b), 3);
      }),
      { numRuns: 20 },
    );
  });

  test('joined vectors have length 1, whatever the scale of a branch', () => {
    fc.assert(
      fc.property(nonZero, nonZero, fc.double({ min: 0.1, max: 10, noNaN: true }), (a, b, weight) => {
        const large = Float32Array.from(b, (value) => value * 1e6);
        const join = (text: Float32Array) =>
          joinTurned([
            { branch: 'stab', vector: turned('stab', a)!, weight: 1 },
            { branch: 'text', vector: turned('text', text)!, weight },
          ])!;
        expect(length(join(b))).toBeCloseTo(1, 4);
        expect(dot(join(b), join(large))).toBeCloseTo(1, 4);
      }),
      { numRuns: 20 },
    );
  });

  test('a vector of length 0 is no branch, and no branch is no vector', () => {
    expect(turned('text', new Float32Array(JOINT_DIM))).toBeNull();
    expect(joinTurned([])).toBeNull();
  });
});
