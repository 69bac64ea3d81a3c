/** Files that appear whole or not at all. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errorMessage, UserError } from '../../src/platform/errors.ts';
import { makeFolders } from '../../src/platform/folders.ts';

export interface PendingFile {
  /** Puts the file in the place of an earlier one. */
  commit(): void;
  /** Leaves the place as it is. */
  discard(): void;
}

/**
 * Writes `lines` under a name of its own beside `target`, on disk; `commit` renames it.
 * @throws UserError when it cannot be written; nothing is left then.
 */
export function writePending(target: string, lines: Iterable<string>): PendingFile {
  const partial = `${target}.part`;
  const discard = () => {
    try {
      rmSync(partial, { force: true });
    } catch {
      // What stopped the writing is what the user must hear of.
    }
  };
  try {
    makeFolders(path.dirname(path.resolve(target)));
    const file = openSync(partial, 'w');
    try {
      for (const chunk of chunks(lines)) writeSync(file, chunk);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    discard();
    throw new UserError(`${target} cannot be written: ${errorMessage(error)}`, 'Choose another path.', {
      cause: error,
    });
  }
  return { commit: () => renameSync(partial, target), discard };
}

/** Joins lines to pieces worth a system call. */
function* chunks(lines: Iterable<string>): Generator<string> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length >= 1 << 18) {
      yield text;
      text = '';
    }
  }
  if (text) yield text;
}
