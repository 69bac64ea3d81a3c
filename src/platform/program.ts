/**
 * What an engine program is. A program is declared once (`spec.ts`, data only); the command line, the launch form, the
 * provenance record and the docs all come from that declaration.
 */
import { z } from 'zod';
import { parseDay, tryParseDay } from './dates.ts';
import type { Databases } from './db/databases.ts';
import { Exit, type ExitCode, UsageError } from './errors.ts';
import type { Events, ProgramEvent } from './events.ts';
import type { Home } from './home.ts';
import type { Provenance } from './provenance.ts';

export type Phase = 'P0' | 'P1' | 'P2' | 'P3' | 'P4' | 'P5';

export interface ProgramSpec<Args extends z.ZodObject = z.ZodObject> {
  /** The words of the command line: `backtest campaign`. */
  readonly name: string;
  readonly phase: Phase;
  /** One line for lists and `--help`. */
  readonly summary: string;
  /** Longer help: what it does, what stdout carries, examples. */
  readonly description?: string;
  /** Flags: camelCase keys become `--kebab-case`; `.describe()` is the help text. */
  readonly args: Args;
  /** Arguments that need no flag, in order; the last one may be an array. */
  readonly positionals?: readonly (string & keyof z.infer<Args>)[];
  /** Tables, as `historical.prices_daily`. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly resource: 'cpu' | 'gpu' | 'io';
  /** False when a run that writes no row may be a good one though it has `writes`. */
  readonly rowsDue?: boolean;
  /** Rows that a run of it replaces: two over the same rows never run at once. */
  readonly claims?: readonly ClaimRule[];
  /** Arguments with any of which it only looks and writes nothing: such a run replaces no rows, and measures no work. */
  readonly previews?: readonly (string & keyof z.infer<Args>)[];
  /** Takes `--resume`: goes on with the same work where a run of it broke off, and begins where there is none. */
  readonly resumes?: boolean;
  /** How earlier runs tell what another one takes; without it only runs that differ in days and listed values do. */
  readonly work?: WorkRule;
  /** For a command of the user's own: how it is run and read. */
  readonly script?: Script;
  /** Why it cannot be run, when its description is wrong: only its name is known then. */
  readonly fault?: UsageError;
}

/** A command that is not ours. */
interface Script {
  /** The exact words, program first. `argv`: the flags as they were given, `args`: their values by name. */
  readonly command: (argv: readonly string[], args: Readonly<Record<string, unknown>>) => readonly string[];
  /** Where it runs; null: where it is asked for. @throws UsageError when a setting that it needs is missing. */
  readonly cwd: () => string | null;
  /** Variables that it gets beside the usual ones. */
  readonly environment: readonly string[];
  readonly reading: ScriptReading;
}

/** How the log lines of a foreign program are read; patterns are JavaScript regular expressions with named groups. */
export interface ScriptReading {
  /** Groups `done`, `total` (optional), `unit` (optional). */
  readonly progress: readonly string[];
  /** The group `value` of each match is a point of the series. */
  readonly metrics: readonly { readonly name: string; readonly unit: string; readonly pattern: string }[];
  /** The group `rows` of each match: rows written, added up. */
  readonly rows: readonly string[];
  /** The group `failures` of each match: items that should have worked; `last` takes the last match, `sum` adds up. */
  readonly failures: readonly { readonly pattern: string; readonly count: 'last' | 'sum' }[];
  /** The group `skipped` of each match: items that were there already. Where no row came and nothing failed, none was due. */
  readonly skipped?: readonly string[];
  /** A line that means failure whatever the exit code, beside Python tracebacks. */
  readonly fatal: readonly string[];
  /** The exit code that means PART (3 when left out); null: none does. */
  readonly partialCode?: number | null;
}

/** A part of a table, told by the names of the arguments that say which part: the table as in `writes`. */
interface ClaimRule {
  readonly table: string;
  /** Whose rows: an argument that names a market, a sleeve. */
  readonly scope?: string;
  readonly model?: string;
  readonly start?: string;
  readonly end?: string;
}

/** What the work of a program is measured by, told by the names of its arguments. */
export interface WorkRule {
  /** Unit of its progress that is a row due, written now or there already. */
  readonly unit: string;
  /** What a repeatable argument stands for when it is not given. */
  readonly all?: Readonly<Record<string, readonly string[]>>;
  /** At most so many entities a day. */
  readonly limit?: string;
  /** At most so much over all its days: what such a run took tells nothing of other days. */
  readonly cap?: string;
  /** Leaves alone what is there. */
  readonly skips: string;
  /** How the work is done, not which: with others the rows are the same, the time is not. */
  readonly manner: readonly string[];
}

/** Declares a program; keeps the exact type of its arguments. */
export const defineProgram = <Args extends z.ZodObject>(spec: ProgramSpec<Args>): ProgramSpec<Args> => spec;

/** Whether a run with these arguments only looks, and writes nothing. */
export const isPreview = ({ previews }: ProgramSpec, args: Readonly<Record<string, unknown>>): boolean =>
  previews?.some((name) => args[name] === true) ?? false;

export interface ProgramContext {
  readonly home: Home;
  readonly databases: Databases;
  readonly events: Events;
  /** Aborted on Ctrl-C, TERM and stop; long loops look at it. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970: the only clock a program sees. */
  readonly now: () => number;
  /** A fresh random id: the only random source a program sees. */
  readonly newId: () => string;
  /** Results only (the plan's CSVs). */
  readonly stdout: (text: string) => void;
  /** What the run was made from. */
  readonly provenance: Provenance;
}

/** The outcome of a program: its exit code, and what of it a job's verdict rests on. */
export interface ProgramResult {
  readonly exitCode: ExitCode;
  /** One sentence for people. */
  readonly summary: string;
  /** Rows that it wrote, by table. */
  readonly rows?: Readonly<Record<string, number>>;
  /** How many should have come, where that is not plain from the program (0: nothing was missing). */
  readonly due?: number;
  /** Items that should have worked and did not. */
  readonly failures?: number;
  /** What `--json` prints. */
  readonly data?: unknown;
}

/** The event that tells an outcome: made here for every program, so that none can leave it out or say another thing. */
export const resultEvent = ({ exitCode, summary, rows, due, failures }: ProgramResult): ProgramEvent => ({
  type: 'result',
  status: exitCode === Exit.done ? 'done' : exitCode === Exit.partial ? 'partial' : 'failed',
  summary,
  rows,
  due,
  failures,
});

export type Program<Spec extends ProgramSpec> = (
  args: z.infer<Spec['args']>,
  context: ProgramContext,
) => Promise<ProgramResult>;

/** A calendar date argument, kept as `YYYY-MM-DD`. */
export const dateArg = () =>
  z
    .string()
    .refine((text) => tryParseDay(text) !== null, { message: 'is not a date; write it as YYYY-MM-DD' })
    .meta({ format: 'date' });

/**
 * Day numbers of a range of days.
 * @param flags the flags that give it.
 * @throws UsageError when the end is before the start.
 */
export function parseRange(
  { start, end }: { start: string; end: string },
  flags: readonly [string, string] = ['--start', '--end'],
): { start: number; end: number } {
  const range = { start: parseDay(start), end: parseDay(end) };
  if (range.end < range.start) {
    throw new UsageError(`${flags[1]} ${end} is before ${flags[0]} ${start}`, 'Swap them or mend one.');
  }
  return range;
}
