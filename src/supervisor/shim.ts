/**
 * The process that stands over one job: it starts the program, waits for it and writes down how it ended. It is started
 * detached, holds no pipe and no terminal, and ignores the signals of terminals, so that whoever started it may be closed,
 * hung up or killed. The program gets a session and process group of its own: signals meant for the program, KILL
 * included, never reach the shim, and its exit record is written whatever happened to the program.
 *
 * Usage: node shim.js JOB_FOLDER
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, errorMessage } from '../platform/errors.ts';
import {
  type ExitRecord,
  JobFile,
  type JobSpec,
  type JobStatus,
  RECORD_VERSION,
  reserveExitRecord,
  writeExitRecord,
  writeRecord,
} from './job-files.ts';
import { applyEvent, deriveState } from './job-state.ts';
import { groupLives, identifyProcess } from './process-identity.ts';

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

async function main(folder: string): Promise<void> {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGTSTP'] as const) process.on(signal, () => {});
  const spec = JSON.parse(readFileSync(path.join(folder, JobFile.spec), 'utf8')) as JobSpec;
  let status = JSON.parse(readFileSync(path.join(folder, JobFile.status), 'utf8')) as JobStatus;
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
      });

  const endedAt = Date.now();
  const survivors = status.child !== null && (await outlives(status.child.pid));
  const record: ExitRecord = { version: RECORD_VERSION, ...ending, survivors, startedAt: status.startedAt, endedAt };
  await persist(() => writeExitRecord(folder, record));
  const facts = {
    exit: record,
    stopAsked: record.stopped,
    starterAlive: null,
    shimAlive: null,
    childAlive: null,
    ageMs: 0,
  };
  try {
    update({ state: deriveState(facts).state, endedAt: record.endedAt });
  } catch {
    // Only a convenience for people who look into the folder: the exit record decides.
  }
}

type Ending = Omit<ExitRecord, 'version' | 'startedAt' | 'endedAt'>;

const NO_ENDING: Ending = { code: null, signal: null, error: null, stopped: false, cpuSeconds: null, survivors: false };

/** Starts the program, tells its process as soon as it exists, and resolves when it has ended. */
function run(folder: string, spec: JobSpec, started: (child: JobStatus['child'], at: number) => void): Promise<Ending> {
  const append = (name: string) => openSync(path.join(folder, name), 'a', 0o600);
  let child: ChildProcess;
  let refusal: string | null = null;
  return new Promise((resolve) => {
    const fail = (error: unknown) =>
      resolve({ ...NO_ENDING, error: `it could not be started: ${errorMessage(error)}` });
    // Said by ourselves: the system blames the shell for a missing folder.
    if (!existsSync(spec.cwd)) return fail(`its working folder ${spec.cwd} does not exist`);
    try {
      child = spawn('/bin/sh', ['-c', GATE, 'sh', ...spec.argv], {
        cwd: spec.cwd,
        env: { ...process.env, PROMETHEUS_EVENTS_FD: '3', PROMETHEUS_JOB: path.basename(folder) },
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
        started(identifyProcess(child.pid!), Date.now());
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
}

/** True when the group that `pid` led does not empty itself within a moment: helpers usually end just after their leader. */
async function outlives(pid: number): Promise<boolean> {
  for (let waited = 0; groupLives(pid); waited += SURVIVOR_POLL_MS) {
    if (waited >= SURVIVOR_WAIT_MS) return true;
    await sleep(SURVIVOR_POLL_MS);
  }
  return false;
}

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
  const record = { ...NO_ENDING, error: `it could not be begun: ${errorMessage(error)}`, startedAt: null };
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
