/** Phases under way: which of them a running job makes RUN, and what stays what it is. */
import { expect, test } from 'vitest';
import { withRunning } from '../../src/phases/running.ts';
import type { Board, CheckState } from '../../src/phases/types.ts';

const board = (state: CheckState): Board => ({
  at: 0,
  phases: [
    {
      phase: 'P2',
      title: 'Numeric embeddings',
      goal: '',
      optional: false,
      state,
      passed: 1,
      required: 6,
      headline: 'half of it',
      why: ['P2.stab PART: half of it.'],
      blockedBy: [],
      checks: [],
      commands: [{ label: 'backfill', argv: ['backfill', 'numeric-embeddings', '--start-date', '2010-01-01'] }],
      next: 0,
      notes: [],
      skip: null,
    },
  ],
  coverage: { at: 0, costMs: 0, rows: [] } as unknown as Board['coverage'],
});
const job = { id: '0004-backfill-numeric-embeddings', program: 'backfill numeric-embeddings', state: 'RUN' };

test.each<CheckState>(['WAIT', 'PART', 'STALE'])('%s is RUN while a job of its commands runs', (state) => {
  const [phase] = withRunning(board(state), [job]).phases;
  expect(phase).toMatchObject({ state: 'RUN', headline: `job ${job.id} runs; half of it` });
  expect(phase.why).toEqual([expect.stringContaining(job.id), 'P2.stab PART: half of it.']);
});

test.each<CheckState>(['OK', 'FAIL', 'UNKN', 'BLKD', 'SKIP'])('%s stays', (state) => {
  expect(withRunning(board(state), [job])).toEqual(board(state));
});

test('a job of another command changes nothing, nor does none', () => {
  const before = board('WAIT');
  expect(withRunning(before, [])).toBe(before);
  expect(withRunning(before, [{ ...job, program: 'backfill text-embeddings' }])).toEqual(before);
  expect(withRunning(before, [{ ...job, state: 'QUEUE' }])).toBe(before);
});
