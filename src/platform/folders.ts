/** Folders that are made on the way to a file. */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { errorCode } from './errors.ts';

/** Makes a folder and its parents, and returns those that were not there. (Node's own way never ends below `/proc`.) */
export function makeFolders(dir: string, mode = 0o777): string[] {
  const state = makeFolder(dir, mode);
  if (state !== 'no parent') return state === 'made' ? [dir] : [];
  const made = makeFolders(path.dirname(dir), mode);
  // Its parent is there now: what still says that something is missing will go on saying so.
  if (makeFolder(dir, mode) === 'no parent') throw Object.assign(new Error(`ENOENT: ${dir}`), { code: 'ENOENT' });
  return [...made, dir];
}

/** Another process may make it at the same time: then it is there. */
function makeFolder(dir: string, mode: number): 'made' | 'there' | 'no parent' {
  try {
    mkdirSync(dir, { mode });
    return 'made';
  } catch (error) {
    if (errorCode(error) === 'EEXIST' && statSync(dir).isDirectory()) return 'there';
    if (errorCode(error) === 'ENOENT' && path.dirname(dir) !== dir) return 'no parent';
    throw error;
  }
}
