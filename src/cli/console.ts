/** `prometheus` alone: the full-screen console on the user's own home and databases. */
import { createSession, farewell, type Session, type SessionEnd } from '../console/session.ts';
import { capabilities, makeStyle } from '../console/theme.ts';
import { Exit, type ExitCode, errorMessage, UserError } from '../platform/errors.ts';
import { createHome } from '../platform/home.ts';
import { newId } from '../platform/ids.ts';
import type { ThemeSetting } from '../platform/themes.ts';
import { isWorthTelling } from '../supervisor/notify.ts';
import type { Supervisor } from '../supervisor/protocol.ts';
import { NAMED_COMMANDS } from './commands.ts';
import type { Cli } from './context.ts';
import type { Recorder } from './recording.ts';

export interface ConsoleOptions {
  /** Only ASCII on the screen, or not; decided from the locale when absent. */
  readonly ascii?: boolean;
  /** Work before the supervisor can look, as filling the demo's databases. `say` puts a few words on the screen. */
  readonly prepare?: (say: (what: string) => void) => Promise<void>;
  /** The phase that is selected at first; else the first one that is not green. */
  readonly phase?: string;
  /** Colours; decided by the settings and the terminal when absent. */
  readonly theme?: ThemeSetting;
  /** Clicks and the wheel are listened to; decided by the settings when absent. */
  readonly mouse?: boolean;
  /** Takes down what is shown, for `prometheus replay`. */
  readonly record?: string;
  /** Nothing can be started or stopped from it, until `:rw`. */
  readonly readOnly?: boolean;
  /** What to type to come back; told after detaching. */
  readonly comeBack?: string;
}

/** Opens the console and stays until it is detached. Without a terminal the status is printed instead, and said so. */
export async function openConsole(cli: Cli, options: ConsoleOptions = {}): Promise<ExitCode> {
  if (!cli.interactive) return printStatus(cli);
  if (!cli.env.TERM || cli.env.TERM === 'dumb') {
    throw new UserError(
      `this terminal (TERM=${cli.env.TERM || 'not set'}) cannot show a full screen`,
      'Use: prometheus phases, prometheus status',
    );
  }
  // Told in the shell: a screen over a home that cannot be used would only stand there.
  createHome(cli.home);
  const size = { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  const record = options.record
    ? (await import('./recording.ts')).startRecording(options.record, {
        home: cli.home.root,
        demo: cli.home.demo,
        size,
        at: Date.now(),
      })
    : undefined;
  const { colour, ascii } = capabilities(cli.env, options.ascii);
  const theme = options.theme === undefined || options.theme === 'auto' ? null : options.theme;
  const isFree = colour && theme === null;
  const session = createSession({
    tap: record,
    askBackground: isFree,
    streams: process,
    env: cli.env,
    home: cli.home.root,
    demo: cli.home.demo,
    now: Date.now,
    newId,
    run: (words) =>
      async function* (left) {
        yield* (await import('./command-output.ts')).commandOutput(cli, words, left);
      },
    initial: {
      commands: NAMED_COMMANDS,
      ...(options.phase ? { selected: { phases: options.phase } } : {}),
      boot: 'looking for the supervisor …',
      readOnly: options.readOnly ?? false,
      theme,
      mouse: options.mouse ?? false,
    },
  });
  const style = makeStyle({ colour, ascii });
  const { mountScreens } = await withoutFetch(() => import('../../screens/root.tsx'));
  session.start();
  const screens = mountScreens({ store: session.drawn, limits: session.limits, style }, session.writer);
  screens.ended.catch((error) => session.end({ kind: 'error', error }));

  const closing = new AbortController();
  let supervisor: Supervisor | null = null;
  connect(cli, session, options, closing.signal, record).then(
    (connected) => (supervisor = connected),
    (error) => session.failed(oneLine(error)),
  );
  const end = await session.ended;
  // From here on nothing is opened any more: what is still being started finds this when it is ready.
  closing.abort();
  const last = session.store.getState();
  screens.unmount();
  await (supervisor as Supervisor | null)?.close();
  return conclude(cli, end, () => farewell(last, options.comeBack ?? 'prometheus'));
}

/**
 * Loads the screens while there is no `fetch`. Ink's layout engine takes its WebAssembly through it when there is one, and
 * otherwise decodes it by itself: the same bytes, but in Node the first use of `fetch` loads an HTTP client, which takes a
 * good part of the time to the first frame.
 */
export async function withoutFetch<T>(load: () => Promise<T>): Promise<T> {
  const native = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
  Object.defineProperty(globalThis, 'fetch', { value: undefined, configurable: true });
  try {
    return await load();
  } finally {
    if (native) Object.defineProperty(globalThis, 'fetch', native);
  }
}

/** Everything that takes time happens here, with the first frame on the screen already. */
async function connect(
  cli: Cli,
  session: Session,
  options: ConsoleOptions,
  closing: AbortSignal,
  record: Recorder | undefined,
): Promise<Supervisor | null> {
  const say = (what: string) => session.booting(what);
  // Lets the first frame out before files are parsed and the database code is loaded.
  await new Promise((resolve) => setImmediate(resolve));
  const { loadSettings } = await import('../platform/settings.ts');
  const { notify, console: look } = loadSettings(cli.home, cli.env);
  // NO_COLOR and flags count more than the settings.
  if (options.theme === undefined && !cli.env.NO_COLOR && look.theme !== 'auto')
    session.store.setState({ theme: look.theme });
  if (options.mouse === undefined && look.mouse) session.store.setState({ mouse: true });
  if (options.prepare) await options.prepare(say);
  say('looking for the supervisor …');
  const { openSupervisor } = await import('./supervisor-client.ts');
  const supervisor = await openSupervisor(cli, {
    kind: 'console',
    sameDatabases: true,
    readOnly: options.readOnly,
    tap: record,
  });
  await supervisor.ready();
  if (closing.aborted) {
    await supervisor.close();
    return null;
  }
  session.connect(supervisor, { isWorthTelling: (job) => isWorthTelling(job, notify), bell: notify.bell });
  return supervisor;
}

async function printStatus(cli: Cli): Promise<ExitCode> {
  cli.err('prometheus: this is not a terminal; printing the status instead of opening the console.\n');
  const { status } = await import('./status.ts');
  return status.run(status.args.parse({}), cli);
}

/** The last words in the shell, and the exit code: detaching is success, being told to end is not. */
function conclude(cli: Cli, end: SessionEnd, words: () => string): ExitCode {
  switch (end.kind) {
    case 'detached':
      cli.out(`${words()}\n`);
      return Exit.done;
    case 'signal':
      cli.err(`${words()}\n`);
      return Exit.interrupted;
    case 'gone':
      return Exit.interrupted;
    case 'error':
      throw end.error;
  }
}

const oneLine = (error: unknown): string =>
  error instanceof UserError ? `${error.message}. ${error.fix}` : errorMessage(error);
