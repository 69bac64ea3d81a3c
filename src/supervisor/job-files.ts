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
import type { ProcessIdentity } from './process-identity.ts';
import type { JobState } from './protocol.ts';

export const RECORD_VERSION = 1;

export const JobFile = {
  spec: 'spec.json',
  status: 'status.json',
  exit: 'exit.json',
  /** Present (be it empty, on a full disk) once somebody asked the job to stop. */
  stop: 'stop.json',
  stdout: 'stdout.log',
  stderr: 'stderr.log',
  events: 'events.ndjson',
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
  readonly gitSha: string | null;
  readonly gitDirty: boolean | null;
  readonly build: string | null;
  readonly configHash: string | null;
  /** Names of the environment variables that it gets; values are never written. */
  readonly environment: readonly string[];
  readonly idempotencyKey: string;
  readonly rerunOf: string | null;
  readonly createdAt: number;
}

/** How far a job is: replaced as a whole, first by its starter, then by its shim only. */
export interface JobStatus {
  readonly version: typeof RECORD_VERSION;
  readonly state: JobState;
  readonly starter: ProcessIdentity;
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
  /** Processes of the program's group that were still running when it had ended. */
  readonly survivors: boolean;
}

/** Who asked for a stop, and when. */
export interface StopRecord {
  readonly version: typeof RECORD_VERSION;
  readonly at: number;
  readonly by: number;
}

/** Writes a record so that a reader sees the old one or the new one, never a part. */
export function writeRecord(folder: string, name: string, record: unknown): void {
  const file = path.join(folder, name);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, serialise(record), { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
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

const exitDraft = (folder: string) => path.join(folder, `${JobFile.exit}.reserved`);
