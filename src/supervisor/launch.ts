/** Making, beginning, stopping and removing jobs. Whoever calls may end at any moment: the folders tell what became of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage, UsageError, UserError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import type { ProgramSpec } from '../platform/program.ts';
import { type Provenance, readTree } from '../platform/provenance.ts';
import type { Settings } from '../platform/settings.ts';
import { JOB_MARK } from '../telemetry/process-tree.ts';
import { assertFree, claimHolders, claimsOf } from './claims.ts';
import { fingerprintsOf, jobVariables, plainVariables } from './environment.ts';
import {
  type ChainStep,
  type ExitRecord,
  JobFile,
  type JobLimits,
  type JobSpec,
  RECORD_VERSION,
  type RetryPlan,
  type StopRecord,
  writeExitRecord,
  writeRecord,
} from './job-files.ts';
import { JobProcesses, processesOfJob } from './job-processes.ts';
import { hasEnded } from './job-state.ts';
import { createJobFolder, findJobId, readJob } from './job-store.ts';
import { identifyProcess, signalGroup, wakeShim } from './process-identity.ts';
import { PROGRAMS_FILE } from './programs.ts';

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
  /** What can be started, read anew each time: commands of the user's own change while a supervisor runs. */
  readonly catalog: () => readonly ProgramSpec[];
  /** @throws UsageError that names the argument and what is allowed. */
  readonly parse: (program: ProgramSpec, argv: readonly string[]) => ParsedArguments;
  readonly node: string;
  /** The script that runs a program by its words: `main.js backtest campaign …`. */
  readonly main: string;
  /** The script that stands over one job, see `shim.ts`. */
  readonly shim: string;
  /** Where a job runs whose request names no folder. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** As of now: the tree may change while a supervisor lives. */
  readonly provenance: () => Provenance;
  /** Fingerprint of all settings, as of now; null where there are none. */
  readonly configHash: () => string | null;
  /** Fingerprint of what the databases hold; null while it is unknown. */
  readonly data: () => string | null;
  readonly settings: Settings;
  readonly now: () => number;
}

/** A job to be made: the request of a client, and what the supervisor adds. */
export interface JobOrder {
  readonly program: string;
  readonly args: readonly string[];
  readonly idempotencyKey: string;
  readonly who: string;
  readonly cwd?: string;
  /** The job that this one is to repeat, word for word: what `programs.yaml` says by now does not count. */
  readonly exactly?: JobSpec;
  readonly environment?: Readonly<Record<string, string>>;
  readonly after?: readonly string[];
  readonly allowPartial?: boolean;
  readonly limits?: Partial<JobLimits>;
  readonly notBefore?: number | null;
  readonly rerunOf?: string | null;
  readonly retry?: RetryPlan | null;
  readonly chain?: ChainStep | null;
}

export interface MadeJob {
  readonly id: string;
  /** False when the key was used before. */
  readonly created: boolean;
  /** The variables that it gets; they stand nowhere but here. */
  readonly environment: Readonly<Record<string, string>>;
}

const BEGIN_DEADLINE_MS = 30_000;
const BEGIN_POLL_MS = 10;

/** What a job would be by an order, and its environment; nothing is made. @throws UsageError for an unknown program or argument. */
export function plannedJob(
  home: Home,
  order: JobOrder,
  runtime: JobRuntime,
): { readonly spec: JobSpec; readonly environment: Readonly<Record<string, string>> } {
  const command = order.exactly?.script ? recordedCommand(order.exactly) : commandOf(order, runtime);
  const after = (order.after ?? []).map((job) => ({
    job: findJobId(home, job),
    allowPartial: order.allowPartial ?? false,
  }));
  const environment = {
    ...jobVariables(order.environment ?? runtime.env, [...runtime.settings.jobs.environment, ...command.variables]),
    ...command.environment,
    PROMETHEUS_HOME: home.root,
  };
  const { gitSha, gitDirty, build } = runtime.provenance();
  const spec: JobSpec = {
    version: RECORD_VERSION,
    ...command.spec,
    ...(command.spec.script ? { ...readTree(command.spec.cwd), build: null } : { gitSha, gitDirty, build }),
    configHash: runtime.configHash(),
    environment: Object.keys(environment).sort(),
    fingerprints: fingerprintsOf(environment),
    idempotencyKey: order.idempotencyKey,
    rerunOf: order.rerunOf ?? null,
    createdAt: runtime.now(),
    requestedBy: order.who,
    data: runtime.data(),
    limits: {
      timeoutMs: null,
      stallMs: runtime.settings.jobs.stallSeconds * 1000,
      killAfterMs: null,
      nice: 0,
      ioClass: null,
      ...definedOf(order.limits ?? {}),
    },
    after,
    notBefore: order.notBefore ?? null,
    retry: order.retry ?? null,
    chain: order.chain ?? null,
  };
  return { spec, environment };
}

/**
 * Makes a job, which then waits to be begun. A key that was used before gives that job again.
 * @throws UsageError for an unknown program or argument; UserError when its rows are being written, or it cannot be made.
 */
export async function makeJob(home: Home, order: JobOrder, runtime: JobRuntime): Promise<MadeJob> {
  const { spec, environment } = plannedJob(home, order, runtime);
  const { claims } = spec;
  // A job that waits for another one does not compete with it for the rows.
  const ahead = waitedFor(
    home,
    spec.after.map(({ job }) => job),
  );
  // Nor does a new attempt with what the failed one left behind: it waits for that.
  const rivals = () => claimHolders(home).filter(({ name }) => !ahead.has(name) && name !== spec.retry?.of);
  const made = await createJobFolder(home, spec, {
    guard: () => assertFree(claims, rivals()),
    files: { [JobFile.environment]: plainVariables(environment) },
  });
  return { ...made, environment };
}

/** What a job runs. */
export interface JobCommand {
  readonly spec: Pick<
    JobSpec,
    'program' | 'args' | 'programArgs' | 'argv' | 'cwd' | 'resource' | 'claims' | 'rowsDue' | 'script'
  >;
  /** Names of variables that it gets beside the usual ones, and values that must not stand in a command line. */
  readonly variables: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A program as the catalogue has it now. @throws UsageError for an unknown program or argument. */
export function commandOf(order: JobOrder, runtime: Omit<JobRuntime, 'data'>): JobCommand {
  const program = findProgram(runtime.catalog(), order.program);
  const parsed = runtime.parse(program, order.args);
  return {
    spec: {
      program: program.name,
      args: parsed.args,
      programArgs: parsed.argv,
      argv: program.script
        ? program.script.command(parsed.argv, parsed.args)
        : [runtime.node, runtime.main, ...program.name.split(' '), ...parsed.argv],
      cwd: program.script?.cwd() ?? order.cwd ?? runtime.cwd,
      resource: program.resource,
      claims: claimsOf(program, parsed.args),
      rowsDue: program.rowsDue ?? program.writes.length > 0,
      script: program.script?.reading ?? null,
    },
    variables: program.script?.environment ?? [],
    environment: parsed.environment,
  };
}

/** A command of the user's own as it was recorded. */
function recordedCommand({ environment, ...recorded }: JobSpec): JobCommand {
  const { program, args, programArgs, argv, cwd, resource, claims, rowsDue, script } = recorded;
  return {
    spec: { program, args, programArgs, argv, cwd, resource, claims, rowsDue, script },
    variables: environment,
    environment: {},
  };
}

/** These jobs, and all that have to end before them. */
function waitedFor(home: Home, jobs: readonly string[], found = new Set<string>()): ReadonlySet<string> {
  for (const id of jobs) {
    if (found.has(id)) continue;
    found.add(id);
    waitedFor(home, readJob(home, id).spec?.after.map(({ job }) => job) ?? [], found);
  }
  return found;
}

/** @throws UsageError that lists what there is, or says what is wrong with the description of that program. */
export function findProgram(catalog: readonly ProgramSpec[], name: string): ProgramSpec {
  const program = catalog.find((one) => one.name === name);
  if (program?.fault) throw program.fault;
  if (program) return program;
  throw unknownProgram(catalog, name);
}

/** A command of the user's own may stand in the file that cannot be read: then that is what is wrong. */
const unknownProgram = (catalog: readonly ProgramSpec[], name: string) =>
  catalog.find((one) => one.name === PROGRAMS_FILE)?.fault ??
  new UsageError(`there is no program '${name}'`, `Programs: ${catalog.map((one) => one.name).join(' · ')}.`);

/** The longest beginning of the words that names a program, and the rest. A quoted name is one word. */
export function splitProgram(
  words: readonly string[],
  catalog: readonly ProgramSpec[],
): { program: string; args: readonly string[] } {
  const flag = words.findIndex((word) => word.startsWith('-'));
  const most = flag < 0 ? words.length : flag;
  for (let count = most; count > 0; count--) {
    const name = words.slice(0, count).join(' ');
    if (catalog.some((one) => one.name === name)) return { program: name, args: words.slice(count) };
  }
  throw unknownProgram(catalog, words.slice(0, most).join(' '));
}

/**
 * Begins a waiting job: returns once it runs, or has ended. Safe to call again after a crash, for only one shim ever
 * takes a job. @throws UserError when it cannot be begun; the job then says so too.
 */
export async function beginJob(
  home: Home,
  id: string,
  environment: Readonly<Record<string, string>>,
  runtime: JobRuntime,
): Promise<void> {
  const { folder, status } = readJob(home, id);
  // On record first: from here on a stop speaks to the shim, and nobody else begins the job.
  if (status) writeRecord(folder, JobFile.status, { ...status, starter: identifyProcess(process.pid) });
  const complaints = openSync(path.join(folder, JobFile.stderr), 'a', 0o600);
  let problem: string | null = null;
  let shim: ChildProcess;
  try {
    shim = spawn(runtime.node, [runtime.shim, folder], {
      detached: true,
      // It outlives us: it must not keep a folder of ours busy, and no pipe may tie it to us.
      cwd: '/',
      stdio: ['ignore', complaints, complaints],
      // It stands over the job and is none of it, though it writes to the job's log. What Node made of our code starts it sooner,
      // and the program; it is of this build, not of whoever asked.
      env: { ...environment, NODE_COMPILE_CACHE: runtime.env.NODE_COMPILE_CACHE, [JOB_MARK]: '' },
    });
    shim.on('error', (error) => (problem = errorMessage(error)));
    shim.on('exit', (code, signal) => {
      // One that found another shim at work ends well, and that one's work is waited for.
      if (code !== 0) problem ??= `its shim ended with ${signal ?? code}, see ${folder}/${JobFile.stderr}`;
    });
    shim.unref();
  } finally {
    closeSync(complaints);
  }
  const deadline = performance.now() + BEGIN_DEADLINE_MS;
  for (;;) {
    const { state, exit } = readJob(home, id);
    if (state !== 'QUEUE' || exit) return;
    if (problem !== null) break;
    if (performance.now() > deadline) {
      // It may still begin; the folder will tell. Nothing is claimed about it here.
      throw new UserError(`job ${id} has not begun within 30 s`, `See: prometheus job show ${id}`);
    }
    await sleep(BEGIN_POLL_MS);
  }
  endUnbegun(home, id, { error: `it could not be begun: ${problem}`, stopped: false, at: runtime.now() });
  throw new UserError(`job ${id} could not be begun: ${problem}`, `See: prometheus job show ${id}`);
}

/** Ends a job that never began: STOP, or FAIL when it should have and could not. */
export function endUnbegun(
  home: Home,
  id: string,
  { error, stopped, at }: { error: string | null; stopped: boolean; at: number },
): void {
  const folder = path.join(home.jobs, id);
  const record: ExitRecord = {
    version: RECORD_VERSION,
    code: null,
    signal: null,
    error,
    stopped: stopped || existsSync(path.join(folder, JobFile.stop)),
    startedAt: null,
    endedAt: at,
    cpuSeconds: null,
    survivors: [],
    timedOut: false,
    verdict: null,
  };
  writeExitRecord(folder, record);
  rmSync(path.join(folder, JobFile.environment), { force: true });
}

/**
 * Asks a job to stop: TERM to its process group; one that waits never begins. Returns at once; the state follows.
 * @throws UserError when it has ended already.
 */
export function stopJob(
  home: Home,
  id: string,
  ask: { who: string; killAfterMs: number | null },
  now: () => number,
): void {
  const before = readJob(home, id);
  if (hasEnded(before.state)) {
    throw new UserError(`job ${id} does not run: ${before.state}`, 'There is nothing to stop.');
  }
  // First the mark, then a fresh look: a shim that has not started the program yet sees the mark, any other names its pid.
  const strays = new JobProcesses(home.root, id, () => before.status?.child ?? null).strays();
  const unmarked = markStop(before.folder, { ...ask, strays }, now());
  const { status } = readJob(home, id);
  const child = status?.child;
  // KILL that follows at once is not to be beaten by it: the record says what ended the job.
  if (child && ask.killAfterMs !== 0) signalGroup(child, 'SIGTERM');
  if (status?.shim) wakeShim(status.shim);
  if (unmarked) {
    const signal = ask.killAfterMs === 0 ? 'KILL' : 'TERM';
    const sent = child ? `${signal} was sent to it` : 'it was not reached';
    throw new UserError(
      `the stop of job ${id} could not be recorded (${errorMessage(unmarked)}); ${sent}`,
      `See: prometheus job show ${id}`,
      { cause: unmarked },
    );
  }
  if (status?.starter === null) endUnbegun(home, id, { error: null, stopped: true, at: now() });
}

/** Leaves the mark; returns the error when that is impossible. The job must be stopped all the same. */
function markStop(folder: string, ask: Pick<StopRecord, 'who' | 'killAfterMs' | 'strays'>, at: number): unknown {
  try {
    writeRecord(folder, JobFile.stop, { version: RECORD_VERSION, at, by: process.pid, ...ask } satisfies StopRecord);
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

/** Deletes the record of a job. @throws UserError while it lives, or processes that it left behind do. */
export function removeJob(home: Home, id: string): void {
  const { state, folder, status } = readJob(home, id);
  if (!hasEnded(state))
    throw new UserError(`job ${id} has not ended: ${state}`, `Stop it first: prometheus job stop ${id}`);
  // Without the record no command could end them any more.
  const left = processesOfJob(home.root, id, status?.child ?? null);
  if (left.length > 0) {
    const names = left.map(({ pid, command }) => `${pid} ${command}`).join(', ');
    throw new UserError(`processes of job ${id} still run: ${names}`, `End them first: prometheus job kill ${id}`);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** What was given, without keys that say nothing. */
export const definedOf = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>;
