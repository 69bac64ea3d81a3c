/**
 * What passes between the supervisor and its clients, defined once: schemas check what comes over the socket, their types
 * are what both ends work with. One message is one line of JSON.
 *
 * A client says `hello` and is answered by `welcome` (or `refused`, for another version). It then gets one full `state` and
 * after that only changes, each with its place in one sequence: state `n` + the change `n → m` = state `m`. A client that
 * reads slowly gets fewer, larger changes; it never gets a wrong one, and nobody waits for it.
 */
import { z } from 'zod';
import type { Board } from '../phases/types.ts';
import type { StampedEvent } from '../platform/events.ts';
import type { MachineSample } from '../telemetry/types.ts';
import type { ReadArgs, ReadName, ReadResult } from './reads.ts';

/** Raised by every change that an older reader would misunderstand. */
export const PROTOCOL_VERSION = 3;

/** States of jobs: exit 0 with its evidence DONE, 3 PART, anything else FAIL; stopped by hand STOP; no exit record LOST. */
export const JOB_STATES = ['QUEUE', 'RUN', 'DONE', 'PART', 'FAIL', 'STOP', 'LOST'] as const;
export type JobState = (typeof JOB_STATES)[number];

const moment = z.number();
const figure = z.number().nullable();

const progressSchema = z.object({
  done: z.number(),
  total: figure,
  unit: z.string(),
  /** Units a second over the last minutes; null until it was measured long enough, or when the job has gone quiet. */
  rate: figure,
  /** Time left from the spread of the measured rates; null when there are too few of them or the total is unknown. */
  eta: z.object({ seconds: z.number(), low: z.number(), high: z.number() }).nullable(),
});

const jobViewSchema = z.object({
  /** Short sortable id, also the folder's name: `0007-backtest-campaign`. */
  id: z.string(),
  program: z.string(),
  /** Arguments after the program's name. */
  args: z.array(z.string()).readonly(),
  state: z.enum(JOB_STATES),
  /** Why the state is what it is, for anything but a plain RUN and DONE. */
  reason: z.string(),
  createdAt: moment,
  startedAt: moment.nullable(),
  endedAt: moment.nullable(),
  exitCode: z.int().nullable(),
  pid: z.int().nullable(),
  /** Latest of the event stream. */
  stage: z.string().nullable(),
  progress: progressSchema.nullable(),
  summary: z.string().nullable(),
  /** Rows that it wrote and items that failed, as it told them. */
  rows: figure,
  failures: figure,
  /** Git commit or build of the code it runs, whether the tree had changes, and the configuration and data it saw. */
  build: z.string().nullable(),
  dirty: z.boolean().nullable(),
  config: z.string().nullable(),
  data: z.string().nullable(),
  resource: z.enum(['cpu', 'gpu', 'io']),
  requestedBy: z.string(),
  rerunOf: z.string().nullable(),
  chain: z
    .object({
      id: z.string(),
      name: z.string(),
      step: z.int(),
      of: z.int(),
      label: z.string(),
      override: z.string().nullable(),
    })
    .nullable(),
  attempt: z.object({ number: z.int(), of: z.int() }).nullable(),
  /** Why it rests on purpose: `until 20:00 UTC (night window)`; null while it works. */
  paused: z.string().nullable().default(null),
  /** Since when it has said nothing though it should; null while it speaks. */
  stalledSince: moment.nullable(),
  /** A stop under way: when KILL may be offered, and what is left of the job. */
  stopping: z
    .object({
      since: moment,
      deadline: moment,
      survivors: z.array(z.object({ pid: z.int(), command: z.string(), escaped: z.boolean() })).readonly(),
    })
    .nullable(),
  /** Kept by hand: retention passes it by. */
  kept: z.boolean(),
  /** Hidden from lists by hand. */
  archived: z.boolean(),
  /** A command of the user's own (programs.yaml), no command of `prometheus`. */
  script: z.boolean().default(false),
});
/** A job as its folder tells it. */
export type JobView = z.infer<typeof jobViewSchema>;

const metricSchema = z.object({
  name: z.string(),
  series: z.string(),
  unit: z.string(),
  last: z.number(),
  /** The last points, oldest first. */
  points: z.array(z.number()).readonly(),
});
/** A named series of a job. */
export type MetricSeries = z.infer<typeof metricSchema>;

const logLineSchema = z.object({ stream: z.enum(['out', 'err']), text: z.string() });
export type LogLine = z.infer<typeof logLineSchema>;

const eventSchema = z.custom<StampedEvent>((value) => typeof (value as StampedEvent | null)?.type === 'string');

/** What a job said, as far as it was asked for. */
export interface JobDetail {
  readonly id: string;
  /** Last lines of stdout and stderr; control characters removed. */
  readonly log: readonly LogLine[];
  /** They stand in the order of time; else stdout stands before stderr where both were read at once. */
  readonly timed: boolean;
  /** The last events but progress and metrics, which are told as figures and series. */
  readonly events: readonly StampedEvent[];
  readonly metrics: readonly MetricSeries[];
}

const runSummarySchema = z.object({
  runId: z.string(),
  sleeveId: z.string(),
  start: z.string(),
  end: z.string(),
  createdAt: moment,
  cumulativeReturn: figure,
  sharpe: figure,
  maxDrawdown: figure,
  trades: figure,
  equity: z.array(z.number()).readonly(),
  /** What to know first: `same-close, no costs: not tradable`, `survivors only`, both, or empty. */
  caveat: z.string(),
});
/** The latest backtest run of each sleeve, for the console's glance. */
export type RunSummary = z.infer<typeof runSummarySchema>;

export const JOURNAL_KINDS = ['job', 'action', 'evidence', 'database', 'supervisor'] as const;
export const journalEntrySchema = z.object({
  at: moment,
  kind: z.enum(JOURNAL_KINDS),
  /** What it is about: a job id, a phase, a database. */
  subject: z.string(),
  /** The new state or the verb: `DONE`, `launch`, `OK`, `down`. */
  what: z.string(),
  detail: z.string(),
  /** For actions: who, as the client told it. */
  who: z.string().nullable(),
  /** Where `who` is from: nothing proves it. For actions only; absent in lines of older builds. */
  toldBy: z.literal('client').optional(),
});
/** One line of what happened. */
export type JournalEntry = z.infer<typeof journalEntrySchema>;

const databaseSchema = z.object({ label: z.string(), up: z.boolean().nullable(), problem: z.string().nullable() });

const snapshotSchema = z.object({
  at: moment,
  demo: z.boolean(),
  home: z.string(),
  databases: z.object({ historical: databaseSchema, runtime: databaseSchema }),
  /** null until the first evaluation has finished. */
  board: z.custom<Board>((value) => typeof value === 'object').nullable(),
  boardProblem: z.string().nullable(),
  /** True while evidence is being read again. */
  checking: z.boolean(),
  machine: z.custom<MachineSample>((value) => typeof value === 'object').nullable(),
  runs: z.array(runSummarySchema).readonly(),
  /** The newest entries, oldest first. */
  journal: z.array(journalEntrySchema).readonly(),
});

/** Everything but jobs and their output, which grow without limit and travel as differences. */
export type SharedState = Readonly<z.infer<typeof snapshotSchema>>;

export interface Snapshot extends SharedState {
  /** Grows with every change. */
  readonly sequence: number;
  /** Newest first. */
  readonly jobs: readonly JobView[];
  /** The watched job's output, when one is watched. */
  readonly detail: JobDetail | null;
  /** What happened while this operator was away; null for one who is new here, or when nothing did. */
  readonly handover: Handover | null;
}

const handoverSchema = z.object({ since: moment, entries: z.array(journalEntrySchema).readonly() });
export type Handover = z.infer<typeof handoverSchema>;

const limitsSchema = z.object({
  timeoutMs: z.number().positive().nullable().optional(),
  stallMs: z.number().positive().nullable().optional(),
  killAfterMs: z.number().nonnegative().nullable().optional(),
  nice: z.int().min(0).max(19).optional(),
  ioClass: z.enum(['idle', 'best-effort']).nullable().optional(),
});
const retrySchema = z.object({ attempts: z.int().min(1).max(100), backoffMs: z.number().nonnegative() });

const originSchema = z.object({
  /** Where it runs; the supervisor's own folder when absent. */
  cwd: z.string().optional(),
  /** The client's environment; what no job may get is left out by the supervisor. */
  environment: z.record(z.string(), z.string()).optional(),
});

const policySchema = z.object({
  /** Begins when these have ended well. */
  after: z.array(z.string()).readonly().optional(),
  allowPartial: z.boolean().optional(),
  limits: limitsSchema.optional(),
  retry: retrySchema.optional(),
});
/** How a job is run, whatever it does. */
export type LaunchPolicy = Readonly<z.infer<typeof policySchema>>;

const launchSchema = originSchema.extend({
  ...policySchema.shape,
  program: z.string().min(1),
  args: z.array(z.string()).readonly(),
  /** Two requests with the same key make one job. */
  idempotencyKey: z.string().min(1),
});
export type LaunchRequest = Readonly<z.infer<typeof launchSchema>>;

/** Limits and attempts that are not told are those of that job; it waits for none that are not told. */
const rerunSchema = originSchema.extend({
  ...policySchema.shape,
  jobId: z.string(),
  idempotencyKey: z.string().min(1),
  /** Other arguments than that job had. */
  args: z.array(z.string()).readonly().optional(),
});
export type RerunRequest = Readonly<z.infer<typeof rerunSchema>>;

const chainSchema = originSchema.extend({
  phase: z.string(),
  idempotencyKey: z.string().min(1),
  allowPartial: z.boolean().optional(),
  /** From the first step, though an earlier chain has done some. */
  fresh: z.boolean().optional(),
  /** Why it is run though the phases that it needs are not there; kept with each of its jobs and in the audit log. */
  override: z.string().trim().min(1).max(4000).optional(),
});
export type ChainRequest = Readonly<z.infer<typeof chainSchema>>;

const stopSchema = z.object({ jobId: z.string(), killAfterMs: z.number().nonnegative().nullable().optional() });
export type StopRequest = Readonly<z.infer<typeof stopSchema>>;

const keepSchema = z.object({ jobId: z.string(), kept: z.boolean().optional(), archived: z.boolean().optional() });
export type KeepRequest = Readonly<z.infer<typeof keepSchema>>;

/** `paused` false: it goes on. */
const pauseSchema = z.object({ jobId: z.string(), paused: z.boolean() });
export type PauseRequest = Readonly<z.infer<typeof pauseSchema>>;

const noteSchema = z.object({ phase: z.string(), note: z.string().trim().min(1).max(4000) });
export type NoteRequest = Readonly<z.infer<typeof noteSchema>>;

const skipSchema = z.object({
  phase: z.string(),
  /** False takes it in again. */
  skipped: z.boolean(),
  reason: z.string().trim().min(1).max(4000),
});
export type SkipRequest = Readonly<z.infer<typeof skipSchema>>;

const readSchema = z.object({ what: z.string(), args: z.unknown() });
export type ReadRequest = Readonly<z.infer<typeof readSchema>>;

const jobReply = z.object({ job: jobViewSchema });
const nothing = z.object({});

/**
 * What the read `log` gives of the file `times` is a row of records of four little-endian doubles: milliseconds since 1970, then the sizes of `out`,
 * `err` and `events` seen at that moment. Each is no less than in the record before.
 */
export const TIMES_RECORD_BYTES = 32;

/** Every command: what it takes, what it answers, and how much harm it can do. */
export const COMMANDS = {
  launch: { request: launchSchema, reply: jobReply, danger: 'cost' },
  rerun: { request: rerunSchema, reply: jobReply, danger: 'cost' },
  chain: { request: chainSchema, reply: z.object({ jobs: z.array(jobViewSchema) }), danger: 'cost' },
  stop: { request: stopSchema, reply: jobReply, danger: 'destructive' },
  kill: { request: z.object({ jobId: z.string() }), reply: jobReply, danger: 'destructive' },
  remove: { request: z.object({ jobId: z.string() }), reply: nothing, danger: 'destructive' },
  keep: { request: keepSchema, reply: jobReply, danger: 'safe' },
  pause: { request: pauseSchema, reply: jobReply, danger: 'cost' },
  note: { request: noteSchema, reply: nothing, danger: 'cost' },
  skip: { request: skipSchema, reply: nothing, danger: 'cost' },
  recheck: { request: nothing, reply: nothing, danger: 'safe' },
  /** Arguments and results of each read are in `reads.ts`. */
  read: { request: readSchema, reply: z.object({ value: z.unknown() }), danger: 'safe' },
  mode: { request: z.object({ readOnly: z.boolean() }), reply: nothing, danger: 'safe' },
  shutdown: { request: nothing, reply: nothing, danger: 'destructive' },
} as const;
export type CommandName = keyof typeof COMMANDS;

const clientSchema = z.object({
  /** `user@host`: told by the client, not proved. */
  name: z.string().max(200),
  kind: z.enum(['console', 'cli', 'test']),
  pid: z.int(),
  readOnly: z.boolean(),
});
export type ClientIdentity = Readonly<z.infer<typeof clientSchema>>;

const helloSchema = z.object({ type: z.literal('hello'), protocol: z.int(), client: clientSchema });
/** What a client sends. The command's own part is checked by its entry in `COMMANDS`. */
export const clientMessageSchema = z.discriminatedUnion('type', [
  helloSchema,
  z.object({ type: z.literal('subscribe') }),
  z.object({ type: z.literal('watch'), jobId: z.string().nullable() }),
  z.object({ type: z.literal('command'), id: z.int(), name: z.string(), request: z.unknown() }),
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;

const aboutSchema = z.object({
  pid: z.int(),
  version: z.string(),
  build: z.string().nullable(),
  /** When its build was made, to tell which of two is newer; null when the sources run directly. */
  builtAt: moment.nullable(),
  startedAt: moment,
  home: z.string(),
  databases: z.object({ historical: z.string(), runtime: z.string() }),
  clients: z.int(),
});
/** Who answers. */
export type About = Readonly<z.infer<typeof aboutSchema>>;

const failureSchema = z.object({ message: z.string(), fix: z.string(), exitCode: z.int() });
export const serverMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    protocol: z.int(),
    about: aboutSchema,
    handover: handoverSchema.nullable(),
  }),
  z.object({ type: z.literal('refused'), protocol: z.int(), reason: z.string() }),
  z.object({
    type: z.literal('state'),
    /** The state this one builds on; null for a full one. */
    base: z.int().nullable(),
    sequence: z.int(),
    change: snapshotSchema.partial(),
    jobs: z.object({ changed: z.array(jobViewSchema), removed: z.array(z.string()) }),
  }),
  z.object({
    type: z.literal('detail'),
    /** null: nothing is watched. */
    jobId: z.string().nullable(),
    /** Forget what came before. */
    reset: z.boolean(),
    log: z.array(logLineSchema),
    /** Lines that were read at once stand in the order of time; else stdout stands before stderr, for no time is known. */
    timed: z.boolean(),
    /** Unfinished last lines, which stand behind the log until they are told anew. */
    partial: z.array(logLineSchema),
    events: z.array(eventSchema),
    /** The series that changed. */
    metrics: z.array(metricSchema),
  }),
  z.object({ type: z.literal('reply'), id: z.int(), result: z.unknown().optional(), error: failureSchema.optional() }),
]);
export type ServerMessage = z.infer<typeof serverMessageSchema>;
export type DetailMessage = Extract<ServerMessage, { type: 'detail' }>;

/**
 * The supervisor as its clients use it: behind a socket, or in this process (tests, and the daemon itself). Failures are
 * `UserError`s in both cases.
 */
export interface Supervisor {
  snapshot(): Snapshot;
  /** Calls back after every change; returns the function that ends it. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void;
  launch(request: LaunchRequest): Promise<JobView>;
  /** The same program, arguments and folder again, or with other arguments. */
  rerun(request: RerunRequest): Promise<JobView>;
  /** A phase's whole plan as jobs one after the other, from where an earlier chain failed. */
  chain(request: ChainRequest): Promise<readonly JobView[]>;
  /** TERM to the job's process group; a job that waits does not begin. */
  stop(request: StopRequest): Promise<JobView>;
  /** KILL to everything of the job. */
  kill(jobId: string): Promise<JobView>;
  /** Deletes the record of a job that has ended. */
  remove(jobId: string): Promise<void>;
  keep(request: KeepRequest): Promise<JobView>;
  /** A running backfill begins no further shard, on no machine; or goes on. */
  pause(request: PauseRequest): Promise<JobView>;
  /** Writes a note on a phase, kept with time and name. */
  note(request: NoteRequest): Promise<void>;
  /** Leaves an optional phase out, or takes it in again, with the reason; kept with time and name. */
  skip(request: SkipRequest): Promise<void>;
  /** Follows one job's log and metrics (null: none). */
  watch(jobId: string | null): void;
  /** Reads all evidence again now. */
  recheck(): Promise<void>;
  /** Reads what the snapshot does not hold. */
  read<Name extends ReadName>(name: Name, args: ReadArgs<Name>): Promise<ReadResult<Name>>;
  /** From now on what costs or destroys is refused to this client, or no longer. */
  setReadOnly(readOnly: boolean): Promise<void>;
  /** Ends the supervisor; jobs run on. */
  shutdown(): Promise<void>;
  close(): Promise<void>;
}
