/**
 * Where the supervisor of a home listens. The folder must be a real directory of our own that nobody else may enter: it is
 * made so, and checked again before every bind and connect, for in a shared temporary folder anybody may be first.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { errorCode, errorMessage, UserError } from '../../platform/errors.ts';
import type { Home } from '../../platform/home.ts';
import { shortHash } from '../../platform/ids.ts';

/** What sun_path holds on Linux, less the closing zero. */
const MAX_SOCKET_PATH = 107;

type Env = Readonly<Record<string, string | undefined>>;

/** The socket of a home: in `$XDG_RUNTIME_DIR/prometheus`, else in a folder of ours in the temporary one. Makes nothing. */
export function socketPath(home: Home, env: Env): string {
  const name = `${shortHash(path.resolve(home.root), 16)}.sock`;
  const uid = process.getuid?.() ?? 0;
  const folders = [
    ...(env.XDG_RUNTIME_DIR ? [path.join(env.XDG_RUNTIME_DIR, 'prometheus')] : []),
    path.join(tmpdir(), `prometheus-${uid}`),
    path.join('/tmp', `prometheus-${uid}`),
  ];
  const fitting = folders.find((folder) => Buffer.byteLength(path.join(folder, name)) <= MAX_SOCKET_PATH);
  return path.join(fitting ?? folders[folders.length - 1], name);
}

/** Makes the socket's folder, 0700. @throws UserError when what is there is not ours alone. */
export function makeSocketFolder(socket: string): void {
  const folder = path.dirname(socket);
  try {
    // A strict umask takes away more than is meant; only a folder made just now is touched.
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(folder, 0o700);
  } catch (error) {
    // What stands there instead is told apart below.
    if (errorCode(error) !== 'EEXIST') {
      throw new UserError(
        `the folder ${folder} for the supervisor's socket cannot be made: ${errorMessage(error)}`,
        'Make its parent writable, or set XDG_RUNTIME_DIR or TMPDIR to a folder of your own.',
        { cause: error },
      );
    }
  }
  assertSocketFolder(socket);
}

const SOCKET_NAME = /^[0-9a-f]{16}\.sock$/;
/** A supervisor that is about to listen has its file there already: young ones are left alone. */
const YOUNG_MS = 60_000;

/** Removes what supervisors of other homes that were killed left in this folder: sockets of ours that nobody listens on. */
export async function removeDeadSockets(socket: string, now: number): Promise<void> {
  const folder = path.dirname(socket);
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    if (file === socket || !SOCKET_NAME.test(name)) continue;
    const entry = lstatSync(file, { throwIfNoEntry: false });
    if (!entry?.isSocket() || entry.uid !== (process.getuid?.() ?? entry.uid)) continue;
    if (now - entry.ctimeMs > YOUNG_MS && (await isDead(file))) rmSync(file, { force: true });
  }
}

/** Refused is what the system says where no process holds the other end; a busy one, or any other trouble, is not that. */
function isDead(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(errorCode(error) === 'ECONNREFUSED'));
  });
}

/**
 * @throws UserError when the socket's folder is a link, another user's, or open to others. Without a folder there is
 * nothing to fear and nothing is thrown: no supervisor listens.
 */
export function assertSocketFolder(socket: string): void {
  const folder = path.dirname(socket);
  const complain = (what: string) =>
    new UserError(
      `the supervisor's socket folder ${folder} ${what}; it is not used`,
      'Remove it, or set XDG_RUNTIME_DIR or TMPDIR to a folder of your own.',
    );
  let stat: ReturnType<typeof lstatSync>;
  try {
    stat = lstatSync(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw complain(`cannot be looked at (${errorMessage(error)})`);
  }
  if (stat.isSymbolicLink()) throw complain('is a symbolic link');
  if (!stat.isDirectory()) throw complain('is not a directory');
  if (stat.uid !== (process.getuid?.() ?? stat.uid)) throw complain(`belongs to user ${stat.uid}`);
  if ((stat.mode & 0o077) !== 0) throw complain(`is open to others (mode ${(stat.mode & 0o777).toString(8)})`);
  let entry: ReturnType<typeof lstatSync>;
  try {
    entry = lstatSync(socket);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw complain(`holds a socket that cannot be looked at (${errorMessage(error)})`);
  }
  if (entry.uid !== (process.getuid?.() ?? entry.uid)) throw complain(`holds a socket of user ${entry.uid}`);
  if (!entry.isSocket()) throw complain(`holds ${path.basename(socket)}, which is no socket`);
}
