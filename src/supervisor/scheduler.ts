/**
 * Which waiting job begins when. Pure: jobs, capacity and time come in, decisions come out, so that a simulation with a
 * clock of its own can prove that nobody starves.
 *
 * Jobs begin in the order in which they were made. A job whose turn it is but whose resources are taken keeps them
 * reserved: younger jobs that need one of the same wait behind it, others pass.
 */
import type { Claim, Resource } from './job-files.ts';

type Slot = Resource | 'writer';

/** How many jobs of each kind run at once. A job takes a slot of its resource, and one of `writer` when it writes rows. */
export type Capacity = Readonly<Record<Slot, number>>;

export interface Candidate {
  readonly id: string;
  readonly resource: Resource;
  readonly claims: readonly Claim[];
  readonly writes: boolean;
  readonly notBefore: number | null;
  /** In words, what it waits for beside slots (another job); null when nothing. */
  readonly waitsFor: string | null;
}

export interface Occupant {
  readonly id: string;
  readonly resource: Resource;
  readonly claims: readonly Claim[];
  readonly writes: boolean;
  /** It has ended, but processes that it left behind run on. */
  readonly ended?: boolean;
}

export interface Decisions {
  readonly begin: readonly string[];
  /** Why each of the others waits. */
  readonly waiting: ReadonlyMap<string, string>;
  /** When the next one may begin by the passing of time alone; null when time changes nothing. */
  readonly nextAt: number | null;
}

const SLOT_WORDS: Readonly<Record<Slot, string>> = {
  cpu: 'a CPU slot',
  gpu: 'the GPU',
  io: 'an IO slot',
  writer: 'a database writer slot',
};

/** Decides for all candidates (oldest first) at the time `now` (milliseconds since 1970). */
export function schedule(
  candidates: readonly Candidate[],
  running: readonly Occupant[],
  capacity: Capacity,
  now: number,
): Decisions {
  const occupants: Occupant[] = [...running];
  const reserved = new Map<Slot, string>();
  const begin: string[] = [];
  const waiting = new Map<string, string>();
  let nextAt: number | null = null;
  for (const job of candidates) {
    if (job.waitsFor !== null) {
      waiting.set(job.id, `waits for ${job.waitsFor}`);
      continue;
    }
    if (job.notBefore !== null && job.notBefore > now) {
      nextAt = Math.min(nextAt ?? Number.POSITIVE_INFINITY, job.notBefore);
      waiting.set(job.id, `waits ${Math.ceil((job.notBefore - now) / 1000)} s before the next attempt`);
      continue;
    }
    // Claims are held while queued too, and refused when a job is made; a job made by an older build may still clash.
    const rival = occupants.find((one) => overlappingClaims(one.claims, job.claims) !== null);
    if (rival) {
      const how = rival.ended ? 'whose processes still run and may write the same rows' : 'which writes the same rows';
      waiting.set(job.id, `waits for ${rival.id}, ${how}`);
      continue;
    }
    const slots: Slot[] = job.writes ? [job.resource, 'writer'] : [job.resource];
    const missing = slots.find(
      (slot) => reserved.has(slot) || occupants.filter((one) => uses(one, slot)).length >= capacity[slot],
    );
    if (missing) {
      const holders = occupants
        .filter((one) => uses(one, missing))
        .map((one) => (one.ended ? `what is left of ${one.id}` : one.id));
      const ahead = reserved.get(missing);
      waiting.set(
        job.id,
        `waits for ${SLOT_WORDS[missing]}${ahead ? `, behind ${ahead}` : holders.length ? `, taken by ${holders.join(', ')}` : ''}`,
      );
      for (const slot of slots) if (!reserved.has(slot)) reserved.set(slot, job.id);
      continue;
    }
    begin.push(job.id);
    occupants.push(job);
  }
  return { begin, waiting, nextAt };
}

const uses = (job: Occupant, slot: Slot) => (slot === 'writer' ? job.writes : job.resource === slot);

/** The first claim of `a` that meets one of `b`, and that one: same table, no scope, model or dates tell them apart. */
export function overlappingClaims(a: readonly Claim[], b: readonly Claim[]): readonly [Claim, Claim] | null {
  for (const one of a) {
    const other = b.find((candidate) => overlap(one, candidate));
    if (other) return [one, other];
  }
  return null;
}

function overlap(a: Claim, b: Claim): boolean {
  const differ = (x: string | null, y: string | null) => x !== null && y !== null && x !== y;
  if (a.table !== b.table || differ(a.scope, b.scope) || differ(a.model, b.model)) return false;
  // ISO dates compare as text.
  const endsBefore = (x: Claim, y: Claim) => x.end !== null && y.start !== null && x.end < y.start;
  return !endsBefore(a, b) && !endsBefore(b, a);
}

/** `runtime.soft_target_classes, US_EQ, 2014-01-02 … 2014-03-31` */
export function claimWords({ table, scope, model, start, end }: Claim): string {
  const range = start === null && end === null ? null : `${start ?? 'the beginning'} … ${end ?? 'the end'}`;
  return [table, scope, model, range].filter(Boolean).join(', ');
}
