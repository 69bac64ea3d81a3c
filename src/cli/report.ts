/** `prometheus report RUN…`: one self-contained HTML page about runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { Exit, errorMessage, UserError } from '../platform/errors.ts';
import { reportPage } from '../report/page.ts';
import { readReportedRun } from '../report/runs.ts';
import type { ReportedRun } from '../report/types.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson, snakeCased } from './json.ts';

export const report = defineCommand({
  name: 'report',
  summary: 'one HTML page about runs: curves, months, exposures, trades, benchmarks, provenance, comparison',
  description: `
Writes a page that needs nothing else: no network, no script. Two runs are compared on it as prometheus compare does. stdout
carries the path of the page. --open shows it in the browser of this machine; over SSH, copy the file instead.

  prometheus report 9c20 2d8a --output two.html`,
  args: z.object({
    run: z
      .array(z.string().min(4))
      .min(1, 'name at least one run')
      .max(4, 'at most four runs fit a page')
      .describe('run ids, or the beginnings of them'),
    output: z.string().min(1).optional().describe('the file (default: prometheus-report-RUN.html here)'),
    open: z.boolean().default(false).describe('open it in a browser'),
    json: z.boolean().default(false).describe('print what the page shows as JSON, and write no page'),
  }),
  positionals: ['run'],
  run: async (args, cli) => {
    const { runtime } = await cli.databases({ application: 'report', readOnly: true });
    const runs: ReportedRun[] = [];
    for (const id of args.run) runs.push(await readReportedRun(runtime, id));
    const comparison =
      runs.length === 2 && runs.every((run) => run.complete) && runs[0].runId !== runs[1].runId
        ? await (await import('../../engines/compare/program.ts')).compareRuns(
            runtime,
            { run: runs.map((run) => run.runId), basic: [], context: [] },
            { draws: 2000, seed: 1 },
          )
        : null;
    if (args.json) {
      printJson(cli, { runs, comparison: snakeCased(comparison) });
      return Exit.done;
    }
    const page = reportPage(runs, comparison, { madeAt: new Date().toISOString(), demo: cli.home.demo });
    const file = path.resolve(
      args.output ?? `prometheus-report-${runs.map((run) => run.runId.slice(0, 8)).join('-')}.html`,
    );
    writeWhole(file, page);
    cli.out(`${file}\n`);
    if (args.open) await openInBrowser(cli, file);
    return Exit.done;
  },
});

/** All of it or nothing. @throws UserError when it cannot be written. */
function writeWhole(file: string, text: string): void {
  const half = `${file}.${process.pid}.part`;
  try {
    writeFileSync(half, text);
    renameSync(half, file);
  } catch (error) {
    rmSync(half, { force: true });
    throw new UserError(`${file} cannot be written: ${errorMessage(error)}`, 'Say another --output.');
  }
}

/** Asks the desktop to show a file. @throws UserError when there is nothing to ask. */
async function openInBrowser(cli: Cli, file: string): Promise<void> {
  const opener = cli.env.BROWSER || (process.platform === 'darwin' ? 'open' : 'xdg-open');
  const child = spawn(opener, [file], { stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
    child.unref();
  } catch (error) {
    throw new UserError(`no browser could be opened (${errorMessage(error)})`, `The page is there: ${file}`);
  }
}
