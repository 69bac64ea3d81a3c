import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveBoard } from '../../src/phases/board.ts';
import type { CheckSpec, Judged } from '../../src/phases/check.ts';
import { derivePhases, type PhaseFacts } from '../../src/phases/derive.ts';
import type { Evidence } from '../../src/phases/evidence.ts';
import type { CheckState } from '../../src/phases/types.ts';
import type { Phase } from '../../src/platform/program.ts';
import { factsWith, greenEvidence, known, shippedNeed, unknown } from '../helpers/phase-evidence.ts';

const STATES: readonly CheckState[] = ['OK', 'PART', 'FAIL', 'BLKD', 'WAIT', 'RUN', 'STALE', 'UNKN', 'SKIP'];

function judged(id: string, state: CheckState, more: Partial<CheckSpec> = {}): Judged {
  const spec: CheckSpec = {
    id,
    title: id,
    required: () => '',
    looks: () => [],
    judge: () => expect.unreachable(),
    ...more,
  };
  const reason = state === 'OK' ? '' : `${id} is ${state}.`;
  const result = {
    id,
    title: id,
    state,
    observed: '',
    required: '',
    reason,
    fix: null,
    at: 0,
    costMs: 0,
    advisory: spec.advisory ?? false,
    source: '',
  };
  return { spec, result, brief: `${id} brief` };
}

function phase(name: Phase, checks: readonly Judged[], needs: PhaseFacts['needs'] = []): PhaseFacts {
  return {
    phase: name,
    title: name,
    goal: '',
    optional: false,
    mainCheck: checks[0]?.result.id ?? '',
    needs,
    checks,
    commands: [],
  };
}

const stateOf = (states: readonly CheckState[]) =>
  derivePhases([
    phase(
      'P0',
      states.map((state, i) => judged(`P0.${i}`, state)),
    ),
  ])[0].state;

describe('state of a phase from its checks', () => {
  test.each<[CheckState[], CheckState]>([
    [['OK', 'OK'], 'OK'],
    [['WAIT', 'WAIT'], 'WAIT'],
    [['OK', 'WAIT'], 'PART'],
    [['OK', 'PART'], 'PART'],
    [['PART', 'PART'], 'PART'],
    [['OK', 'BLKD'], 'PART'],
    [['WAIT', 'BLKD'], 'WAIT'],
    [['OK', 'STALE'], 'STALE'],
    [['STALE', 'WAIT'], 'PART'],
    [['OK', 'RUN'], 'RUN'],
    [['RUN', 'WAIT'], 'PART'],
    [['OK', 'UNKN'], 'UNKN'],
    [['UNKN', 'WAIT'], 'UNKN'],
    [['FAIL', 'UNKN'], 'FAIL'],
    [['OK', 'FAIL', 'PART'], 'FAIL'],
  ])('%j gives %s', (states, expected) => expect(stateOf(states)).toBe(expected));

  test('a check whose OK is no progress leaves the phase waiting', () => {
    const checks = [judged('P0.up', 'OK', { progress: false }), judged('P0.rows', 'WAIT')];
    expect(derivePhases([phase('P0', checks)])[0]).toMatchObject({ state: 'WAIT', passed: 1, required: 2 });
  });

  test('an advisory check never holds the phase back and is not counted', () => {
    const checks = [judged('P0.rows', 'OK'), judged('P0.hint', 'FAIL', { advisory: true })];
    expect(derivePhases([phase('P0', checks)])[0]).toMatchObject({ state: 'OK', passed: 1, required: 1, why: [] });
  });

  test('reasons are ordered worst first', () => {
    const [only] = derivePhases([
      phase('P0', [judged('P0.a', 'WAIT'), judged('P0.b', 'FAIL'), judged('P0.c', 'PART'), judged('P0.d', 'OK')]),
    ]);
    expect(only.why).toEqual(['P0.b FAIL: P0.b is FAIL.', 'P0.c PART: P0.c is PART.', 'P0.a WAIT: P0.a is WAIT.']);
    expect(only.headline).toBe('P0.b brief');
  });
});

describe('a phase that is left out', () => {
  const skip = { reason: 'after P4', who: 'ada@host', at: Date.parse('2025-06-01T12:00:00Z') };
  const board = (p3: CheckState, p4: CheckState) =>
    derivePhases([
      { ...phase('P3', [judged('P3.a', p3)]), optional: true, skip },
      phase('P4', [judged('P4.a', p4)]),
      phase('P5', [judged('P5.a', 'OK')], [['P3', 'P4']]),
    ]);

  test.each<CheckState>(['OK', 'FAIL', 'WAIT', 'UNKN'])('is SKIP while its checks are %s, and is never OK', (state) => {
    const [only] = board(state, 'OK');
    expect(only).toMatchObject({ state: 'SKIP', headline: 'skipped by ada@host: after P4', skip });
    expect(only.why[0]).toBe('Skipped by ada@host on 2025-06-01: after P4.');
    expect(only.checks[0].state).toBe(state);
    expect(only.passed).toBe(state === 'OK' ? 1 : 0);
  });

  test('opens no way by itself: another alternative must', () => {
    expect(board('OK', 'OK')[2].state).toBe('OK');
    const closed = board('OK', 'WAIT')[2];
    expect(closed.state).toBe('BLKD');
    expect(closed.why[0]).toBe('Needs P3 or P4: needs P3, which is skipped; needs P4: P4.a brief.');
  });

  test('on the board only where the catalogue calls the phase optional, and its newest word is that', () => {
    const rows = ['P2', 'P3'].map((name) => ({ phase: name, reason: 'later', who: 'ada', at: 0 }));
    const states = deriveBoard(factsWith({ skips: known(rows) })).phases;
    expect(states.map((one) => one.state)).toEqual(['OK', 'OK', 'OK', 'SKIP', 'OK', 'OK']);
    expect(deriveBoard(factsWith({ skips: unknown('gone') })).phases[3].skip).toBeNull();
  });
});

describe('prerequisites', () => {
  const green = judged('P1.a', 'OK');
  const behind = (check: Judged) => derivePhases([phase('P0', [check]), phase('P1', [green], [['P0']])])[1];

  test.each<[CheckState, CheckState]>([
    ['OK', 'OK'],
    ['STALE', 'OK'],
    ['PART', 'BLKD'],
    ['WAIT', 'BLKD'],
    ['FAIL', 'BLKD'],
    ['UNKN', 'UNKN'],
  ])('a prerequisite that is %s makes the phase %s', (state, expected) => {
    expect(behind(judged('P0.a', state)).state).toBe(expected);
  });

  test('a check may open the way while it is PART, or hold back later phases only', () => {
    expect(behind(judged('P0.a', 'PART', { opensWhen: ['OK', 'PART'] })).state).toBe('OK');
    expect(behind(judged('P0.a', 'WAIT', { holdsBack: ['P4'] })).state).toBe('OK');
    expect(behind(judged('P0.a', 'WAIT', { holdsBack: ['P1'] })).state).toBe('BLKD');
  });

  test.each<[CheckState, CheckState]>([
    ['OK', 'PART'],
    ['PART', 'BLKD'],
    ['WAIT', 'BLKD'],
    ['UNKN', 'UNKN'],
  ])('what a phase reads and is %s makes it %s, with what mends it', (state, expected) => {
    const input = judged('P0.in', state, { input: true, progress: false });
    const mended = { ...input, result: { ...input.result, fix: 'data import' } };
    const [found] = derivePhases([phase('P0', [judged('P0.a', 'PART'), mended])]);
    const text = `P0.in ${state}: P0.in is ${state}. Use: prometheus data import.`;
    expect(found.state).toBe(expected);
    expect(found.blockedBy).toEqual(state === 'OK' ? [] : [text]);
    expect(found.why).toEqual([...found.blockedBy, 'P0.a PART: P0.a is PART.']);
  });

  test('blocks pass on through the phases between, for the phases they hold back', () => {
    const chain = (check: Judged) =>
      derivePhases([
        phase('P0', [check]),
        phase('P1', [judged('P1.a', 'OK')], [['P0']]),
        phase('P4', [judged('P4.a', 'OK')], [['P1']]),
      ]).map((one) => one.state);
    expect(chain(judged('P0.a', 'WAIT', { holdsBack: ['P4'] }))).toEqual(['WAIT', 'OK', 'BLKD']);
    expect(chain(judged('P0.a', 'WAIT'))).toEqual(['WAIT', 'BLKD', 'BLKD']);
  });

  test('one of several alternatives is enough', () => {
    const either = (a: CheckState, b: CheckState) =>
      derivePhases([
        phase('P3', [judged('P3.a', a)]),
        phase('P4', [judged('P4.a', b)]),
        phase('P5', [judged('P5.a', 'OK')], [['P3', 'P4']]),
      ])[2];
    expect(either('OK', 'WAIT').state).toBe('OK');
    expect(either('WAIT', 'OK').state).toBe('OK');
    expect(either('WAIT', 'FAIL')).toMatchObject({
      state: 'BLKD',
      headline: 'needs P3 or P4',
      blockedBy: ['Needs P3 or P4: needs P3: P3.a brief; needs P4: P4.a brief.'],
    });
    expect(either('OK', 'WAIT').blockedBy).toEqual([]);
    expect(either('UNKN', 'UNKN').state).toBe('UNKN');
  });
});

test('any checks, any gates: a phase is OK exactly when its why-list is empty', () => {
  const check = fc.record({
    state: fc.constantFrom(...STATES),
    advisory: fc.boolean(),
    progress: fc.boolean(),
    input: fc.boolean(),
    holdsBack: fc.option(fc.subarray<Phase>(['P1', 'P2', 'P3', 'P4', 'P5']), { nil: undefined }),
    opensWhen: fc.option(fc.subarray([...STATES]), { nil: undefined }),
  });
  const earlier: Phase[] = ['P0', 'P1', 'P2', 'P3', 'P4', 'P5'];
  const board = fc.tuple(
    ...earlier.map((name, i) =>
      fc.record({
        checks: fc.array(check, { minLength: 1, maxLength: 5 }),
        needs:
          i === 0 ? fc.constant([]) : fc.array(fc.subarray(earlier.slice(0, i), { minLength: 1 }), { maxLength: 3 }),
        name: fc.constant(name),
      }),
    ),
  );
  fc.assert(
    fc.property(board, (phases) => {
      const facts = phases.map(({ name, checks, needs }) =>
        phase(
          name,
          checks.map(({ state, ...spec }, i) => judged(`${name}.${i}`, state, spec)),
          needs,
        ),
      );
      for (const result of derivePhases(facts)) {
        expect(result.state === 'OK').toBe(result.why.length === 0);
        if (result.state === 'OK') expect(result.passed).toBe(result.required);
        if (result.state !== 'OK') expect(result.headline).not.toBe('');
        expect(result.why.slice(0, result.blockedBy.length)).toEqual(result.blockedBy);
        if (result.blockedBy.length > 0) expect(['BLKD', 'UNKN']).toContain(result.state);
      }
      // The same facts give the same board.
      expect(derivePhases(facts)).toEqual(derivePhases(facts));
    }),
    { numRuns: 500 },
  );
});

describe('the whole board', () => {
  test('is green when everything is there', () => {
    const board = deriveBoard(factsWith());
    for (const result of board.phases)
      expect([result.phase, result.state, result.why]).toEqual([result.phase, 'OK', []]);
    expect(board.phases.map((one) => [one.phase, one.optional])).toEqual([
      ['P0', false],
      ['P1', false],
      ['P2', false],
      ['P3', true],
      ['P4', false],
      ['P5', false],
    ]);
  });

  test('is a function of its facts alone', () => {
    expect(deriveBoard(factsWith())).toEqual(deriveBoard(factsWith()));
  });

  test('any evidence unknown: UNKN with its cause, no number, and never OK with a reason left', () => {
    const names = Object.keys(greenEvidence(shippedNeed())) as (keyof Evidence)[];
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), (lost) => {
        const changes = Object.fromEntries(lost.map((name) => [name, unknown(`no answer about ${name}`)]));
        const board = deriveBoard(factsWith(changes as Partial<Evidence>));
        for (const result of board.phases) {
          expect(result.state === 'OK').toBe(result.why.length === 0);
          for (const check of result.checks) {
            if (check.state === 'UNKN') {
              expect(check.observed).toBe('–');
              expect(check.reason).toMatch(/^No answer about \w+\.$/);
            }
            expect(check.state === 'OK').toBe(check.reason === '');
          }
        }
        for (const row of board.coverage.rows) {
          if (row.problem) expect([row.rows, row.share, row.first, row.last]).toEqual([null, null, null, null]);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a missing test run blocks nothing', () => {
    const board = deriveBoard(factsWith({ tests: known(null) }));
    expect(board.phases[0]).toMatchObject({ state: 'PART', passed: 5, required: 6 });
    expect(board.phases[0].why).toEqual(['P0.tests WAIT: No test run is recorded in this checkout.']);
    expect(board.phases.slice(1).every((one) => one.state === 'OK')).toBe(true);
  });

  test('missing news holds back Phase 4, not the baseline', () => {
    const board = deriveBoard(factsWith({ news: known([]), text: known([]) }));
    expect(board.phases.map((one) => one.state)).toEqual(['PART', 'OK', 'OK', 'OK', 'BLKD', 'BLKD']);
    expect(board.phases[0].why).toEqual(['P0.news WAIT: news_articles is empty.']);
  });
});
