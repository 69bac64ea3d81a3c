/** Scores, readers and sentences of `models eval`, on cases whose answer is known. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nearestMean } from '../../engines/numeric/eval/neighbours.ts';
import { splitRows } from '../../engines/numeric/eval/own-probes.ts';
import { returnsSentence } from '../../engines/numeric/eval/report.model.ts';
import { type Matrix, ridge, strongestWithin } from '../../engines/numeric/eval/ridge.ts';
import { auc, neweyWestT, r2, ranks, spearman } from '../../engines/numeric/eval/scores.model.ts';
import { futureOf, HORIZON } from '../../engines/numeric/eval/targets.model.ts';
import { type Blas, openBlas } from '../../engines/onnx/blas.ts';
import { Random } from '../../src/platform/random.ts';

let blas: Blas;
beforeAll(async () => {
  blas = await openBlas();
});
afterAll(() => blas.release());

describe('scores', () => {
  it('AUC counts pairs', () => {
    const pairs = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 5 })), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(pairs, (list) => {
        const [yes, no] = [true, false].map((want) => list.filter(([is]) => is === want).map(([, score]) => score));
        let sum = 0;
        for (const a of yes) for (const b of no) sum += a > b ? 1 : a === b ? 0.5 : 0;
        const found = auc(
          list.map(([is]) => (is ? 1 : 0)),
          list.map(([, score]) => score),
        );
        if (!yes.length || !no.length) expect(found).toBeNaN();
        else expect(found).toBeCloseTo(sum / (yes.length * no.length), 10);
      }),
    );
  });

  it('R², ranks with ties, rank correlation', () => {
    expect(r2([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(r2([1, 2, 3], [2, 2, 2])).toBe(0);
    expect([...ranks([5, 1, 5, 3])]).toEqual([3.5, 1, 3.5, 2]);
    expect(spearman([1, 2, 3, 4], [1, 8, 27, 64])).toBeCloseTo(1, 12);
  });

  it('Newey-West without lags is the plain t, and less for a series that repeats itself', () => {
    const random = new Random(3);
    const series = Array.from({ length: 200 }, () => 0.1 + random.normal());
    const mean = series.reduce((sum, value) => sum + value, 0) / 200;
    const deviation = Math.sqrt(series.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 200);
    expect(neweyWestT(series, 0)).toBeCloseTo(mean / (deviation / Math.sqrt(200)), 10);
    const repeated = series.slice(0, 100).flatMap((value) => [value, value]);
    expect(Math.abs(neweyWestT(repeated, 2))).toBeLessThan(Math.abs(neweyWestT(repeated, 0)));
  });
});

describe('a future', () => {
  it('is that of the next 21 days and needs nearly all of them', () => {
    const level = Float64Array.from({ length: 60 }, (_, t) => (t === 15 ? 80 : 100));
    const future = futureOf(level, 10)!;
    expect(future.drawdown).toBeCloseTo(-0.2, 12);
    expect(future.ret).toBe(0);
    expect(future.logVol).toBeCloseTo(Math.log(Math.sqrt((2 * Math.log(0.8) ** 2) / 21) + 5e-5), 12);
    expect(futureOf(level, 60 - HORIZON)).toBeNull();
    for (const t of [12, 13, 14]) level[t] = Number.NaN;
    expect(futureOf(level, 10)).toBeNull();
  });
});

describe('readers', () => {
  const random = new Random(5);
  const rows = 1200;
  const width = 6;
  const x: Matrix = { width, data: Float32Array.from({ length: rows * width }, () => random.normal()) };
  const target = Float64Array.from({ length: rows }, (_, k) => 3 * x.data[k * width] - x.data[k * width + 1] + 7);
  const cells = Int32Array.from({ length: rows }, (_, k) => k);
  const split = splitRows(cells, rows, 800, new Set([3]));

  it('learn before the split, without the days whose future reaches over it', () => {
    expect(split.train).not.toContain(3);
    expect(Math.max(...split.train) + HORIZON).toBeLessThan(800);
    expect(Math.min(...split.test)).toBe(800);
  });

  it('find a line that is there, and nothing in noise', async () => {
    const noise = Float64Array.from({ length: rows }, () => random.normal());
    const [line, nothing] = await ridge(blas, x, [target, noise], split);
    const truth = (values: Float64Array) => Float64Array.from(split.test, (row) => values[row]);
    expect(r2(truth(target), line)).toBeGreaterThan(0.999);
    expect(r2(truth(noise), nothing)).toBeLessThan(0.05);
  });

  it('are as strong as one standard error of the blocks allows, of the better scaling', () => {
    const tries = (['each', 'all'] as const).flatMap((scaling) =>
      [0.1, 1, 10].map((strength) => ({ scaling, strength })),
    );
    const errors = [
      [2, 2],
      [2, 2],
      [2, 2],
      [1, 1.2],
      [0.95, 1.27],
      [1.3, 1.4],
    ];
    expect(strongestWithin(tries, errors)).toEqual({ scaling: 'all', strength: 1 });
    // Worse on every block by as much: that is no chance.
    errors[4] = [1.01, 1.21];
    expect(strongestWithin(tries, errors)).toEqual({ scaling: 'all', strength: 0.1 });
    // One block has no standard error.
    expect(strongestWithin(tries, [[1], [1], [1], [1], [0.5], [0.6]])).toEqual({ scaling: 'all', strength: 1 });
  });

  it('of neighbours take the mean of the fifty nearest', async () => {
    const group = Float64Array.from({ length: rows }, (_, k) => k % 2);
    const two: Matrix = {
      width: 2,
      data: Float32Array.from({ length: rows * 2 }, (_, k) => (Math.floor(k / 2) % 2 === k % 2 ? 1 : 0)),
    };
    const guess = await nearestMean(blas, two, group, split.train, split.test, 'centre');
    expect([...guess]).toEqual([...split.test].map((row) => row % 2));
  });
});

describe('the sentence about returns', () => {
  const scores = { volR2: 0, drawdownAuc: 0, sector: 0, neighbourR2: 0, neighbourRho: 0, ic: 0.02 };
  const sentence = (...ts: number[]) =>
    returnsSentence({ instrument: ts.map((icT, k) => ({ subject: `E${k}`, scores: { ...scores, icT } })) });

  it('believes nothing below three, and warns of the best of several above', () => {
    expect(sentence(1, -2.4, Number.NaN)).toMatch(/no information coefficient here deserves belief.*2\.4 \(E1\)/);
    expect(sentence(1, 3.4)).toMatch(/the largest \|t\| of 2 variants is 3\.4.*no reason to trade/);
    expect(sentence(Number.NaN)).toMatch(/nothing is claimed/);
  });
});
