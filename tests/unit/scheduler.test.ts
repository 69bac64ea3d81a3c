/** Which job begins when: a simulation with a clock of its own (nobody starves), and claims that meet. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Claim, Resource } from '../../src/supervisor/job-files.ts';
import {
  type Candidate,
  type Capacity,
  claimWords,
  overlappingClaims,
  schedule,
} from '../../src/supervisor/scheduler.ts';

const CAPACITY: Capacity = { cpu: 2, gpu: 1, io: 1, writer: 1 };

const job = (id: string, change: Partial<Candidate> = {}): Candidate => ({
  id,
  resource: 'cpu',
  claims: [],
  writes: false,
  notBefore: null,
  waitsFor: null,
  ...change,
});

const claim = (change: Partial<Claim> = {}): Claim => ({
  table: 'historical.numeric_window_embeddings',
  scope: null,
  model: null,
  start: null,
  end: null,
  ...change,
});

describe('schedule', () => {
  it('begins in order while there are slots, and says what the others wait for', () => {
    const { begin, waiting } = schedule([job('a'), job('b'), job('c')], [], CAPACITY, 0);
    expect(begin).toEqual(['a', 'b']);
    expect(waiting.get('c')).toBe('waits for a CPU slot, taken by a, b');
  });

  it('lets others pass a job that waits for the GPU, but nobody who needs the GPU too', () => {
    const running = [job('r', { resource: 'gpu' })];
    const queue = [job('a', { resource: 'gpu' }), job('b'), job('c', { resource: 'gpu' })];
    const { begin, waiting } = schedule(queue, running, CAPACITY, 0);
    expect(begin).toEqual(['b']);
    expect(waiting.get('a')).toBe('waits for the GPU, taken by r');
    expect(waiting.get('c')).toBe('waits for the GPU, behind a');
  });

  it('keeps the slots of a job that waits for one of its two', () => {
    const running = [job('r', { writes: true })];
    const queue = [job('a', { resource: 'io', writes: true }), job('b', { resource: 'io' })];
    const { begin, waiting } = schedule(queue, running, CAPACITY, 0);
    expect(begin).toEqual([]);
    expect(waiting.get('b')).toBe('waits for an IO slot, behind a');
  });

  it('waits for other jobs and for its time, and tells when that is', () => {
    const queue = [job('a', { waitsFor: '0001-x' }), job('b', { notBefore: 5000 }), job('c', { notBefore: 4000 })];
    const { begin, waiting, nextAt } = schedule(queue, [], CAPACITY, 1000);
    expect(begin).toEqual([]);
    expect([...waiting.values()]).toEqual([
      'waits for 0001-x',
      'waits 4 s before the next attempt',
      'waits 3 s before the next attempt',
    ]);
    expect(nextAt).toBe(4000);
    expect(schedule(queue, [], CAPACITY, 4000).begin).toEqual(['c']);
  });

  it('never runs two writers of the same rows', () => {
    const queue = [job('a', { claims: [claim()] }), job('b', { claims: [claim({ model: 'm' })] })];
    const { begin, waiting } = schedule(queue, [], CAPACITY, 0);
    expect(begin).toEqual(['a']);
    expect(waiting.get('b')).toBe('waits for a, which writes the same rows');
  });

  it('starves nobody, and never gives more slots than there are', () => {
    const resource = fc.constantFrom<Resource>('cpu', 'gpu', 'io');
    const arrival = fc.record({
      resource,
      writes: fc.boolean(),
      at: fc.integer({ min: 0, max: 50 }),
      takes: fc.integer({ min: 1, max: 20 }),
      after: fc.option(fc.nat(5)),
    });
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 1, maxLength: 40 }), (arrivals) => {
        const jobs = arrivals
          .toSorted((a, b) => a.at - b.at)
          .map((one, i) => ({ ...one, id: `j${i}`, endsAt: null as number | null, done: false }));
        const begun: string[] = [];
        for (let now = 0; now < 3000 && jobs.some((one) => !one.done); now++) {
          for (const one of jobs) if (one.endsAt !== null && one.endsAt <= now) one.done = true;
          const asJob = (one: (typeof jobs)[number], i: number) => {
            const first = one.after === null ? -1 : i - 1 - one.after;
            const waitsFor = first >= 0 && !jobs[first].done ? jobs[first].id : null;
            return job(one.id, { resource: one.resource, writes: one.writes, waitsFor });
          };
          const waiting = jobs.flatMap((one, i) => (one.at <= now && one.endsAt === null ? [asJob(one, i)] : []));
          const running = jobs.flatMap((one, i) => (one.endsAt !== null && !one.done ? [asJob(one, i)] : []));
          const { begin } = schedule(waiting, running, CAPACITY, now);
          for (const id of begin) {
            const one = jobs.find((candidate) => candidate.id === id)!;
            one.endsAt = now + one.takes;
            begun.push(id);
          }
          const active = jobs.filter((one) => one.endsAt !== null && one.endsAt > now);
          for (const slot of ['cpu', 'gpu', 'io'] as const) {
            expect(active.filter((one) => one.resource === slot).length).toBeLessThanOrEqual(CAPACITY[slot]);
          }
          expect(active.filter((one) => one.writes).length).toBeLessThanOrEqual(CAPACITY.writer);
        }
        expect(jobs.every((one) => one.done)).toBe(true);
        // Among those that wait for nobody, the order of one kind is the order of arrival.
        for (const kind of ['cpu', 'gpu', 'io'] as const) {
          const own = jobs.filter((one) => one.resource === kind && !one.writes && one.after === null);
          const order = begun.filter((id) => own.some((one) => one.id === id));
          expect(order).toEqual(own.map((one) => one.id));
        }
      }),
    );
  });
});

describe('claims', () => {
  const span = (start: string | null, end: string | null, rest: Partial<Claim> = {}) => claim({ start, end, ...rest });

  it.each([
    [span('2010-01-01', '2010-12-31'), span('2010-12-31', '2011-12-31'), true],
    [span('2010-01-01', '2010-12-31'), span('2011-01-01', '2011-12-31'), false],
    [span(null, '2010-12-31'), span('2010-06-01', null), true],
    [span(null, '2010-12-31'), span('2011-01-01', null), false],
    [claim({ model: 'a' }), claim({ model: 'b' }), false],
    [claim({ model: 'a' }), claim(), true],
    [claim({ scope: 'US_EQ' }), claim({ scope: 'EU_EQ' }), false],
    [claim({ table: 'x' }), claim({ table: 'y' }), false],
  ])('%j and %j meet: %j', (a, b, meet) => {
    expect(overlappingClaims([a], [b])).toEqual(meet ? [a, b] : null);
    expect(overlappingClaims([b], [a])).toEqual(meet ? [b, a] : null);
  });

  it('are told in words', () => {
    expect(claimWords(span('2010-01-01', null, { scope: 'US_EQ' }))).toBe(
      'historical.numeric_window_embeddings, US_EQ, 2010-01-01 … the end',
    );
    expect(claimWords(claim())).toBe('historical.numeric_window_embeddings');
  });
});
