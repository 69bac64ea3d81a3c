/** `prometheus job programs`: everything that can be a job. */
import { z } from 'zod';
import { Exit } from '../platform/errors.ts';
import { flagsOf } from './arguments.ts';
import { defineCommand } from './command.ts';
import { jobRuntime } from './job-runtime.ts';
import { printJson } from './json.ts';

export const jobPrograms = defineCommand({
  name: 'job programs',
  summary: 'everything that can be a job: engines, and commands of your own (programs.yaml)',
  args: z.object({ json: z.boolean().default(false).describe('print JSON, with the arguments of each') }),
  run: async (args, cli) => {
    const { catalog } = jobRuntime(cli);
    if (args.json) {
      const programs = catalog.map(({ name, phase, summary, resource, reads, writes, script, args: schema }) => ({
        ...{ name, phase, summary, resource, reads, writes },
        own: script === undefined,
        arguments: flagsOf(schema).map(({ key: _key, short: _short, ...flag }) => flag),
      }));
      printJson(cli, { programs });
    } else {
      const width = Math.max(...catalog.map((one) => one.name.length));
      for (const { name, phase, summary } of catalog) cli.out(`${name.padEnd(width)}  ${phase}  ${summary}\n`);
    }
    return Exit.done;
  },
});
