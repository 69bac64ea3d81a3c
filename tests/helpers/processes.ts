/** Commands of the product as processes of their own, each with a home of its own, that a test may kill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The command line as a file for Node. */
export const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');

/** An environment that knows nothing of the one that tests run in, but what Node has made of the code: it halves a start. */
export const bareEnvironment = (folder: string, home = folder): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  HOME: folder,
  PROMETHEUS_HOME: home,
});

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** True as soon as it has ended. */
  readonly over: () => boolean;
}

/** Starts `prometheus ARGS`; without `home` in a fresh one. */
export function startPrometheus(args: readonly string[], home?: string): Started {
  const root = home ?? mkdtempSync(path.join(tmpdir(), 'prometheus-process-'));
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: bareEnvironment(root),
    cwd: root,
  });
  let [stdout, stderr, over] = ['', '', false];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code, signal) => {
      over = true;
      resolve({ code, signal, stdout, stderr });
    }),
  );
  return { child, ended, over: () => over };
}
