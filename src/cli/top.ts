/** `prometheus top`: one look at the machine, its databases and its jobs. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { embeddedServer } from '../platform/db/embedded.ts';
import { Exit } from '../platform/errors.ts';
import { JobList } from '../supervisor/job-list.ts';
import type { DiskPath } from '../telemetry/disks.ts';
import type { ProcessGroup } from '../telemetry/processes.ts';
import { sessionPids } from '../telemetry/sessions.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';
import { Report } from './plain-text.ts';
import { topPage } from './top-page.ts';

/** Shares and rates are over a stretch of time: between two samples. */
const STRETCH_MS = 300;
/** A driver that has to be woken takes its time. */
const GPU_PATIENCE_MS = 3000;

export const top = defineCommand({
  name: 'top',
  summary: 'CPU, memory, disks, network, GPU, databases and jobs, once',
  description: `
Shares and rates are over 0.3 s. What cannot be read is shown as –, with the reason; nothing is started. Memory of a job
counts pages that its processes share once.`,
  args: z.object({ json: z.boolean().default(false).describe('print JSON') }),
  run: async (args, cli) => {
    const jobs = new JobList(cli.home, Date.now);
    const telemetry = new Telemetry({
      home: cli.home,
      now: Date.now,
      gpu: { env: cli.env },
      moreDisks: dataFolders(cli),
      targets: await cli.targets(),
      jobs: () => runningJobs(jobs),
      keepsHistory: false,
    });
    try {
      await telemetry.sample();
      await Promise.all([
        sleep(STRETCH_MS, undefined, { signal: cli.signal }),
        Promise.race([telemetry.gpuAnswered(), sleep(GPU_PATIENCE_MS, undefined, { ref: false })]),
      ]);
      const sample = await telemetry.sample();
      if (args.json) {
        // One sample has no history.
        const { history: _history, ...rest } = sample;
        printJson(cli, { ...rest, problems: telemetry.problems });
      } else {
        const report = new Report(cli);
        topPage(report, sample, telemetry.problems);
        report.print(cli);
      }
      return Exit.done;
    } finally {
      await telemetry.close();
    }
  },
});

/** Where the embedded server keeps its data, when it has some and that is not inside the home. */
function dataFolders({ home }: Cli): DiskPath[] {
  const { dataFolder } = embeddedServer(home);
  return existsSync(dataFolder) && !dataFolder.startsWith(home.root) ? [{ name: 'postgres', path: dataFolder }] : [];
}

async function runningJobs(jobs: JobList): Promise<ProcessGroup[]> {
  await jobs.poll();
  const running = jobs.views.flatMap(({ id, state, pid }) => (state === 'RUN' && pid !== null ? [{ id, pid }] : []));
  const pids = sessionPids(running.map((job) => job.pid));
  return running.map(({ id, pid }) => ({ id, pids: pids.get(pid)! }));
}
