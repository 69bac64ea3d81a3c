/** A command made from an engine program's declaration: context, events, exit code. */
import type { z } from 'zod';
import { errorMessage, UserError } from '../platform/errors.ts';
import { type Events, fileEvents } from '../platform/events.ts';
import { newId } from '../platform/ids.ts';
import { type Program, type ProgramSpec, resultEvent } from '../platform/program.ts';
import { claimsOf, withClaims } from '../supervisor/claims.ts';
import { JOB_MARK } from '../telemetry/process-tree.ts';
import type { Command } from './command.ts';
import type { Cli } from './context.ts';
import { printFigures } from './json.ts';
import { terminalEvents } from './terminal-events.ts';

/** File descriptor of a job's event stream; set by the shim that runs the job. */
const EVENTS_FD = 'PROMETHEUS_EVENTS_FD';

/** @param print what a program that only returns data shows without `--json`. */
export function programCommand<Args extends z.ZodObject>(
  spec: ProgramSpec<Args>,
  load: () => Promise<{ program: Program<ProgramSpec<Args>> }>,
  print?: (data: unknown, cli: Cli) => void,
): Command<Args> {
  return {
    name: spec.name,
    summary: spec.summary,
    description: spec.description,
    args: spec.args,
    positionals: spec.positionals,
    run: async (args, cli) => {
      const { program } = await load();
      const { events, finish } = openEvents(cli);
      try {
        const databases = await cli.databases({ application: spec.name }, { lazy: true });
        const run = () =>
          program(args, {
            home: cli.home,
            databases,
            events,
            signal: cli.signal,
            now: Date.now,
            newId,
            stdout: cli.out,
            provenance: cli.provenance,
          });
        // A job's claims stand in its folder; by hand they are taken here.
        const result = cli.env[JOB_MARK]
          ? await run()
          : await withClaims(cli.home, spec.name, claimsOf(spec, args), run);
        if ((args as { json?: boolean }).json && result.data !== undefined) {
          printFigures(cli, result.data as object);
        } else if (result.data !== undefined) print?.(result.data, cli);
        events.emit(resultEvent(result));
        finish(result.summary);
        return result.exitCode;
      } catch (error) {
        const message = error instanceof UserError ? `${error.message}. ${error.fix}` : errorMessage(error);
        events.emit({ type: 'result', status: 'failed', summary: message });
        finish(null);
        throw error;
      }
    },
  };
}

/** NDJSON in a job, a progress bar by hand. */
function openEvents(cli: Cli): { events: Events; finish: (summary: string | null) => void } {
  const fd = Number(cli.env[EVENTS_FD]);
  if (cli.env[EVENTS_FD] && Number.isInteger(fd)) {
    const events = fileEvents(fd, Date.now);
    return { events, finish: (summary) => summary && cli.err(`${summary}\n`) };
  }
  return terminalEvents(process.stderr, Date.now, { demo: cli.home.demo });
}
