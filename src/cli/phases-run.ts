/** `prometheus phases run P1`: a phase's whole plan as a chain of jobs. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Exit, type ExitCode, InterruptedError } from '../platform/errors.ts';
import { hasEnded } from '../supervisor/job-state.ts';
import type { JobView } from '../supervisor/protocol.ts';
import { defineCommand } from './command.ts';
import { withSupervisor } from './job-actions.ts';
import { jobTable } from './job-output.ts';
import { printJson } from './json.ts';

const POLL_MS = 200;

export const phasesRun = defineCommand({
  name: 'phases run',
  summary: "a phase's whole plan as jobs, one after the other",
  description: `
Each step is a job that begins when the one before it has ended well. A chain that stopped on the way is taken up at the
step that failed; one that is through begins anew. A phase begins when those that it needs and the data that it reads are there; --override says
why it is to begin all the same, which is kept with its jobs and in the audit log. Prints the jobs. With --wait it stays
until the last one has ended, and exits with the code of the first that did not end well.`,
  args: z.object({
    phase: z.string().describe('phase: P1, P2, …'),
    fresh: z.boolean().default(false).describe('from the first step, whatever an earlier chain has done'),
    allowPartial: z.boolean().default(false).describe('go on after a step that ended PART'),
    override: z
      .string()
      .trim()
      .min(1, 'must not be empty')
      .max(4000)
      .describe('why it is run though it is blocked')
      .optional(),
    wait: z.boolean().default(false).describe('stay until the chain has ended'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  positionals: ['phase'],
  run: async (args, cli) =>
    withSupervisor(cli, async (supervisor) => {
      const { phase, fresh, allowPartial, override } = args;
      let jobs = await supervisor.chain({ phase, fresh, allowPartial, override, idempotencyKey: randomUUID() });
      if (args.wait) {
        await supervisor.ready();
        const ids = new Set(jobs.map((job) => job.id));
        const current = () => supervisor.snapshot().jobs.filter((job) => ids.has(job.id) || isAttemptOf(job, ids));
        for (jobs = current(); jobs.length < ids.size || !jobs.every((job) => hasEnded(job.state)); jobs = current()) {
          if (cli.signal.aborted) throw new InterruptedError('phases run');
          await sleep(POLL_MS, undefined, { signal: cli.signal }).catch(() => {});
        }
      }
      const inOrder = jobs.toSorted((a, b) => (a.chain?.step ?? 0) - (b.chain?.step ?? 0));
      if (args.json) printJson(cli, { jobs: inOrder });
      else cli.out(jobTable(inOrder, Date.now()));
      return args.wait ? codeOf(inOrder, allowPartial) : Exit.done;
    }),
});

const isAttemptOf = (job: JobView, ids: ReadonlySet<string>) =>
  job.rerunOf !== null && ids.has(job.rerunOf) && (job.attempt?.number ?? 1) > 1;

/** The code of the newest attempt of the first step that did not end well. */
function codeOf(jobs: readonly JobView[], allowPartial: boolean): ExitCode {
  const newest = new Map(jobs.map((job) => [job.chain?.step, job]));
  const bad = [...newest.values()].find((job) => job.state !== 'DONE' && !(allowPartial && job.state === 'PART'));
  if (!bad) return Exit.done;
  return bad.state === 'PART' ? Exit.partial : ((bad.exitCode || Exit.failed) as ExitCode);
}
