/** How much of what is priced has a context, and each of its branches. */
import { describe, expect, test } from 'vitest';
import { branchMask, contextCoverage } from '../../engines/assessment/context.model.ts';

const none = Number.NaN;
const priced = { close: [10, 10], complete: [1, 1] };
const cells = (expectedReturn: number[], names: (string | null)[]) => ({
  expectedReturn: Float64Array.from(expectedReturn),
  branches: Uint8Array.from(names, branchMask),
});

describe('coverage of contexts', () => {
  test('counts cells with a price, each branch by itself', () => {
    const contexts = cells(
      [0.1, 0, none, 0.2, 0.3],
      ['profile+regime+stab+text', 'stab+text', null, 'stab', 'profile'],
    );
    // The last has no price: a name that is not listed lacks nothing.
    expect(contextCoverage(contexts, { close: [10, 10, 10, 10, none], complete: [1, 1, 1, 1, 0] })).toEqual({
      coverage: 0.75,
      branches: { profile: 0.25, regime: 0.25, stab: 0.75, text: 0.5 },
    });
  });

  test('a name that was just listed lacks none, and counts when it has one', () => {
    const contexts = cells([0.1, none, 0.2], ['stab', null, 'profile']);
    expect(contextCoverage(contexts, { close: [10, 10, 10], complete: [1, 0, 0] })).toMatchObject({
      coverage: 1,
      branches: { stab: 0.5, profile: 0.5 },
    });
    expect(contextCoverage(contexts, { close: [10, 10, 10], complete: [1, 1, 0] }).coverage).toBeCloseTo(2 / 3, 12);
  });

  test('does not guess the branches of a context that names none', () => {
    expect(contextCoverage(cells([0.1, 0.1], ['stab', null]), priced)).toEqual({ coverage: 1, branches: null });
    expect(contextCoverage(cells([0.1, 0.1], ['stab', 'numeric']), priced).branches).toBeNull();
    expect(contextCoverage(cells([0.1, none], ['stab', null]), priced).branches).toMatchObject({
      stab: 0.5,
      text: 0,
    });
  });
});
