/** `prometheus top`: one look at the machine, its databases and its jobs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Exit } from '../platform/errors.ts';
import { runningJobs } from '../supervisor/job-processes.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { defineCommand } from './command.ts';
import { dataFolders } from './data-folders.ts';
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
    const telemetry = new Telemetry({
      home: cli.home,
      now: Date.now,
      gpu: { env: cli.env },
      moreDisks: dataFolders(cli.home),
      targets: await cli.targets(),
      jobs: () => runningJobs(cli.home),
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
