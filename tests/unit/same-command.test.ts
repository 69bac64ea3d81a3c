/** When a command of the plan may be told to have run: a job with its arguments, however they were written. */
import { describe, expect, it } from 'vitest';
import { PROGRAMS } from '../../engines/catalog.ts';
import { policySchema } from '../../src/cli/job-policy.ts';
import { argumentFields, programSummary } from '../../src/cli/job-programs.ts';
import { parseProgramArguments } from '../../src/cli/job-runtime.ts';
import { needKey } from '../../src/console/answers.ts';
import { sameAs } from '../../src/console/same-command.ts';
import { measuredDuration } from '../../src/console/selectors.ts';
import { createConsoleStore } from '../../src/console/store.ts';
import { findProgram } from '../../src/supervisor/launch.ts';
import { SNAPSHOT } from '../helpers/scripted-supervisor.ts';
import { jobViewOf } from '../helpers/snapshots.ts';

const SIZE = { columns: 120, rows: 40 };
const NAME = 'backfill numeric-embeddings';
const PLAN = [...NAME.split(' '), '--start-date', '2010-01-01', '--end-date', '2024-12-31', '--window-days', '63'];

/** A finished job of the words, as the supervisor keeps it: with all defaults. */
const job = (words: readonly string[], program = NAME) =>
  jobViewOf({
    id: '0003-backfill-numeric-embeddings',
    program,
    args: parseProgramArguments(findProgram(PROGRAMS, program), words).argv,
    state: 'DONE',
    startedAt: 1000,
    endedAt: 20_000,
  });
const stateWith = (...jobs: ReturnType<typeof job>[]) =>
  createConsoleStore({ ...SNAPSHOT, jobs }, SIZE, {
    answers: {
      [needKey({ name: 'programs', args: {} })]: {
        value: { programs: PROGRAMS.map(programSummary), policy: argumentFields(policySchema) },
        at: 0,
        problem: null,
      },
    },
  }).getState();

const SAME = PLAN.slice(2);

describe('a command has run', () => {
  it.each([
    ['in these words', SAME],
    ['in another order', [...SAME.slice(4), ...SAME.slice(0, 4)]],
    ['with a default spelt out', [...SAME, '--market', 'US_EQ', '--shard-cells', '8192']],
    ['with values tied to their flags', ['--start-date=2010-01-01', '--end-date=2024-12-31', '--window-days=63']],
  ])('%s', (_, words) => {
    expect(measuredDuration(stateWith(job(words)), PLAN)).toMatchObject({ ms: 19_000 });
    expect(sameAs(stateWith(), { program: NAME, args: words })(job(SAME))).toBe(true);
  });

  it.each([
    ['over other days', ['--start-date', '2020-01-01', '--end-date', '2020-12-31', '--window-days', '63']],
    ['of ten instruments only', [...SAME, '--limit', '10']],
    ['that left alone what was there', [...SAME, '--skip-existing']],
    ['of one model', [...SAME, '--models', 'num-stab-core-v1']],
  ])('not %s', (_, words) => {
    expect(measuredDuration(stateWith(job(words)), PLAN)).toBeNull();
    expect(measuredDuration(stateWith(job(SAME)), [...NAME.split(' '), ...words])).toBeNull();
  });
});

it('while the programs are not known, equal words alone are the same', () => {
  const state = createConsoleStore({ ...SNAPSHOT, jobs: [job(SAME)] }, SIZE).getState();
  expect(measuredDuration(state, { program: NAME, args: job(SAME).args })).not.toBeNull();
  expect(measuredDuration(state, PLAN)).toBeNull();
});
