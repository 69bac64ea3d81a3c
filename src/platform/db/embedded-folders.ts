/** Folders and files of the embedded server: made with the right owner, swept after a kill, failures in one line. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorMessage, UserError } from '../errors.ts';
import { createHome } from '../home.ts';
import { type Account, fitsSocket, isApart, isRoot, type Layout, statIfThere } from './embedded-layout.ts';

/** The server's user must pass, nobody need list. */
const PASSABLE = 0o711;

/** What is half-made carries this mark until it is renamed; what is being removed carries the other. */
const NEW = '.new-';
const DROP = '.drop-';

/** A name for something half-made beside its final place; `sweep` removes it when we are killed. */
export const temporaryName = (file: string): string => `${file}${NEW}${randomBytes(6).toString('hex')}`;

/** Makes the folders that lead to the server. The caller holds the lock. */
export function makeBase(layout: Layout): void {
  createHome(layout.home);
  if (!isApart(layout)) return;
  const parent = path.dirname(layout.base);
  // Another product of the same name may have made it: then it keeps its owner and mode.
  if (!statIfThere(parent)) makeFolder(parent, null, PASSABLE);
  makeFolder(layout.base, null, PASSABLE);
}

/** Removes the base outside the home, and the folder above it when it is empty and of our making. */
export function removeBase(layout: Layout): string[] {
  if (!isApart(layout)) return [];
  const parent = path.dirname(layout.base);
  const stats = statIfThere(parent);
  const ours = stats?.uid === 0 && (stats.mode & 0o7777) === PASSABLE;
  return [layout.base, ...(ours ? [parent] : [])].filter(removeIfEmpty);
}

/** Makes the folders that the server itself writes to. */
export function makeServerFolders(layout: Layout): void {
  if (!fitsSocket(layout.socketFolder)) {
    throw new UserError(
      `no folder for PostgreSQL's socket has a path short enough (${layout.socketFolder}), not even in /tmp`,
      'Set PROMETHEUS_HOME to a shorter path.',
    );
  }
  makeFolder(path.dirname(layout.logFile), layout.account, 0o700);
  makeFolder(layout.socketFolder, layout.account, 0o700);
}

/** Makes a folder of that owner and mode, or checks that the one there is really ours: no link, no stranger's. */
export function makeFolder(folder: string, account: Account | null, mode: number): void {
  const uid = account?.uid ?? process.getuid?.() ?? 0;
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const stats = lstatSync(folder);
    // Root's own folder here is one of ours, left by a kill between mkdir and chown.
    const unfinished = isRoot() && stats.uid === 0;
    if (!stats.isDirectory() || (stats.uid !== uid && !unfinished)) {
      throw new UserError(
        `${folder} is in the way: it is ${stats.isDirectory() ? `a folder of user ${stats.uid}` : 'no folder'}, not ours`,
        'Remove it and try again.',
      );
    }
    if (stats.uid === uid && (stats.mode & 0o777) === mode) return;
  }
  if (account) chownSync(folder, account.uid, account.gid);
  chmodSync(folder, mode);
}

/** Writes a file whole or not at all, with the given owner and mode; never through a link that somebody planted. */
export function writeWhole(file: string, text: string, account: Account | null, mode: number): void {
  const temporary = temporaryName(file);
  const fd = openSync(temporary, 'wx', mode);
  try {
    writeSync(fd, text);
    if (account) fchownSync(fd, account.uid, account.gid);
    fsyncSync(fd);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Removes a folder with all it holds, or nothing: a kill in the middle leaves no half of it under its name. */
export function removeFolder(folder: string): boolean {
  const doomed = `${folder}${DROP}${randomBytes(6).toString('hex')}`;
  try {
    renameSync(folder, doomed);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  rmSync(doomed, { recursive: true, force: true, maxRetries: 5 });
  return true;
}

function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** Removes what a killed start or drop left half-made. The caller holds the lock. */
export async function sweep(layout: Layout): Promise<void> {
  for (const folder of new Set([layout.base, path.dirname(layout.passfile)])) {
    for (const name of readdirSync(folder)) {
      if (!/\.(new|drop)-[0-9a-f]{12}$/.test(name)) continue;
      try {
        // An orphaned initdb may still be writing there; it fails once its files vanish, so a few tries do it.
        await rm(path.join(folder, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
      } catch (error) {
        // It is only in the way of disk space; the next start sweeps again.
        if (errorCode(error) !== 'ENOTEMPTY') throw error;
      }
    }
  }
}

/** One line for what the file system refused; other errors come back unchanged. */
export function setupFailure(error: unknown, base: string): unknown {
  if (error instanceof UserError) return error;
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(base, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return new UserError(
        `the embedded PostgreSQL in ${base} cannot be used: ${errorMessage(error)}`,
        'Run as the owner of that folder, set PROMETHEUS_HOME to one of yours, or give HISTORICAL_DB_URL and RUNTIME_DB_URL.',
        { cause: error },
      );
    default:
      return error;
  }
}

export const diskFull = (base: string, cause?: unknown): UserError =>
  new UserError(
    `the disk that holds ${base} is full: the embedded PostgreSQL could not be set up or started`,
    'Free some space and run the same command again; nothing half-made counts.',
    { cause },
  );
