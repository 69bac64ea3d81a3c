/**
 * What a console asks for beside the snapshot, screen by screen: each read by its name, with its arguments' schema and the
 * type of its result. Results are data, JSON as it is; whoever opens the supervisor says how each is read.
 */
import { z } from 'zod';
import type { HistorySeries } from '../telemetry/types.ts';
import type { JournalEntry } from './protocol.ts';

/** Arguments by read. */
export const READS = {
  /** Figures of the machine over time whose names begin with one of these: `cpu`, `gpu.`, `job.0007-`. */
  history: z.object({ prefixes: z.array(z.string()).readonly() }),
  /** The newest entries of the journal, or of the audit log, oldest first. */
  events: z.object({ audit: z.boolean(), last: z.int().min(1).max(10_000) }),
} as const;

export interface ReadResults {
  readonly history: Readonly<Record<string, HistorySeries>>;
  readonly events: readonly JournalEntry[];
}

export type ReadName = keyof typeof READS;
export type ReadArgs<Name extends ReadName> = z.infer<(typeof READS)[Name]>;
export type ReadResult<Name extends ReadName> = ReadResults[Name];

/** How each read is answered. */
export type Readers = { readonly [Name in ReadName]: (args: ReadArgs<Name>) => Promise<ReadResult<Name>> };
