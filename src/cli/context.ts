/** What a command may use: the home, the databases, output streams, the stop signal. Made once, in main. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ConnectOptions, Databases } from '../platform/db/databases.ts';
import type { Targets } from '../platform/db/targets.ts';
import { UsageError } from '../platform/errors.ts';
import { createHome, type Home, homeAt } from '../platform/home.ts';
import { type Provenance, readProvenance } from '../platform/provenance.ts';
import type { GlobalFlags } from './arguments.ts';
import { writeErr, writeOut } from './output.ts';

export interface Cli {
  readonly env: NodeJS.ProcessEnv;
  readonly globals: GlobalFlags;
  readonly home: Home;
  /** Aborted by Ctrl-C and TERM. */
  readonly signal: AbortSignal;
  /** True when stdin and stdout are a terminal: the console may start. */
  readonly interactive: boolean;
  readonly provenance: Provenance;
  /** Results. */
  out(text: string): void;
  /** Words for people. */
  err(text: string): void;
  /** Where the databases are; the embedded server is named, not started. */
  targets(): Promise<Targets>;
  /**
   * Opens the databases. The embedded server is started and migrated when it is the one meant; databases of the user's
   * own are never migrated unasked. Closed by main, or earlier by `closeDatabases`. With `lazy` all of that waits for the
   * first query: a program that refuses its arguments has started nothing.
   */
  databases(options: ConnectOptions, when?: { lazy?: boolean }): Promise<Databases>;
  closeDatabases(): Promise<void>;
  /** Starts the embedded server again if it was killed; one that was stopped, or is the user's own, is left alone. */
  reviveDatabases(): Promise<void>;
  /** The same over another home (demo). */
  withHome(home: Home): Cli;
}

export interface CliStreams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
}

/** A home made by `prometheus demo` carries this file; see `src/cli/demo.ts`. */
export const DEMO_MARK = 'DEMO';

export function makeCli(
  env: NodeJS.ProcessEnv,
  globals: GlobalFlags,
  streams: CliStreams,
  signal: AbortSignal,
  onClose: (close: () => Promise<void>) => void,
  root: string,
): Cli {
  const home = homeAt(root, { demo: existsSync(path.join(root, DEMO_MARK)) });
  const targets = async (): Promise<Targets> => {
    const { configuredTarget } = await import('../platform/db/targets.ts');
    const { embeddedServer, embeddedTargets } = await import('../platform/db/embedded.ts');
    const embedded = embeddedTargets(embeddedServer(home));
    // The demo never touches the user's own databases, whatever the environment says; who names one is told.
    if (home.demo && (globals.historical ?? globals.runtime) !== undefined) {
      throw new UsageError(
        `${home.root} is a demo: it has databases of its own`,
        'Leave out --historical and --runtime, or set PROMETHEUS_HOME to another folder.',
      );
    }
    if (home.demo) return embedded;
    const options = {
      urls: { historical: globals.historical, runtime: globals.runtime },
      env,
      envFolders: [process.cwd(), ...(env.PROMETHEUS_CHECKOUT ? [env.PROMETHEUS_CHECKOUT] : []), home.root],
    };
    return {
      historical: configuredTarget('historical', options) ?? embedded.historical,
      runtime: configuredTarget('runtime', options) ?? embedded.runtime,
    };
  };
  const opened = new Set<Databases>();
  return {
    env,
    globals,
    home,
    signal,
    interactive: Boolean(streams.stdin.isTTY && streams.stdout.isTTY),
    provenance: readProvenance(env),
    out: (text) => writeOut(streams.stdout, text),
    err: (text) => writeErr(streams.stderr, text),
    targets,
    databases: async (options, { lazy = false } = {}) => {
      const where = await targets();
      let ready: Promise<void> | null = null;
      const prepare =
        where.historical.embedded || where.runtime.embedded
          ? () =>
              (ready ??= startEmbedded(home, where).catch((error) => {
                // The next query tries again: what was wrong may have been mended.
                ready = null;
                throw error;
              }))
          : undefined;
      if (!lazy) await prepare?.();
      const { openDatabases } = await import('../platform/db/databases.ts');
      const databases = openDatabases(where, { ...options, prepare });
      opened.add(databases);
      signal.addEventListener('abort', () => databases.abort(), { once: true });
      onClose(async () => {
        if (opened.delete(databases)) await databases.close();
      });
      return databases;
    },
    closeDatabases: async () => {
      const closing = [...opened];
      opened.clear();
      await Promise.allSettled(closing.map((databases) => databases.close()));
    },
    reviveDatabases: async () => {
      const where = await targets();
      if (!where.historical.embedded && !where.runtime.embedded) return;
      const { wasKilled } = await import('../platform/db/embedded.ts');
      if (wasKilled(home)) await startEmbedded(home, where);
    },
    withHome: (other) => makeCli(env, globals, streams, signal, onClose, other.root),
  };
}

async function startEmbedded(home: Home, targets: Targets): Promise<void> {
  createHome(home);
  const { startServer } = await import('../platform/db/embedded.ts');
  await startServer(home);
  const { migrateEmbedded } = await import('./schema.ts');
  await migrateEmbedded(targets);
}
