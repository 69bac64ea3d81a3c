/**
 * What a console asks for beside the snapshot, screen by screen: each read by its name, with its arguments' schema and the
 * type of its result. Results are data, JSON as it is; whoever opens the supervisor says how each is read.
 */
import { z } from 'zod';
import type { CoverageYear } from '../phases/types.ts';
import type { Phase } from '../platform/program.ts';
import type { Comparison, LambdaOverview, RunDetail, RunRow } from '../report/types.ts';
import type { HistorySeries } from '../telemetry/types.ts';
import type { JournalEntry, LaunchPolicy } from './protocol.ts';

/** What a job says: stdout, stderr, its events; and when how much of each was there (`times`). */
const LOG_FILES = ['out', 'err', 'events', 'times'] as const;
export type LogFile = (typeof LOG_FILES)[number];

/** Most bytes of one answer: an answer is a line of JSON, and others wait behind it. */
const LOG_READ_BYTES = 256 * 1024;

/** Arguments by read. */
export const READS = {
  /** Figures of the machine over time whose names begin with one of these: `cpu`, `gpu.`, `job.0007-`. */
  history: z.object({ prefixes: z.array(z.string()).readonly() }),
  /** The newest entries of the journal, or of the audit log, oldest first. */
  events: z.object({ audit: z.boolean(), last: z.int().min(1).max(10_000) }),
  /** A piece of a job's log, wherever in it: logs are larger than any memory. */
  log: z.object({
    jobId: z.string(),
    file: z.enum(LOG_FILES),
    offset: z.int().nonnegative(),
    length: z.int().nonnegative().max(LOG_READ_BYTES),
  }),
  /** Figures of a job over its whole life: all, or those of a name (and of one of its parallel series). */
  jobSeries: z.object({
    jobId: z.string(),
    name: z.string().optional(),
    series: z.string().optional(),
    /** At most so many points of each: as many as a chart is wide. */
    points: z.int().min(1).max(1000).optional(),
  }),
  /** A row of the coverage table in one year, day by day. */
  coverageYear: z.object({ row: z.string(), year: z.int().min(1900).max(2200) }),
  /** Instruments that a row of the coverage table lacks on a day. */
  coverageMissing: z.object({ row: z.string(), date: z.iso.date() }),
  /** Backtest runs on record, newest first. */
  runs: z.object({ limit: z.int().min(1).max(1000) }),
  /** One run day by day. */
  run: z.object({ id: z.string() }),
  /** Two runs over the days that both have, as `prometheus compare A B` with fewer draws. */
  compare: z.object({ a: z.string(), b: z.string() }),
  /** Models of the home. */
  models: z.object({}),
  /** λ over clusters and time in so many columns, forecasts, bucket returns, sensitivity to the weight. */
  lambda: z.object({ columns: z.int().min(1).max(400) }),
  /** Every program that can be a job, with its arguments, and what a job of any may be told beside them. */
  programs: z.object({}),
  /** What is wrong with a job that is being written, by the parser of the command line. */
  validate: z.object({
    program: z.string(),
    args: z.array(z.string()).readonly(),
    /** Words of `job start` before the program's own: `--nice 5`. */
    policy: z.array(z.string()).readonly(),
  }),
  /** What would hold a valid job back, and what it would take. */
  preflight: z.object({
    program: z.string(),
    args: z.array(z.string()).readonly(),
    after: z.array(z.string()).readonly(),
  }),
  /** What would be otherwise than then in a job, were it run again now in the client's environment: code, commands, variables. */
  rerun: z.object({ jobId: z.string(), environment: z.record(z.string(), z.string()).optional() }),
  /** The nearest vectors of a model to one of its own, among those of the same day, or of the days of a range. */
  similar: z.object({
    model: z.string(),
    instrument: z.string(),
    asOf: z.iso.date(),
    topK: z.int().min(1).max(1000),
    /** INSTRUMENT when absent. */
    entityType: z.enum(['INSTRUMENT', 'MARKET', 'SECTOR', 'PORTFOLIO']).optional(),
    /** Both or neither. */
    startDate: z.iso.date().optional(),
    endDate: z.iso.date().optional(),
  }),
} as const;

export interface ReadResults {
  readonly history: Readonly<Record<string, HistorySeries>>;
  readonly events: readonly JournalEntry[];
  readonly log: LogBytes;
  readonly jobSeries: JobSeries;
  readonly coverageYear: CoverageYear;
  readonly coverageMissing: readonly string[];
  readonly runs: readonly RunRow[];
  readonly run: RunDetail;
  readonly compare: Comparison;
  readonly models: readonly ModelSummary[];
  readonly lambda: LambdaOverview;
  readonly similar: SimilarVectors;
  readonly programs: ProgramList;
  readonly validate: Validation;
  readonly preflight: Preflight;
  /** A sentence each. */
  readonly rerun: readonly string[];
}

/** An argument of a program, from its schema. */
export interface ArgumentField {
  /** `--max-workers` */
  readonly name: string;
  readonly kind: 'boolean' | 'integer' | 'number' | 'date' | 'string';
  readonly repeatable: boolean;
  readonly required: boolean;
  readonly choices: readonly string[] | null;
  readonly defaultValue: unknown;
  readonly help: string;
}

export interface ProgramSummary {
  readonly name: string;
  readonly phase: Phase;
  readonly summary: string;
  readonly resource: 'cpu' | 'gpu' | 'io';
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** True for an engine, false for a command of the user's own. */
  readonly own: boolean;
  readonly arguments: readonly ArgumentField[];
}

export interface ProgramList {
  readonly programs: readonly ProgramSummary[];
  /** How a job is run: `--nice`, `--after` … */
  readonly policy: readonly ArgumentField[];
}

export interface ArgumentProblem {
  /** The argument, or null when no single one is to blame. */
  readonly flag: string | null;
  /** One sentence that names the argument and what is allowed. */
  readonly message: string;
}

/** `of`: whose argument it is, the program's own or one of the job. */
export type JobProblem = ArgumentProblem & { readonly of: 'program' | 'job' };

export interface Validation {
  /** Empty: the job can be made as far as its words tell. */
  readonly problems: readonly JobProblem[];
  /** The words of the arguments, defaults included; the exact command. Empty while there are problems. */
  readonly args: readonly string[];
  readonly command: readonly string[];
  readonly policy: LaunchPolicy;
}

/** A figure that was estimated: the middle and the span of what was measured. */
export interface Estimated {
  /** null: nothing tells but that it is not much more than `high`, which is estimated itself. */
  readonly value: number | null;
  readonly low: number;
  readonly high: number;
}

export interface Estimate {
  /** Each null while nothing was measured to tell it by. */
  readonly rows: Estimated | null;
  readonly seconds: Estimated | null;
  readonly bytes: Estimated | null;
  /** What it rests on, or why there is none. */
  readonly basis: string;
}

export interface PreflightCheck {
  readonly name: string;
  /** FAIL keeps the job from being launched. */
  readonly state: 'OK' | 'WARN' | 'FAIL' | 'UNKN';
  readonly detail: string;
}

export interface Preflight {
  readonly checks: readonly PreflightCheck[];
  readonly estimate: Estimate;
}

/** A piece of a log as it lies on the disk. */
export interface LogBytes {
  /** Bytes in the file now; 0 when it is not there. */
  readonly size: number;
  /** Base64: logs hold any bytes. Shorter than asked for at the end of the file. */
  readonly data: string;
  /** Why the file cannot be read, or null. */
  readonly problem: string | null;
}

/** A model of the home, as its manifest tells; null where it does not. */
export interface ModelSummary {
  readonly id: string;
  readonly kind: string | null;
  readonly entities: readonly string[];
  readonly dim: number | null;
  readonly bytes: number | null;
  /** The span of data it was fitted on; null for a plain function and for weights of others' making. */
  readonly fitted: { readonly first: string; readonly last: string } | null;
  /** Figures of the probes as the fit measured them. */
  readonly probes: Readonly<Record<string, number>>;
  /** Why its manifest cannot be read; empty when it can. */
  readonly problem: string;
}

export interface SimilarVectors {
  /** Vectors compared. */
  readonly candidates: number;
  readonly neighbours: readonly { readonly entityId: string; readonly date: string; readonly cosine: number }[];
}

/** The series of a job, in the order in which they first appeared. */
export interface JobSeries {
  readonly series: readonly KeptSeries[];
  /** Series beyond those that are kept of a job. */
  readonly dropped: number;
}

/** A figure of a job over its life. Each point stands for as many values as the others; the last may stand for fewer. */
export interface KeptSeries {
  /** Told by the program as a metric, or measured on its processes: `cpu`, `memory`, `read`, `write`, `gpu memory`. */
  readonly source: 'program' | 'process';
  readonly name: string;
  /** Tells parallel series of one name apart, a sleeve or a model; empty when there is one. */
  readonly series: string;
  readonly unit: string;
  readonly last: number;
  /** When the last value of each point came (milliseconds since 1970), oldest first. A value not known left no point. */
  readonly t: readonly number[];
  readonly mean: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** The simulated dates of the same, where the program told some. */
  readonly at: readonly (string | null)[] | null;
}

export type ReadName = keyof typeof READS;
export type ReadArgs<Name extends ReadName> = z.infer<(typeof READS)[Name]>;
export type ReadResult<Name extends ReadName> = ReadResults[Name];

/** How each read is answered. */
export type Readers = { readonly [Name in ReadName]: (args: ReadArgs<Name>) => Promise<ReadResult<Name>> };
