/** What is wrong with a job that is being written: the parser of the command line has the word. */
import { UserError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { findJobId } from '../supervisor/job-store.ts';
import { findProgram, type JobRuntime } from '../supervisor/launch.ts';
import type { ArgumentProblem, JobProblem, ReadArgs, Validation } from '../supervisor/reads.ts';
import { checkArguments } from './arguments.ts';
import { policyOf, policySchema } from './job-policy.ts';
import { parseProgramArguments } from './job-runtime.ts';

/** Checks all words at once. @throws UsageError for a program that does not exist. */
export function validateJob(
  home: Home,
  catalog: ReturnType<JobRuntime['catalog']>,
  { program: name, args, policy }: ReadArgs<'validate'>,
): Validation {
  const program = findProgram(catalog, name);
  const own = checkArguments(program.args, args, program.positionals);
  const beside = checkArguments(policySchema, policy);
  const after = beside.args?.after ?? [];
  const of = (whose: JobProblem['of'], found: readonly ArgumentProblem[]): JobProblem[] =>
    found.map((problem) => ({ ...problem, of: whose }));
  const problems = [
    ...of('program', own.problems),
    ...of('job', [...beside.problems, ...after.flatMap((job) => noJob(home, job))]),
  ];
  if (own.globals.help) problems.push({ flag: null, message: '--help starts no job', of: 'program' });
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
    const problem: JobProblem = { flag: null, message: error.message, of: 'program' };
    return { problems: [problem], args: [], command: [], policy: {} };
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
