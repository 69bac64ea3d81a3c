/** What there is to see of one job's log: all that a screen needs. */
import type { Totals } from './counts.ts';
import type { Rate } from './inflow.ts';
import type { LogLine } from './line.ts';
import type { LogOptions } from './query.ts';

export interface LogFrame {
  readonly options: LogOptions;
  /** False until the files have been looked at once. */
  readonly read: boolean;
  readonly lines: readonly LogLine[];
  /** Index in `lines`; -1: no line is shown. */
  readonly cursor: number;
  /** There are no more lines above, or below. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
  readonly following: boolean;
  /** Lines that stood below the cursor when it came there, near the end of the log: what comes later moves no line in view. */
  readonly below: number | null;
  /** What is being read at the moment: `searching`, `reading`; null when all is there. */
  readonly busy: string | null;
  readonly totals: Totals;
  /** Number of the cursor's line among the lines shown, and of the match at or before it, from 1; null: not counted yet. */
  readonly position: { readonly line: number; readonly match: number } | null;
  readonly marks: readonly LogLine[];
  /** The other end of the selection; null: only the cursor's line is meant. */
  readonly anchor: LogLine | null;
  readonly timesKnown: boolean;
  /** What came in the last seconds; null when nothing did. */
  readonly inflow: Rate | null;
  readonly problem: string | null;
}
