/** Snapshots from the supervisor into the store: at most four a second, and a plain word when they stop coming. */
import type { Snapshot, Supervisor } from '../supervisor/protocol.ts';
import { startAsking } from './asking.ts';
import { isRunning } from './lists.ts';
import { startLogDesk } from './log/desk.ts';
import { selectedJob } from './selectors.ts';
import type { ConsoleStore } from './store.ts';

/** Steady limit of frames that data alone may cause; keys are drawn at once. */
const MIN_INTERVAL_MS = 250;
/** New figures of the machine alone are worth a frame less often, least of all while nothing runs. */
const MACHINE_INTERVAL_MS = 1000;
const IDLE_INTERVAL_MS = 5000;
/** Without a snapshot for longer than this the figures on the screen are called old. */
const SILENT_AFTER_MS = 10_000;
/** The time without news is shown in steps, so that even silence sends few bytes. */
const SILENT_STEP_MS = 10_000;

export interface Feed {
  /** Looks whether news is overdue; called once a second. */
  tick(): void;
  stop(): void;
}

/** Connects a supervisor to the store, and tells it which job's output is wanted. */
export function startFeed(store: ConsoleStore, supervisor: Supervisor, now: () => number): Feed {
  let appliedAt = Number.NEGATIVE_INFINITY;
  let heardAt = now();
  let pending: NodeJS.Timeout | null = null;
  let dueAt = Number.POSITIVE_INFINITY;
  let watched: string | null = null;
  let stopped = false;
  let wasPaused = false;

  const apply = (snapshot: Snapshot) => {
    if (pending) clearTimeout(pending);
    pending = null;
    dueAt = Number.POSITIVE_INFINITY;
    appliedAt = now();
    // What kept the databases from being started is past once both answer.
    const { historical, runtime } = snapshot.databases;
    const mended = historical.up && runtime.up ? { bootProblem: null } : {};
    store.setState({ snapshot, connected: true, silentMs: 0, ...mended });
  };
  // News held back during a pause is shown at its end.
  const resume = () => {
    const before = wasPaused;
    // Before anything is shown: that comes here again.
    wasPaused = store.getState().paused;
    if (before && !wasPaused) apply(supervisor.snapshot());
  };
  const watch = () => {
    const wanted = selectedJob(store.getState())?.id ?? null;
    if (wanted === watched) return;
    watched = wanted;
    supervisor.watch(wanted);
  };

  apply(supervisor.snapshot());
  watch();
  const asking = startAsking(store, supervisor, now);
  asking.look();
  const desk = startLogDesk(store, supervisor, now);
  desk.look();
  const unsubscribeStore = store.subscribe(() => {
    resume();
    watch();
    asking.look();
    desk.look();
  });
  const unsubscribe = supervisor.subscribe((snapshot) => {
    if (stopped) return;
    heardAt = now();
    if (store.getState().paused) return;
    const due = appliedAt + intervalFor(store.getState().snapshot, snapshot);
    if (due <= heardAt) return apply(snapshot);
    if (due >= dueAt) return;
    if (pending) clearTimeout(pending);
    dueAt = due;
    // The newest one at that time, not the one that asked.
    pending = setTimeout(() => !stopped && !store.getState().paused && apply(supervisor.snapshot()), due - heardAt);
  });

  return {
    tick() {
      const silent = now() - heardAt;
      const shown = silent < SILENT_AFTER_MS ? 0 : Math.floor(silent / SILENT_STEP_MS) * SILENT_STEP_MS;
      if (shown !== store.getState().silentMs) store.setState({ silentMs: shown });
      asking.look();
      desk.tick();
    },
    stop() {
      stopped = true;
      asking.stop();
      desk.stop();
      if (pending) clearTimeout(pending);
      unsubscribe();
      unsubscribeStore();
    },
  };
}

/** How long a frame may wait for what is new in a snapshot. */
function intervalFor(shown: Snapshot, next: Snapshot): number {
  const quiet: ReadonlySet<string> = new Set(['sequence', 'at', 'machine']);
  const news = (Object.keys(next) as (keyof Snapshot)[]).some((key) => !quiet.has(key) && next[key] !== shown[key]);
  if (news || shown.machine === null) return MIN_INTERVAL_MS;
  return next.jobs.some(isRunning) ? MACHINE_INTERVAL_MS : IDLE_INTERVAL_MS;
}
