/**
 * The process that stands over one job: it starts the program, waits for it and writes down how it ended. It is started
 * detached, holds no pipe and no terminal, and ignores the signals of terminals, so that whoever started it may be closed,
 * hung up or killed. The program gets a session and process group of its own: signals meant for the program, KILL
 * included, never reach the shim, and its exit record is written whatever happened to the program.
 *
 * Usage: node shim.js JOB_FOLDER
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, errorMessage } from '../platform/errors.ts';
import { LockedError, withLock } from '../platform/locks.ts';
import { FOLDER_MARK, HOME_MARK, JOB_MARK } from '../telemetry/process-tree.ts';
import { DiskRoom } from './disk-room.ts';
import {
  type ExitRecord,
  hasMoreAttempts,
  JobFile,
  type JobSpec,
  type JobStatus,
  RECORD_VERSION,
  reserveExitRecord,
  type StopRecord,
  TIMEOUT_KILL_MS,
  writeExitRecord,
  writeRecord,
} from './job-files.ts';
import { JobProcesses } from './job-processes.ts';
import { applyEvent, deriveState } from './job-state.ts';
import { LogLifter } from './log-lifter.ts';
import { LogTimes } from './log-times.ts';
import { identifyProcess, isAlive, type ProcessIdentity, signalGroup } from './process-identity.ts';
import { SeriesRecorder } from './series-recorder.ts';
import { readVerdict } from './verdict.ts';

/**
 * The program waits at a gate until its pid is on record. When the shim dies before that, reading fails and the program
 * never begins: no process can run that no folder knows of. `exec` keeps pid, start time and group.
 */
const GATE = 'IFS= read -r go || exit 125; exec "$@" </dev/null';

/** Linux reports CPU times in ticks of 1/100 s on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;
const RETRY_MS = 2000;
const SURVIVOR_WAIT_MS = 2000;
const SURVIVOR_POLL_MS = 50;
const WATCH_MS = 250;
/** Between walks through the process list: a stray is known when it was seen once while its parent lived. */
const WALK_MS = 1000;
/** What KILL has not ended by then hangs in the kernel (a dead network disk): it is named, and waited for no longer. */
const KILL_PATIENCE_MS = 5000;

async function main(folder: string): Promise<void> {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGTSTP'] as const) process.on(signal, () => {});
  // Complaints go to the job's log; on a full disk they get lost, and the shim stays.
  process.stderr.on('error', () => {});
  try {
    // Of two shims for one job (a supervisor that was killed while it began it, and the next one) one stands over it.
    await withLock(path.join(folder, JobFile.lock), () => standOver(folder));
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
  }
}

async function standOver(folder: string): Promise<void> {
  const spec = JSON.parse(readFileSync(path.join(folder, JobFile.spec), 'utf8')) as JobSpec;
  let status = JSON.parse(readFileSync(path.join(folder, JobFile.status), 'utf8')) as JobStatus;
  // Another shim had its turn already: what it began is not begun again.
  if (status.child !== null || existsSync(path.join(folder, JobFile.exit))) return;
  const update = (change: Partial<JobStatus>) => {
    status = { ...status, ...change };
    writeRecord(folder, JobFile.status, status);
  };
  reserveExitRecord(folder);
  update({ shim: identifyProcess(process.pid) });

  const ending = stopAsked(folder)
    ? { ...NO_ENDING, stopped: true }
    : await run(folder, spec, (child, startedAt) => {
        update({ state: applyEvent(status.state, 'started') ?? status.state, child, startedAt });
        if (!hasMoreAttempts(spec)) rmSync(path.join(folder, JobFile.environment), { force: true });
      });

  const { startedAt } = status;
  const record: ExitRecord = { version: RECORD_VERSION, ...ending, startedAt, endedAt: Date.now() };
  await persist(() => writeExitRecord(folder, record));
  const { timeoutMs } = spec.limits;
  const nobody = { starterAlive: null, shimAlive: null, childAlive: null };
  const facts = { exit: record, stopAsked: record.stopped, timeoutMs, ...nobody };
  try {
    update({ state: deriveState(facts).state, endedAt: record.endedAt });
  } catch {
    // Only a convenience for people who look into the folder: the exit record decides.
  }
}

type Ending = Omit<ExitRecord, 'version' | 'startedAt' | 'endedAt'>;

const NO_ENDING: Ending = {
  code: null,
  signal: null,
  error: null,
  stopped: false,
  cpuSeconds: null,
  survivors: [],
  timedOut: false,
  verdict: null,
};

/** Starts the program, tells its process as soon as it exists, and resolves when it and what it left behind have ended. */
async function run(
  folder: string,
  spec: JobSpec,
  started: (child: ProcessIdentity | null, at: number) => void,
): Promise<Ending> {
  const append = (name: string) => openSync(path.join(folder, name), 'a', 0o600);
  let leader: ProcessIdentity | null = null;
  const room = new DiskRoom(folder);
  const lifter = spec.script && new LogLifter(folder, { ...spec, script: spec.script }, Date.now, room.failed);
  const tree = new JobProcesses(homeOf(folder), path.basename(folder), () => leader);
  const processes = () => tree.remember();
  const recorder = new SeriesRecorder({
    folder,
    pids: () => processes().map(({ pid }) => pid),
    gpu: spec.resource === 'gpu',
    now: Date.now,
    failed: room.failed,
  });
  const watch = new Watch(folder, spec, () => leader, { lifter, recorder, tree, room });
  const ended = await new Promise<Ending>((resolve) => {
    const fail = (error: unknown) =>
      resolve({ ...NO_ENDING, error: `it could not be started: ${errorMessage(error)}` });
    // Said by ourselves: the system blames the shell for a missing folder.
    if (!existsSync(spec.cwd)) return fail(`its working folder ${spec.cwd} does not exist`);
    let child: ChildProcess;
    let refusal: string | null = null;
    try {
      child = spawn('/bin/sh', ['-c', GATE, 'sh', ...spec.argv], {
        cwd: spec.cwd,
        env: {
          ...process.env,
          PROMETHEUS_EVENTS_FD: '3',
          [JOB_MARK]: path.basename(folder),
          [HOME_MARK]: homeOf(folder),
          [FOLDER_MARK]: folder,
        },
        detached: true,
        // Files, never pipes: the program writes on when the shim is gone.
        stdio: ['pipe', append(JobFile.stdout), append(JobFile.stderr), append(JobFile.events)],
      });
    } catch (error) {
      return fail(error);
    }
    child.on('error', fail);
    // The program may be killed while it still waits at the gate.
    child.stdin!.on('error', () => {});
    child.on('exit', (code, signal) => {
      resolve({ ...NO_ENDING, code, signal, error: refusal, stopped: stopAsked(folder), cpuSeconds: childrenCpu() });
    });
    child.on('spawn', () => {
      try {
        leader = identifyProcess(child.pid!);
        setPriorities(child.pid!, spec.limits);
        started(leader, Date.now());
        watch.start();
      } catch (error) {
        // A program that is not on record must not run; closing the gate ends it.
        refusal = `it was not begun, its status cannot be written: ${errorMessage(error)}`;
        child.stdin!.end();
        return;
      }
      // Whoever asks for a stop from here on finds the pid; one who asked before found none and left the mark.
      if (stopAsked(folder)) child.stdin!.end();
      else child.stdin!.end('go\n');
    });
  });
  // Helpers usually end just after their leader.
  for (let waited = 0; leader !== null && processes().length > 0; waited += SURVIVOR_POLL_MS) {
    if (waited >= SURVIVOR_WAIT_MS && !watch.killIsDue) break;
    await sleep(SURVIVOR_POLL_MS);
  }
  watch.stop();
  const told = leader === null ? null : readVerdict(folder, spec);
  const verdict = told && lifter ? lifter.finish(told) : told;
  recorder.close();
  return {
    ...ended,
    timedOut: watch.timedOut,
    survivors: leader === null ? [] : processes(),
    verdict,
    diskFull: leader !== null && room.wasFull,
  };
}

/** Ends a program that runs out of its time, and what is left of one that was told to stop; reads along with what it says. */
class Watch {
  timedOut = false;
  readonly #folder: string;
  readonly #spec: JobSpec;
  readonly #leader: () => ProcessIdentity | null;
  readonly #lifter: LogLifter | null;
  readonly #recorder: SeriesRecorder;
  readonly #tree: JobProcesses;
  readonly #times: LogTimes;
  readonly #room: DiskRoom;
  #timer: NodeJS.Timeout | null = null;
  /** Times of a clock that nobody sets: the wall's may jump. */
  #startedAt = 0;
  #killAt = Number.POSITIVE_INFINITY;
  #stop: { at: number | undefined; seen: number } | null = null;
  #complaint = '';
  #walkDue = 0;

  constructor(
    folder: string,
    spec: JobSpec,
    leader: () => ProcessIdentity | null,
    parts: { lifter: LogLifter | null; recorder: SeriesRecorder; tree: JobProcesses; room: DiskRoom },
  ) {
    this.#folder = folder;
    this.#spec = spec;
    this.#leader = leader;
    const { lifter, recorder, tree, room } = parts;
    this.#lifter = lifter;
    this.#recorder = recorder;
    this.#tree = tree;
    this.#room = room;
    this.#times = new LogTimes(folder, Date.now, room.failed);
  }

  /** True while what is left will be killed, so that waiting for it is no waste. */
  get killIsDue(): boolean {
    return Number.isFinite(this.#killAt) && performance.now() < this.#killAt + KILL_PATIENCE_MS;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#timer = setInterval(() => this.#look(), WATCH_MS);
  }

  stop(): void {
    clearInterval(this.#timer ?? undefined);
    this.#room.look();
    this.#times.close();
  }

  #look(): void {
    try {
      const now = performance.now();
      this.#enforce(now);
      if (now >= this.#walkDue) {
        this.#walkDue = now + WALK_MS;
        this.#tree.remember();
      }
      this.#room.look();
      this.#times.look();
      this.#lifter?.read();
      this.#recorder.look();
    } catch (error) {
      // A process of another user may not be signalled (sudo). Its end must be recorded all the same.
      const complaint = `shim: ${errorMessage(error)}\n`;
      if (complaint !== this.#complaint) process.stderr.write(complaint);
      this.#complaint = complaint;
    }
  }

  #enforce(now: number): void {
    const leader = this.#leader();
    const { timeoutMs, killAfterMs } = this.#spec.limits;
    if (timeoutMs !== null && !this.timedOut && now - this.#startedAt >= timeoutMs && leader && isAlive(leader)) {
      this.timedOut = true;
      this.#killBy(now + (killAfterMs ?? TIMEOUT_KILL_MS));
      this.#tree.remember();
      signalGroup(leader, 'SIGTERM');
    }
    if (stopAsked(this.#folder)) {
      const { at, killAfterMs: asked = null } = readStop(this.#folder);
      // Each stop counts from when it was seen: a second one may be in more of a hurry.
      if (this.#stop === null || this.#stop.at !== at) this.#stop = { at, seen: now };
      const after = asked ?? killAfterMs;
      if (after !== null) this.#killBy(this.#stop.seen + after);
    }
    if (now >= this.#killAt) this.#tree.kill();
  }

  #killBy(time: number): void {
    this.#killAt = Math.min(this.#killAt, time);
  }
}

/** What the mark of a stop says; on a full disk it is empty. */
function readStop(folder: string): Partial<StopRecord> {
  try {
    return JSON.parse(readFileSync(path.join(folder, JobFile.stop), 'utf8')) as StopRecord;
  } catch {
    return {};
  }
}

/** While the program waits at its gate: whatever it starts has the same. A system that refuses runs it at its usual ones. */
function setPriorities(pid: number, { nice, ioClass }: JobSpec['limits']): void {
  try {
    if (nice > 0) setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority(pid) + nice));
  } catch {
    process.stderr.write(`shim: niceness ${nice} was refused\n`);
  }
  if (ioClass === null) return;
  const words = ioClass === 'idle' ? ['-c', '3'] : ['-c', '2', '-n', '7'];
  const { error, status } = spawnSync('ionice', [...words, '-p', String(pid)], { stdio: 'ignore' });
  if (error || status !== 0) process.stderr.write(`shim: IO class ${ioClass} was refused\n`);
}

/** The home that a job's folder lies in. */
const homeOf = (folder: string) => path.dirname(path.dirname(folder));

const stopAsked = (folder: string) => existsSync(path.join(folder, JobFile.stop));

/** CPU time of ended children: fields 16 and 17 of /proc/self/stat. */
function childrenCpu(): ExitRecord['cpuSeconds'] {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { user: Number(fields[13]) / TICKS_PER_SECOND, system: Number(fields[14]) / TICKS_PER_SECOND };
  } catch {
    return null;
  }
}

/** An outcome is worth waiting for: a full disk is tried again until there is room, or until the folder is gone. */
async function persist(write: () => void): Promise<void> {
  for (;;) {
    try {
      return write();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      await sleep(RETRY_MS);
    }
  }
}

/** Before the program exists anything may fail (a full disk, a folder taken away): say so where the outcome belongs. */
function giveUp(folder: string, error: unknown): never {
  process.stderr.write(`shim: ${errorMessage(error)}\n`);
  const record = {
    ...NO_ENDING,
    error: `it could not be begun: ${errorMessage(error)}`,
    startedAt: null,
  };
  try {
    writeExitRecord(folder, { version: RECORD_VERSION, ...record, endedAt: Date.now() });
  } catch {
    // Then nothing can be written at all, and the job counts as lost.
  }
  process.exit(1);
}

main(process.argv[2]).then(
  () => process.exit(0),
  (error) => giveUp(process.argv[2], error),
);
