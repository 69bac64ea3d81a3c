/** Finding the supervisor of a home, and starting it when there is none. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DATABASE_NAMES } from '../platform/db/targets.ts';
import { errorMessage, InterruptedError, UserError } from '../platform/errors.ts';
import { createHome } from '../platform/home.ts';
import { lockHolder } from '../platform/locks.ts';
import { loadSettings } from '../platform/settings.ts';
import { supervisorLock } from '../supervisor/daemon.ts';
import { jobVariables, withoutJob } from '../supervisor/environment.ts';
import { loadPrograms } from '../supervisor/programs.ts';
import type { ClientIdentity } from '../supervisor/protocol.ts';
import { connectSupervisor, NoSupervisorError, type Passed, type RemoteSupervisor } from '../supervisor/wire/client.ts';
import { socketPath } from '../supervisor/wire/socket-path.ts';
import type { Cli } from './context.ts';
import { databaseEnvironment, entryScripts } from './job-runtime.ts';

const START_DEADLINE_MS = 30_000;
const POLL_MS = 25;
/** The supervisor's own log is turned over at its start when it is larger. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

export interface OpenOptions {
  readonly kind: ClientIdentity['kind'];
  readonly readOnly?: boolean;
  /** The console: it shows what the supervisor sees, so both must look at the same databases. */
  readonly sameDatabases?: boolean;
  readonly tap?: (passed: Passed) => void;
}

/** The supervisor of this home, started when there is none, and replaced when this build is newer than its own. */
export async function openSupervisor(cli: Cli, options: OpenOptions): Promise<RemoteSupervisor> {
  let supervisor = await connectOrStart(cli, options);
  const { build, builtAt, databases, clients, pid } = supervisor.about;
  const ours = buildTime();
  const isOlder = cli.provenance.build !== build && ours !== null && (builtAt === null || builtAt < ours);
  const targets = options.sameDatabases ? await cli.targets() : null;
  const others = targets
    ? DATABASE_NAMES.filter((name) => targets[name].label !== databases[name]).map((name) => databases[name])
    : [];
  const differs = others.length > 0;
  if (differs && clients > 1) {
    await supervisor.close();
    throw new UserError(
      `the supervisor of ${cli.home.root} (process ${pid}) looks at another ${others.join(' and another ')}`,
      'Close its other consoles and try again, or set PROMETHEUS_HOME to another home.',
    );
  }
  if (isOlder || differs) {
    // Jobs and their logs do not notice.
    await supervisor.shutdown();
    await supervisor.close();
    await untilGone(cli);
    supervisor = await connectOrStart(cli, options);
  }
  return supervisor;
}

/** The supervisor that runs, or null. @throws UserError when one runs that cannot be talked to. */
export async function findSupervisor(cli: Cli, options: OpenOptions): Promise<RemoteSupervisor | null> {
  try {
    return await connectSupervisor(clientOptions(cli, options));
  } catch (error) {
    if (error instanceof NoSupervisorError) return null;
    throw error;
  }
}

async function connectOrStart(cli: Cli, options: OpenOptions): Promise<RemoteSupervisor> {
  return (await findSupervisor(cli, options)) ?? (await start(cli, options));
}

/** Waits until no supervisor holds the home. */
export async function untilGone(cli: Cli): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (lockHolder(supervisorLock(cli.home)) !== null) {
    if (performance.now() > deadline) {
      throw new UserError(
        'the supervisor does not end',
        `See ${logFile(cli)}, or end process ${lockHolder(supervisorLock(cli.home))}.`,
      );
    }
    await sleep(POLL_MS);
  }
}

/** Where the supervisor writes what it has to say itself. */
export const logFile = (cli: Cli): string => path.join(cli.home.logs, 'supervisor.log');

function clientOptions(cli: Cli, { kind, readOnly = false, tap }: OpenOptions) {
  return {
    tap,
    socket: socketPath(cli.home, cli.env),
    client: { name: operatorName(cli.env), kind, pid: process.pid, readOnly },
    origin: {
      cwd: process.cwd(),
      environment: { ...jobVariables(cli.env, namedVariables(cli)), ...databaseEnvironment(cli.globals) },
    },
    revive: async () => void (await start(cli, { kind }).then((one) => one.close())),
  };
}

/** Variables that the user's settings and programs name: the supervisor decides which of them a job gets. */
function namedVariables(cli: Cli): string[] {
  try {
    return [
      ...loadSettings(cli.home, cli.env).jobs.environment,
      ...loadPrograms(cli.home, cli.env).flatMap(({ script }) => script?.environment ?? []),
    ];
  } catch {
    // A file that cannot be read keeps nobody from looking at jobs and stopping them: starting one says what is wrong with it.
    return [];
  }
}

async function start(cli: Cli, options: OpenOptions): Promise<RemoteSupervisor> {
  createHome(cli.home);
  const log = openLog(cli);
  let ended: string | null = null;
  const child = spawn(process.execPath, [entryScripts().main, 'supervisor', 'run'], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...withoutJob(cli.env), ...databaseEnvironment(cli.globals), PROMETHEUS_HOME: cli.home.root },
  });
  closeSync(log);
  child.on('error', (error) => (ended = errorMessage(error)));
  child.on('exit', (code, signal) => (ended ??= `it ended with ${signal ?? `exit code ${code}`}`));
  child.unref();
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const found = await findSupervisor(cli, options);
    if (found) return found;
    if (cli.signal.aborted) throw new InterruptedError('starting the supervisor');
    // One that ended because another was faster is no trouble: that one answers soon.
    if (ended !== null && lockHolder(supervisorLock(cli.home)) === null) {
      throw new UserError(`the supervisor could not be started: ${lastWords(cli) ?? ended}`, `See ${logFile(cli)}.`);
    }
    if (performance.now() > deadline) {
      throw new UserError('the supervisor has not begun to answer within 30 s', `See ${logFile(cli)}.`);
    }
    await sleep(POLL_MS);
  }
}

function openLog(cli: Cli): number {
  const file = logFile(cli);
  try {
    try {
      if (statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
    } catch {
      // There is none yet.
    }
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new UserError(
      `the supervisor's log cannot be written: ${errorMessage(error)}`,
      'See that the home may be written.',
      {
        cause: error,
      },
    );
  }
}

function lastWords(cli: Cli): string | null {
  try {
    const line = readFileSync(logFile(cli), 'utf8').trimEnd().split('\n').at(-1) ?? '';
    return line.replace(/^prometheus: /, '') || null;
  } catch {
    return null;
  }
}

/** `user@host`, as told; nothing proves it. */
export function operatorName(env: NodeJS.ProcessEnv): string {
  const user = env.PROMETHEUS_OPERATOR || env.USER || env.LOGNAME || safeUser();
  return `${user}@${os.hostname()}`;
}

function safeUser(): string {
  try {
    return os.userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

/** When this build was made (milliseconds since 1970); null when the sources run directly. */
export function buildTime(): number | null {
  const { main } = entryScripts();
  if (!main.endsWith('.js')) return null;
  return Math.round(statSync(main).mtimeMs);
}
