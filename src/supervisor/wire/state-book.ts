/** What a client knows: the supervisor's messages in, the whole state out. */
import type { Handover, JobView, ServerMessage, SharedState, Snapshot } from '../protocol.ts';
import { DetailBook } from './detail-book.ts';

export class StateBook {
  readonly #detail = new DetailBook();
  #handover: Handover | null = null;
  #snapshot: Snapshot | null = null;

  /** The state after the last message; null before the first one. */
  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  /** Takes a message in; those that change no state are passed over. */
  apply(message: ServerMessage): void {
    if (message.type === 'welcome') this.#handover ??= message.handover;
    else if (message.type === 'state') this.#state(message);
    else if (message.type === 'detail' && this.#snapshot) {
      this.#snapshot = { ...this.#snapshot, detail: this.#detail.apply(message) };
    }
  }

  #state({ base, sequence, change, jobs }: Extract<ServerMessage, { type: 'state' }>): void {
    const before = base === null ? null : this.#snapshot;
    this.#snapshot = {
      ...(before ?? (change as SharedState)),
      ...change,
      sequence,
      jobs: before ? mergeJobs(before.jobs, jobs) : newestFirst(jobs.changed),
      // A full state after a reconnection knows nothing of the watched job; its window comes by itself.
      detail: this.#snapshot?.detail ?? null,
      handover: this.#handover,
    };
  }
}

const newestFirst = (jobs: readonly JobView[]): JobView[] => jobs.toSorted((a, b) => compareIds(b.id, a.id));

/** By number, then by name: the order of the folders. */
function compareIds(a: string, b: string): number {
  const number = (id: string) => Number(/^(\d+)-/.exec(id)?.[1] ?? 0);
  return number(a) - number(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function mergeJobs(
  before: readonly JobView[],
  { changed, removed }: { changed: readonly JobView[]; removed: readonly string[] },
): readonly JobView[] {
  if (changed.length === 0 && removed.length === 0) return before;
  const gone = new Set([...removed, ...changed.map((view) => view.id)]);
  return newestFirst([...changed, ...before.filter((view) => !gone.has(view.id))]);
}
