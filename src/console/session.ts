/**
 * One console from its first frame to detaching: terminal, keys, store and feed wired together. It draws nothing itself;
 * whoever starts it mounts the screens on `writer`, so that this room needs no React.
 */
import { setFlagsFromString } from 'node:v8';
import type { Supervisor } from '../supervisor/protocol.ts';
import type { Limits } from './action.ts';
import { copyRoute, copySequence } from './clipboard.ts';
import { createController } from './controller.ts';
import { editText } from './editor.ts';
import { type Feed, startFeed } from './feed.ts';
import type { FrameWriter } from './frame-writer.ts';
import { createKeyParser, escapeTimeout, type KeyEvent } from './key-parser.ts';
import { saveLines } from './log/save.ts';
import { type NoticeOptions, noticeSequence, startNotices } from './notices.ts';
import { paceOf } from './pace.ts';
import { type PagedLines, page } from './pager.ts';
import { recordedKeys } from './recording/typed-keys.ts';
import { runningJobs } from './selectors.ts';
import { type ConsoleState, type ConsoleStore, createConsoleStore, emptySnapshot } from './store.ts';
import { type EndOfTerminal, type Size, Terminal, type TerminalStreams } from './terminal.ts';
import { ASK_BACKGROUND, themeForBackground } from './theme.ts';

export interface SessionOptions {
  readonly streams: TerminalStreams;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly demo: boolean;
  readonly now: () => number;
  readonly newId: () => string;
  readonly initial?: Partial<ConsoleState>;
  /** Asks the terminal for its background, and takes the theme that fits while none was chosen. */
  readonly askBackground?: boolean;
  /** What a command of the command line prints, for the pager; absent: none is run from here. */
  readonly run?: (words: readonly string[]) => PagedLines;
  /** Told of every key and size, for recordings. */
  readonly tap?: (input: Input) => void;
}

/** What the operator did, as far as it may be taken down. */
export type Input =
  | { readonly from: 'keys'; readonly event: KeyEvent }
  | { readonly from: 'size'; readonly size: Size };

/** How a console ended; in every case the terminal is the shell's again. */
export type SessionEnd = { readonly kind: 'detached' } | EndOfTerminal;

export interface Session {
  readonly store: ConsoleStore;
  /** The same as it is to be drawn: what nobody pressed a key for comes a few times a second. */
  readonly drawn: ConsoleStore;
  readonly limits: Limits;
  /** The stdout for the screens. */
  readonly writer: FrameWriter;
  /** Takes the terminal. Mount the screens right after. */
  start(): void;
  /** Says what is being done before the supervisor is there. */
  booting(what: string): void;
  /** There will be no supervisor: the reason stays on the screen. */
  failed(problem: string): void;
  /** `notices`: which ends of jobs the terminal is told; absent: none. */
  connect(supervisor: Supervisor, notices?: NoticeOptions): void;
  /** A key as if it had been pressed. */
  press(event: KeyEvent): void;
  /** Gives the terminal back; `ended` resolves. */
  end(end: SessionEnd): void;
  readonly ended: Promise<SessionEnd>;
}

const TICK_MS = 1000;
/** Progress of the start is drawn no more often than data is. */
const BOOT_INTERVAL_MS = 250;

/** Prepares a console; nothing happens to the terminal before `start`. */
export function createSession(options: SessionOptions): Session {
  const { now } = options;
  const parser = createKeyParser({
    escapeTimeoutMs: escapeTimeout(options.env),
    mouse: () => store.getState().mouse,
    ...(options.askBackground
      ? {
          onReply: (text: string) => {
            const theme = themeForBackground(text);
            if (theme && store.getState().theme === null) store.setState({ theme });
          },
        }
      : {}),
  });
  const finished = Promise.withResolvers<SessionEnd>();
  let supervisor: Supervisor | null = null;
  let feed: Feed | null = null;
  let stopNotices: (() => void) | null = null;
  let escapeTimer: NodeJS.Timeout | null = null;
  let tickTimer: NodeJS.Timeout | null = null;
  let bootTimer: NodeJS.Timeout | null = null;
  let boot: string | null = null;

  const terminal = new Terminal(options.streams, {
    onBytes: (bytes) => {
      for (const event of parser.feed(bytes, now())) take(event);
      waitForEscape();
    },
    onResize: (size) => {
      options.tap?.({ from: 'size', size });
      store.setState({ size });
    },
    onEnd: (end) => finish(end),
  });
  const store = createConsoleStore(emptySnapshot(options.home, options.demo, now()), terminal.size, options.initial);
  const pace = paceOf(store);
  store.subscribe(({ mouse }) => terminal.setMouse(mouse));
  terminal.setMouse(store.getState().mouse);
  const controller = createController(store, {
    supervisor: () => supervisor,
    redraw: () => terminal.writer.repaint(),
    detach: () => finish({ kind: 'detached' }),
    suspend: () => terminal.suspend(),
    copy: (text) => copyText(text),
    page: (lines) => terminal.lend(() => page(lines, options.env)),
    run: async (words) => {
      const output = options.run?.(words);
      if (output) await terminal.lend(() => page(output, options.env));
    },
    edit: (text) => terminal.lend(() => editText(text, options.env)),
    save: (name, lines) => saveLines(process.cwd(), name, lines),
    now,
    newId: options.newId,
  });

  const take = (event: KeyEvent) => {
    if (options.tap) for (const one of recordedKeys(store.getState(), event)) options.tap({ from: 'keys', event: one });
    press(event);
  };

  const press = (event: KeyEvent) => {
    pace.key();
    controller.key(event);
  };

  const copyText = (text: string): string => {
    const sequence = copySequence(text, options.env);
    if (sequence === null) return 'too long for the clipboard of a terminal';
    terminal.write(sequence);
    return copyRoute(text, options.env);
  };

  const waitForEscape = () => {
    if (escapeTimer) clearTimeout(escapeTimer);
    escapeTimer = null;
    const deadline = parser.deadline();
    if (deadline === null) return;
    escapeTimer = setTimeout(
      () => {
        for (const event of parser.tick(now())) take(event);
        waitForEscape();
      },
      Math.max(1, deadline - now()),
    );
  };

  const finish = (end: SessionEnd) => {
    if (escapeTimer) clearTimeout(escapeTimer);
    if (tickTimer) clearInterval(tickTimer);
    if (bootTimer) clearTimeout(bootTimer);
    stopNotices?.();
    feed?.stop();
    pace.stop();
    terminal.stop();
    finished.resolve(end);
  };

  return {
    store,
    drawn: pace.drawn,
    limits: controller.limits,
    writer: terminal.writer,
    start() {
      keepMemorySmall();
      terminal.start();
      if (options.askBackground) terminal.write(ASK_BACKGROUND);
      tickTimer = setInterval(() => {
        controller.tick();
        feed?.tick();
      }, TICK_MS);
    },
    booting(what) {
      boot = what;
      // What is said within the interval is shown at its end, when it is still the newest.
      bootTimer ??= setTimeout(() => {
        bootTimer = null;
        if (supervisor === null && boot !== store.getState().boot) store.setState({ boot });
      }, BOOT_INTERVAL_MS);
    },
    failed(problem) {
      boot = null;
      store.setState({ boot, bootProblem: problem });
    },
    connect(connected, notices) {
      supervisor = connected;
      store.setState({ boot: null });
      feed = startFeed(store, connected, now);
      if (notices) {
        stopNotices = startNotices(store, notices, (text) =>
          terminal.write(noticeSequence(text, notices, options.env)),
        );
      }
    },
    press,
    end: finish,
    ended: finished.promise,
  };
}

/**
 * Frames and logs that are looked through leave much garbage and keep little. V8 would let its heap grow with that by more
 * than 100 MB; told to save memory, it searches a log of any length in some 20 MB more than it began with.
 */
const keepMemorySmall = (): void => setFlagsFromString('--memory-saver-mode');

/** One line for the shell after detaching: what still runs, and how to come back. */
export function farewell(state: ConsoleState, comeBack: string): string {
  const running = runningJobs(state);
  const names = running.slice(0, 3).map((job) => job.id);
  const more = running.length > names.length ? ` and ${running.length - names.length} more` : '';
  const jobs =
    running.length === 0
      ? state.connected
        ? 'no job is running'
        : 'jobs, if any, keep running'
      : `${names.join(', ')}${more} ${running.length === 1 ? 'keeps' : 'keep'} running`;
  return `Detached: ${jobs}. Come back with: ${comeBack}`;
}
