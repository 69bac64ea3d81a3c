/**
 * The files of a job folder: their names, their contents, and how they are written so that no reader ever sees half of
 * one. Light on purpose (no zod): the shim of every job loads it.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { removeDeadDrafts, replaceFile } from '../platform/drafts.ts';
import { removeDeadLock } from '../platform/locks.ts';
import type { ScriptReading } from '../platform/program.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type { JobState } from './protocol.ts';

export const RECORD_VERSION = 1;

export const JobFile = {
  spec: 'spec.json',
  status: 'status.json',
  exit: 'exit.json',
  /** Present (be it empty, on a full disk) once somebody asked the job to stop. */
  stop: 'stop.json',
  /** While it waits, and while it may be tried again: variables that hold no secret, for a supervisor may go meanwhile. */
  environment: 'environment.json',
  /** Processes of the job that nothing but having seen them tells: see `job-processes.ts`. */
  strays: 'strays.json',
  /** Held by the one shim that stands over the job. */
  lock: 'shim.lock',
  stdout: 'stdout.log',
  stderr: 'stderr.log',
  events: 'events.ndjson',
  /** When how much of the three was there: see `TIMES_RECORD_BYTES` of the protocol. */
  times: 'times.bin',
  /** Its metrics and what its processes used, over its whole life. */
  series: 'series.json',
} as const;

/** What a job is: written once, before it starts, never changed. */
export interface JobSpec {
  readonly version: typeof RECORD_VERSION;
  readonly program: string;
  /** The arguments after validation, defaults included. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The same as words after the program's name. */
  readonly programArgs: readonly string[];
  /** The exact command: node, main.js, the program's words, its arguments. Never holds a password. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Of our own code; for a command of the user's own, of the checkout that it runs in. */
  readonly gitSha: string | null;
  readonly gitDirty: boolean | null;
  /** Hash of what a user's own checkout differed by from its commit; null when by nothing. Absent for our programs. */
  readonly changes?: string | null;
  /** Hash of our build; null for a command of the user's own. */
  readonly build: string | null;
  readonly configHash: string | null;
  /** Names of the environment variables that it gets; values are never written. */
  readonly environment: readonly string[];
  /** Of those that hold no secret a short hash of the value; absent in records of older builds. */
  readonly fingerprints?: Readonly<Record<string, string>>;
  readonly idempotencyKey: string;
  readonly rerunOf: string | null;
  readonly createdAt: number;
  /** Who asked for it, as the client told it. */
  readonly requestedBy: string;
  /** Fingerprint of row counts and extents of the data when it was made; null while they were unknown. */
  readonly data: string | null;
  readonly resource: Resource;
  /** Parts of tables that it replaces: two living jobs never claim the same. */
  readonly claims: readonly Claim[];
  readonly limits: JobLimits;
  /** Jobs that must have ended well before it begins. */
  readonly after: readonly { readonly job: string; readonly allowPartial: boolean }[];
  /** Not begun before this time (milliseconds since 1970). */
  readonly notBefore: number | null;
  readonly retry: RetryPlan | null;
  readonly chain: ChainStep | null;
  /** True when exit code 0 without a written row is a failure. */
  readonly rowsDue: boolean;
  /** For a program that is not ours: what its log lines mean. */
  readonly script: ScriptReading | null;
}

export type Resource = 'cpu' | 'gpu' | 'io';

/** A part of a table. A null bound or name stands for everything: two claims overlap unless something tells them apart. */
export interface Claim {
  /** `runtime.soft_target_classes` */
  readonly table: string;
  /** Whose rows: market, portfolio, universe. */
  readonly scope: string | null;
  readonly model: string | null;
  /** `YYYY-MM-DD`, both inclusive. */
  readonly start: string | null;
  readonly end: string | null;
}

/** Between TERM and KILL of a program that ran out of its time, when the job says nothing else. */
export const TIMEOUT_KILL_MS = 30_000;

export interface JobLimits {
  /** TERM after this long, KILL `killAfterMs` later (30 s when that is null). */
  readonly timeoutMs: number | null;
  /** Called stalled after this long without an event or a log line. */
  readonly stallMs: number | null;
  /** After a stop: KILL to what is left after this long; null leaves that to the operator. */
  readonly killAfterMs: number | null;
  /** Added niceness, 0…19. */
  readonly nice: number;
  readonly ioClass: 'idle' | 'best-effort' | null;
}

export interface RetryPlan {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** This one's number, from 1. */
  readonly attempt: number;
  /** Pause before the second attempt; doubles with each further one. */
  readonly backoffMs: number;
  /** The job whose failure this one makes good; null for the first. */
  readonly of: string | null;
}

/** Whether another attempt follows when this one fails. */
export const hasMoreAttempts = ({ retry }: Pick<JobSpec, 'retry'>): boolean =>
  retry !== null && retry.attempt < retry.attempts;

/** A place in a phase's whole plan. */
export interface ChainStep {
  readonly id: string;
  /** What the chain is of: `P1`. */
  readonly name: string;
  /** From 1. */
  readonly step: number;
  readonly of: number;
  readonly label: string;
  /** Why it runs though the phases that it needs were not there; null when they were. */
  readonly override: string | null;
}

/** How far a job is: replaced as a whole, first by whoever begins it, then by its shim only. */
export interface JobStatus {
  readonly version: typeof RECORD_VERSION;
  readonly state: JobState;
  /** Who is beginning it, or began it; null while it waits for its turn. */
  readonly starter: ProcessIdentity | null;
  readonly shim: ProcessIdentity | null;
  /** The program's own process; it leads a process group (and session) of its own. */
  readonly child: ProcessIdentity | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** How a job ended: the only source of an outcome. */
export interface ExitRecord {
  readonly version: typeof RECORD_VERSION;
  readonly code: number | null;
  readonly signal: string | null;
  readonly error: string | null;
  readonly stopped: boolean;
  readonly startedAt: number | null;
  readonly endedAt: number;
  /** CPU time of the program and of all children it waited for; null where the system does not tell. */
  readonly cpuSeconds: { readonly user: number; readonly system: number } | null;
  /** Processes of the job that were still running when it had ended. */
  readonly survivors: readonly JobProcess[];
  /** It ran into `limits.timeoutMs`. */
  readonly timedOut: boolean;
  /** What the program's own words and rows prove; null when it never ran. */
  readonly verdict: Verdict | null;
  /** The disk was full while it ran: its log may lack lines. Absent in records of older builds. */
  readonly diskFull?: boolean;
}

export interface JobProcess {
  readonly pid: number;
  readonly command: string;
  /** It left the job's process group (by setsid): signals to the group do not reach it. */
  readonly escaped: boolean;
}

/** What the output of a job says of its success, beside its exit code. */
export interface Verdict {
  /** Rows written as the job told it; null when it told nothing. */
  readonly rows: number | null;
  /** Items that should have worked and failed; null when it told nothing. */
  readonly failures: number | null;
  /** A traceback or fatal line: its last line of text; null when there was none. */
  readonly fatal: string | null;
  /** Rows had to come: `rowsDue` of the spec, unless the program itself said that none were missing. */
  readonly rowsDue: boolean;
  /** What the program called its own outcome; null when it called it nothing. */
  readonly status: 'done' | 'partial' | 'failed' | null;
  /** Of a command of the user's own: the exit code that means PART, null when none does. Absent for our programs (3). */
  readonly partialCode?: number | null;
}

/** Who asked for a stop, and when. */
export interface StopRecord {
  readonly version: typeof RECORD_VERSION;
  readonly at: number;
  /** Pid of the process that asked. */
  readonly by: number;
  /** Who asked, as the client told it. */
  readonly who: string;
  /** KILL to what is left after this long; null: only by hand. */
  readonly killAfterMs: number | null;
  /** The job's processes that only having seen them tells, as they were before TERM. */
  readonly strays?: readonly ProcessIdentity[];
}

/** Processes of a job without its mark, out of its session, as its shim saw them last. */
export interface StraysRecord {
  readonly version: typeof RECORD_VERSION;
  readonly processes: readonly ProcessIdentity[];
}

/** Writes a record so that a reader sees the old one or the new one, never a part. `dense`: without spaces, for figures. */
export function writeRecord(folder: string, name: string, record: unknown, { dense = false } = {}): void {
  replaceFile(path.join(folder, name), dense ? JSON.stringify(record) : serialise(record));
}

const serialise = (record: unknown) => `${JSON.stringify(record, null, 2)}\n`;

const RESERVED_BYTES = 4096;

/**
 * Takes the room for the exit record while there is some: on a disk that has filled up meanwhile, an outcome can then
 * still be written (over blocks that are already ours) and put in place (a rename).
 */
export function reserveExitRecord(folder: string): void {
  writeFileSync(exitDraft(folder), Buffer.alloc(RESERVED_BYTES, ' '), { mode: 0o600 });
}

/** Writes the exit record into the room reserved for it, and to the disk: an outcome outlives a power cut too. */
export function writeExitRecord(folder: string, record: ExitRecord): void {
  const draft = exitDraft(folder);
  const text = Buffer.from(serialise(record));
  const fd = openSync(draft, existsSync(draft) ? 'r+' : 'w', 0o600);
  try {
    writeSync(fd, text, 0, text.length, 0);
    ftruncateSync(fd, text.length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path.join(folder, JobFile.exit));
}

/**
 * Removes what the writers of a job that has ended left when they were killed: drafts, the shim's lock, and the room of an
 * exit record that will not come (`isLost`). Safe beside living ones. Never throws: it is only litter.
 */
export function removeLeftovers(folder: string, isLost: boolean): void {
  removeDeadDrafts(folder);
  try {
    removeDeadLock(path.join(folder, JobFile.lock));
    if (isLost) rmSync(exitDraft(folder), { force: true });
  } catch {
    // A folder that may not be written keeps them.
  }
}

const exitDraft = (folder: string) => path.join(folder, `${JobFile.exit}.reserved`);
