/** The daily stages, each against the contract's own words. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assess, assessmentWindow, signalLabel } from '../../engines/assessment/model.ts';
import { decideMeta } from '../../engines/meta/model.ts';
import { longOnlyWeights } from '../../engines/portfolio/model.ts';
import { capWeights } from '../../engines/risk/model.ts';
import { classOf, logReturns, SOFT_TARGET_CLASSES, stabilityOf } from '../../engines/stability/model.ts';
import { transitionRisk } from '../../engines/stability/transitions.model.ts';
import { clusterId, EXCLUSIONS, selectUniverse, type UniverseInputs } from '../../engines/universe/model.ts';

const prices = fc.array(fc.double({ min: 0.5, max: 500, noNaN: true }), { minLength: 63, maxLength: 63 });

describe('stability', () => {
  it('equals a plain implementation of the formulas', () => {
    fc.assert(
      fc.property(prices, (list) => {
        const closes = Float64Array.from(list);
        const state = stabilityOf(closes, logReturns(closes).subarray(1))!;
        const returns = list.slice(1).map((close, k) => Math.log(close / list[k]));
        const mean = returns.reduce((a, b) => a + b) / 62;
        const sigma = Math.sqrt(returns.reduce((sum, r) => sum + (r - mean) ** 2, 0) / 61);
        const falls = list.map((close, k) => close / Math.max(...list.slice(0, k + 1)) - 1);
        const trend = list[62] / list[0] - 1;
        const clamp = (x: number) => Math.min(100, Math.max(0, x));
        const score =
          0.4 * clamp((50 * sigma) / 0.02) +
          0.4 * clamp((50 * -Math.min(...falls)) / 0.2) +
          0.2 * (trend < 0 ? clamp((-50 * trend) / 0.2) : 0);
        expect(state.sigma).toBeCloseTo(sigma, 10);
        expect(state.maxDrawdown).toBeCloseTo(Math.min(...falls), 12);
        expect(state.score).toBeCloseTo(score, 8);
        expect(state.score).toBeGreaterThanOrEqual(0);
        expect(state.score).toBeLessThanOrEqual(100);
      }),
    );
  });

  it('is null when a price is missing or not positive', () => {
    for (const bad of [Number.NaN, 0, -1]) {
      const closes = new Float64Array(63).fill(10);
      closes[20] = bad;
      expect(stabilityOf(closes, logReturns(closes).subarray(1))).toBeNull();
    }
  });

  it.each([
    [0, 'STABLE'],
    [29.999, 'STABLE'],
    [30, 'WATCH'],
    [45, 'FRAGILE'],
    [60, 'TARGETABLE'],
    [74.999, 'TARGETABLE'],
    [75, 'BREAKER'],
    [100, 'BREAKER'],
  ])('score %d is %s', (score, name) => {
    expect(SOFT_TARGET_CLASSES[classOf(score)]).toBe(name);
  });
});

describe('transition risk', () => {
  it('counts up to and with the day, across gaps, and keeps a class without exits', () => {
    // One instrument: STABLE, (gap), FRAGILE, TARGETABLE; another: STABLE, STABLE, STABLE, STABLE.
    const classCode = Int8Array.from([0, 0, -1, 0, 2, 0, 3, 0]);
    const { targetable, worsen } = transitionRisk(classCode, 2, 4);
    expect(targetable.slice(0, 5).every(Number.isNaN)).toBe(true); // nothing counted on day 1
    expect([...worsen.slice(5, 10)]).toEqual([0, 0, 0, 0, 0]); // only STABLE → STABLE so far
    expect(worsen[10]).toBeCloseTo(1 / 3); // STABLE → STABLE twice, STABLE → FRAGILE once
    expect([...targetable.slice(15, 20)]).toEqual([0, 0, 1, 1, 1]); // FRAGILE → TARGETABLE; TARGETABLE, BREAKER keep themselves
  });
});

describe('assessment', () => {
  it('shares one window between H5 and H21', () => {
    expect([5, 21, 63].map(assessmentWindow)).toEqual([21, 21, 63]);
  });

  it('penalises a state even without history', () => {
    expect(assess(Number.NaN, 40)).toMatchObject({
      momentum: 0,
      confidence: 0,
      expectedReturn: -0.4,
      score: -1,
      label: 'STRONG_SELL',
    });
    expect(assess(0.05, Number.NaN)).toMatchObject({
      fragilityPenalty: 0,
      expectedReturn: 0.05,
      score: 0.5,
      confidence: 0.5,
    });
  });

  it.each([
    [0.03, 'STRONG_BUY'],
    [0.01, 'BUY'],
    [0.0099, 'HOLD'],
    [-0.0099, 'HOLD'],
    [-0.01, 'SELL'],
    [-0.03, 'STRONG_SELL'],
  ])('%d is %s', (value, label) => {
    expect(signalLabel(value)).toBe(label);
  });
});

describe('universe', () => {
  const inputs = (n: number): UniverseInputs => ({
    complete: new Uint8Array(n).fill(1),
    meanVolume: new Float64Array(n).fill(2e6),
    softTargetScore: new Float64Array(n).fill(20),
    classCode: new Int8Array(n),
    assessmentScore: new Float64Array(n),
    targetableRisk: new Float64Array(5).fill(Number.NaN),
    lambdaScore: null,
    lambdaWeight: 0,
    regimeMultiplier: 1,
    barred: null,
  });

  it('applies the filters in the contract’s order', () => {
    const day = inputs(6);
    day.complete[0] = 0;
    day.meanVolume[0] = 0;
    day.meanVolume[1] = 99_999;
    day.classCode[1] = -1;
    day.classCode[2] = -1;
    day.classCode[3] = 4;
    day.softTargetScore[3] = 95;
    day.softTargetScore[4] = 90.5;
    const universe = selectUniverse(day);
    expect([...universe.exclusion].map((code) => EXCLUSIONS[code])).toEqual([
      'insufficient_history',
      'illiquid',
      'no_stab_state',
      'excluded_breaker',
      'excluded_high_soft_target_score',
      '',
    ]);
    expect([...universe.ranked]).toEqual([5]);
    expect(universe.core).toBe(1);
  });

  it('scores, adds λ̂, multiplies risk, and ranks ties by id descending', () => {
    const day = { ...inputs(4), lambdaScore: Float64Array.from([0.02, Number.NaN, 0, 0]), lambdaWeight: 10 };
    day.assessmentScore.set([0.5, -1, 0, 0]);
    day.targetableRisk[0] = 0.4;
    const { score, ranked, core } = selectUniverse(day);
    expect(score[0]).toBeCloseTo((80 + 2 + 25 + 0.2) * 0.8, 12);
    expect(score[1]).toBeCloseTo(82 * 0.8, 12);
    expect([...ranked]).toEqual([0, 3, 2, 1]);
    expect(core).toBe(2);
  });

  it('names clusters', () => {
    expect(clusterId('US_EQ', null, 1)).toBe('US_EQ|UNKNOWN|WATCH');
  });
});

describe('portfolio', () => {
  it('sums to one under the cap, in proportion below it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 200, noNaN: true })), {
          minLength: 1,
          maxLength: 60,
        }),
        (list) => {
          const score = Float64Array.from(list);
          const members = Int32Array.from(list.keys()).sort((a, b) => score[b] - score[a] || a - b);
          const weights = new Float64Array(list.length);
          longOnlyWeights(members, score, weights);
          expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
          if (list.length > 10) {
            // Caps leave room: nobody is above it unless too few names have a score at all.
            const withScore = list.filter((s) => s > 0).length;
            if (withScore === 0 || withScore > 10) expect(Math.max(...weights)).toBeLessThanOrEqual(0.1 + 1e-9);
          }
        },
      ),
    );
  });

  it('lets a capped name leave within the pass: later names see the smaller remainder', () => {
    const score = Float64Array.from([80, 10, ...new Array(18).fill(5)]);
    const weights = new Float64Array(20);
    longOnlyWeights(Int32Array.from(score.keys()), score, weights);
    expect(weights[0]).toBeCloseTo(0.1, 12);
    expect(weights[1]).toBeCloseTo((10 / 100) * 0.9, 12);
    expect(weights[2]).toBeCloseTo((5 / 100) * 0.9, 12);
  });

  it('is equal when all scores are 0 and empty without members', () => {
    const weights = new Float64Array(20).fill(9);
    longOnlyWeights(
      Int32Array.from({ length: 20 }, (_, i) => i),
      new Float64Array(20),
      weights,
    );
    expect(weights.every((w) => Math.abs(w - 0.05) < 1e-12)).toBe(true);
    longOnlyWeights(new Int32Array(0), new Float64Array(20), weights);
    expect(weights.every((w) => w === 0)).toBe(true);
  });
});

describe('risk', () => {
  it('cuts above 5 %, leaves the rest and the cash alone', () => {
    const weights = Float64Array.from([0.06, 0.05, 0.0500000001, -0.2, 0.01]);
    expect(capWeights(weights)).toBe(2);
    expect([...weights]).toEqual([0.05, 0.05, 0.0500000001, -0.05, 0.01]);
  });
});

describe('meta', () => {
  it('breaks ties by sleeve id, names identical sleeves and counts them once', () => {
    const decision = decideMeta(
      [
        { runId: '1', sleeveId: 'S_H5', sharpe: 1, tradeListHash: 'a' },
        { runId: '2', sleeveId: 'S_H21', sharpe: 1, tradeListHash: 'a' },
        { runId: '3', sleeveId: 'S_H63', sharpe: 2, tradeListHash: 'b' },
      ],
      2,
    );
    expect(decision.selected.map((s) => s.sleeveId)).toEqual(['S_H63', 'S_H21']);
    expect(decision.identical).toEqual([['S_H21', 'S_H5']]);
    expect(decision.trials).toBe(2);
  });
});
