/**
 * The states of a job and what moves it from one to the next, as data. Pure: whatever is known about a job comes in as
 * facts, and the same facts always give the same state and the same reason.
 */
import { formatCount } from '../format/numbers.ts';
import { Exit } from '../platform/errors.ts';
import type { JobProcess, Verdict } from './job-files.ts';
import type { JobState } from './protocol.ts';

/** What can happen to a job. */
export type JobEvent = 'started' | 'done' | 'partial' | 'failed' | 'stopped' | 'lost';

/** The only moves there are. A state without a row has ended: nothing leads out of it. */
const MOVES: Readonly<Record<JobState, Readonly<Partial<Record<JobEvent, JobState>>>>> = {
  QUEUE: { started: 'RUN', failed: 'FAIL', stopped: 'STOP', lost: 'LOST' },
  RUN: { done: 'DONE', partial: 'PART', failed: 'FAIL', stopped: 'STOP', lost: 'LOST' },
  DONE: {},
  PART: {},
  FAIL: {},
  STOP: {},
  LOST: {},
};

/** The state after an event, or null when the event cannot happen in this state. */
export function applyEvent(state: JobState, event: JobEvent): JobState | null {
  return MOVES[state][event] ?? null;
}

/** True when nothing can change the state any more. */
export function hasEnded(state: JobState): boolean {
  return Object.keys(MOVES[state]).length === 0;
}

/** How a program ended, as its shim wrote it down. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it could not be started, when it could not. */
  readonly error: string | null;
  /** A stop had been asked for by then. */
  readonly stopped: boolean;
  /** null when the program never ran. */
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly timedOut: boolean;
  readonly verdict: Verdict | null;
  readonly survivors: readonly JobProcess[];
  /** The disk of its log was full while it ran. */
  readonly diskFull?: boolean;
}

/** What is known about a job at one moment. Liveness must have been looked at BEFORE the exit record was read. */
export interface JobFacts {
  readonly exit: Ending | null;
  readonly stopAsked: boolean;
  /** Its time limit; null when it has none, or that is not known. */
  readonly timeoutMs: number | null;
  /** Whether the processes named in the folder still run; null when none is named. */
  readonly starterAlive: boolean | null;
  readonly shimAlive: boolean | null;
  readonly childAlive: boolean | null;
}

export interface StateAndReason {
  readonly state: JobState;
  /** Empty for a plain RUN and for DONE. */
  readonly reason: string;
}

/** The state that the facts prove, with the reason in words. Without an exit record no outcome is ever claimed. */
export function deriveState(facts: JobFacts): StateAndReason {
  const { exit } = facts;
  if (exit) {
    const begun = exit.startedAt === null ? 'QUEUE' : applyEvent('QUEUE', 'started')!;
    const { event, reason } = outcome(exit, facts.timeoutMs);
    const left = exit.survivors.map(({ pid, command }) => `${pid} ${command}`).join(', ');
    return {
      state: applyEvent(begun, event) ?? 'FAIL',
      reason: [
        reason,
        exit.diskFull && 'the disk was full while it ran: its log may lack lines',
        left && `processes that it started ran on: ${left}`,
      ]
        .filter(Boolean)
        .join('; '),
    };
  }
  if (facts.childAlive) {
    if (facts.shimAlive) return { state: 'RUN', reason: facts.stopAsked ? 'stopping' : '' };
    return { state: 'RUN', reason: 'shim gone: it runs on, but its exit code will not be known' };
  }
  if (facts.shimAlive) {
    if (facts.childAlive === null) return { state: 'QUEUE', reason: 'starting' };
    // The program has ended and the shim is about to say how.
    return { state: 'RUN', reason: facts.stopAsked ? 'stopping' : '' };
  }
  if (facts.childAlive === false) {
    const how = `${facts.stopAsked ? 'a stop was asked for, then ' : ''}killed, or the machine was restarted`;
    return { state: 'LOST', reason: `no exit record: its processes are gone (${how})` };
  }
  // No program ever ran: a shim that was killed before it let one go leaves the job as it found it.
  return { state: 'QUEUE', reason: facts.starterAlive ? 'starting' : 'waits for a supervisor to begin it' };
}

const seconds = (milliseconds: number) => `${Number((milliseconds / 1000).toFixed(1))} s`;

function outcome(exit: Ending, timeoutMs: number | null): { event: JobEvent; reason: string } {
  const how = exit.signal ? `ended by ${exit.signal}` : `exit code ${exit.code}`;
  if (exit.stopped) {
    if (exit.startedAt === null) return { event: 'stopped', reason: exit.error ?? 'stopped before it began' };
    return { event: 'stopped', reason: `stopped by hand, ${how}` };
  }
  if (exit.error) return { event: 'failed', reason: exit.error };
  if (exit.timedOut) {
    const limit = timeoutMs === null ? '' : `: its limit was ${seconds(timeoutMs)}`;
    const ran = exit.startedAt === null ? '' : ` after ${seconds(exit.endedAt - exit.startedAt)}`;
    return { event: 'failed', reason: `timed out${limit}, ${how}${ran}` };
  }
  if (exit.signal) return { event: 'failed', reason: how };
  const own = exit.verdict?.partialCode !== undefined;
  const partialCode = exit.verdict?.partialCode === undefined ? Exit.partial : exit.verdict.partialCode;
  if (exit.code === Exit.usage && !own) return { event: 'failed', reason: 'exit code 2: its arguments were refused' };
  if (exit.code === 130) return { event: 'failed', reason: 'exit code 130: interrupted, though no stop was asked for' };
  if (exit.code === null || (exit.code !== Exit.done && exit.code !== partialCode)) {
    const words = exit.verdict?.fatal;
    return { event: 'failed', reason: words ? `${how}: ${words}` : how };
  }
  return judged(exit.code, exit.verdict);
}

/** Exit codes 0 and that of PART are what the program says of itself; its rows and words must bear it out. */
function judged(code: number, verdict: Verdict | null): { event: JobEvent; reason: string } {
  const { rows = null, failures = null, fatal = null, rowsDue = false, status = null } = verdict ?? {};
  if (fatal !== null) return { event: 'failed', reason: `exit code ${code}, but: ${fatal}` };
  if (failures !== null && failures > 0) {
    if (rows === 0 || (rows === null && rowsDue))
      return { event: 'failed', reason: `exit code ${code}, but ${failures} items failed and no row was written` };
    const beside = rows === null ? '' : ` beside ${formatCount(rows)} new rows`;
    return { event: 'partial', reason: `exit code ${code}, but ${failures} items failed${beside}` };
  }
  if (code !== Exit.done) return { event: 'partial', reason: `exit code ${code}: some items failed` };
  if (status === 'failed') return { event: 'failed', reason: 'exit code 0, but it called itself failed' };
  if (status === 'partial') return { event: 'partial', reason: 'exit code 0, but it called itself partial' };
  if (rowsDue && !rows) return { event: 'failed', reason: 'exit code 0, but no row was written where rows were due' };
  return { event: 'done', reason: '' };
}
