/** `prometheus job ls|show|wait`: what jobs are. Reads their folders, and works without a supervisor too. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Exit, type ExitCode, InterruptedError } from '../platform/errors.ts';
import { lockHolder } from '../platform/locks.ts';
import { loadSettings } from '../platform/settings.ts';
import { supervisorLock } from '../supervisor/daemon.ts';
import { JobList, readJobView } from '../supervisor/job-list.ts';
import { mayRetry } from '../supervisor/job-queue.ts';
import { readJobSeries } from '../supervisor/job-series.ts';
import { hasEnded } from '../supervisor/job-state.ts';
import { findJobId, listJobIds, readJob } from '../supervisor/job-store.ts';
import { JOB_STATES, type JobState, type JobView } from '../supervisor/protocol.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { jobJson, jobPage, jobTable } from './job-output.ts';
import { printDemo, printJson } from './json.ts';
import { findSupervisor } from './supervisor-client.ts';

const POLL_MS = 200;
/** Enough for a glance; `job metrics` has them all. */
const SHOWN_POINTS = 60;

const json = z.boolean().default(false).describe('print JSON');
const job = z.string().describe('id, number, or `last`');
export const jobList = defineCommand({
  name: 'job ls',
  summary: 'the jobs of this home',
  description: 'Newest first. Archived ones are left out unless --all is given.',
  args: z.object({
    state: z.enum(JOB_STATES).optional().describe('only jobs in this state'),
    all: z.boolean().default(false).describe('archived ones too'),
    last: z.number().int().min(1).default(50).describe('at most so many'),
    json,
  }),
  run: async (args, cli) => {
    const jobs = (await currentJobs(cli))
      .filter((one) => (args.all || !one.archived) && (!args.state || one.state === args.state))
      .slice(0, args.last);
    if (args.json) printJson(cli, { jobs });
    else if (jobs.length) {
      printDemo(cli);
      cli.out(jobTable(jobs, Date.now()));
    } else cli.err('no jobs\n');
    return Exit.done;
  },
});

/** How a job looks when it is read from its folder, without a supervisor. */
const viewOptions = (cli: Cli) => ({
  now: Date.now(),
  stopDeadlineMs: loadSettings(cli.home, cli.env).jobs.stopDeadlineSeconds * 1000,
});

/** The jobs as the supervisor has them (it knows why one waits), or as their folders tell when there is none. */
export async function currentJobs(cli: Cli): Promise<readonly JobView[]> {
  const supervisor = await findSupervisor(cli, { kind: 'cli' }).catch(() => null);
  if (supervisor) {
    try {
      await supervisor.ready();
      // It looks now and then; what has ended since is told as it is.
      const fresh = (view: JobView) => (hasEnded(view.state) ? view : endedView(cli, view));
      return supervisor.snapshot().jobs.map(fresh);
    } finally {
      await supervisor.close();
    }
  }
  const list = new JobList(cli.home, Date.now, viewOptions(cli).stopDeadlineMs);
  await list.poll();
  return list.views;
}

function endedView(cli: Cli, view: JobView): JobView {
  const now = readJobView(cli.home, view.id, viewOptions(cli));
  return hasEnded(now.state) ? now : view;
}

export const jobShow = defineCommand({
  name: 'job show',
  summary: 'everything on record about one job',
  args: z.object({ job, json }),
  positionals: ['job'],
  run: async (args, cli) => {
    const id = findJobId(cli.home, args.job);
    const record = readJob(cli.home, id);
    const view = (await currentJobs(cli)).find((one) => one.id === id) ?? readJobView(cli.home, id, viewOptions(cli));
    if (args.json)
      printJson(cli, { ...jobJson(view, record), ...readJobSeries(record.folder, { points: SHOWN_POINTS }) });
    else {
      printDemo(cli);
      cli.out(jobPage(view, record, Date.now()));
    }
    return Exit.done;
  },
});

/** For `a && b` in a shell: a job that ended with 0 and is not DONE is no success. */
const CODE_OF: Readonly<Partial<Record<JobState, ExitCode>>> = {
  FAIL: Exit.failed,
  PART: Exit.partial,
  STOP: Exit.interrupted,
};

export const jobWait = defineCommand({
  name: 'job wait',
  summary: 'wait for a job and exit with its code',
  description: `
Of a job that is tried again (--attempts), all attempts are waited for: the last one counts. Exits with the code of the job; 128 + the signal that ended it; 1 when the job is lost. Where it ended with 0 but its rows or
words say otherwise: 1 for FAIL, 3 for PART, 130 for STOP, also of one that never began.`,
  args: z.object({ job, json }),
  positionals: ['job'],
  run: async (args, cli) => {
    const id = findJobId(cli.home, args.job);
    let view = readJobView(cli.home, id, viewOptions(cli));
    let told = false;
    for (;;) {
      if (hasEnded(view.state)) {
        if (!mayRetry(view)) break;
        const next = nextAttempt(cli, view);
        if (next !== null) {
          cli.err(
            `${view.id} ${view.state}: ${view.reason}; attempt ${next.attempt!.number} of ${next.attempt!.of}: ${next.id}\n`,
          );
          view = next;
          continue;
        }
      }
      if (cli.signal.aborted) throw new InterruptedError('job wait');
      if (!told && view.state !== 'RUN' && lockHolder(supervisorLock(cli.home)) === null) {
        const what = view.state === 'QUEUE' ? 'waits for a supervisor' : 'is to be tried again by a supervisor';
        cli.err(`${view.id} ${what}, and none runs: prometheus supervisor start\n`);
        told = true;
      }
      await pause(cli.signal);
      view = readJobView(cli.home, view.id, viewOptions(cli));
    }
    if (args.json) printJson(cli, { job: view });
    else cli.err(`${view.id} ${view.state}${view.reason ? `: ${view.reason}` : ''}\n`);
    // Any code a program can end with; the contract of our own programs is a part of those.
    const otherwise = CODE_OF[view.state] ?? (view.exitCode === null ? Exit.failed : Exit.done);
    return (view.exitCode || otherwise) as ExitCode;
  },
});

/** The attempt that makes a failed one good, once it is made. */
function nextAttempt(cli: Cli, { id, attempt }: JobView): JobView | null {
  for (const one of listJobIds(cli.home).toReversed()) {
    if (one === id) return null;
    const view = readJobView(cli.home, one, viewOptions(cli));
    if (view.rerunOf === id && view.attempt?.number === attempt!.number + 1) return view;
  }
  return null;
}

/** Waits a moment, or until the command is interrupted. */
async function pause(signal: AbortSignal): Promise<void> {
  await sleep(POLL_MS, undefined, { signal }).catch(() => {});
}
