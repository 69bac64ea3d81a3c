/**
 * Job folders under the home: making them, reading them. The folders are the only truth about jobs; whatever cannot be
 * read there is shown as it is, with the reason, and never ends a reader.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { removeDeadDrafts } from '../platform/drafts.ts';
import { errorCode, errorMessage, UsageError, UserError } from '../platform/errors.ts';
import { assertHomePossible, createHome, type Home } from '../platform/home.ts';
import { shortHash } from '../platform/ids.ts';
import { withLock } from '../platform/locks.ts';
import {
  type ExitRecord,
  JobFile,
  type JobSpec,
  type JobStatus,
  RECORD_VERSION,
  type StopRecord,
  writeRecord,
} from './job-files.ts';
import { exitSchema, readRecord, specSchema, statusSchema, stopSchema } from './job-records.ts';
import { deriveState, type StateAndReason } from './job-state.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';
import type { JobState } from './protocol.ts';

const LOCK_OPTIONS = { waitMs: 15_000, what: 'the jobs folder' };

/** A job folder as it was found. */
export interface JobRecord extends StateAndReason {
  readonly id: string;
  readonly folder: string;
  readonly state: JobState;
  readonly spec: JobSpec | null;
  readonly status: JobStatus | null;
  readonly exit: ExitRecord | null;
  readonly stop: StopRecord | null;
  /** True when nobody is at it: it may be begun. */
  readonly waiting: boolean;
  /** True when no later look can find another state: the folder need not be read again. */
  readonly settled: boolean;
}

/** Ids of all job folders, oldest first. A home without a jobs folder has none. @throws UsageError when it is no home. */
export function listJobIds(home: Home): string[] {
  let names: string[];
  try {
    names = readdirSync(home.jobs, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name);
  } catch (error) {
    assertHomePossible(home);
    if (errorCode(error) === 'ENOENT') return [];
    throw new UserError(
      `the jobs in ${home.jobs} cannot be listed: ${errorMessage(error)}`,
      'Make the folder readable.',
    );
  }
  // Foreign folders have no number and come first: they are never the newest job.
  return names.sort((a, b) => jobNumber(a) - jobNumber(b) || (a < b ? -1 : 1));
}

const jobNumber = (id: string) => Number(/^(\d+)-/.exec(id)?.[1] ?? 0);

/** The job that a person means: the whole id, its number (`7`, `0007`), or `last`. @throws UsageError when there is none. */
export function findJobId(home: Home, text: string): string {
  const ids = listJobIds(home);
  const number = /^\d+$/.test(text) ? Number(text) : null;
  const found =
    text === 'last' ? ids.at(-1) : ids.find((id) => id === text || (number !== null && jobNumber(id) === number));
  if (found) return found;
  throw new UsageError(text === 'last' ? 'there is no job yet' : `there is no job '${text}'`, 'See: prometheus job ls');
}

/** Reads one job folder as it is now. Never throws: what is missing or broken becomes the reason. */
export function readJob(home: Home, id: string): JobRecord {
  const folder = path.join(home.jobs, id);
  const spec = readRecord(folder, JobFile.spec, specSchema);
  const status = readRecord(folder, JobFile.status, statusSchema);
  const alive = (identity: ProcessIdentity | null | undefined) => (identity ? isAlive(identity) : null);
  const [starterAlive, shimAlive, childAlive] = [
    alive(status.value?.starter),
    alive(status.value?.shim),
    alive(status.value?.child),
  ];
  // After the processes were looked at: a shim that was found gone has written its exit record by now, or never will.
  const exit = readRecord(folder, JobFile.exit, exitSchema);
  const stop = readRecord(folder, JobFile.stop, stopSchema);
  const found = { id, folder, spec: spec.value, status: status.value, exit: exit.value, stop: stop.value };
  const broken = spec.problem ?? exit.problem ?? (status.problem && !exit.value ? status.problem : null);
  if (broken !== null)
    return { ...found, state: 'LOST', reason: `unreadable: ${broken}`, waiting: false, settled: false };
  const derived = deriveState({
    exit: exit.value,
    // Whatever it holds: on a full disk it holds nothing.
    stopAsked: stop.value !== null || stop.problem !== null,
    timeoutMs: spec.value?.limits.timeoutMs ?? null,
    starterAlive,
    shimAlive,
    childAlive,
  });
  return {
    ...found,
    ...derived,
    waiting: derived.state === 'QUEUE' && !starterAlive && !shimAlive,
    settled: exit.value !== null || (derived.state === 'LOST' && shimAlive === false),
  };
}

/** The lock under which jobs are made and claims are taken. */
export const jobsLock = (home: Home): string => path.join(home.jobs, '.lock');

/**
 * Makes a job's folder, complete or not at all, with the next number. A key that was used before gives that job again.
 * Safe between processes. The job is not begun by this. `guard` may object (by throwing) to a new one while nobody else
 * can make any; `files` are further records of it.
 */
export async function createJobFolder(
  home: Home,
  spec: JobSpec,
  { guard = () => {}, files = {} }: { guard?: () => void; files?: Readonly<Record<string, object>> } = {},
): Promise<{ id: string; created: boolean }> {
  createHome(home);
  const keys = path.join(home.jobs, '.keys');
  const keyFile = path.join(keys, shortHash(spec.idempotencyKey, 32));
  const make = () => {
    const known = jobOfKey(home, keyFile);
    if (known) return { id: known, created: false };
    guard();
    removeUnmade(home);
    const number = nextNumber(home);
    const id = `${String(number).padStart(4, '0')}-${slug(spec.program)}`;
    const draft = path.join(home.jobs, `.draft-${number}`);
    mkdirSync(draft, { mode: 0o700 });
    for (const name of [JobFile.stdout, JobFile.stderr, JobFile.events]) {
      writeFileSync(path.join(draft, name), '', { mode: 0o600 });
    }
    writeRecord(draft, JobFile.spec, spec);
    for (const [name, record] of Object.entries(files)) writeRecord(draft, name, record);
    const status: JobStatus = {
      version: RECORD_VERSION,
      state: 'QUEUE',
      starter: null,
      shim: null,
      child: null,
      startedAt: null,
      endedAt: null,
    };
    writeRecord(draft, JobFile.status, status);
    mkdirSync(keys, { recursive: true, mode: 0o700 });
    // Key before folder: a starter killed in between leaves a key that names nothing, which counts for nothing.
    writeRecord(keys, path.basename(keyFile), id);
    renameSync(draft, path.join(home.jobs, id));
    return { id, created: true };
  };
  try {
    return await withLock(jobsLock(home), make, LOCK_OPTIONS);
  } catch (error) {
    if (error instanceof UserError || errorCode(error) === undefined) throw error;
    const full = errorCode(error) === 'ENOSPC' || errorCode(error) === 'EDQUOT';
    throw new UserError(
      `no job folder can be made in ${home.jobs}: ${errorMessage(error)}`,
      full ? 'Free some space and try again.' : 'See that you may write there.',
      { cause: error },
    );
  }
}

/** Removes what was left by processes that were killed while they made a job. */
export const tidyJobs = (home: Home): Promise<void> => withLock(jobsLock(home), () => removeUnmade(home), LOCK_OPTIONS);

/** To be called under the lock: nobody else makes a job then. */
function removeUnmade(home: Home): void {
  for (const name of readdirSync(home.jobs)) {
    if (name.startsWith('.draft-')) rmSync(path.join(home.jobs, name), { recursive: true, force: true });
  }
  for (const folder of ['', '.keys', '.claims']) removeDeadDrafts(path.join(home.jobs, folder));
}

function jobOfKey(home: Home, keyFile: string): string | null {
  try {
    const id: unknown = JSON.parse(readFileSync(keyFile, 'utf8'));
    return typeof id === 'string' && statSync(path.join(home.jobs, id)).isDirectory() ? id : null;
  } catch {
    return null;
  }
}

/** One more than the highest number ever given: numbers of removed jobs do not come again. */
function nextNumber(home: Home): number {
  let last = Math.max(0, ...listJobIds(home).map(jobNumber));
  try {
    last = Math.max(last, Number(readFileSync(path.join(home.jobs, '.sequence'), 'utf8')) || 0);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  writeRecord(home.jobs, '.sequence', last + 1);
  return last + 1;
}

const slug = (program: string) =>
  program
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60) || 'job';
