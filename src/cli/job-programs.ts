/** `prometheus job programs`: everything that can be a job. */
import { z } from 'zod';
import { Exit } from '../platform/errors.ts';
import type { ProgramSpec } from '../platform/program.ts';
import { findProgram } from '../supervisor/launch.ts';
import type { ArgumentField, ProgramSummary } from '../supervisor/reads.ts';
import { flagsOf } from './arguments.ts';
import { defineCommand } from './command.ts';
import { commandHelp } from './help.ts';
import { jobRuntime } from './job-runtime.ts';
import { printJson } from './json.ts';

/** The arguments of a schema as data. */
export const argumentFields = (schema: z.ZodObject): ArgumentField[] =>
  flagsOf(schema).map(({ key: _key, short: _short, ...field }) => field);

/** A program with its arguments, as data. */
export function programSummary({ args, script, ...spec }: ProgramSpec): ProgramSummary {
  const { name, phase, summary, resource, reads, writes } = spec;
  return {
    ...{ name, phase, summary, resource, reads, writes },
    own: script === undefined,
    arguments: argumentFields(args),
  };
}

export const jobPrograms = defineCommand({
  name: 'job programs',
  summary: 'everything that can be a job: engines, and commands of your own (programs.yaml)',
  description: 'With the name of one: what it does, and its arguments.',
  args: z.object({
    program: z.array(z.string()).default([]).describe('one of them'),
    json: z.boolean().default(false).describe('print JSON, with the arguments of each'),
  }),
  positionals: ['program'],
  run: async (args, cli) => {
    const all = jobRuntime(cli).catalog();
    const name = args.program.join(' ');
    const catalog = name ? [findProgram(all, name)] : all.filter((one) => !one.fault);
    if (args.json) {
      printJson(cli, { programs: catalog.map(programSummary) });
    } else if (name) {
      cli.out(commandHelp({ ...catalog[0], name: `job start ${name} --` }));
    } else {
      const width = Math.max(...catalog.map((one) => one.name.length));
      for (const { name, phase, summary } of catalog) cli.out(`${name.padEnd(width)}  ${phase}  ${summary}\n`);
    }
    if (!name) for (const { name: one, fault } of all) if (fault) cli.err(`${one} cannot be run: ${fault.message}\n`);
    return Exit.done;
  },
});
