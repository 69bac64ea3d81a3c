/**
 * The operator's terminal while the console has it: alternate screen, raw keys, and its return to the shell exactly as it
 * was, whichever way the console ends.
 */
import { FrameWriter } from './frame-writer.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Why the terminal was given back without being asked to. */
export type EndOfTerminal =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  /** The other end closed: a dropped SSH link, a closed window. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'error'; readonly error: unknown };

export interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export interface TerminalEvents {
  onBytes(bytes: Uint8Array): void;
  onResize(size: Size): void;
  onEnd(end: EndOfTerminal): void;
}

// Alternate screen, hidden cursor, no automatic wrap (a row that some terminal counts wider must not push the others down),
// pasted text marked as such.
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[H';
const LEAVE = '\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[0m\x1b[?25h\x1b[?1049l';
const MOUSE = { on: '\x1b[?1000h\x1b[?1006h', off: '\x1b[?1006l\x1b[?1000l' };
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;
/** Words for stderr that are kept back while the screen is shown; more is dropped. */
const MAX_HELD = 64 * 1024;

export class Terminal {
  /** Ink's stdout. */
  readonly writer: FrameWriter;
  readonly #streams: TerminalStreams;
  readonly #events: TerminalEvents;
  #entered = false;
  #ended = false;
  #lent = false;
  #mouse = false;
  #held = '';
  #stderrWrite: NodeJS.WriteStream['write'] | null = null;

  constructor(streams: TerminalStreams, events: TerminalEvents) {
    this.#streams = streams;
    this.#events = events;
    const size = () => this.size;
    this.writer = new FrameWriter({
      get columns() {
        return size().columns;
      },
      get rows() {
        return size().rows;
      },
      write: (text) => this.#send(text),
    });
  }

  get size(): Size {
    const { columns, rows } = this.#streams.stdout;
    return { columns: columns || 80, rows: rows || 24 };
  }

  /** Takes the terminal and listens to everything that can end it. */
  start(): void {
    const { stdin, stdout } = this.#streams;
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    process.on('uncaughtException', this.#onError);
    process.on('exit', this.leave);
    stdout.on('error', this.#onGone);
    stdout.on('resize', this.#onResize);
    process.on('SIGWINCH', this.#onWindowChange);
    stdin.on('error', this.#onGone);
    stdin.on('end', this.#onGone);
    stdin.on('data', this.#onData);
    this.enter();
  }

  /** Asks the terminal to report clicks and the wheel, or no longer to. */
  setMouse(on: boolean): void {
    if (on === this.#mouse) return;
    this.#mouse = on;
    if (this.#entered) this.#send(on ? MOUSE.on : MOUSE.off);
  }

  /** Gives the terminal back for good. */
  stop(): void {
    this.#ended = true;
    this.leave();
    const { stdin, stdout } = this.#streams;
    // Not before a signal that ended us has gone round: Ink's own listener kills the process when it finds itself alone.
    setImmediate(() => {
      for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    });
    process.off('uncaughtException', this.#onError);
    process.off('exit', this.leave);
    stdout.off('resize', this.#onResize);
    process.off('SIGWINCH', this.#onWindowChange);
    stdin.off('data', this.#onData);
    stdin.off('end', this.#onGone);
    stdin.pause();
    // The error listeners stay: a terminal that is gone reports so late, and nobody is there to hear it.
  }

  /** Shows the alternate screen and reads raw keys. */
  enter(): void {
    if (this.#entered) return;
    this.#entered = true;
    const { stdin, stderr } = this.#streams;
    stdin.setRawMode?.(true);
    stdin.resume();
    // Anything printed now would scroll the screen away; it is shown after leaving.
    this.#stderrWrite = stderr.write;
    stderr.write = ((text: string | Uint8Array, ...rest: unknown[]) => {
      if (this.#held.length < MAX_HELD) this.#held += typeof text === 'string' ? text : Buffer.from(text).toString();
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    }) as typeof stderr.write;
    this.#send(this.#mouse ? ENTER + MOUSE.on : ENTER);
    this.writer.open();
  }

  /** Back to the shell's screen, with its modes as they were. Safe to call at any time, any number of times. */
  readonly leave = (): void => {
    if (!this.#entered) return;
    this.#entered = false;
    this.writer.shut();
    this.#send(this.#mouse ? MOUSE.off + LEAVE : LEAVE);
    const { stdin, stderr } = this.#streams;
    try {
      stdin.setRawMode?.(false);
    } catch {
      // The terminal is gone; there is no mode left to restore.
    }
    if (this.#stderrWrite) stderr.write = this.#stderrWrite;
    this.#stderrWrite = null;
    if (this.#held) stderr.write(this.#held);
    this.#held = '';
  };

  /** `^z`: the shell gets its screen back while this process is stopped. Without job control nothing stops, and we go on. */
  suspend(): void {
    this.leave();
    process.kill(0, 'SIGTSTP');
    this.enter();
  }

  /** Gives the terminal to another program until that has ended: its screen, its keys, its ^c. */
  async lend<Result>(run: () => Promise<Result>): Promise<Result> {
    const { stdin } = this.#streams;
    this.#lent = true;
    this.leave();
    stdin.off('data', this.#onData);
    stdin.pause();
    try {
      return await run();
    } finally {
      this.#lent = false;
      if (!this.#ended) {
        stdin.on('data', this.#onData);
        this.enter();
      }
    }
  }

  /** A sequence that draws nothing, as for the clipboard. */
  write(sequence: string): void {
    if (this.#entered) this.#send(sequence);
  }

  #send(text: string): void {
    try {
      this.#streams.stdout.write(text);
    } catch {
      this.#onGone();
    }
  }

  #end(end: EndOfTerminal): void {
    if (this.#ended) return;
    this.#ended = true;
    this.leave();
    this.#events.onEnd(end);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    // ^c and ^\ go to whoever has the terminal.
    if (this.#lent && (signal === 'SIGINT' || signal === 'SIGQUIT')) return;
    this.#end({ kind: 'signal', signal });
  };
  readonly #onError = (error: unknown): void => this.#end({ kind: 'error', error });
  readonly #onGone = (): void => this.#end({ kind: 'gone' });
  readonly #onData = (bytes: Uint8Array): void => this.#events.onBytes(bytes);
  readonly #onResize = (): void => {
    this.writer.forget();
    this.#events.onResize(this.size);
    // The new size is a new frame as a rule; when it is not (a window moved between screens), the old one is sent again.
    setImmediate(() => this.writer.repaintIfForgotten());
  };

  // A window that was made small and at once as it was before has lost what it cut off, and is no other size for Node.
  readonly #onWindowChange = (): void => {
    this.writer.forget();
    setImmediate(() => this.writer.repaintIfForgotten());
  };
}
