/** `prometheus job …`: jobs by hand. Works on the job folders; a console, here or elsewhere, sees the same. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PROGRAMS } from '../../engines/catalog.ts';
import { Exit, type ExitCode, InterruptedError, UsageError } from '../platform/errors.ts';
import type { ProgramSpec } from '../platform/program.ts';
import { cleanText } from '../supervisor/clean-text.ts';
import { JobFile } from '../supervisor/job-files.ts';
import { JobList, readJobView } from '../supervisor/job-list.ts';
import { hasEnded } from '../supervisor/job-state.ts';
import { findJobId, readJob } from '../supervisor/job-store.ts';
import { rerunJob, startJob, stopJob } from '../supervisor/launch.ts';
import type { JobView } from '../supervisor/protocol.ts';
import { FileTail } from '../supervisor/tail.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { jobJson, jobPage, jobTable } from './job-output.ts';
import { jobRuntime } from './job-runtime.ts';
import { printJson } from './json.ts';

const POLL_MS = 200;

const json = z.boolean().default(false).describe('print JSON');
const job = z.string().describe('id, number, or `last`');
const key = z.string().min(1).optional().describe('two starts with the same key make one job');

export const jobStart = defineCommand({
  name: 'job start',
  summary: 'start a program as a job of its own',
  description: `
Prints the id of the job. It runs in the background, whatever becomes of this terminal; its arguments follow --.

Example: prometheus job start backtest campaign-and-meta -- --strategy-id US_CORE_LONG_EQ --market-id US_EQ \\
           --start 2014-01-02 --end 2014-03-31

Programs:
${PROGRAMS.map((program) => `  ${program.name.padEnd(28)}${program.summary}`).join('\n')}`,
  args: z.object({ program: z.array(z.string()).min(1), key, json }),
  positionals: ['program'],
  run: async (args, cli) => {
    const { program, rest } = splitProgram(args.program, PROGRAMS);
    const request = { program, args: rest, idempotencyKey: args.key ?? randomUUID() };
    return printJob(cli, args.json, await startJob(cli.home, request, jobRuntime(cli)));
  },
});

/** The words before the first flag that name a program, and the rest. `--` does not arrive here: it is no word. */
export function splitProgram(
  words: readonly string[],
  catalog: readonly ProgramSpec[],
): { program: string; rest: readonly string[] } {
  const flag = words.findIndex((word) => word.startsWith('-'));
  const count = flag < 0 ? words.length : flag;
  // A quoted name (`job start "backtest campaign"`) is one word.
  const name = words.slice(0, count).join(' ');
  const program = catalog.find((one) => one.name === name);
  if (!program) {
    throw new UsageError(`there is no program '${name}'`, `Programs: ${catalog.map((one) => one.name).join(' · ')}.`);
  }
  return { program: name, rest: words.slice(count) };
}

export const jobList = defineCommand({
  name: 'job ls',
  summary: 'the jobs of this home',
  description: 'Newest first.',
  args: z.object({
    state: z
      .enum(['QUEUE', 'RUN', 'DONE', 'PART', 'FAIL', 'STOP', 'LOST'])
      .optional()
      .describe('only jobs in this state'),
    last: z.number().int().min(1).default(50).describe('at most so many'),
    json,
  }),
  run: async (args, cli) => {
    const list = new JobList(cli.home, Date.now);
    await list.poll();
    const jobs = list.views.filter((one) => !args.state || one.state === args.state).slice(0, args.last);
    if (args.json) printJson(cli, { jobs });
    else if (jobs.length) cli.out(jobTable(jobs, Date.now()));
    else cli.err('no jobs\n');
    return Exit.done;
  },
});

export const jobShow = defineCommand({
  name: 'job show',
  summary: 'everything on record about one job',
  args: z.object({ job, json }),
  positionals: ['job'],
  run: async (args, cli) => {
    const id = findJobId(cli.home, args.job);
    const record = readJob(cli.home, id, Date.now());
    const view = readJobView(cli.home, id, Date.now());
    if (args.json) printJson(cli, jobJson(view, record));
    else cli.out(jobPage(view, record, Date.now()));
    return Exit.done;
  },
});

export const jobLogs = defineCommand({
  name: 'job logs',
  summary: 'what a job printed',
  description: `
What the job wrote to its stdout goes to stdout, what it wrote to its stderr to stderr. Control characters are left out:
the exact bytes are in stdout.log and stderr.log of the job's folder (see job show).`,
  args: z.object({
    job,
    follow: z.boolean().default(false).meta({ short: 'f', description: 'go on until the job ends (-f)' }),
    lines: z.number().int().min(0).optional().describe('only the last N lines of each (default: all)'),
    json: z.boolean().default(false).describe('print JSON, one object a line'),
  }),
  positionals: ['job'],
  run: async (args, cli) => {
    const id = findJobId(cli.home, args.job);
    const folder = path.join(cli.home.jobs, id);
    const logs = [
      { stream: 'out', tail: new FileTail(path.join(folder, JobFile.stdout), LOG_OPTIONS), print: cli.out },
      { stream: 'err', tail: new FileTail(path.join(folder, JobFile.stderr), LOG_OPTIONS), print: cli.err },
    ];
    const show = (log: (typeof logs)[number], line: string) => {
      const text = cleanText(line);
      if (args.json) cli.out(`${JSON.stringify({ stream: log.stream, text })}\n`);
      else log.print(`${text}\n`);
    };
    const first = args.lines;
    for (const log of logs) {
      if (first === undefined) log.tail.read((line) => show(log, line));
      else for (const line of lastLines(log.tail, first)) show(log, line);
    }
    while (args.follow) {
      if (cli.signal.aborted) throw new InterruptedError('job logs');
      // Before the logs are read: what ended before has nothing to add after.
      const ended = hasEnded(readJob(cli.home, id, Date.now()).state);
      for (const log of logs) log.tail.read((line) => show(log, line));
      if (ended) break;
      await pause(cli.signal);
    }
    // Last words without a newline count too.
    for (const log of logs) {
      const partial = log.tail.partial();
      if (partial && first !== 0) show(log, partial);
    }
    return Exit.done;
  },
});

const LOG_OPTIONS = { maxLineBytes: 1024 * 1024 };

function lastLines(tail: FileTail, count: number): string[] {
  let lines: string[] = [];
  tail.read((line) => {
    lines.push(line);
    // Trimmed now and then, so that a long file needs little memory and little copying.
    if (lines.length > 2 * count + 1000) lines = lines.slice(-count);
  });
  return count === 0 ? [] : lines.slice(-count);
}

export const jobWait = defineCommand({
  name: 'job wait',
  summary: 'wait for a job and exit with its code',
  description: 'Exits with the code of the job; 128 + the signal that ended it; 1 when the job is lost.',
  args: z.object({ job, json }),
  positionals: ['job'],
  run: async (args, cli) => {
    const id = findJobId(cli.home, args.job);
    let view = readJobView(cli.home, id, Date.now());
    while (!hasEnded(view.state)) {
      if (cli.signal.aborted) throw new InterruptedError('job wait');
      await pause(cli.signal);
      view = readJobView(cli.home, id, Date.now());
    }
    if (args.json) printJson(cli, { job: view });
    else cli.err(`${view.id} ${view.state}${view.reason ? `: ${view.reason}` : ''}\n`);
    // Any code a program can end with; the contract of our own programs is a part of those.
    return (view.exitCode ?? Exit.failed) as ExitCode;
  },
});

export const jobStop = defineCommand({
  name: 'job stop',
  summary: 'ask a job to stop',
  description: 'Sends TERM to its process group and returns; see job wait.',
  args: z.object({ job, json }),
  positionals: ['job'],
  run: async (args, cli) => printJob(cli, args.json, stopJob(cli.home, findJobId(cli.home, args.job), Date.now)),
});

export const jobRerun = defineCommand({
  name: 'job rerun',
  summary: 'run a job again, same program and arguments',
  description:
    'In the same folder, with the code of today; says so when that is another one. Prints the id of the new job.',
  args: z.object({ job, key, json }),
  positionals: ['job'],
  run: async (args, cli) => {
    const id = findJobId(cli.home, args.job);
    const before = readJob(cli.home, id, Date.now()).spec;
    const view = await rerunJob(cli.home, id, args.key ?? randomUUID(), jobRuntime(cli));
    const after = readJob(cli.home, view.id, Date.now()).spec;
    if (before && after && (before.gitSha !== after.gitSha || before.build !== after.build)) {
      cli.err(`the code has changed since ${id}: ${before.build ?? before.gitSha} → ${after.build ?? after.gitSha}\n`);
    }
    return printJob(cli, args.json, view);
  },
});

function printJob(cli: Cli, asJson: boolean, view: JobView): ExitCode {
  if (asJson) printJson(cli, { job: view });
  else cli.out(`${view.id}\n`);
  return Exit.done;
}

/** Waits a moment, or until the command is interrupted. */
async function pause(signal: AbortSignal): Promise<void> {
  await sleep(POLL_MS, undefined, { signal }).catch(() => {});
}
