/** What befalls the workload: KILL to a living process of each kind, restarts, dropped connections, full disks, a stopped viewer. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverStatus } from '../../src/platform/db/embedded.ts';
import { errorCode } from '../../src/platform/errors.ts';
import { lockHolder } from '../../src/platform/locks.ts';
import type { Random } from '../../src/platform/random.ts';
import { supervisorLock } from '../../src/supervisor/daemon.ts';
import { readJob } from '../../src/supervisor/job-store.ts';
import { isAlive, type ProcessIdentity } from '../../src/supervisor/process-identity.ts';
import type { Tui } from '../helpers/tui.ts';
import type { Workload } from './lanes.ts';
import type { World } from './world.ts';

const KILLS = ['console', 'supervisor', 'shim', 'job', 'PostgreSQL', 'a session of PostgreSQL'] as const;
const OTHERS = ['restart of PostgreSQL', 'connection in a COPY', 'slow console'] as const;
/** Only where small disks can be had. */
const DISKS = ['full disk of the home', 'full disk of PostgreSQL'] as const;

export type BlowKind = (typeof KILLS)[number] | (typeof OTHERS)[number] | (typeof DISKS)[number];

/** The kinds that a world can be struck by. */
export const blowKinds = (world: World): readonly BlowKind[] => [...KILLS, ...OTHERS, ...(world.disks ? DISKS : [])];

export interface Blow {
  readonly kind: BlowKind;
  /** The job whose process was killed. */
  readonly job: string | null;
  /** From when to when, Unix milliseconds. */
  readonly from: number;
  readonly to: number;
}

export interface Targets {
  readonly world: World;
  readonly workload: Workload;
  /** The console that is killed, and the one that is stopped for a while. */
  readonly console: Tui;
  readonly slow: Tui;
  readonly random: Random;
}

/** Longest time that a disk stays full, and that a viewer reads nothing. */
const FULL_MS = 2_000;
const STOPPED_MS = 3_000;
/** A COPY is waited for this long. */
const COPY_TRIES = 40;
const COPY_PAUSE_MS = 50;

/** Strikes once; null when there is nothing of the kind to strike just now. */
export async function strike(kind: BlowKind, targets: Targets): Promise<Blow | null> {
  const from = Date.now();
  const hit = await HOW[kind](targets);
  return hit && { kind, job: hit.job, from, to: Date.now() };
}

type Hit = { readonly job: string | null } | null;
const NO_JOB: Hit = { job: null };

const HOW: Readonly<Record<BlowKind, (targets: Targets) => Promise<Hit> | Hit>> = {
  console: ({ console }) => kill(console.pid),
  supervisor: ({ world }) => kill(lockHolder(supervisorLock(world.home))),
  shim: (targets) => killOfJob('shim', targets),
  job: (targets) => killOfJob('child', targets),
  PostgreSQL: async ({ world }) => kill((await serverStatus(world.home)).pid),
  'a session of PostgreSQL': async ({ world, random }) => {
    const { pid } = await serverStatus(world.home);
    const sessions = pid === null ? [] : childrenOf(pid);
    return sessions.length === 0 ? null : kill(sessions[random.below(sessions.length)]);
  },
  // As its "fast" shutdown: every session is ended with a message. The next client begins it again.
  'restart of PostgreSQL': async ({ world }) => kill((await serverStatus(world.home)).pid, 'SIGINT'),
  'connection in a COPY': async ({ world }) => {
    for (let i = 0; i < COPY_TRIES; i++) {
      const ended = await world.query(END_A_COPY).catch(() => []);
      if (ended.length > 0) return NO_JOB;
      await sleep(COPY_PAUSE_MS);
    }
    return null;
  },
  'slow console': async ({ slow, random }) => {
    process.kill(slow.pid, 'SIGSTOP');
    await sleep(random.below(STOPPED_MS));
    return kill(slow.pid, 'SIGCONT');
  },
  'full disk of the home': ({ world, random }) => fillAWhile(world.disks!.home, random),
  'full disk of PostgreSQL': ({ world, random }) => fillAWhile(world.disks!.server, random),
};

const END_A_COPY = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE state = 'active' AND query ILIKE 'COPY %' AND pid <> pg_backend_pid() LIMIT 1`;

async function fillAWhile(disk: { fill(): void; free(): void }, random: Random): Promise<Hit> {
  disk.fill();
  try {
    await sleep(random.below(FULL_MS));
  } finally {
    disk.free();
  }
  return NO_JOB;
}

function killOfJob(part: 'shim' | 'child', { world, workload, random }: Targets): Hit {
  const living = workload.running().flatMap(({ id }) => {
    const identity: ProcessIdentity | null | undefined = readJob(world.home, id).status?.[part];
    return identity && isAlive(identity) ? [{ id, pid: identity.pid }] : [];
  });
  if (living.length === 0) return null;
  const { id, pid } = living[random.below(living.length)];
  return kill(pid) && { job: id };
}

function kill(pid: number | null, signal: NodeJS.Signals = 'SIGKILL'): Hit {
  if (pid === null) return null;
  try {
    process.kill(pid, signal);
    return NO_JOB;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return null;
    throw error;
  }
}

export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
