/**
 * When the state is drawn: at once after what the operator did, and what came by itself a few times a second at most. News that
 * comes meanwhile is in the next frame; the store has it already.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ConsoleState } from './store.ts';

/** Steady limit of frames that news alone may cause. */
const STEADY_MS = 250;
/** What a key asked for is there within this time as a rule, and is drawn at once. */
const ANSWER_MS = 60;
/** The limit for a while after a key: what takes longer comes in parts. */
const BURST_MS = 100;
const BURST_LASTS_MS = 1000;
/** No more than a fifth of the time goes into frames of news, and none waits longer than this. */
const SHARE = 5;
const LONGEST_MS = 1000;

/** What changes without the operator. */
const NEWS: ReadonlySet<string> = new Set<keyof ConsoleState>([
  'snapshot',
  'connected',
  'boot',
  'bootProblem',
  'silentMs',
  'answers',
  'log',
]);

export interface Pace {
  /** The state as it is to be drawn. */
  readonly drawn: StoreApi<ConsoleState>;
  /** A key came: what it asks for is drawn at once, though it is news by its kind. */
  key(): void;
  stop(): void;
}

/** Follows a store. */
export function paceOf(store: StoreApi<ConsoleState>): Pace {
  const drawn = createStore<ConsoleState>(() => store.getState());
  let drawnAt = Number.NEGATIVE_INFINITY;
  let keyAt = Number.NEGATIVE_INFINITY;
  let tookMs = 0;
  let timer: NodeJS.Timeout | null = null;

  const draw = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    const began = performance.now();
    drawnAt = began;
    drawn.setState(store.getState(), true);
    // The frame is made before anything else has its turn.
    setImmediate(() => {
      tookMs = performance.now() - began;
    });
  };

  const dueAt = (now: number): number => {
    if (now - keyAt < ANSWER_MS) return now;
    const least = now - keyAt < BURST_LASTS_MS ? BURST_MS : STEADY_MS;
    return drawnAt + Math.min(LONGEST_MS, Math.max(least, SHARE * tookMs));
  };

  const unsubscribe = store.subscribe((state, before) => {
    const names = Object.keys(state) as (keyof ConsoleState)[];
    if (names.some((name) => state[name] !== before[name] && !NEWS.has(name))) return draw();
    const now = performance.now();
    const due = dueAt(now);
    if (due <= now) draw();
    else timer ??= setTimeout(draw, due - now);
  });

  return {
    drawn,
    key() {
      keyAt = performance.now();
    },
    stop() {
      if (timer) clearTimeout(timer);
      unsubscribe();
    },
  };
}
