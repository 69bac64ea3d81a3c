/** A supervisor that says again what a recorded one said. Nothing is launched or stopped by it. */
import { UserError } from '../../platform/errors.ts';
import { maskTypedJson } from '../../platform/secrets.ts';
import type { JobView, Snapshot, Supervisor } from '../../supervisor/protocol.ts';
import type { ReadArgs, ReadName, ReadResult } from '../../supervisor/reads.ts';
import type { RecordingEntry } from './format.ts';

/** Applies messages one after the other; the state after the last. */
export interface Book {
  readonly snapshot: Snapshot | null;
  apply(message: Extract<RecordingEntry, { from: 'supervisor' }>['message']): void;
}

export interface Replay extends Supervisor {
  /** Says everything up to a time (milliseconds since the beginning); gives the keys and sizes of that stretch. */
  advance(to: number): readonly Extract<RecordingEntry, { from: 'keys' | 'size' }>[];
  /** Something has been said: there is a snapshot. */
  readonly begun: boolean;
  /** When the last thing happens. */
  readonly length: number;
}

/** A replay over entries, in their order. */
export function createReplay(entries: readonly RecordingEntry[], book: Book): Replay {
  const listeners = new Set<(snapshot: Snapshot) => void>();
  /** Questions that wait for their reply, by id; replies that nobody has asked for yet, by question. */
  const asked = new Map<number, string>();
  const replies = new Map<string, unknown>();
  /** Questions asked again before their reply was recorded: it comes when it came then. */
  const waiting = new Map<string, PromiseWithResolvers<unknown>[]>();
  let next = 0;

  const take = (entry: RecordingEntry) => {
    if (entry.from === 'client' && entry.message.type === 'command') {
      asked.set(entry.message.id, questionKey(entry.message.name, entry.message.request));
    }
    if (entry.from !== 'supervisor') return;
    const { message } = entry;
    if (message.type === 'reply') {
      const key = asked.get(message.id);
      if (key === undefined || message.result === undefined) return;
      replies.set(key, message.result);
      for (const waits of waiting.get(key) ?? []) waits.resolve(message.result);
      waiting.delete(key);
    } else book.apply(message);
  };

  const refuse = async (): Promise<never> => {
    throw new UserError(
      'this is a recording: nothing is started or stopped by it',
      'Open the console itself: prometheus',
    );
  };
  const nothing = async () => {};

  return {
    length: entries.at(-1)?.t ?? 0,
    get begun() {
      return book.snapshot !== null;
    },
    advance(to) {
      const from = next;
      while (next < entries.length && entries[next].t <= to) take(entries[next++]);
      if (next === entries.length) {
        for (const waits of [...waiting.values()].flat()) waits.reject(notRecorded());
        waiting.clear();
      }
      const snapshot = book.snapshot;
      if (next > from && snapshot) for (const listener of [...listeners]) listener(snapshot);
      return entries.slice(from, next).filter((entry) => entry.from === 'keys' || entry.from === 'size');
    },
    snapshot() {
      if (!book.snapshot) throw new Error('nothing has been said yet');
      return book.snapshot;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async read<Name extends ReadName>(name: Name, args: ReadArgs<Name>): Promise<ReadResult<Name>> {
      const key = questionKey('read', { what: name, args });
      let reply = replies.get(key);
      if (reply === undefined) {
        if (next === entries.length) throw notRecorded();
        const waits = Promise.withResolvers<unknown>();
        waiting.set(key, [...(waiting.get(key) ?? []), waits]);
        reply = await waits.promise;
      }
      return (reply as { value: ReadResult<Name> }).value;
    },
    launch: refuse as () => Promise<JobView>,
    rerun: refuse as () => Promise<JobView>,
    chain: refuse as () => Promise<JobView[]>,
    stop: refuse as () => Promise<JobView>,
    kill: refuse as () => Promise<JobView>,
    keep: refuse as () => Promise<JobView>,
    pause: refuse as () => Promise<JobView>,
    remove: refuse,
    note: refuse,
    skip: refuse,
    shutdown: refuse,
    // What was watched comes as it was recorded.
    watch: () => {},
    recheck: nothing,
    setReadOnly: nothing,
    close: nothing,
  };
}

const notRecorded = () => new UserError('the recording does not hold this', 'It was not asked for while it was made.');

/**
 * Questions are the same when they ask the same: the folder and the environment of the asking shell do not count, nor what
 * stands in the place of a password.
 */
function questionKey(name: string, request: unknown): string {
  const { cwd: _cwd, environment: _environment, ...rest } = (request ?? {}) as Record<string, unknown>;
  return `${name} ${JSON.stringify(rest, maskTypedJson)}`;
}
