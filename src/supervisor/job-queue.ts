/**
 * Waiting jobs: when each begins, what becomes of those whose predecessor failed, and new attempts of those that failed
 * themselves. Works on the folders alone, so that another supervisor can go on where this one was killed.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { errorMessage } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { manualHolders } from './claims.ts';
import { environmentChanges, fingerprintsOf, jobVariables } from './environment.ts';
import { hasMoreAttempts, JobFile, type JobSpec } from './job-files.ts';
import type { JobNote } from './job-list.ts';
import { isSpent, leftBehind } from './job-processes.ts';
import { environmentSchema, readRecord } from './job-records.ts';
import { hasEnded } from './job-state.ts';
import { type JobRecord, readJob } from './job-store.ts';
import { beginJob, endUnbegun, type JobOrder, type JobRuntime, makeJob } from './launch.ts';
import { isAlive } from './process-identity.ts';
import type { JobView } from './protocol.ts';
import { type Candidate, type Occupant, schedule } from './scheduler.ts';

/** A job that was begun in vain, and whose folder does not say so, is begun again after this. */
const AGAIN_MS = 2_000;

export class JobQueue {
  readonly #home: Home;
  readonly #runtime: JobRuntime;
  readonly #environments = new Map<string, Readonly<Record<string, string>>>();
  readonly #beginning = new Set<string>();
  /** When a job was begun in vain. */
  readonly #gaveUpAt = new Map<string, number>();

  constructor(home: Home, runtime: JobRuntime) {
    this.#home = home;
    this.#runtime = runtime;
  }

  /** Makes a job; the next `tick` begins it when its turn has come. */
  async add(order: JobOrder): Promise<string> {
    const { id, created, environment } = await makeJob(this.#home, order, this.#runtime);
    if (created) this.#environments.set(id, environment);
    return id;
  }

  /** Begins what may begin; tells why the others wait, and when time alone will change that. */
  async tick(jobs: readonly JobView[]): Promise<{ notes: ReadonlyMap<string, JobNote>; nextAt: number | null }> {
    const now = this.#runtime.now();
    const notes = new Map<string, JobNote>();
    for (const job of jobs) if (job.state === 'FAIL') await this.#retry(job, jobs, now);
    const candidates: Candidate[] = [];
    const occupants: Occupant[] = manualHolders(this.#home).map(({ name, claims }) => ({
      id: name,
      resource: 'io',
      claims,
      writes: true,
    }));
    for (const job of jobs.toReversed()) {
      const { id } = job;
      if (hasEnded(job.state) && isSpent(this.#home, id)) continue;
      const record = readJob(this.#home, id);
      if (!record.spec) continue;
      const { resource, claims, rowsDue: writes, notBefore } = record.spec;
      if (hasEnded(record.state)) {
        if (hasEnded(job.state) && !mayRetry(job)) this.#forgetEnvironment(id);
        // What it left behind still writes, and still sits on the GPU.
        if (leftBehind(this.#home, record).length > 0) occupants.push({ id, resource, claims, writes, ended: true });
        continue;
      }
      if (this.#beginning.has(id) || !(record.waiting || this.#wasGivenUp(record))) {
        occupants.push({ id, resource, claims, writes });
        continue;
      }
      if (record.stop) {
        // Whoever asked for the stop was killed before it could end the job.
        endUnbegun(this.#home, id, { error: null, stopped: true, at: now });
        continue;
      }
      const ahead = predecessors(record.spec, jobs);
      if (ahead.failed) {
        endUnbegun(this.#home, id, { error: `not begun: ${ahead.failed}`, stopped: true, at: now });
        continue;
      }
      const environment = this.#environmentOf(id, record.spec);
      if (typeof environment === 'string') {
        endUnbegun(this.#home, id, { error: `not begun: ${environment}`, stopped: false, at: now });
        continue;
      }
      const again = (this.#gaveUpAt.get(id) ?? Number.NEGATIVE_INFINITY) + AGAIN_MS;
      candidates.push({
        id,
        resource,
        claims,
        writes,
        notBefore: Math.max(notBefore ?? 0, again),
        waitsFor: ahead.pending,
      });
    }
    const { begin, waiting, nextAt } = schedule(candidates, occupants, this.#runtime.settings.jobs.slots, now);
    for (const [id, waits] of waiting) notes.set(id, { waits });
    await Promise.all(begin.map((id) => this.#begin(id)));
    return { notes, nextAt };
  }

  /**
   * Whether it was we who should have begun the job and could not even write down that it failed (the disk was full between
   * our note and the shim's): it is begun again. Only one shim ever takes a job, so that one which is late does no harm.
   */
  #wasGivenUp({ state, status }: JobRecord): boolean {
    const { starter = null, shim = null } = status ?? {};
    const ours = starter !== null && starter.pid === process.pid && isAlive(starter);
    return state === 'QUEUE' && ours && (shim === null || !isAlive(shim));
  }

  async #begin(id: string): Promise<void> {
    const { spec } = readJob(this.#home, id);
    const environment = spec && this.#environmentOf(id, spec);
    if (!environment || typeof environment === 'string') return;
    this.#beginning.add(id);
    try {
      await beginJob(this.#home, id, environment, this.#runtime);
      if (!hasMoreAttempts(spec)) this.#environments.delete(id);
      this.#gaveUpAt.delete(id);
    } catch (error) {
      this.#gaveUpAt.set(id, this.#runtime.now());
      // The folder tells what became of it.
      process.stderr.write(`${id}: ${errorMessage(error)}\n`);
    } finally {
      this.#beginning.delete(id);
    }
  }

  /** The variables that a job gets, or in words what of them is not known any more. */
  #environmentOf(id: string, spec: JobSpec): Readonly<Record<string, string>> | string {
    const known = this.#environments.get(id);
    if (known) return known;
    // Made by a supervisor that is gone. It left what is no secret; for the rest our own stand in, if they are the same.
    const left = readRecord(path.join(this.#home.jobs, id), JobFile.environment, environmentSchema).value;
    const names = new Set(spec.environment);
    const own = jobVariables(this.#runtime.env, spec.environment);
    const found = { ...own, ...left, PROMETHEUS_HOME: this.#home.root };
    const environment = Object.fromEntries(Object.entries(found).filter(([name]) => names.has(name)));
    const { unset, other } = environmentChanges(spec, {
      environment: Object.keys(environment),
      fingerprints: fingerprintsOf(environment),
    });
    const lost = [...unset, ...other];
    if (lost.length === 0) return environment;
    const how = `${lost.join(', ')} ${lost.length === 1 ? 'is' : 'are'} not set, or otherwise, now`;
    return `the supervisor that knew its environment is gone, and ${how}: run it again`;
  }

  #forgetEnvironment(id: string): void {
    this.#environments.delete(id);
    rmSync(path.join(this.#home.jobs, id, JobFile.environment), { force: true });
  }

  /** A new attempt of a job that failed by itself, unless there is one. */
  async #retry(job: JobView, jobs: readonly JobView[], now: number): Promise<void> {
    if (!mayRetry(job) || jobs.some((one) => isNextAttempt(one, job))) return;
    const { spec } = readJob(this.#home, job.id);
    if (!spec?.retry) return;
    const { attempts, attempt, backoffMs } = spec.retry;
    const { retryLimit, retryWindowMinutes } = this.#runtime.settings.jobs;
    const windowMs = retryWindowMinutes * 60_000;
    const recent = jobs.filter(
      (one) =>
        (one.attempt?.number ?? 1) > 1 &&
        now - one.createdAt < windowMs &&
        one.program === job.program &&
        one.args.join('\0') === job.args.join('\0'),
    );
    const afterWindow = recent.length >= retryLimit ? Math.min(...recent.map((one) => one.createdAt)) + windowMs : 0;
    const environment = this.#environmentOf(job.id, spec);
    const lost = typeof environment === 'string' ? environment : null;
    try {
      const id = await this.add({
        program: spec.program,
        args: spec.programArgs,
        // However often it is tried to be made, also by another supervisor: it is one job.
        idempotencyKey: `retry ${job.id}`,
        who: spec.requestedBy,
        cwd: spec.cwd,
        exactly: spec,
        environment: typeof environment === 'string' ? undefined : environment,
        limits: spec.limits,
        notBefore: Math.max((job.endedAt ?? now) + backoffMs * 2 ** (attempt - 1), afterWindow),
        rerunOf: job.id,
        retry: { attempts, attempt: attempt + 1, backoffMs, of: job.id },
        chain: spec.chain,
      });
      this.#forgetEnvironment(job.id);
      if (lost !== null) endUnbegun(this.#home, id, { error: `not begun: ${lost}`, stopped: true, at: now });
    } catch (error) {
      process.stderr.write(`${job.id} cannot be tried again: ${errorMessage(error)}\n`);
    }
  }
}

/** Refused arguments fail again just so; what an operator stopped is not a failure at all. */
export const mayRetry = (job: JobView) =>
  job.state === 'FAIL' && job.exitCode !== 2 && job.attempt !== null && job.attempt.number < job.attempt.of;

const isNextAttempt = (one: JobView, job: JobView) =>
  one.rerunOf === job.id && one.attempt !== null && one.attempt.number === job.attempt!.number + 1;

/** What a job still waits for, and what makes waiting vain; both in words. */
function predecessors(spec: JobSpec, jobs: readonly JobView[]): { pending: string | null; failed: string | null } {
  for (const { job: first, allowPartial } of spec.after) {
    let job = jobs.find((one) => one.id === first);
    if (!job) return { pending: null, failed: `${first}, which it waited for, was removed` };
    // A failure that is made good by a later attempt is none.
    for (let next = job; next; next = jobs.find((one) => isRetryOf(one, job!))!) job = next;
    if (mayRetry(job)) return { pending: `${job.id} to be tried again`, failed: null };
    if (!hasEnded(job.state)) return { pending: job.id, failed: null };
    if (job.state === 'DONE' || (job.state === 'PART' && allowPartial)) continue;
    return { pending: null, failed: `${job.id} ended ${job.state}` };
  }
  return { pending: null, failed: null };
}

const isRetryOf = (one: JobView, job: JobView) =>
  one.rerunOf === job.id && one.attempt !== null && job.attempt !== null && one.attempt.number > job.attempt.number;
