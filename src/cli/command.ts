import type { z } from 'zod';
import type { ExitCode } from '../platform/errors.ts';
import type { Cli } from './context.ts';

/** One verb of the command line. Flags come from the schema: `maxWorkers` is `--max-workers`. */
export interface Command<Args extends z.ZodObject = z.ZodObject> {
  /** The words after `prometheus`: `data import`. */
  readonly name: string;
  readonly summary: string;
  /** More help: what goes to stdout, examples, exit codes worth knowing. */
  readonly description?: string;
  readonly args: Args;
  /** Names of positional arguments, each a key of the schema; the last one may be an array. */
  readonly positionals?: readonly (string & keyof z.infer<Args>)[];
  run(args: z.infer<Args>, cli: Cli): Promise<ExitCode>;
}

/** Declares a command; keeps the exact type of its arguments. */
export const defineCommand = <Args extends z.ZodObject>(command: Command<Args>): Command<Args> => command;
