/** Asks a program of the machine. */
import { execFile } from 'node:child_process';
import { errorCode } from '../platform/errors.ts';
import type { Cli } from './context.ts';

const TIMEOUT_MS = 10_000;

export interface Answer {
  readonly text: string;
  readonly failed: boolean;
}

/** What a program prints on either stream; null when there is none of that name. */
export function ask(cli: Cli, command: string, args: readonly string[]): Promise<Answer | null> {
  const options = { env: { ...cli.env, LC_ALL: 'C' }, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' as const };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'EACCES') resolve(null);
      else if (error?.killed) resolve({ text: `${command} does not answer`, failed: true });
      else resolve({ text: `${stdout}${stderr}`.trim(), failed: error !== null });
    });
  });
}
