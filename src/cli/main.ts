/** Entry of the command line: finds the command, runs it, turns every failure into one line and an exit code. */
import { Exit, errorMessage, InterruptedError, UsageError, UserError } from '../platform/errors.ts';
import { resolveHomeRoot } from '../platform/home.ts';
import { readProvenance } from '../platform/provenance.ts';
import type { GlobalFlags } from './arguments.ts';
import type { Command } from './command.ts';
import { findCommand } from './commands.ts';
import { makeCli } from './context.ts';
import { complain, harmlessLines, lostOutput, writeOut } from './output.ts';

const MINIMUM_NODE = [22, 18];

async function main(argv: readonly string[]): Promise<number> {
  assertNode();
  const stop = new AbortController();
  const closers: (() => Promise<void>)[] = [];
  const streams = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(name));
  // `prometheus … | head` closes our stdout: end quietly, as other Unix tools do.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(Exit.done);
    const { message, fix } = lostOutput(error);
    complain(`${message}. ${fix}`);
    process.exit(Exit.failed);
  });
  // Words for people may get lost, on a full disk or in a closed pipe; a job or a supervisor must not end for that.
  process.stderr.on('error', () => {});

  let what = 'prometheus';
  try {
    if (argv[0] === '--version') {
      writeOut(process.stdout, `${versionLine()}\n`);
      return Exit.done;
    }
    const root = await resolveHomeRoot(process.env);
    const open = (globals: GlobalFlags) =>
      makeCli(process.env, globals, streams, stop.signal, (close) => closers.push(close), root);
    if (argv.length === 0) {
      // The console alone needs no argument parser: its first frame does not wait for one.
      what = 'the console';
      const { openConsole } = await import('./console.ts');
      return await openConsole(open({ debug: false, help: false }));
    }
    const { entry, rest } = findCommand(argv);
    const [{ parseArguments }, { commandHelp, overview }] = await Promise.all([
      import('./arguments.ts'),
      import('./help.ts'),
    ]);
    if (entry === 'overview') {
      writeOut(process.stdout, overview(rest[0]));
      return Exit.done;
    }
    const command: Command = await entry.load();
    what = command.name || 'the console';
    const { args, globals } = parseArguments(command.name, command.args, rest, command.positionals);
    if (!args) {
      writeOut(process.stdout, commandHelp(command));
      return Exit.done;
    }
    return await command.run(args, open(globals));
  } catch (error) {
    return report(error, stop.signal, what, ownWords(argv).includes('--debug'));
  } finally {
    await Promise.allSettled(closers.map((close) => close()));
  }
}

/** The words before `--`: what follows is another program's. */
const ownWords = (argv: readonly string[]) => (argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv);

function versionLine(): string {
  const { version, build, gitSha, gitDirty } = readProvenance(process.env);
  const commit = gitSha ? `, commit ${gitSha.slice(0, 12)}${gitDirty ? ' with changes' : ''}` : '';
  return `prometheus ${version}${build ? `, build ${build}` : ''}${commit}, Node ${process.versions.node}`;
}

function report(error: unknown, signal: AbortSignal, what: string, debug: boolean): number {
  const shown = signal.aborted && !(error instanceof UsageError) ? new InterruptedError(what) : error;
  if (shown instanceof UserError) {
    complain(`${shown.message}. ${shown.fix}`);
    if (debug) process.stderr.write(`${harmlessLines((error as Error)?.stack ?? '')}\n`);
    return shown.exitCode;
  }
  if ((shown as NodeJS.ErrnoException)?.code === 'ENOSPC' || (shown as NodeJS.ErrnoException)?.code === 'EFBIG') {
    complain(`the disk is full (${errorMessage(shown)}). Free some space and run it again.`);
  } else {
    complain(
      `${what} failed unexpectedly: ${errorMessage(shown)}. Run it again with --debug and report what it prints.`,
    );
  }
  if (debug) process.stderr.write(`${harmlessLines((shown as Error)?.stack ?? '')}\n`);
  return Exit.failed;
}

function assertNode(): void {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    throw new UserError(
      `Node ${process.versions.node} is too old`,
      'Start through bin/prometheus, which carries its own.',
    );
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    // Sockets of a broken server may linger; the command has ended and everything was flushed.
    process.exitCode = code;
    setTimeout(() => process.exit(code), 500).unref();
  },
  (error) => {
    complain(errorMessage(error));
    process.exit(Exit.failed);
  },
);
