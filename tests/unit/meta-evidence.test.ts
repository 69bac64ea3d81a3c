/** What speaks for a Meta decision. */
import { describe, expect, it } from 'vitest';
import { weighDecision } from '../../engines/meta/evidence.model.ts';
import { decideMeta } from '../../engines/meta/model.ts';
import { dailySharpe } from '../../engines/statistics/model.ts';
import { Random } from '../../src/platform/random.ts';

const YEAR = Math.sqrt(252);

/** Sleeves with the given daily returns; equal returns are equal trades. */
function decisionOf(series: Record<string, Float64Array>) {
  const returns = new Map(Object.entries(series));
  const decision = decideMeta(
    [...returns].map(([id, own]) => ({
      runId: id,
      sleeveId: id,
      sharpe: dailySharpe(own) * YEAR,
      tradeListHash: String(own[0]),
    })),
    1,
  );
  return { decision, returns };
}

const uniform = (seed: number) => {
  const generator = new Random(seed);
  return () => generator.uniform();
};
const noise = (seed: number, drift: number, days = 500) => {
  const generator = new Random(seed);
  return Float64Array.from({ length: days }, () => drift + 0.01 * generator.normal());
};

describe('Meta evidence', () => {
  it('two sleeves of the same kind cannot be told apart; a far better one can', () => {
    const [a, b] = [noise(1, 0.0005), noise(2, 0.0005)];
    const same = decisionOf({ a, b });
    const evidence = weighDecision(same.decision, same.returns, { distinct: 2, sharpes: [] }, uniform(1), false);
    expect(evidence.comparisons).toHaveLength(1);
    expect(evidence.comparisons[0].noise).toBe(true);
    expect(evidence.conclusion).toMatch(/is noise/);

    const better = decisionOf({ a, c: noise(3, 0.004) });
    const clear = weighDecision(better.decision, better.returns, { distinct: 2, sharpes: [0.5, 6] }, uniform(1), false);
    expect(clear.comparisons[0]).toMatchObject({ best: 'c', other: 'a', noise: false });
    expect(clear.comparisons[0].interval.low).toBeGreaterThan(0);
  });

  it('a small steady advantage over the same days is seen, for sleeves are drawn together', () => {
    const a = noise(4, 0.0003);
    const wobble = noise(5, 0.0004);
    const b = a.map((value, k) => value + 0.02 * wobble[k] + 0.0001);
    const { decision, returns } = decisionOf({ a, b });
    const evidence = weighDecision(decision, returns, { distinct: 2, sharpes: [] }, uniform(2), false);
    expect(evidence.comparisons[0]).toMatchObject({ best: 'b', noise: false });
    // Their own intervals overlap nearly whole.
    expect(evidence.sleeves[0].interval.low).toBeLessThan(evidence.sleeves[1].interval.high);
  });

  it('identical sleeves are no comparison; more tries on record deflate the same ratio', () => {
    const a = noise(6, 0.0008);
    const { decision, returns } = decisionOf({ a, twin: a });
    const few = weighDecision(decision, returns, { distinct: 1, sharpes: [1] }, uniform(3), false);
    expect(few.comparisons).toEqual([]);
    expect(few.conclusion).toMatch(/^All sleeves made the same trades/);
    expect(few.sleeves[0].deflatedSharpe).toBe(few.sleeves[0].probabilisticSharpe);
    const many = weighDecision(decision, returns, { distinct: 200, sharpes: [0, 0.5, 1, 1.5] }, uniform(3), false);
    expect(many.trials).toBe(200);
    expect(many.expectedMaximumSharpe).toBeGreaterThan(1);
    expect(many.sleeves[0].deflatedSharpe!).toBeLessThan(few.sleeves[0].deflatedSharpe!);
  });

  it('tries without figures of their own still deflate: several never differ by nothing', () => {
    const a = noise(6, 0.0008);
    const { decision, returns } = decisionOf({ a, twin: a });
    const alone = weighDecision(decision, returns, { distinct: 1, sharpes: [1] }, uniform(3), false);
    for (const sharpes of [[], [1]]) {
      const nine = weighDecision(decision, returns, { distinct: 9, sharpes }, uniform(3), false);
      expect(nine.sharpeSpread).toBeCloseTo(YEAR / Math.sqrt(499), 12);
      expect(nine.sleeves[0].deflatedSharpe!).toBeLessThan(alone.sleeves[0].deflatedSharpe!);
    }
  });

  it('says when there are too few days, and is the same for the same seed', () => {
    const short = decisionOf({ a: noise(7, 0, 2), b: noise(8, 0, 2) });
    const evidence = weighDecision(short.decision, short.returns, { distinct: 2, sharpes: [] }, uniform(1), false);
    expect(evidence.sleeves[0].deflatedSharpe).toBeNull();
    expect(evidence.conclusion).toMatch(/^2 days are too few to tell the sleeves apart\. Too few days/);
    // Intervals of less than a year miss 0 too often.
    const months = decisionOf({ a: noise(7, 0, 200), c: noise(3, 0.02, 200) });
    const early = weighDecision(months.decision, months.returns, { distinct: 2, sharpes: [] }, uniform(1), false);
    expect(early.conclusion).toMatch(/^200 days are too few to tell the sleeves apart\./);
    const { decision, returns } = decisionOf({ a: noise(9, 0.001), b: noise(10, 0.001) });
    const again = () => weighDecision(decision, returns, { distinct: 2, sharpes: [1, 2] }, uniform(5), false);
    expect(again()).toEqual(again());
    const seen = weighDecision(decision, returns, { distinct: 2, sharpes: [1, 2] }, uniform(5), true);
    expect(seen.conclusion).toBe(
      `In-sample, no evidence: runs used what has learnt from their own days. ${again().conclusion}`,
    );
  });
});
