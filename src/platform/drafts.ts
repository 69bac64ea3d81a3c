/**
 * Files that are replaced as a whole: written beside their place and put into it by a rename. The draft is named after the
 * process that writes it, so that one whose writer was killed can be told from one that is being written.
 */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { processRuns } from './locks.ts';

const DRAFT = /\.(\d+)\.tmp$/;

/** Where this process writes a file that is to replace `file`. */
export const draftOf = (file: string): string => `${file}.${process.pid}.tmp`;

/** Replaces a file (0600) so that a reader sees the old one or the new one, never a part. @throws when the disk refuses. */
export function replaceFile(file: string, text: string): void {
  const draft = draftOf(file);
  try {
    writeFileSync(draft, text, { mode: 0o600 });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Removes the drafts that lie in a folder and whose writers run no more. Never throws: they are only litter. */
export function removeDeadDrafts(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const pid = DRAFT.exec(name)?.[1];
      if (pid && !processRuns(Number(pid))) rmSync(path.join(folder, name), { force: true });
    }
  } catch {
    // There is no such folder, or it may not be written: whoever comes next tries again.
  }
}
