/** One frame of a recorded console, without a terminal. */
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { Limits } from '../console/action.ts';
import { createController } from '../console/controller.ts';
import { startFeed } from '../console/feed.ts';
import type { KeyEvent } from '../console/key-parser.ts';
import type { RecordingHeader } from '../console/recording/format.ts';
import type { Replay } from '../console/recording/replay.ts';
import { type ConsoleState, type ConsoleStore, createConsoleStore, emptySnapshot } from '../console/store.ts';
import type { Size } from '../console/terminal.ts';
import type { Style } from '../format/lines.ts';
import { withoutFetch } from './console.ts';

/** Recorded things that happen within this time of each other are shown together. */
export const STEP_MS = 50;

/** Keys that left the recorded console do not leave the one that shows it. */
const LEAVES: ReadonlySet<string> = new Set(['q', 'ctrl+c', 'ctrl+z']);
export const mayPress = (event: KeyEvent): boolean => event.type !== 'key' || !LEAVES.has(event.id);

/** How often what a key asks for is awaited before the next one: answers lead to further questions, as in a log. */
const ROUNDS = 30;

export interface ReplayedFrame {
  /** Rows with colours. */
  readonly rows: readonly string[];
  /** What the frame shows. */
  readonly store: ConsoleStore;
  readonly limits: Limits;
}

/**
 * Plays a recording as fast as it goes, drawing on the way, and gives the frame at a time.
 * @param at milliseconds since its beginning
 */
export async function frameAt(
  at: number,
  supervisor: Replay,
  header: Pick<RecordingHeader, 'home' | 'demo' | 'at'>,
  options: {
    readonly size: Size;
    readonly keys: boolean;
    readonly press: readonly string[];
    readonly style: Style;
    /** Waits for this before the frame is taken. */
    readonly until?: (state: ConsoleState) => boolean;
  },
): Promise<ReplayedFrame> {
  let clock = 0;
  const now = () => header.at + clock;
  const store = createConsoleStore(emptySnapshot(header.home, header.demo, header.at), options.size);
  const nothing = () => {};
  const controller = createController(store, {
    supervisor: () => supervisor,
    redraw: nothing,
    detach: nothing,
    suspend: nothing,
    copy: () => '',
    now,
    page: async () => {},
    run: async () => {},
    edit: async (text) => text,
    save: async () => '',
    newId: () => 'replay',
  });
  const sink = new FrameSink();
  const { mountScreens } = await withoutFetch(() => import('../../screens/root.tsx'));
  const screens = mountScreens({ store, limits: controller.limits, style: options.style }, sink);
  let feed: ReturnType<typeof startFeed> | null = null;
  for (let to = 0; ; to = Math.min(at, to + STEP_MS)) {
    clock = to;
    const inputs = supervisor.advance(to);
    if (supervisor.begun) {
      store.setState({ snapshot: supervisor.snapshot(), connected: true });
      feed ??= startFeed(store, supervisor, now);
    }
    for (const input of inputs) {
      // What a key asks for arrives before the next key.
      if (input.from === 'keys' && options.keys && mayPress(input.event)) controller.key(input.event);
      await turn();
    }
    controller.tick();
    feed?.tick();
    if (to >= at) break;
  }
  for (const id of options.press) {
    const typed = id.length > 1 && id.startsWith(':') ? [':', ...id.slice(1)].map(keyName) : [id];
    for (const key of typed) controller.key({ type: 'key', id: key });
    for (let round = 0; round < ROUNDS; round++) await turn();
  }
  if (options.until) await reached(store, options.until);
  await turn();
  await turn();
  feed?.stop();
  screens.unmount();
  return { rows: sink.frame, store, limits: controller.limits };
}

const reached = (store: ConsoleStore, what: (state: ConsoleState) => boolean): Promise<void> =>
  new Promise((resolve) => {
    const stop = store.subscribe((state) => look(state));
    const look = (state: ConsoleState) => {
      if (!what(state)) return;
      stop();
      resolve();
    };
    look(store.getState());
  });

const keyName = (letter: string): string => (letter === ' ' ? 'space' : letter);

/** What frames go to when nobody looks: keeps the last one. */
export class FrameSink extends Writable {
  frame: readonly string[] = [];

  constructor() {
    super({ decodeStrings: false });
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.frame = String(chunk).split('\n');
    done();
  }
}
