import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../src/supervisor/job-files.ts';
import {
  applyEvent,
  deriveState,
  type Ending,
  hasEnded,
  type JobEvent,
  type JobFacts,
} from '../../src/supervisor/job-state.ts';
import type { JobState } from '../../src/supervisor/protocol.ts';
import { exitRecordOf } from '../helpers/jobs.ts';

const STATES: JobState[] = ['QUEUE', 'RUN', 'DONE', 'PART', 'FAIL', 'STOP', 'LOST'];
const EVENTS: JobEvent[] = ['started', 'done', 'partial', 'failed', 'stopped', 'lost'];

it('an end on a full disk says so beside its own reason, and is what it would be without', () => {
  const facts = (exit: Partial<Ending>): JobFacts => ({
    exit: exitRecordOf({ diskFull: true, ...exit }),
    ...{ stopAsked: false, timeoutMs: null, starterAlive: null, shimAlive: null, childAlive: null },
  });
  const words = 'the disk was full while it ran: its log may lack lines';
  expect(deriveState(facts({}))).toEqual({ state: 'DONE', reason: words });
  expect(deriveState(facts({ code: 1 }))).toEqual({ state: 'FAIL', reason: `exit code 1; ${words}` });
});

describe('the table of moves', () => {
  it('has exactly these', () => {
    const moves = STATES.flatMap((state) =>
      EVENTS.flatMap((event) => {
        const next = applyEvent(state, event);
        return next ? [`${state} ${event} ${next}`] : [];
      }),
    );
    expect(moves).toEqual([
      'QUEUE started RUN',
      'QUEUE failed FAIL',
      'QUEUE stopped STOP',
      'QUEUE lost LOST',
      'RUN done DONE',
      'RUN partial PART',
      'RUN failed FAIL',
      'RUN stopped STOP',
      'RUN lost LOST',
    ]);
  });

  it('ends where nothing leads out', () => {
    expect(STATES.filter(hasEnded)).toEqual(['DONE', 'PART', 'FAIL', 'STOP', 'LOST']);
  });
});

const FACTS: JobFacts = {
  exit: null,
  stopAsked: false,
  timeoutMs: null,
  starterAlive: false,
  shimAlive: true,
  childAlive: true,
};
const state = (facts: Partial<JobFacts>) => {
  const derived = deriveState({ ...FACTS, ...facts });
  return derived.reason ? `${derived.state}: ${derived.reason}` : derived.state;
};
const ended = (exit: Partial<Ending>) =>
  state({
    exit: exitRecordOf({ code: null, startedAt: 1, ...exit }),
    shimAlive: false,
    childAlive: false,
  });

describe('the state that facts prove', () => {
  it('follows the exit record', () => {
    expect(ended({ code: 0 })).toBe('DONE');
    expect(ended({ code: 3 })).toBe('PART: exit code 3: some items failed');
    expect(ended({ code: 1 })).toBe('FAIL: exit code 1');
    expect(ended({ code: 2 })).toBe('FAIL: exit code 2: its arguments were refused');
    expect(ended({ code: 130 })).toBe('FAIL: exit code 130: interrupted, though no stop was asked for');
    expect(ended({ signal: 'SIGKILL' })).toBe('FAIL: ended by SIGKILL');
    expect(ended({ error: 'it could not be started: ENOENT', startedAt: null })).toBe(
      'FAIL: it could not be started: ENOENT',
    );
  });

  it('calls a job that was stopped STOP, whatever its code', () => {
    expect(ended({ code: 0, stopped: true })).toBe('STOP: stopped by hand, exit code 0');
    expect(ended({ code: 130, stopped: true })).toBe('STOP: stopped by hand, exit code 130');
    expect(ended({ signal: 'SIGTERM', stopped: true })).toBe('STOP: stopped by hand, ended by SIGTERM');
    expect(ended({ stopped: true, startedAt: null })).toBe('STOP: stopped before it began');
  });

  it('believes an exit record over any process that is said to live', () => {
    const exit = exitRecordOf({ startedAt: 1 });
    expect(state({ exit, shimAlive: true, childAlive: true })).toBe('DONE');
  });

  it('runs as long as the program does, with or without its shim', () => {
    expect(state({})).toBe('RUN');
    expect(state({ stopAsked: true })).toBe('RUN: stopping');
    expect(state({ shimAlive: false })).toBe('RUN: shim gone: it runs on, but its exit code will not be known');
    // Between the end of the program and its exit record.
    expect(state({ childAlive: false })).toBe('RUN');
  });

  it('is lost without an exit record once nobody can write one', () => {
    expect(state({ shimAlive: false, childAlive: false })).toMatch(/^LOST: no exit record/);
    expect(state({ shimAlive: null, childAlive: false })).toMatch(/^LOST: no exit record/);
    expect(state({ shimAlive: false, childAlive: false, stopAsked: true })).toBe(
      'LOST: no exit record: its processes are gone (a stop was asked for, then killed, or the machine was restarted)',
    );
  });

  it('waits as long as no program ever ran, whoever died on the way', () => {
    expect(state({ starterAlive: null, shimAlive: null, childAlive: null })).toBe(
      'QUEUE: waits for a supervisor to begin it',
    );
    expect(state({ starterAlive: true, shimAlive: null, childAlive: null })).toBe('QUEUE: starting');
    expect(state({ starterAlive: false, shimAlive: false, childAlive: null })).toBe(
      'QUEUE: waits for a supervisor to begin it',
    );
    expect(state({ shimAlive: true, childAlive: null })).toBe('QUEUE: starting');
  });

  it('claims no outcome without an exit record, whatever else is known', () => {
    const known = fc.option(fc.boolean());
    const facts = fc.record({ stopAsked: fc.boolean(), starterAlive: known, shimAlive: known, childAlive: known });
    fc.assert(
      fc.property(facts, (one) => {
        const derived = deriveState({ ...FACTS, ...one });
        expect(['QUEUE', 'RUN', 'LOST']).toContain(derived.state);
        if (one.childAlive) expect(derived.state).toBe('RUN');
        expect(derived.state === 'RUN' || derived.reason !== '').toBe(true);
      }),
    );
  });
});

describe('success', () => {
  const verdict = (change: Partial<Verdict>): Verdict => ({
    rows: null,
    failures: null,
    fatal: null,
    rowsDue: false,
    status: null,
    ...change,
  });
  const judged = (code: number, change: Partial<Verdict>) => ended({ code, verdict: verdict(change) });

  it('is evidence: rows where rows were due', () => {
    expect(judged(0, { rowsDue: true, rows: 5 })).toBe('DONE');
    expect(judged(0, { rowsDue: true, rows: 0 })).toBe('FAIL: exit code 0, but no row was written where rows were due');
    expect(judged(0, { rowsDue: true })).toBe('FAIL: exit code 0, but no row was written where rows were due');
    expect(judged(0, { rows: 0 })).toBe('DONE');
  });

  it('is not exit code 0 beside failures, a traceback, or the program’s own word', () => {
    expect(judged(0, { rows: 412, failures: 88 })).toBe('PART: exit code 0, but 88 items failed beside 412 new rows');
    expect(judged(0, { rows: 0, failures: 88 })).toBe('FAIL: exit code 0, but 88 items failed and no row was written');
    expect(judged(0, { rows: 412, failures: 0 })).toBe('DONE');
    expect(judged(0, { rowsDue: true, failures: 88 })).toMatch(/^FAIL: .*88 items failed and no row was written$/);
    expect(judged(0, { failures: 88 })).toBe('PART: exit code 0, but 88 items failed');
    expect(judged(0, { fatal: 'KeyError: close', rows: 9 })).toBe('FAIL: exit code 0, but: KeyError: close');
    expect(judged(0, { status: 'failed' })).toMatch(/^FAIL/);
    expect(judged(0, { status: 'partial' })).toMatch(/^PART/);
    expect(judged(3, { rows: 4 })).toBe('PART: exit code 3: some items failed');
  });

  it('takes exit codes of a command of the user’s own for what programs.yaml says they are', () => {
    expect(judged(3, { partialCode: 3 })).toBe('PART: exit code 3: some items failed');
    expect(judged(3, { partialCode: null })).toBe('FAIL: exit code 3');
    expect(judged(4, { partialCode: 4 })).toBe('PART: exit code 4: some items failed');
    expect(judged(4, { partialCode: 4, fatal: 'KeyError: x' })).toBe('FAIL: exit code 4, but: KeyError: x');
    // Only of our own programs is it known what 2 means.
    expect(judged(2, {})).toBe('FAIL: exit code 2: its arguments were refused');
    expect(judged(2, { partialCode: 3 })).toBe('FAIL: exit code 2');
  });

  it('names what is left, and what ran out of time', () => {
    const survivors = [{ pid: 7, command: 'sleep 9', escaped: true }];
    expect(ended({ code: 0, survivors })).toBe('DONE: processes that it started ran on: 7 sleep 9');
    const exit = exitRecordOf({ code: null, signal: 'SIGKILL', timedOut: true, startedAt: 1, endedAt: 61_301 });
    expect(state({ exit, timeoutMs: 60_000 })).toBe(
      'FAIL: timed out: its limit was 60 s, ended by SIGKILL after 61.3 s',
    );
    expect(state({ exit, timeoutMs: null })).toBe('FAIL: timed out, ended by SIGKILL after 61.3 s');
    expect(ended({ stopped: true, startedAt: null, error: 'not begun: 0001-x ended FAIL' })).toBe(
      'STOP: not begun: 0001-x ended FAIL',
    );
  });
});
