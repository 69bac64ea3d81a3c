/** `prometheus job start|stop|kill|rerun|keep|rm`: what changes jobs, all of it through the supervisor. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { PROGRAMS } from '../../engines/catalog.ts';
import { jobCommandLine } from '../format/command.ts';
import { Exit, type ExitCode, UsageError } from '../platform/errors.ts';
import { findJobId, readJob } from '../supervisor/job-store.ts';
import { findProgram, splitProgram } from '../supervisor/launch.ts';
import type { JobView } from '../supervisor/protocol.ts';
import type { RemoteSupervisor } from '../supervisor/wire/client.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { editedArguments } from './job-edit.ts';
import { rerunNotices } from './job-output.ts';
import { policyArgs, policyOf } from './job-policy.ts';
import { jobRuntime } from './job-runtime.ts';
import { printJson } from './json.ts';
import { openSupervisor } from './supervisor-client.ts';

const json = z.boolean().default(false).describe('print JSON');
const job = z.string().describe('id, number, or `last`');
const key = z.string().min(1).optional().describe('two starts with the same key make one job');
const seconds = (what: string) => z.number().min(0).optional().describe(what);
const milliseconds = (value: number | undefined) => (value === undefined ? undefined : value * 1000);

const PROGRAM_WIDTH = Math.max(...PROGRAMS.map(({ name }) => name.length)) + 2;

export const jobStart = defineCommand({
  name: 'job start',
  summary: 'start a program as a job of its own',
  description: `
Prints the id of the job. It runs in the background, whatever becomes of this terminal; its arguments follow --. It waits
while its turn has not come (job ls says for what).

Example: prometheus job start backtest campaign-and-meta -- --strategy-id US_CORE_LONG_EQ --market-id US_EQ \\
           --start 2014-01-02 --end 2014-03-31

Programs (and commands of your own: prometheus job programs):
${PROGRAMS.map((program) => `  ${program.name.padEnd(PROGRAM_WIDTH)}${program.summary}`).join('\n')}`,
  args: z.object({
    program: z.array(z.string()).min(1),
    key,
    ...policyArgs,
    json,
  }),
  positionals: ['program'],
  run: async (args, cli) => {
    const runtime = jobRuntime(cli);
    const { program, args: words } = splitProgram(args.program, runtime.catalog());
    return withSupervisor(cli, async (supervisor) => {
      const askedAt = Date.now();
      const made = await supervisor.launch({
        program,
        args: [...words],
        idempotencyKey: args.key ?? randomUUID(),
        ...policyOf(args),
      });
      // A key that was used before gives that job again: somebody who asked for something else must hear of it.
      const same = () =>
        isDeepStrictEqual(made.args, runtime.parse(findProgram(runtime.catalog(), program), words).argv);
      if (made.createdAt < askedAt && (made.program !== program || !same())) {
        throw new UsageError(
          `the key '${args.key}' is that of ${made.id}, which is another command: ${jobCommandLine(made)}`,
          'Nothing was started; give another key.',
        );
      }
      return printJob(cli, args.json, made);
    });
  },
});

export const jobStop = defineCommand({
  name: 'job stop',
  summary: 'ask a job to stop',
  description: `
Sends TERM to its process group and returns; a job that waits never begins. What is left after the deadline is named by
job show; --kill-after ends it by itself, job kill by hand. See job wait.`,
  args: z.object({ job, killAfter: seconds('KILL to what is left after so many seconds'), json }),
  positionals: ['job'],
  run: async (args, cli) =>
    onJob(cli, args, (supervisor, jobId) =>
      supervisor.stop({ jobId, killAfterMs: milliseconds(args.killAfter) ?? null }),
    ),
});

export const jobKill = defineCommand({
  name: 'job kill',
  summary: 'end a job at once',
  description:
    'Sends KILL to everything of it, processes that left its group included, also to those that an ended job left behind. What it had not committed is gone.',
  args: z.object({ job, json }),
  positionals: ['job'],
  run: async (args, cli) => onJob(cli, args, (supervisor, jobId) => supervisor.kill(jobId)),
});

export const jobKeep = defineCommand({
  name: 'job keep',
  summary: 'keep the record of a job for good, or hide it from lists',
  args: z.object({
    job,
    off: z.boolean().default(false).describe('let retention have it again'),
    archive: z.boolean().default(false).describe('hide it from lists instead (with --off: show it again)'),
    json,
  }),
  positionals: ['job'],
  run: async (args, cli) =>
    onJob(cli, args, (supervisor, jobId) =>
      supervisor.keep({ jobId, ...(args.archive ? { archived: !args.off } : { kept: !args.off }) }),
    ),
});

export const jobRemove = defineCommand({
  name: 'job rm',
  summary: 'delete the records of jobs that have ended',
  description: `
Their folders with specs, logs, events and metrics go; rows that they wrote stay. Refused while processes that a job started
still run: job kill ends them.`,
  args: z.object({ job: z.array(z.string()).min(1).describe('ids, numbers, or `last`'), json }),
  positionals: ['job'],
  run: async (args, cli) =>
    withSupervisor(cli, async (supervisor) => {
      const removed = args.job.map((one) => findJobId(cli.home, one));
      for (const id of removed) {
        await supervisor.remove(id);
        cli.err(`removed ${id}\n`);
      }
      if (args.json) printJson(cli, { removed });
      return Exit.done;
    }),
});

export const jobRerun = defineCommand({
  name: 'job rerun',
  summary: 'run a job again, with the same arguments or edited ones',
  description: `
In the same folder, with the code of today; says so when that is another one. A command of your own runs by the very words
that were recorded, and it is said when programs.yaml has others by now; with changed arguments it runs as programs.yaml says
now. Prints the id of the new job. Arguments after -- take the place of those of the same name; --edit opens all of them in
$VISUAL or $EDITOR.

Example: prometheus job rerun 7 -- --end 2014-06-30`,
  args: z.object({
    job: z.array(z.string()).min(1).describe('id, number, or `last`; after --, arguments to change'),
    edit: z.boolean().default(false).describe('edit the arguments in $VISUAL or $EDITOR first'),
    key,
    json,
  }),
  positionals: ['job'],
  run: async (args, cli) => {
    const [name, ...changes] = args.job;
    const jobId = findJobId(cli.home, name);
    const before = readJob(cli.home, jobId).spec;
    const edited = before && editedArguments(before, changes, args.edit, cli);
    return withSupervisor(cli, async (supervisor) => {
      const made = await supervisor.rerun({
        jobId,
        idempotencyKey: args.key ?? randomUUID(),
        ...(edited ? { args: edited } : {}),
      });
      const after = readJob(cli.home, made.id).spec;
      const notices = before && after ? rerunNotices(jobId, before, after, jobRuntime(cli)) : [];
      for (const notice of notices) cli.err(`${notice}\n`);
      return printJob(cli, args.json, made);
    });
  },
});

/** Lends the home's supervisor for a command; it is started when there is none. */
export async function withSupervisor<T>(cli: Cli, work: (supervisor: RemoteSupervisor) => Promise<T>): Promise<T> {
  const supervisor = await openSupervisor(cli, { kind: 'cli' });
  try {
    return await work(supervisor);
  } finally {
    await supervisor.close();
  }
}

async function onJob(
  cli: Cli,
  args: { job: string; json: boolean },
  work: (supervisor: RemoteSupervisor, jobId: string) => Promise<JobView>,
): Promise<ExitCode> {
  const jobId = findJobId(cli.home, args.job);
  return withSupervisor(cli, async (supervisor) => printJob(cli, args.json, await work(supervisor, jobId)));
}

function printJob(cli: Cli, asJson: boolean, view: JobView): ExitCode {
  if (asJson) printJson(cli, { job: view });
  else cli.out(`${view.id}\n`);
  return Exit.done;
}
