/**
 * What an engine program is. A program is declared once (`spec.ts`, data only); the command line, the launch form, the
 * provenance record and the docs all come from that declaration.
 */
import { z } from 'zod';
import { parseDay, tryParseDay } from './dates.ts';
import type { Databases } from './db/databases.ts';
import { type ExitCode, UsageError } from './errors.ts';
import type { Events } from './events.ts';
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
  /** Tables, as `historical.prices_daily`. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly resource: 'cpu' | 'gpu' | 'io';
  /** False when a run that writes no row may be a good one though it has `writes`. */
  readonly rowsDue?: boolean;
  /** Rows that a run of it replaces: two over the same rows never run at once. */
  readonly claims?: readonly ClaimRule[];
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

/** Declares a program; keeps the exact type of its arguments. */
export const defineProgram = <Args extends z.ZodObject>(spec: ProgramSpec<Args>): ProgramSpec<Args> => spec;

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

export interface ProgramResult {
  readonly exitCode: ExitCode;
  /** One sentence for people. */
  readonly summary: string;
  /** What `--json` prints. */
  readonly data?: unknown;
}

export type Program<Spec extends ProgramSpec> = (
  args: z.infer<Spec['args']>,
  context: ProgramContext,
) => Promise<ProgramResult>;

/** A calendar date argument, kept as `YYYY-MM-DD`. */
export const dateArg = () =>
  z.string().refine((text) => tryParseDay(text) !== null, { message: 'is not a date; write it as YYYY-MM-DD' });

/** Day numbers of `--start` and `--end`. @throws UsageError when the end is before the start. */
export function parseRange({ start, end }: { start: string; end: string }): { start: number; end: number } {
  const range = { start: parseDay(start), end: parseDay(end) };
  if (range.end < range.start) {
    throw new UsageError(`--end ${end} is before --start ${start}`, 'Swap them or mend one.');
  }
  return range;
}
