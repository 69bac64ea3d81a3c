/** The supervisor inside this process: job folders, telemetry and evidence, gathered into one snapshot. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { withRunning } from '../phases/running.ts';
import type { Board } from '../phases/types.ts';
import type { Databases } from '../platform/db/databases.ts';
import type { Targets } from '../platform/db/targets.ts';
import { removeDeadDrafts } from '../platform/drafts.ts';
import { createHome, type Home } from '../platform/home.ts';
import { shortHash } from '../platform/ids.ts';
import type { DiskPath } from '../telemetry/disks.ts';
import type { GpuMonitorOptions } from '../telemetry/gpu.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import type { HistorySeries } from '../telemetry/types.ts';
import { CommandDesk, type PauseBackfill, type PhaseRecords } from './command-desk.ts';
import { EvidenceWatch, initialDatabases } from './evidence.ts';
import { JobKeeper } from './job-keeper.ts';
import { runningJobs } from './job-processes.ts';
import { JobReader } from './job-reader.ts';
import { readJobSeries } from './job-series.ts';
import { findJobId, tidyJobs } from './job-store.ts';
import { Journal } from './journal.ts';
import type { JobRuntime } from './launch.ts';
import { readLogBytes } from './log-bytes.ts';
import { isWorthTelling, postToWebhook } from './notify.ts';
import type {
  ChainRequest,
  ClientIdentity,
  Handover,
  JobView,
  KeepRequest,
  LaunchRequest,
  NoteRequest,
  PauseRequest,
  RerunRequest,
  RunSummary,
  SharedState,
  SkipRequest,
  Snapshot,
  StopRequest,
  Supervisor,
} from './protocol.ts';
import type { ReadArgs, Readers, ReadName, ReadResult } from './reads.ts';
import { DetailBook } from './wire/detail-book.ts';

export interface LocalSupervisorOptions {
  readonly home: Home;
  /** Open already, read-only; closed by whoever opened them, after this. */
  readonly databases: Databases;
  readonly jobs: Omit<JobRuntime, 'data'>;
  readonly evaluateBoard: (signal: AbortSignal) => Promise<Board>;
  readonly latestRuns: () => Promise<RunSummary[]>;
  /** How consoles' questions are answered; histories of the machine and logs of jobs are the supervisor's own. */
  readonly readers?: Partial<Readers>;
  /** Keeps what people say about phases; without it notes and skips are refused. */
  readonly records?: PhaseRecords;
  /** Pauses backfills; without it that is refused. */
  readonly pause?: PauseBackfill;
  readonly now: () => number;
  /** Brings databases back that are ours to start; called when one of them does not answer. */
  readonly revive?: () => Promise<void>;
  /** Other times between looks, for tests. */
  readonly intervals?: Partial<Intervals>;
  readonly gpu?: GpuMonitorOptions;
  /** Where the databases are, to watch them; null: they are not watched. */
  readonly targets?: Targets | null;
  /** Folders on other disks than the home. */
  readonly moreDisks?: readonly DiskPath[];
}

interface Intervals {
  /** Job folders, while a job runs and while none does. (fs.watch misses changes on network and container disks.) */
  readonly jobsBusyMs: number;
  readonly jobsIdleMs: number;
  readonly machineMs: number;
  readonly evidenceMs: number;
  readonly databaseMs: number;
  readonly retentionMs: number;
}

const INTERVALS: Intervals = {
  jobsBusyMs: 250,
  jobsIdleMs: 1000,
  machineMs: 1000,
  // Within the minute that an age of "now" lasts.
  evidenceMs: 50_000,
  databaseMs: 5000,
  retentionMs: 600_000,
};

/** How long `close` waits for queries before it breaks their connections. */
const CLOSE_PATIENCE_MS = 500;

/** Opens the supervisor; it begins to look at once. The first snapshot knows nothing yet, and says so. */
export function openLocalSupervisor(options: LocalSupervisorOptions): LocalSupervisor {
  const supervisor = new LocalSupervisor(options);
  supervisor.start();
  return supervisor;
}

export class LocalSupervisor implements Supervisor {
  readonly #options: LocalSupervisorOptions;
  readonly #intervals: Intervals;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  readonly #keeper: JobKeeper;
  readonly #journal: Journal;
  readonly #telemetry: Telemetry;
  readonly #evidence: EvidenceWatch;
  readonly #desk: CommandDesk;
  #self: ClientIdentity;
  #snapshot: Snapshot;
  /** The board as evidence alone has it. */
  #evidenceBoard: Board | null = null;
  #emitting = false;
  #reader: JobReader | null = null;
  readonly #book = new DetailBook();
  #timers = new Map<string, NodeJS.Timeout>();
  #polling: Promise<void> | null = null;
  #sampling: Promise<void> | null = null;
  #reviving = false;
  #series: Readonly<Record<string, HistorySeries>> = {};

  constructor(options: LocalSupervisorOptions) {
    this.#options = options;
    this.#intervals = { ...INTERVALS, ...options.intervals };
    const { home, now } = options;
    createHome(home);
    this.#self = { name: 'this process', kind: 'test', pid: process.pid, readOnly: false };
    this.#journal = new Journal(home, now, (journal) => this.#set({ journal }));
    this.#keeper = new JobKeeper(home, { ...options.jobs, data: () => this.#dataFingerprint() }, this.#journal);
    this.#telemetry = new Telemetry({
      home,
      now,
      gpu: options.gpu,
      moreDisks: options.moreDisks,
      targets: options.targets ?? null,
      jobs: () => runningJobs(home),
      keepsHistory: true,
    });
    this.#evidence = new EvidenceWatch({
      databases: options.databases,
      evaluateBoard: options.evaluateBoard,
      latestRuns: options.latestRuns,
      onChange: (change) => this.#takeEvidence(change),
      signal: this.#stop.signal,
      everyMs: this.#intervals.evidenceMs,
      probeEveryMs: this.#intervals.databaseMs,
    });
    const answers: Partial<Readers> = {
      ...options.readers,
      log: async (args) => readLogBytes(home, args),
      jobSeries: async ({ jobId, ...query }) => readJobSeries(path.join(home.jobs, findJobId(home, jobId)), query),
      history: async ({ prefixes }) => {
        const wanted = Object.entries(this.#series).filter(([name]) => prefixes.some((one) => name.startsWith(one)));
        return Object.fromEntries(wanted);
      },
    };
    this.#desk = new CommandDesk({
      keeper: this.#keeper,
      journal: this.#journal,
      readers: answers,
      board: () => this.#snapshot,
      recheck: () => this.#evidence.recheck(),
      refresh: () => this.#pollJobs(),
      records: options.records,
      pause: options.pause,
    });
    this.#snapshot = {
      sequence: 0,
      at: now(),
      demo: home.demo,
      home: home.root,
      databases: initialDatabases(options.databases),
      board: null,
      boardProblem: null,
      checking: false,
      machine: null,
      jobs: [],
      runs: [],
      journal: this.#journal.recent,
      detail: null,
      handover: null,
    };
  }

  start(): void {
    removeDeadDrafts(this.#options.home.cache);
    // What cannot be removed now is when the next job is made.
    void tidyJobs(this.#options.home).catch(() => {});
    void this.#pollJobs();
    void this.#sampleMachine();
    this.#evidence.start();
    this.#tidy();
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async launch(request: LaunchRequest): Promise<JobView> {
    return ((await this.perform('launch', request, this.#self)) as { job: JobView }).job;
  }

  async rerun(request: RerunRequest): Promise<JobView> {
    return ((await this.perform('rerun', request, this.#self)) as { job: JobView }).job;
  }

  async chain(request: ChainRequest): Promise<readonly JobView[]> {
    return ((await this.perform('chain', request, this.#self)) as { jobs: JobView[] }).jobs;
  }

  async stop(request: StopRequest): Promise<JobView> {
    return ((await this.perform('stop', request, this.#self)) as { job: JobView }).job;
  }

  async kill(jobId: string): Promise<JobView> {
    return ((await this.perform('kill', { jobId }, this.#self)) as { job: JobView }).job;
  }

  async remove(jobId: string): Promise<void> {
    await this.perform('remove', { jobId }, this.#self);
  }

  async keep(request: KeepRequest): Promise<JobView> {
    return ((await this.perform('keep', request, this.#self)) as { job: JobView }).job;
  }

  async recheck(): Promise<void> {
    await this.perform('recheck', {}, this.#self);
  }

  async read<Name extends ReadName>(name: Name, args: ReadArgs<Name>): Promise<ReadResult<Name>> {
    const { value } = (await this.perform('read', { what: name, args }, this.#self)) as { value: unknown };
    return value as ReadResult<Name>;
  }

  /** Runs a command for a client: see `CommandDesk.perform`. */
  perform(name: string, request: unknown, client: ClientIdentity): Promise<unknown> {
    return this.#desk.perform(name, request, client);
  }

  /** Notes that a client came; tells what happened since it left. */
  attached(client: ClientIdentity): Handover | null {
    if (client.kind !== 'console') return null;
    const handover = this.#journal.since(client.name);
    this.#journal.action(client.name, 'attach', 'console');
    return handover;
  }

  detached(client: ClientIdentity): void {
    if (client.kind === 'console') this.#journal.action(client.name, 'detach', 'console');
  }

  async pause(request: PauseRequest): Promise<JobView> {
    return ((await this.perform('pause', request, this.#self)) as { job: JobView }).job;
  }

  async note(request: NoteRequest): Promise<void> {
    await this.perform('note', request, this.#self);
  }

  async skip(request: SkipRequest): Promise<void> {
    await this.perform('skip', request, this.#self);
  }

  async setReadOnly(readOnly: boolean): Promise<void> {
    await this.perform('mode', { readOnly }, this.#self);
    this.#self = { ...this.#self, readOnly };
  }

  async shutdown(): Promise<void> {
    await this.perform('shutdown', {}, this.#self);
    await this.close();
  }

  watch(jobId: string | null): void {
    if (jobId === (this.#reader?.id ?? null)) return;
    this.#reader = jobId === null ? null : new JobReader(path.join(this.#options.home.jobs, path.basename(jobId)));
    this.#readDetail();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#listeners.clear();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    const idle = Promise.allSettled([this.#evidence.idle(), this.#polling, this.#sampling]);
    const closed = this.#telemetry.close();
    const patience = new AbortController();
    const late = () => sleep(CLOSE_PATIENCE_MS, 'late' as const, { signal: patience.signal }).catch(() => null);
    // A query that does not heed the signal loses its connection; a server that cannot even be reached is left alone.
    if ((await Promise.race([idle, late()])) === 'late') {
      this.#options.databases.abort();
      await Promise.race([idle, late()]);
    }
    await Promise.race([closed, late()]);
    patience.abort();
  }

  #takeEvidence(change: Partial<SharedState>): void {
    for (const phase of change.board?.phases ?? []) {
      this.#journal.transition('evidence', phase.phase, phase.state, phase.headline);
    }
    for (const name of ['historical', 'runtime'] as const) {
      const database = change.databases?.[name];
      if (database && database.up !== null) {
        this.#journal.transition('database', name, database.up ? 'up' : 'down', database.problem ?? database.label);
      }
    }
    if (change.board) this.#evidenceBoard = change.board;
    this.#change({ ...change, ...this.#boardNow() });
    if (change.databases?.historical.up === false || change.databases?.runtime.up === false) void this.#revive();
  }

  /** The board as it was read, with the phases that running jobs feed. */
  #boardNow(): Partial<SharedState> {
    return this.#evidenceBoard ? { board: withRunning(this.#evidenceBoard, this.#keeper.views) } : {};
  }

  async #revive(): Promise<void> {
    const { revive } = this.#options;
    if (!revive || this.#reviving) return;
    this.#reviving = true;
    // What is wrong shows in the probes; the next one asks again.
    await revive().catch(() => {});
    this.#reviving = false;
  }

  /** Names what the databases hold, as far as the board has counted: rows and extents, no content. */
  #dataFingerprint(): string | null {
    const rows = this.#snapshot.board?.coverage.rows.filter((row) => row.rows !== null);
    if (!rows?.length) return null;
    return shortHash(JSON.stringify(rows.map(({ name, rows, first, last }) => [name, rows, first, last])), 8);
  }

  /** Takes over what differs. Parts that know by themselves whether they changed go to `#set`. */
  #change(change: Partial<Snapshot>): void {
    const differs = Object.fromEntries(
      Object.entries(change).filter(([key, value]) => !isDeepStrictEqual(value, this.#snapshot[key as keyof Snapshot])),
    );
    if (Object.keys(differs).length > 0) this.#set(differs);
  }

  /** Takes over a change; listeners hear of all changes of one turn at once. */
  #set(change: Partial<Snapshot>): void {
    if (this.#stop.signal.aborted) return;
    this.#snapshot = { ...this.#snapshot, ...change, sequence: this.#snapshot.sequence + 1, at: this.#options.now() };
    if (this.#emitting) return;
    this.#emitting = true;
    setImmediate(() => {
      this.#emitting = false;
      for (const listener of [...this.#listeners]) listener(this.#snapshot);
    });
  }

  /** Reads the job folders now and then again; a call during a reading gets one that begins after it. */
  async #pollJobs(): Promise<void> {
    while (this.#polling) await this.#polling;
    if (this.#stop.signal.aborted) return;
    this.#polling = this.#readJobs().finally(() => {
      this.#polling = null;
      this.#again('jobs', this.#keeper.anyAlive ? this.#intervals.jobsBusyMs : this.#intervals.jobsIdleMs, () =>
        this.#pollJobs(),
      );
    });
    await this.#polling;
  }

  async #readJobs(): Promise<void> {
    // A jobs folder that cannot be listed just now leaves the list as it is; starting a job will say why.
    const ended = await this.#keeper.poll().catch(() => []);
    if (this.#stop.signal.aborted) return;
    if (this.#keeper.views !== this.#snapshot.jobs) {
      const before = runningOf(this.#snapshot.jobs);
      this.#set({ jobs: this.#keeper.views });
      if (runningOf(this.#keeper.views) !== before) this.#change(this.#boardNow());
    }
    this.#readDetail();
    if (ended.length > 0) void this.#evidence.recheck();
    const { notify } = this.#options.jobs.settings;
    for (const job of ended) if (isWorthTelling(job, notify)) void postToWebhook(job, notify, this.#options.home.root);
  }

  #readDetail(): void {
    if (this.#reader === null) {
      if (this.#snapshot.detail !== null) this.#set({ detail: null });
      return;
    }
    const news = this.#reader.read();
    if (news) this.#set({ detail: this.#book.apply(news) });
  }

  async #sampleMachine(): Promise<void> {
    this.#sampling = this.#telemetry
      .sample()
      .then(({ history: { series = {}, ...history }, ...machine }) => {
        // All series together are too much to send every second: whoever draws them asks for them.
        this.#series = series;
        this.#set({ machine: { ...machine, history } });
      })
      .finally(() => {
        this.#sampling = null;
        this.#again('machine', this.#intervals.machineMs, () => this.#sampleMachine());
      });
    await this.#sampling;
  }

  /** Removes what retention lets go, now and then. */
  #tidy(): void {
    this.#again('retention', this.#intervals.retentionMs, async () => {
      await this.#keeper.tidy();
      this.#tidy();
    });
  }

  #again(what: string, delayMs: number, work: () => Promise<void>): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(this.#timers.get(what));
    this.#timers.set(
      what,
      setTimeout(() => void work(), delayMs),
    );
  }
}

/** Which jobs run, as a text that is the same as long as they are. */
const runningOf = (jobs: readonly JobView[]) =>
  jobs
    .filter(({ state }) => state === 'RUN')
    .map(({ id }) => id)
    .join(' ');
