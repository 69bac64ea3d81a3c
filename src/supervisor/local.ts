/** The supervisor inside this process: job folders, telemetry and evidence, gathered into one snapshot. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Board } from '../phases/types.ts';
import type { Databases } from '../platform/db/databases.ts';
import type { Home } from '../platform/home.ts';
import { GpuMonitor, type GpuMonitorOptions } from '../telemetry/gpu.ts';
import { HostSampler } from '../telemetry/host.ts';
import { MachineSampler } from '../telemetry/machine.ts';
import { EvidenceWatch, initialDatabases } from './evidence.ts';
import { JobList } from './job-list.ts';
import { JobReader } from './job-reader.ts';
import { hasEnded } from './job-state.ts';
import { findJobId } from './job-store.ts';
import { type JobRuntime, rerunJob, startJob, stopJob } from './launch.ts';
import type { JobView, LaunchRequest, RunSummary, Snapshot, Supervisor } from './protocol.ts';

export interface LocalSupervisorOptions {
  readonly home: Home;
  /** Open already, read-only; closed by whoever opened them, after this. */
  readonly databases: Databases;
  readonly jobs: JobRuntime;
  readonly evaluateBoard: (signal: AbortSignal) => Promise<Board>;
  readonly latestRuns: () => Promise<RunSummary[]>;
  readonly now: () => number;
  /** Other times between looks, for tests. */
  readonly intervals?: Partial<Intervals>;
  readonly gpu?: GpuMonitorOptions;
}

interface Intervals {
  /** Job folders, while a job runs and while none does. (fs.watch misses changes on network and container disks.) */
  readonly jobsBusyMs: number;
  readonly jobsIdleMs: number;
  readonly machineMs: number;
  readonly evidenceMs: number;
  readonly databaseMs: number;
}

const INTERVALS: Intervals = {
  jobsBusyMs: 250,
  jobsIdleMs: 1000,
  machineMs: 1000,
  evidenceMs: 60_000,
  databaseMs: 5000,
};

/** How long `close` waits for queries before it breaks their connections. */
const CLOSE_PATIENCE_MS = 500;

/** Opens the supervisor; it begins to look at once. The first snapshot knows nothing yet, and says so. */
export function openLocalSupervisor(options: LocalSupervisorOptions): Supervisor {
  const supervisor = new LocalSupervisor(options);
  supervisor.start();
  return supervisor;
}

class LocalSupervisor implements Supervisor {
  readonly #options: LocalSupervisorOptions;
  readonly #intervals: Intervals;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  readonly #jobs: JobList;
  readonly #gpu: GpuMonitor;
  readonly #machine: MachineSampler;
  readonly #evidence: EvidenceWatch;
  #snapshot: Snapshot;
  #emitting = false;
  #reader: JobReader | null = null;
  #timers = new Map<string, NodeJS.Timeout>();
  #polling: Promise<void> | null = null;
  #sampling: Promise<void> | null = null;

  constructor(options: LocalSupervisorOptions) {
    this.#options = options;
    this.#intervals = { ...INTERVALS, ...options.intervals };
    const { home, now } = options;
    this.#jobs = new JobList(home, now);
    this.#gpu = new GpuMonitor(options.gpu);
    this.#machine = new MachineSampler(new HostSampler({ diskPath: home.root }), this.#gpu, now);
    this.#evidence = new EvidenceWatch({
      databases: options.databases,
      evaluateBoard: options.evaluateBoard,
      latestRuns: options.latestRuns,
      onChange: (change) => this.#change(change),
      signal: this.#stop.signal,
      everyMs: this.#intervals.evidenceMs,
      probeEveryMs: this.#intervals.databaseMs,
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
      detail: null,
    };
  }

  start(): void {
    void this.#pollJobs();
    void this.#sampleMachine();
    this.#evidence.start();
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async launch(request: LaunchRequest): Promise<JobView> {
    const view = await startJob(this.#options.home, request, this.#options.jobs);
    await this.#pollJobs();
    return view;
  }

  async rerun(jobId: string, idempotencyKey: string): Promise<JobView> {
    const { home, jobs } = this.#options;
    const view = await rerunJob(home, findJobId(home, jobId), idempotencyKey, jobs);
    await this.#pollJobs();
    return view;
  }

  async stop(jobId: string): Promise<JobView> {
    const { home, now } = this.#options;
    const view = stopJob(home, findJobId(home, jobId), now);
    await this.#pollJobs();
    return view;
  }

  watch(jobId: string | null): void {
    if (jobId === (this.#reader?.id ?? null)) return;
    this.#reader = jobId === null ? null : new JobReader(path.join(this.#options.home.jobs, path.basename(jobId)));
    this.#readDetail();
  }

  recheck(): Promise<void> {
    return this.#evidence.recheck();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#listeners.clear();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#gpu.close();
    const idle = Promise.allSettled([this.#evidence.idle(), this.#polling, this.#sampling]);
    const patience = new AbortController();
    const late = () => sleep(CLOSE_PATIENCE_MS, 'late' as const, { signal: patience.signal }).catch(() => null);
    // A query that does not heed the signal loses its connection; a server that cannot even be reached is left alone.
    if ((await Promise.race([idle, late()])) === 'late') {
      this.#options.databases.abort();
      await Promise.race([idle, late()]);
    }
    patience.abort();
  }

  /** Takes over what differs. Parts that know by themselves whether they changed go to `#set`. */
  #change(change: Partial<Snapshot>): void {
    const differs = (Object.keys(change) as (keyof Snapshot)[]).some(
      (key) => !isDeepStrictEqual(change[key], this.#snapshot[key]),
    );
    if (differs) this.#set(change);
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
      this.#again('jobs', this.#jobs.anyAlive ? this.#intervals.jobsBusyMs : this.#intervals.jobsIdleMs, () =>
        this.#pollJobs(),
      );
    });
    await this.#polling;
  }

  async #readJobs(): Promise<void> {
    const alive = this.#jobs.views.filter((view) => !hasEnded(view.state)).map((view) => view.id);
    // A jobs folder that cannot be listed just now leaves the list as it is; starting a job will say why.
    const changed = await this.#jobs.poll().catch(() => false);
    if (this.#stop.signal.aborted) return;
    if (changed) this.#set({ jobs: this.#jobs.views });
    this.#readDetail();
    const ended = (id: string) => this.#jobs.views.some((view) => view.id === id && hasEnded(view.state));
    if (alive.some(ended)) void this.#evidence.recheck();
  }

  #readDetail(): void {
    if (this.#reader?.poll() || this.#reader?.id !== this.#snapshot.detail?.id) {
      this.#set({ detail: this.#reader?.detail() ?? null });
    }
  }

  async #sampleMachine(): Promise<void> {
    this.#sampling = this.#machine
      .sample()
      .then((machine) => this.#set({ machine }))
      .finally(() => {
        this.#sampling = null;
        this.#again('machine', this.#intervals.machineMs, () => this.#sampleMachine());
      });
    await this.#sampling;
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
