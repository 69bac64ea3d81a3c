/** Lines in the operator's own pager: as many are read as are scrolled through, however many there are. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../platform/errors.ts';

/** Lines for the pager; the signal tells that the operator has left it: what waits for more ends then. */
export type PagedLines = (left: AbortSignal) => AsyncIterable<string>;

/** Runs `$PAGER` (else less) over lines until the operator leaves it. @throws UserError when there is none. */
export async function page(lines: PagedLines, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const command = env.PAGER || 'less';
  // As a shell understands it: PAGER may have arguments.
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'], env: { ...env } });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code));
  });
  // Whoever leaves the pager early closes the pipe, and no more is read.
  const left = new AbortController();
  const written = pipeline(Readable.from(lines(left.signal)), child.stdin).catch(() => {});
  const code = await ended.finally(() => left.abort());
  await written;
  const NOT_FOUND = 127;
  if (code === NOT_FOUND)
    throw new UserError(`there is no pager '${command}' on this machine`, 'Set PAGER to one that is there.');
}
