/** Reads files that are files. */
import { readFile, stat } from 'node:fs/promises';

/** The bytes of a file, through links too. @throws Error for anything else: a pipe would be waited for for ever. */
export async function readRegular(file: string): Promise<Buffer> {
  if (!(await stat(file)).isFile()) throw new Error('is no regular file');
  return readFile(file);
}
