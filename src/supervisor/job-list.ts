/** All jobs of a home as the console lists them. What has ended is read once; only what lives is looked at again. */
import { existsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Home } from '../platform/home.ts';
import { EventDigest, parseEvent } from './job-events.ts';
import { JobFile, type JobProcess } from './job-files.ts';
import { hasEnded } from './job-state.ts';
import { type JobRecord, listJobIds, readJob } from './job-store.ts';
import type { JobView } from './protocol.ts';
import { FileTail } from './tail.ts';

/** The result is the last event; the stage of a running job may stand far behind its latest metrics. */
const ENDED_BYTES = 64 * 1024;
const RUNNING_BYTES = 2 * 1024 * 1024;
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = constants.signals;

/** Follows the end of a job's events for its place in a list. */
class DigestTail {
  readonly digest = new EventDigest();
  readonly #tail: FileTail;

  constructor(record: JobRecord) {
    const bytes = record.exit ? ENDED_BYTES : RUNNING_BYTES;
    this.#tail = new FileTail(path.join(record.folder, JobFile.events), {
      lastBytes: bytes,
      maxBytesPerRead: bytes,
      maxLineBytes: ENDED_BYTES,
    });
  }

  poll(): EventDigest {
    this.#tail.read((line) => {
      const event = parseEvent(line);
      if (event) this.digest.push(event);
    });
    return this.digest;
  }
}

/** What the supervisor knows of a job beside its folder. */
export interface JobNote {
  /** Why it waits. */
  readonly waits?: string;
  /** What is left of it after a stop. */
  readonly survivors?: readonly JobProcess[];
}

/** Marks in a job's folder, made and removed by hand. */
export const KEPT_MARK = 'kept';
export const ARCHIVED_MARK = 'archived';

export interface ViewOptions {
  readonly now: number;
  readonly stopDeadlineMs: number;
  readonly note?: JobNote;
}

/** A job's line in a list, from its record and the digest of its events. */
function jobView(record: JobRecord, digest: EventDigest, { now, stopDeadlineMs, note = {} }: ViewOptions): JobView {
  const { spec, status, exit, stop, state, folder } = record;
  const ended = hasEnded(state);
  const running = state === 'RUN';
  return {
    id: record.id,
    program: spec?.program ?? '?',
    script: (spec?.script ?? null) !== null,
    args: spec?.programArgs ?? [],
    state,
    reason: state === 'QUEUE' ? (note.waits ?? record.reason) : record.reason,
    createdAt: spec?.createdAt ?? 0,
    startedAt: exit?.startedAt ?? status?.startedAt ?? null,
    endedAt: exit?.endedAt ?? null,
    exitCode: exit ? exitCodeOf(exit) : null,
    pid: status?.child?.pid ?? null,
    stage: digest.stage,
    progress: digest.progress(running ? now : null),
    summary: digest.summary,
    rows: exit?.verdict?.rows ?? null,
    failures: exit?.verdict?.failures ?? null,
    build: spec?.gitSha ?? spec?.build ?? null,
    dirty: spec?.gitDirty ?? null,
    config: spec?.configHash ?? null,
    data: spec?.data ?? null,
    resource: spec?.resource ?? 'cpu',
    requestedBy: spec?.requestedBy ?? '?',
    rerunOf: spec?.rerunOf ?? null,
    chain: spec?.chain ?? null,
    attempt: spec?.retry ? { number: spec.retry.attempt, of: spec.retry.attempts } : null,
    paused: running ? digest.paused : null,
    // What rests on purpose has nothing to say.
    stalledSince: running && digest.paused === null ? silentSince(folder, spec?.limits.stallMs ?? null, now) : null,
    stopping:
      stop && !ended ? { since: stop.at, deadline: stop.at + stopDeadlineMs, survivors: note.survivors ?? [] } : null,
    kept: existsSync(path.join(folder, KEPT_MARK)),
    archived: existsSync(path.join(folder, ARCHIVED_MARK)),
  };
}

/** When the job last said anything, if that is longer ago than it should be. */
function silentSince(folder: string, stallMs: number | null, now: number): number | null {
  if (stallMs === null) return null;
  const spoke = [JobFile.stdout, JobFile.stderr, JobFile.events].map((name) => {
    try {
      return statSync(path.join(folder, name)).mtimeMs;
    } catch {
      return 0;
    }
  });
  const last = Math.max(...spoke);
  return last > 0 && now - last > stallMs ? Math.round(last) : null;
}

/** As a shell reports it: the code, or 128 + the number of the signal. */
function exitCodeOf(exit: { code: number | null; signal: string | null }): number | null {
  if (exit.code !== null) return exit.code;
  return exit.signal === null ? null : 128 + (SIGNAL_NUMBERS[exit.signal] ?? 0);
}

/** One job's line, read now. */
export function readJobView(home: Home, id: string, options: ViewOptions): JobView {
  const record = readJob(home, id);
  return jobView(record, new DigestTail(record).poll(), options);
}

/** How many ended jobs are read before others get a turn. */
const BATCH = 25;

/** The list of jobs, kept up to date by `poll`. */
export class JobList {
  readonly #home: Home;
  readonly #now: () => number;
  readonly #stopDeadlineMs: number;
  #notes: ReadonlyMap<string, JobNote> = new Map();
  readonly #settled = new Map<string, JobView>();
  readonly #tails = new Map<string, DigestTail>();
  #views: readonly JobView[] = [];

  constructor(home: Home, now: () => number, stopDeadlineMs: number) {
    this.#home = home;
    this.#now = now;
    this.#stopDeadlineMs = stopDeadlineMs;
  }

  /** What is shown of living jobs beside their folders, from the next poll on. */
  note(notes: ReadonlyMap<string, JobNote>): void {
    this.#notes = notes;
  }

  /** A mark was changed: the job is read again though it has ended. */
  forget(id: string): void {
    this.#settled.delete(id);
  }

  /** As of the last poll, newest first. The same array as long as nothing changed. */
  get views(): readonly JobView[] {
    return this.#views;
  }

  /** True while any job may still change. */
  get anyAlive(): boolean {
    return this.#views.some((view) => !hasEnded(view.state));
  }

  /** Reads the folders again; true when the list is another one now. */
  async poll(): Promise<boolean> {
    const ids = listJobIds(this.#home);
    const views: JobView[] = [];
    let reads = 0;
    for (const id of ids.toReversed()) {
      const known = this.#settled.get(id);
      if (!known && ++reads % BATCH === 0) await new Promise(setImmediate);
      views.push(known ?? this.#read(id));
    }
    if (this.#settled.size + this.#tails.size > ids.length) this.#forgetRemoved(new Set(ids));
    const changed = !isSameList(views, this.#views);
    if (changed) this.#views = views;
    return changed;
  }

  #read(id: string): JobView {
    const record = readJob(this.#home, id);
    let tail = this.#tails.get(id);
    if (!tail) this.#tails.set(id, (tail = new DigestTail(record)));
    // After the record: when it says that the job ended, every event has been written.
    const view = jobView(record, tail.poll(), {
      now: this.#now(),
      stopDeadlineMs: this.#stopDeadlineMs,
      note: this.#notes.get(id),
    });
    if (record.settled) {
      this.#settled.set(id, view);
      this.#tails.delete(id);
    }
    const before = this.#views.find((one) => one.id === id);
    return before && isDeepStrictEqual(before, view) ? before : view;
  }

  #forgetRemoved(ids: ReadonlySet<string>): void {
    for (const map of [this.#settled, this.#tails]) {
      for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    }
  }
}

const isSameList = (a: readonly JobView[], b: readonly JobView[]) =>
  a.length === b.length && a.every((view, i) => view === b[i]);
