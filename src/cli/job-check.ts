/** What is wrong with a job that is being written: the parser of the command line has the word. */
import { UserError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { findJobId } from '../supervisor/job-store.ts';
import { findProgram, type JobRuntime } from '../supervisor/launch.ts';
import type { ArgumentProblem, ReadArgs, Validation } from '../supervisor/reads.ts';
import { checkArguments } from './arguments.ts';
import { policyOf, policySchema } from './job-policy.ts';
import { parseProgramArguments } from './job-runtime.ts';

/** Checks all words at once. @throws UsageError for a program that does not exist. */
export function validateJob(
  home: Home,
  catalog: JobRuntime['catalog'],
  { program: name, args, policy }: ReadArgs<'validate'>,
): Validation {
  const program = findProgram(catalog, name);
  const own = checkArguments(program.args, args);
  const beside = checkArguments(policySchema, policy);
  const after = beside.args?.after ?? [];
  const problems = [...own.problems, ...beside.problems, ...after.flatMap((job) => noJob(home, job))];
  if (own.globals.help || beside.globals.help) problems.push({ flag: null, message: '--help starts no job' });
  if (problems.length > 0 || !beside.args) return { problems, args: [], command: [], policy: {} };
  try {
    const parsed = parseProgramArguments(program, args);
    const command = program.script?.command(parsed.argv, parsed.args);
    // Only looked at: a folder that its settings lack is told now.
    program.script?.cwd();
    return {
      problems,
      args: parsed.argv,
      command: command ?? ['prometheus', ...program.name.split(' '), ...parsed.argv],
      policy: policyOf(beside.args),
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { problems: [{ flag: null, message: error.message }], args: [], command: [], policy: {} };
  }
}

function noJob(home: Home, job: string): ArgumentProblem[] {
  try {
    findJobId(home, job);
    return [];
  } catch (error) {
    return [{ flag: '--after', message: `--after '${job}': ${(error as Error).message}` }];
  }
}
