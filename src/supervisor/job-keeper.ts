/** The jobs of a home in one hand: the list, the queue, what is done to them, and what of it goes into the journal. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PhaseResult } from '../phases/types.ts';
import { errorMessage, UserError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { planChain, requireOpen } from './chains.ts';
import type { RetryPlan } from './job-files.ts';
import { ARCHIVED_MARK, JobList, type JobNote, KEPT_MARK, readJobView } from './job-list.ts';
import { JobProcesses, processesOfJob } from './job-processes.ts';
import { JobQueue } from './job-queue.ts';
import { hasEnded } from './job-state.ts';
import { findJobId, readJob } from './job-store.ts';
import type { Journal } from './journal.ts';
import { type JobRuntime, removeJob, stopJob } from './launch.ts';
import { OrphanLimits } from './orphan-limits.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type {
  ChainRequest,
  JobView,
  KeepRequest,
  LaunchPolicy,
  LaunchRequest,
  RerunRequest,
  StopRequest,
} from './protocol.ts';
import { rerunOrder } from './rerun.ts';
import { compressLogs, expiredJobs } from './retention.ts';

export class JobKeeper {
  readonly #home: Home;
  readonly #runtime: JobRuntime;
  readonly #journal: Journal;
  readonly #list: JobList;
  readonly #queue: JobQueue;
  readonly #orphans: OrphanLimits;
  readonly #since: number;

  constructor(home: Home, runtime: JobRuntime, journal: Journal) {
    this.#home = home;
    this.#runtime = runtime;
    this.#journal = journal;
    this.#list = new JobList(home, runtime.now, this.#stopDeadlineMs);
    this.#queue = new JobQueue(home, runtime);
    this.#orphans = new OrphanLimits(home, runtime.now);
    this.#since = runtime.now();
  }

  get views(): readonly JobView[] {
    return this.#list.views;
  }

  get anyAlive(): boolean {
    return this.#list.anyAlive;
  }

  get #stopDeadlineMs(): number {
    return this.#runtime.settings.jobs.stopDeadlineSeconds * 1000;
  }

  /** One job as the list has it, or as its folder has it just now. */
  view(id: string): JobView {
    const options = { now: this.#runtime.now(), stopDeadlineMs: this.#stopDeadlineMs };
    return this.#list.views.find((one) => one.id === id) ?? readJobView(this.#home, id, options);
  }

  /** Reads the folders, begins what may begin, and notes what changed; returns the jobs that have ended since. */
  async poll(): Promise<readonly JobView[]> {
    await this.#list.poll();
    this.#orphans.look(this.#list.views);
    const { notes } = await this.#queue.tick(this.#list.views);
    const all = new Map<string, JobNote>(notes);
    for (const { id, stopping } of this.#list.views) {
      if (!stopping || this.#runtime.now() < stopping.deadline) continue;
      all.set(id, { survivors: processesOfJob(this.#home.root, id, this.#leader(id)) });
    }
    this.#list.note(all);
    await this.#list.poll();
    return this.#journalChanges();
  }

  launch({ retry, ...order }: LaunchRequest, who: string): Promise<string> {
    return this.#queue.add({ ...order, who, retry: firstAttempt(retry) });
  }

  rerun({ jobId, retry, ...change }: RerunRequest, who: string): Promise<string> {
    const order = { ...change, who, retry: firstAttempt(retry) };
    return this.#queue.add(rerunOrder(this.#home, findJobId(this.#home, jobId), order, this.#runtime));
  }

  /** All jobs of the chain, or none. @throws UsageError for a phase without commands; UserError when it or a step is refused. */
  async chain(phase: PhaseResult, request: ChainRequest, who: string): Promise<readonly string[]> {
    const allowPartial = request.allowPartial ?? false;
    const plan = planChain(phase, this.#list.views, { fresh: request.fresh ?? false, allowPartial }, this.#runtime);
    if (plan.living.length > 0) return plan.living.map((job) => job.id);
    const override = requireOpen(phase, request.override ?? null);
    const ids: string[] = [];
    try {
      for (const { step, label, program, args } of plan.steps) {
        ids.push(
          await this.#queue.add({
            program,
            args,
            who,
            idempotencyKey: `${request.idempotencyKey} ${step}`,
            cwd: request.cwd,
            environment: request.environment,
            after: ids.slice(-1),
            allowPartial,
            chain: { id: plan.id, name: phase.phase, step, of: plan.of, label, override },
          }),
        );
      }
    } catch (error) {
      // The last first: none of them begins because the one before it has ended.
      for (const id of ids.toReversed()) this.stop({ jobId: id }, who);
      throw error;
    }
    return ids;
  }

  stop({ jobId, killAfterMs }: StopRequest, who: string): string {
    const id = findJobId(this.#home, jobId);
    stopJob(this.#home, id, { who, killAfterMs: killAfterMs ?? null }, this.#runtime.now);
    return id;
  }

  /** KILL to everything of a job, those that left its group included. @throws UserError when it has ended already. */
  kill(jobId: string, who: string): string {
    const id = findJobId(this.#home, jobId);
    let unrecorded: unknown = null;
    // What it sees before the stop is ended after it, whatever has ended meanwhile.
    const processes = new JobProcesses(this.#home.root, id, () => this.#leader(id));
    const before = processes.list();
    try {
      stopJob(this.#home, id, { who, killAfterMs: 0 }, this.#runtime.now);
    } catch (error) {
      // On a full disk it is killed all the same. One that has ended may have left processes behind: those can be killed.
      if (!hasEnded(readJob(this.#home, id).state)) unrecorded = error;
      else if (before.length === 0) throw error;
    }
    processes.kill();
    if (unrecorded !== null) throw unrecorded;
    return id;
  }

  /** The program of a job, as its folder names it. */
  #leader(id: string): ProcessIdentity | null {
    return readJob(this.#home, id).status?.child ?? null;
  }

  remove(jobId: string): void {
    removeJob(this.#home, findJobId(this.#home, jobId));
  }

  keep({ jobId, kept, archived }: KeepRequest): string {
    const id = findJobId(this.#home, jobId);
    const mark = (name: string, wanted: boolean | undefined) => {
      const file = path.join(this.#home.jobs, id, name);
      if (wanted === undefined || wanted === existsSync(file)) return;
      if (wanted) writeFileSync(file, '', { mode: 0o600 });
      else rmSync(file, { force: true });
    };
    try {
      mark(KEPT_MARK, kept);
      mark(ARCHIVED_MARK, archived);
    } catch (error) {
      throw new UserError(`job ${id} cannot be marked: ${errorMessage(error)}`, 'See that its folder may be written.');
    }
    this.#list.forget(id);
    return id;
  }

  /** Removes and compresses what retention lets go. */
  async tidy(): Promise<void> {
    const { retention } = this.#runtime.settings;
    const now = this.#runtime.now();
    const living = this.#list.views.filter((job) => !hasEnded(job.state));
    const waitedFor = new Set(
      living.flatMap(({ id }) => readJob(this.#home, id).spec?.after.map(({ job }) => job) ?? []),
    );
    for (const id of expiredJobs(this.#list.views, retention, now, waitedFor)) {
      try {
        removeJob(this.#home, id);
      } catch (error) {
        // What it left behind still runs: its record is needed to end that.
        if (error instanceof UserError) continue;
        throw error;
      }
      this.#journal.transition('job', id, 'removed', 'by retention');
    }
    for (const job of this.#list.views) {
      // A full disk is the next one's trouble too: what cannot be compressed stays as it is.
      await compressLogs(this.#home, job, retention, now).catch(() => 0);
    }
  }

  /** Every state of a job is noted once, also one that came while no supervisor looked. */
  #journalChanges(): JobView[] {
    const ended: JobView[] = [];
    for (const job of this.#list.views.toReversed()) {
      const words = job.reason || job.summary || '';
      const at = job.endedAt ?? (job.state === 'RUN' ? job.startedAt : null) ?? job.createdAt;
      const isNew = this.#journal.transition('job', job.id, job.state, words, at);
      if (job.state === 'RUN') this.#journal.speech(job.id, job.stalledSince);
      if (isNew && hasEnded(job.state) && (job.endedAt ?? job.createdAt) >= this.#since) ended.push(job);
    }
    return ended;
  }
}

const firstAttempt = (retry: LaunchPolicy['retry']): RetryPlan | null =>
  retry ? { ...retry, attempt: 1, of: null } : null;
