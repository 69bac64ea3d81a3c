/** What each state means, in words. */
import { CHECK_SIGNS, JOB_SIGNS, type StateSign } from '../../src/format/states.ts';

export interface Meaning {
  readonly sign: StateSign;
  readonly meaning: string;
}

export const CHECK_MEANINGS: readonly Meaning[] = [
  { sign: CHECK_SIGNS.OK, meaning: 'all required checks pass' },
  { sign: CHECK_SIGNS.PART, meaning: 'some pass, none failed' },
  { sign: CHECK_SIGNS.FAIL, meaning: 'a check failed' },
  { sign: CHECK_SIGNS.BLKD, meaning: 'something before it is missing' },
  { sign: CHECK_SIGNS.WAIT, meaning: 'not begun' },
  { sign: CHECK_SIGNS.RUN, meaning: 'a job that feeds it runs' },
  { sign: CHECK_SIGNS.STALE, meaning: 'the evidence is too old' },
  { sign: CHECK_SIGNS.UNKN, meaning: 'could not be found out' },
  { sign: CHECK_SIGNS.SKIP, meaning: 'optional, left out by hand' },
];

/** Marks of what has no room. */
export const CUT_MEANINGS: readonly (readonly [mark: string, meaning: string])[] = [
  ['…', 'text, figures, columns or their titles have no room here: z gives a pane the whole screen'],
  ['▴3 ▾12', 'rows out of sight above and below'],
];

export const JOB_MEANINGS: readonly Meaning[] = [
  { sign: JOB_SIGNS.QUEUE, meaning: 'waits to begin' },
  { sign: JOB_SIGNS.RUN, meaning: 'running' },
  { sign: JOB_SIGNS.DONE, meaning: 'ended well' },
  { sign: JOB_SIGNS.PART, meaning: 'ended, some items failed' },
  { sign: JOB_SIGNS.FAIL, meaning: 'ended badly' },
  { sign: JOB_SIGNS.STOP, meaning: 'stopped by hand' },
  { sign: JOB_SIGNS.LOST, meaning: 'no exit record: how it ended is unknown' },
];
