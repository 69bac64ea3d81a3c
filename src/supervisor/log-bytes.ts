/** Pieces of job logs by their place in the file, for whoever looks at a log through a window. */
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { errorCode, errorMessage } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { JobFile } from './job-files.ts';
import type { LogBytes, LogFile, ReadArgs } from './reads.ts';

const NAMES: Readonly<Record<LogFile, string>> = {
  out: JobFile.stdout,
  err: JobFile.stderr,
  events: JobFile.events,
  times: JobFile.times,
};

/** Reads `length` bytes from `offset` on. A file that is missing is empty; one that cannot be read says why. */
export function readLogBytes(home: Home, { jobId, file: which, offset, length }: ReadArgs<'log'>): LogBytes {
  const folder = path.basename(jobId);
  const file = path.join(home.jobs, folder, NAMES[which]);
  const nothing = (problem: string | null): LogBytes => ({ size: 0, data: '', problem });
  if (folder.startsWith('.')) return nothing(`there is no job ${jobId}`);
  let fd: number;
  try {
    // Not to wait for a writer, should a named pipe stand where the file belongs.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') return nothing(errorMessage(error));
    return nothing(existsSync(`${file}.gz`) ? `${which} is compressed: prometheus job logs ${jobId}` : null);
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)));
    let got = 0;
    while (got < buffer.length) {
      const read = readSync(fd, buffer, got, buffer.length - got, offset + got);
      if (read === 0) break;
      got += read;
    }
    return { size, data: buffer.toString('base64', 0, got), problem: null };
  } catch (error) {
    return nothing(errorMessage(error));
  } finally {
    closeSync(fd);
  }
}
