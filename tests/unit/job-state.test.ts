import { describe, expect, it } from 'vitest';
import {
  applyEvent,
  deriveState,
  type Ending,
  hasEnded,
  type JobEvent,
  type JobFacts,
} from '../../src/supervisor/job-state.ts';
import type { JobState } from '../../src/supervisor/protocol.ts';

const STATES: JobState[] = ['QUEUE', 'RUN', 'DONE', 'PART', 'FAIL', 'STOP', 'LOST'];
const EVENTS: JobEvent[] = ['started', 'done', 'partial', 'failed', 'stopped', 'lost'];

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
  starterAlive: false,
  shimAlive: true,
  childAlive: true,
  ageMs: 60_000,
};
const state = (facts: Partial<JobFacts>) => {
  const derived = deriveState({ ...FACTS, ...facts });
  return derived.reason ? `${derived.state}: ${derived.reason}` : derived.state;
};
const ended = (exit: Partial<Ending>) =>
  state({
    exit: { code: null, signal: null, error: null, stopped: false, startedAt: 1, ...exit },
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
    const exit: Ending = { code: 0, signal: null, error: null, stopped: false, startedAt: 1 };
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
    expect(state({ shimAlive: false, childAlive: null })).toMatch(/^LOST: no exit record/);
    expect(state({ shimAlive: false, childAlive: false, stopAsked: true })).toMatch(/^LOST/);
  });

  it('waits for a shim that is being started, and no longer than that', () => {
    const starting = { shimAlive: null, childAlive: null };
    expect(state({ ...starting, starterAlive: true })).toBe('QUEUE: starting');
    expect(state({ ...starting, starterAlive: false, ageMs: 1000 })).toBe('QUEUE: starting');
    expect(state({ ...starting, starterAlive: false })).toBe(
      'LOST: it was never begun: the process that started it is gone',
    );
    expect(state({ shimAlive: true, childAlive: null })).toBe('QUEUE: starting');
  });
});
