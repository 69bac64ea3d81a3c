/** The supervisor as a process of its own: one a home, held by a lock, answering on the home's socket until told to end. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { createHome, type Home } from '../platform/home.ts';
import { lockHolder, withLock } from '../platform/locks.ts';
import type { LocalSupervisor } from './local.ts';
import type { About } from './protocol.ts';
import { listen, type SocketServer } from './wire/server.ts';

export interface DaemonOptions {
  readonly home: Home;
  readonly socket: string;
  readonly about: Omit<About, 'clients' | 'pid' | 'home'>;
  /** Opened once this process is the home's supervisor. */
  readonly open: () => Promise<LocalSupervisor>;
  /** Ends it; jobs run on. */
  readonly signal: AbortSignal;
  /** Told when clients can connect. */
  readonly onListening?: () => void;
}

const LOOK_MS = 2000;

/** The lock that makes a process the supervisor of a home. */
export const supervisorLock = (home: Home): string => path.join(home.root, 'supervisor.lock');

/** Serves until the signal aborts or a client asks for the end. @throws LockedError when another one serves this home. */
export async function serve(options: DaemonOptions): Promise<void> {
  const { home } = options;
  createHome(home);
  await withLock(supervisorLock(home), () => serveLocked(options), { what: `the supervisor of ${home.root}` });
}

async function serveLocked({ home, socket, about, open, signal, onListening }: DaemonOptions): Promise<void> {
  const supervisor = await open();
  const ended = Promise.withResolvers<void>();
  if (signal.aborted) ended.resolve();
  signal.addEventListener('abort', () => ended.resolve(), { once: true });
  let server: SocketServer | null = null;
  try {
    server = await listen(socket, home, {
      snapshot: () => supervisor.snapshot(),
      subscribe: (listener) => supervisor.subscribe(listener),
      perform: async (name, request, client) => {
        const result = await supervisor.perform(name, request, client);
        // After the answer has gone out.
        if (name === 'shutdown') setImmediate(ended.resolve);
        return result;
      },
      about: () => ({ ...about, pid: process.pid, home: home.root, clients: server?.clients ?? 0 }),
      attached: (client) => supervisor.attached(client),
      detached: (client) => supervisor.detached(client),
    });
    onListening?.();
    // A home that was removed, or taken over by hand, needs no supervisor any more.
    const looking = setInterval(() => lockHolder(supervisorLock(home)) !== process.pid && ended.resolve(), LOOK_MS);
    await ended.promise;
    clearInterval(looking);
  } finally {
    await server?.close();
    rmSync(socket, { force: true });
    await supervisor.close();
  }
}
