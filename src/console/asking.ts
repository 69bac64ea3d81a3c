/** Asks the supervisor what the open screen needs, one question of a kind at a time, and keeps the answers in the store. */
import type { Supervisor } from '../supervisor/protocol.ts';
import { type Answer, type Need, needKey } from './answers.ts';
import { needsOf } from './needs.ts';
import type { ConsoleStore } from './store.ts';

/** Answers beyond these are forgotten, the ones asked for longest ago first. */
const MAX_ANSWERS = 60;

export interface Asking {
  /** Asks what is missing or has become old. */
  look(): void;
  stop(): void;
}

/** Starts asking: at once, and whenever `look` is called. */
export function startAsking(store: ConsoleStore, supervisor: Supervisor, now: () => number): Asking {
  const underWay = new Set<string>();
  let stopped = false;

  const keep = (key: string, change: (before: Answer | undefined) => Answer) => {
    if (stopped) return;
    const { [key]: before, ...others } = store.getState().answers;
    const entries = Object.entries({ ...others, [key]: change(before) });
    store.setState({ answers: Object.fromEntries(entries.slice(-MAX_ANSWERS)) });
  };

  const ask = async ({ name, args }: Need, key: string) => {
    underWay.add(key);
    try {
      const value = await supervisor.read(name, args);
      keep(key, () => ({ value, at: now(), problem: null }));
    } catch (error) {
      const { message, fix } = error as { message?: string; fix?: string };
      const problem = [message ?? String(error), fix].filter(Boolean).join('. ');
      keep(key, (before) => ({ value: before?.value ?? null, at: before?.at ?? null, problem }));
      // Not again at once, but sooner than what is only old: a database that is back is seen soon.
      failedAt.set(key, now());
    } finally {
      underWay.delete(key);
    }
  };
  const failedAt = new Map<string, number>();
  const RETRY_MS = 5000;

  const due = ({ everyMs }: Need, key: string): boolean => {
    if (underWay.has(key)) return false;
    const failed = failedAt.get(key);
    const answer = store.getState().answers[key];
    if (answer?.problem && failed !== undefined) return now() - failed >= Math.min(everyMs ?? RETRY_MS, RETRY_MS);
    if (!answer || answer.at === null) return true;
    return everyMs !== null && now() - answer.at >= everyMs;
  };

  const look = () => {
    const state = store.getState();
    if (stopped || !state.connected || state.paused) return;
    for (const need of needsOf(state)) {
      const key = needKey(need);
      if (due(need, key)) void ask(need, key);
    }
  };

  return {
    look,
    stop() {
      stopped = true;
    },
  };
}
