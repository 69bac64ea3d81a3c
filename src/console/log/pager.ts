/** A log in the operator's own pager: it reads as much as it is scrolled through, however long the log is. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../../platform/errors.ts';

/** Runs `$PAGER` (else less) over lines until the operator leaves it. @throws UserError when there is none. */
export async function page(
  lines: AsyncIterable<string>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const command = env.PAGER || 'less';
  // As a shell understands it: PAGER may have arguments.
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'], env: { ...env } });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code));
  });
  // Whoever leaves the pager early closes the pipe, and no more is read.
  const written = pipeline(Readable.from(lines), child.stdin).catch(() => {});
  const code = await ended;
  await written;
  const NOT_FOUND = 127;
  if (code === NOT_FOUND)
    throw new UserError(`there is no pager '${command}' on this machine`, 'Set PAGER to one that is there.');
}
