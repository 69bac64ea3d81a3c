/**
 * A program in a real pseudo-terminal with a terminal emulator reading it: the screen as an operator would see it, as
 * text, cells and colours, and the raw bytes that were sent.
 */
import pty from '@lydell/node-pty';
import xterm from '@xterm/headless';

export interface TuiOptions {
  readonly cols?: number;
  readonly rows?: number;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface Cell {
  readonly text: string;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly inverse: boolean;
  /** Palette index, 24-bit value, or null for the terminal's own colour. */
  readonly foreground: number | null;
  readonly background: number | null;
}

export interface Tui {
  readonly term: InstanceType<typeof xterm.Terminal>;
  readonly pid: number;
  /** What is on the screen now, a line a row, without trailing spaces. */
  screen(): string;
  /** Resolves with the screen as soon as it shows the text. The limit is generous: it is there to end a broken run. */
  waitFor(what: string | RegExp | ((screen: string) => boolean), limitMs?: number): Promise<string>;
  /** Bytes as the terminal would send them for keys. */
  press(keys: string): void;
  /** Pasted text, marked as such when the program has asked for that. */
  paste(text: string): void;
  resize(cols: number, rows: number): void;
  cell(column: number, row: number): Cell;
  /** True while the alternate screen is shown. */
  alternate(): boolean;
  /** All bytes since the start, or since `mark`. */
  raw(from?: number): string;
  /** A place in the raw output, for `raw`. */
  mark(): number;
  /** Resolves when everything that has arrived is on the screen. */
  settled(): Promise<void>;
  kill(signal?: string): void;
  /** Closes the terminal's end of the line, as a dropped link does. */
  hangUp(): void;
  readonly exited: Promise<{ readonly exitCode: number; readonly signal?: number }>;
  /** Ends the program if it still runs. */
  close(): Promise<void>;
}

/** A terminal in CI looks like none to some libraries; tests want the terminal. */
const NOT_A_TERMINAL = [
  'CI',
  'CONTINUOUS_INTEGRATION',
  'BUILD_NUMBER',
  'RUN_ID',
  'VITEST',
  'NODE_ENV',
  'NO_COLOR',
  'FORCE_COLOR',
];
const SSH = ['SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY'];

/** Starts a program in a terminal of the given size. */
export function openTui(file: string, args: readonly string[], options: TuiOptions = {}): Tui {
  const { cols = 80, rows = 24 } = options;
  const env: Record<string, string> = {};
  const wanted = {
    ...process.env,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    LC_ALL: undefined,
    LC_CTYPE: undefined,
    ...options.env,
  };
  for (const [name, value] of Object.entries(wanted)) {
    const left = [...NOT_A_TERMINAL, ...SSH].includes(name) && !(name in (options.env ?? {}));
    if (value !== undefined && !left) env[name] = value;
  }
  const term = new xterm.Terminal({ cols, rows, allowProposedApi: true, scrollback: 200 });
  const child = pty.spawn(file, [...args], { name: env.TERM, cols, rows, env, cwd: options.cwd });
  const exit = Promise.withResolvers<{ exitCode: number; signal?: number }>();
  const waiters = new Set<() => void>();
  let raw = '';
  let ended: { exitCode: number; signal?: number } | null = null;
  let drawn = Promise.resolve();
  /** How much of the raw output the emulator has taken in. */
  let parsed = 0;

  const look = () => {
    for (const waiter of [...waiters]) waiter();
  };
  child.onData((data) => {
    raw += data;
    const end = raw.length;
    drawn = new Promise((resolve) => term.write(data, resolve));
    void drawn.then(() => {
      parsed = end;
      look();
    });
  });
  // Answers of the terminal (cursor position, device attributes) go back as a real one sends them.
  term.onData((data) => child.write(data));
  child.onExit((how) => {
    ended = how;
    void drawn.then(look);
    exit.resolve(how);
  });

  const screen = () =>
    Array.from(
      { length: term.rows },
      (_, y) => term.buffer.active.getLine(term.buffer.active.viewportY + y)?.translateToString(true) ?? '',
    ).join('\n');
  /** In the middle of a synchronised update, which a terminal shows as a whole: nobody would see this screen. */
  const midUpdate = () => raw.lastIndexOf('\x1b[?2026h', parsed) > raw.lastIndexOf('\x1b[?2026l', parsed);
  const shows = (what: string | RegExp | ((screen: string) => boolean)) => {
    if (midUpdate() && !ended) return false;
    const now = screen();
    return typeof what === 'string' ? now.includes(what) : what instanceof RegExp ? what.test(now) : what(now);
  };

  return {
    term,
    pid: child.pid,
    screen,
    waitFor: (what, limitMs = 60_000) =>
      new Promise((resolve, reject) => {
        const give = (error: Error | null) => {
          waiters.delete(check);
          clearTimeout(limit);
          if (error) reject(error);
          else resolve(screen());
        };
        const check = () => {
          if (shows(what)) give(null);
          else if (ended)
            give(new Error(`the program ended (${JSON.stringify(ended)}) before ${what} was shown:\n${screen()}`));
        };
        const limit = setTimeout(
          () => give(new Error(`${what} was not shown in ${limitMs} ms:\n${screen()}`)),
          limitMs,
        );
        waiters.add(check);
        void drawn.then(check);
      }),
    press: (keys) => child.write(keys),
    paste: (text) => child.write(term.modes.bracketedPasteMode ? `\x1b[200~${text}\x1b[201~` : text),
    resize: (c, r) => {
      term.resize(c, r);
      child.resize(c, r);
    },
    cell: (column, row) => {
      const cell = term.buffer.active.getLine(term.buffer.active.viewportY + row)?.getCell(column);
      return {
        text: cell?.getChars() ?? '',
        bold: Boolean(cell?.isBold()),
        dim: Boolean(cell?.isDim()),
        inverse: Boolean(cell?.isInverse()),
        foreground: !cell || cell.isFgDefault() ? null : cell.getFgColor(),
        background: !cell || cell.isBgDefault() ? null : cell.getBgColor(),
      };
    },
    alternate: () => term.buffer.active.type === 'alternate',
    raw: (from = 0) => raw.slice(from),
    mark: () => raw.length,
    settled: () => drawn,
    kill: (signal) => {
      if (!ended) process.kill(child.pid, (signal ?? 'SIGTERM') as NodeJS.Signals);
    },
    hangUp: () => (child as unknown as { destroy(): void }).destroy(),
    exited: exit.promise,
    close: async () => {
      if (!ended) child.kill('SIGKILL');
      await exit.promise;
      term.dispose();
    },
  };
}

/** The beginning of the help: in sight however many keys there are, and however small the terminal. */
export const HELP = 'Closing this console';

/** Keys by name, as an xterm sends them. */
export const KEYS = {
  enter: '\r',
  escape: '\x1b',
  tab: '\t',
  shiftTab: '\x1b[Z',
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  pageUp: '\x1b[5~',
  pageDown: '\x1b[6~',
  ctrlC: '\x03',
  ctrlL: '\x0c',
  ctrlR: '\x12',
  ctrlZ: '\x1a',
} as const;
