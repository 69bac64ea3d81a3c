/** Starting, stopping and repeating jobs. Whoever calls may end at any moment: the folders tell what became of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage, UsageError, UserError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import type { ProgramSpec } from '../platform/program.ts';
import type { Provenance } from '../platform/provenance.ts';
import {
  type ExitRecord,
  JobFile,
  type JobSpec,
  RECORD_VERSION,
  type StopRecord,
  writeExitRecord,
  writeRecord,
} from './job-files.ts';
import { readJobView } from './job-list.ts';
import { hasEnded } from './job-state.ts';
import { createJobFolder, readJob } from './job-store.ts';
import { signalGroup } from './process-identity.ts';
import type { JobView, LaunchRequest } from './protocol.ts';

/** A program's arguments after validation. */
export interface ParsedArguments {
  readonly args: Readonly<Record<string, unknown>>;
  /** The same as words, defaults included. */
  readonly argv: readonly string[];
  /** What must not stand in a command line (a database URL may carry a password) goes by the environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What jobs are made of: the programs, the way to run one, and where its code came from. Composed by the command line. */
export interface JobRuntime {
  readonly catalog: readonly ProgramSpec[];
  /** @throws UsageError that names the argument and what is allowed. */
  readonly parse: (program: ProgramSpec, argv: readonly string[]) => ParsedArguments;
  readonly node: string;
  /** The script that runs a program by its words: `main.js backtest campaign …`. */
  readonly main: string;
  /** The script that stands over one job, see `shim.ts`. */
  readonly shim: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly provenance: Provenance;
  readonly configHash: string | null;
  readonly now: () => number;
}

const BEGIN_DEADLINE_MS = 30_000;
const BEGIN_POLL_MS = 10;

/**
 * Makes a job and begins it. Returns once it runs (or has ended). A key that was used before gives that job again.
 * @throws UsageError for an unknown program or argument, UserError when it cannot be begun.
 */
export async function startJob(home: Home, request: LaunchRequest, runtime: JobRuntime): Promise<JobView> {
  return begin(home, request, runtime, runtime.cwd, null);
}

/** The same program with the same arguments in the same folder, by the code of today. */
export async function rerunJob(home: Home, id: string, idempotencyKey: string, runtime: JobRuntime): Promise<JobView> {
  const { spec, reason } = readJob(home, id, runtime.now());
  if (!spec) throw new UserError(`job ${id} cannot be run again: ${reason}`, 'Start it anew: prometheus job start');
  if (!isFolder(spec.cwd)) {
    throw new UserError(`job ${id} ran in ${spec.cwd}, which is gone`, 'Start it anew from another folder.');
  }
  // Values are not on record, but a run against other databases than before would not be the same run.
  const missing = spec.environment.filter((name) => /^(HISTORICAL|RUNTIME)_DB_/.test(name) && !runtime.env[name]);
  if (missing.length) {
    throw new UserError(`job ${id} ran with ${missing.join(', ')}, not set now`, 'Set it as it was and run it again.');
  }
  const request = { program: spec.program, args: spec.programArgs, idempotencyKey };
  return begin(home, request, runtime, spec.cwd, id);
}

/**
 * Asks a job to stop: TERM to its process group. Returns at once; the state follows when it has ended.
 * @throws UserError when it has ended already.
 */
export function stopJob(home: Home, id: string, now: () => number): JobView {
  const before = readJob(home, id, now());
  if (hasEnded(before.state)) {
    throw new UserError(`job ${id} does not run: ${before.state}`, 'There is nothing to stop.');
  }
  // First the mark, then a fresh look: a shim that has not started the program yet sees the mark, any other names its pid.
  const unmarked = markStop(before.folder, now());
  const child = readJob(home, id, now()).status?.child;
  if (child) signalGroup(child, 'SIGTERM');
  if (unmarked) {
    const sent = child ? 'TERM was sent to it' : 'it was not reached';
    throw new UserError(
      `the stop of job ${id} could not be recorded (${errorMessage(unmarked)}); ${sent}`,
      `See: prometheus job show ${id}`,
      { cause: unmarked },
    );
  }
  return readJobView(home, id, now());
}

/** Leaves the mark; returns the error when that is impossible. The job must be stopped all the same. */
function markStop(folder: string, at: number): unknown {
  try {
    writeRecord(folder, JobFile.stop, { version: RECORD_VERSION, at, by: process.pid } satisfies StopRecord);
    return null;
  } catch (error) {
    try {
      // On a full disk there is room for a name still, and the name is enough.
      closeSync(openSync(path.join(folder, JobFile.stop), 'a', 0o600));
      return null;
    } catch {
      return error;
    }
  }
}

async function begin(
  home: Home,
  request: LaunchRequest,
  runtime: JobRuntime,
  cwd: string,
  rerunOf: string | null,
): Promise<JobView> {
  const program = runtime.catalog.find((one) => one.name === request.program);
  if (!program) {
    throw new UsageError(
      `there is no program '${request.program}'`,
      `Programs: ${runtime.catalog.map((one) => one.name).join(' · ')}.`,
    );
  }
  const parsed = runtime.parse(program, request.args);
  const env = jobEnvironment(runtime.env, home, parsed.environment);
  const spec: JobSpec = {
    version: RECORD_VERSION,
    program: program.name,
    args: parsed.args,
    programArgs: parsed.argv,
    argv: [runtime.node, runtime.main, ...program.name.split(' '), ...parsed.argv],
    cwd,
    gitSha: runtime.provenance.gitSha,
    gitDirty: runtime.provenance.gitDirty,
    build: runtime.provenance.build,
    configHash: runtime.configHash,
    environment: Object.keys(env).sort(),
    idempotencyKey: request.idempotencyKey || randomUUID(),
    rerunOf,
    createdAt: runtime.now(),
  };
  const { id, created } = await createJobFolder(home, spec);
  if (created) await beginShim(home, id, runtime, env);
  return readJobView(home, id, runtime.now());
}

/** The job finds this very home, and nothing of the job (if any) that starts it. */
function jobEnvironment(
  env: NodeJS.ProcessEnv,
  home: Home,
  extra: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const { PROMETHEUS_EVENTS_FD: _fd, PROMETHEUS_JOB: _job, ...rest } = env;
  return { ...rest, ...extra, PROMETHEUS_HOME: home.root };
}

/** Starts the shim and waits until it has taken over. */
async function beginShim(home: Home, id: string, runtime: JobRuntime, env: NodeJS.ProcessEnv): Promise<void> {
  const folder = path.join(home.jobs, id);
  const complaints = openSync(path.join(folder, JobFile.stderr), 'a', 0o600);
  let problem: string | null = null;
  let shim: ChildProcess;
  try {
    shim = spawn(runtime.node, [runtime.shim, folder], {
      detached: true,
      // It outlives us: it must not keep a folder of ours busy, and no pipe may tie it to us.
      cwd: '/',
      stdio: ['ignore', complaints, complaints],
      env,
    });
    shim.on('error', (error) => (problem = errorMessage(error)));
    shim.on(
      'exit',
      (code, signal) => (problem ??= `its shim ended with ${signal ?? code}, see ${folder}/${JobFile.stderr}`),
    );
    shim.unref();
  } finally {
    closeSync(complaints);
  }
  const deadline = performance.now() + BEGIN_DEADLINE_MS;
  for (;;) {
    const { state, exit } = readJob(home, id, runtime.now());
    if (state !== 'QUEUE' || exit) return;
    if (problem !== null) break;
    if (performance.now() > deadline) {
      // It may still begin; the folder will tell. Nothing is claimed about it here.
      throw new UserError(`job ${id} has not begun within 30 s`, `See: prometheus job show ${id}`);
    }
    await sleep(BEGIN_POLL_MS);
  }
  const failure: ExitRecord = {
    version: RECORD_VERSION,
    code: null,
    signal: null,
    error: `it could not be begun: ${problem}`,
    stopped: existsSync(path.join(folder, JobFile.stop)),
    startedAt: null,
    endedAt: runtime.now(),
    cpuSeconds: null,
    survivors: false,
  };
  writeExitRecord(folder, failure);
  throw new UserError(`job ${id} could not be begun: ${problem}`, `See: prometheus job show ${id}`);
}

function isFolder(dir: string): boolean {
  try {
    return statSync(dir).isDirectory();
  } catch {
    return false;
  }
}
