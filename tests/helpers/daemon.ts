/** The supervisor daemon over fixture jobs, as a process that tests start, kill and start again. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { lockHolder } from '../../src/platform/locks.ts';
import { supervisorLock } from '../../src/supervisor/daemon.ts';
import { connectSupervisor, type RemoteSupervisor } from '../../src/supervisor/wire/client.ts';
import type { TestHome } from './jobs.ts';
import { until } from './until.ts';

const FIXTURE = path.join(import.meta.dirname, '..', 'fixtures', 'supervisor.ts');

export interface Daemon {
  readonly process: ChildProcess;
  /** KILL, and nobody holds the home any more. */
  kill(): Promise<void>;
  attach(name?: string): Promise<RemoteSupervisor>;
}

/** Starts it and waits until it listens. `slots`: CPUs and writers; `chain`: commands of its only phase, P1, and what holds that back. */
export async function startDaemon(
  test: TestHome,
  options: { slots?: number; chain?: readonly (readonly string[])[]; blockedBy?: readonly string[] } = {},
): Promise<Daemon> {
  const socket = test.at('run/supervisor.sock');
  const { slots = 4, chain = [], blockedBy = [] } = options;
  const args = [FIXTURE, test.home.root, socket, String(slots), JSON.stringify(chain), JSON.stringify(blockedBy)];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout!.on('data', (chunk) => (said += chunk));
  await until(() => said.includes('listens') || child.exitCode !== null, 'the supervisor');
  return {
    process: child,
    kill: async () => {
      child.kill('SIGKILL');
      await until(() => lockHolder(supervisorLock(test.home)) === null, 'the end of the supervisor');
    },
    attach: (name = 'me@here') =>
      connectSupervisor({
        socket,
        client: { name, kind: 'console', pid: process.pid, readOnly: false },
        origin: { cwd: '/', environment: process.env as Record<string, string> },
      }),
  };
}
