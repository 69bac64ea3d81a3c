/** What a phase, a check and its evidence are. Data only: shared by the board, the command line and the protocol. */
import type { Phase } from '../platform/program.ts';

/** States of phases and checks (docs: the state vocabulary). Always shown as symbol and word. */
export type CheckState = 'OK' | 'PART' | 'FAIL' | 'BLKD' | 'WAIT' | 'RUN' | 'STALE' | 'UNKN' | 'SKIP';

/** What one look at the world gave: a figure with its age, or the reason why there is none. */
export interface CheckResult {
  /** `P1.trades` */
  readonly id: string;
  readonly title: string;
  readonly state: CheckState;
  /** What was seen, for people: `1,533,609 rows · 2010-01-04 → 2024-08-26`; `–` when unknown. */
  readonly observed: string;
  /** What would be OK: `≥ 99.0 % of trading days`. */
  readonly required: string;
  /** One or two sentences: why the state is what it is. Empty only when OK. */
  readonly reason: string;
  /** The command that would mend it, without the leading `prometheus`, or null when nothing is to be done. */
  readonly fix: string | null;
  /** When the figure was true (milliseconds since 1970): the probe's or the recorded evidence's time. */
  readonly at: number;
  /** Time the probe took, in ms. */
  readonly costMs: number;
  /** An advisory check never holds a phase back. */
  readonly advisory: boolean;
  /** The SQL or source the figure came from. */
  readonly source: string;
}

export interface PhaseResult {
  readonly phase: Phase;
  readonly title: string;
  readonly goal: string;
  readonly optional: boolean;
  readonly state: CheckState;
  /** Required checks that are OK, of how many. */
  readonly passed: number;
  readonly required: number;
  /** The worst thing in a few words, or the main figure when all is well. */
  readonly headline: string;
  /** Why the phase is not OK, worst first; empty exactly when it is OK. From the same objects as the state. */
  readonly why: readonly string[];
  /** What keeps it from beginning: phases before it that are not there yet, and what its commands read and lack. Empty when it may begin; part of `why`. */
  readonly blockedBy: readonly string[];
  readonly checks: readonly CheckResult[];
  /** Commands of the plan for this phase, in the plan's order, without the leading `prometheus`. */
  readonly commands: readonly PhaseCommand[];
  /** Position of the command that mends the first open check: the one that a single key launches; 0 when none does. */
  readonly next: number;
  /** Newest first. */
  readonly notes: readonly PhaseNote[];
  /** That people left it out, and why; null when they did not. Optional phases only. */
  readonly skip: PhaseSkip | null;
}

/** That an optional phase is left out. */
export interface PhaseSkip {
  readonly reason: string;
  readonly who: string;
  readonly at: number;
}

/** What somebody wrote down about a phase. */
export interface PhaseNote {
  readonly note: string;
  readonly who: string;
  readonly at: number;
}

export interface PhaseCommand {
  readonly label: string;
  readonly argv: readonly string[];
}

/** One line of the coverage table: rows of a table (or of a model in it) against what the calendar expects. */
export interface CoverageRow {
  readonly name: string;
  readonly rows: number | null;
  readonly first: string | null;
  readonly last: string | null;
  /** Share of expected (0…1), null while unknown or where nothing is expected. */
  readonly share: number | null;
  /** Share by calendar year, for the heat line; null where nothing is expected. */
  readonly byYear: Readonly<Record<string, number | null>>;
  /** What was counted for it by calendar year: price cells, days with news, vectors; null where unknown. */
  readonly countByYear: Readonly<Record<string, number | null>>;
  /** Why the figures are unknown, when they are. */
  readonly problem: string | null;
}

export interface Coverage {
  readonly rows: readonly CoverageRow[];
  readonly at: number;
  readonly costMs: number;
}

/** The whole board at one time. */
export interface Board {
  readonly at: number;
  readonly phases: readonly PhaseResult[];
  readonly coverage: Coverage;
}

/** One trading day of a row of the coverage table. */
export interface CoverageDay {
  readonly date: string;
  readonly present: number;
  /** What the calendar and the prices ask for that day. */
  readonly expected: number;
}

/** A stretch of trading days, one after the other, with fewer than expected. */
export interface CoverageGap {
  readonly first: string;
  readonly last: string;
  readonly days: number;
  readonly missing: number;
  /** The command that would fill it, without the leading `prometheus`; null when only an import can. */
  readonly fill: readonly string[] | null;
}

/** One row of the coverage table in one year, day by day. */
export interface CoverageYear {
  /** What counts as expected, in a sentence. */
  readonly rule: string;
  /** Every trading day of the year. */
  readonly days: readonly CoverageDay[];
  readonly gaps: readonly CoverageGap[];
}
