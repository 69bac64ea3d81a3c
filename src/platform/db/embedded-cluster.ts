/** The cluster of the embedded server: made whole or not at all, its settings, its password. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, statfsSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { totalmem } from 'node:os';
import path from 'node:path';
import { errorCode, UserError } from '../errors.ts';
import { diskFull, makeFolder, temporaryName, writeWhole } from './embedded-folders.ts';
import { type Layout, SOCKET_PORT, statIfThere } from './embedded-layout.ts';
import { runTool, type ToolResult } from './embedded-process.ts';

/** The superuser of the cluster and owner of both databases. */
export const ROLE = 'prometheus';
const SETTINGS = 'prometheus.conf';
const MB = 1024 * 1024;

/** Makes the cluster when there is none. The caller holds the lock. */
export async function ensureCluster(layout: Layout, say: (text: string) => void): Promise<void> {
  if (statIfThere(layout.dataFolder)) return;
  say(`making a database cluster in ${layout.dataFolder}`);
  const temporary = temporaryName(layout.dataFolder);
  const password = temporaryName(path.join(layout.base, 'password'));
  const secret = newPassword();
  try {
    makeFolder(temporary, layout.account, 0o700);
    writeWhole(password, `${secret}\n`, layout.account, 0o600);
    const result = await runTool(layout, 'initdb', [
      `--pgdata=${temporary}`,
      `--username=${ROLE}`,
      `--pwfile=${password}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // Sorted by code point whatever the machine's locale; upper() and lower() still know Unicode.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
    ]);
    if (!result.ok) throw toolFailure(layout, 'the database cluster cannot be made', result);
    appendFileSync(
      path.join(temporary, 'postgresql.conf'),
      `\n# Settings of Prometheus, written again at every start:\ninclude = '${SETTINGS}'\n# Your own go below this line; they win.\n`,
    );
    // Before the rename: a cluster in its place always has its password.
    writePassfile(layout, secret);
    await rename(temporary, layout.dataFolder);
  } finally {
    await Promise.all([rm(password, { force: true }), rm(temporary, { recursive: true, force: true, maxRetries: 5 })]);
  }
}

/** @throws UserError when the cluster is another user's: neither its state can be read nor can it be started. */
export function assertOwner(layout: Layout): void {
  let owner: number | undefined;
  try {
    owner = statSync(layout.dataFolder).uid;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
  }
  const expected = layout.account?.uid ?? process.getuid?.();
  if (owner === undefined || owner === expected) return;
  throw new UserError(
    `the database cluster ${layout.dataFolder} belongs to user ${owner}, not to ${expected}`,
    owner === 0
      ? `Give it back: chown -R ${expected} ${layout.dataFolder}`
      : 'Run as that user or as root, or set PROMETHEUS_HOME to a folder of your own.',
  );
}

const newPassword = (): string => randomBytes(24).toString('hex');

function writePassfile(layout: Layout, secret: string): void {
  mkdirSync(path.dirname(layout.passfile), { recursive: true, mode: 0o700 });
  // host:port:database:user:password of libpq; the file is named only in our own URLs.
  writeWhole(layout.passfile, `*:*:*:${ROLE}:${secret}\n`, null, 0o600);
}

/** Gives the superuser a new password when the password file is lost. The server must not run. */
export async function ensurePassword(layout: Layout, say: (text: string) => void): Promise<void> {
  if (statIfThere(layout.passfile)) return;
  say(`${layout.passfile} is gone: giving the server a new password`);
  const secret = newPassword();
  const result = await runTool(
    layout,
    'postgres',
    ['--single', '-D', layout.dataFolder, 'postgres'],
    `ALTER ROLE ${ROLE} PASSWORD '${secret}'\n`,
  );
  if (!result.ok || /\b(ERROR|FATAL|PANIC):/.test(result.output)) {
    throw toolFailure(layout, 'the server cannot be given a new password', result);
  }
  writePassfile(layout, secret);
}

/** Writes the settings that the product decides, sized for this machine. */
export function writeSettings(layout: Layout, tcpPort: number | undefined): void {
  const memory = availableMemory();
  const disk = statfsSync(layout.base);
  const megabytes = (bytes: number, least: number, most: number) =>
    `${Math.min(most, Math.max(least, Math.floor(bytes / MB)))}MB`;
  const settings: Record<string, string> = {
    cluster_name: 'prometheus',
    unix_socket_directories: `"${layout.socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: String(tcpPort ?? SOCKET_PORT),
    listen_addresses: tcpPort ? '127.0.0.1' : '',
    max_connections: '100',
    shared_buffers: megabytes(memory / 8, 64, 2048),
    effective_cache_size: megabytes(memory / 2, 128, 1024 * 1024),
    maintenance_work_mem: megabytes(memory / 32, 64, 1024),
    work_mem: megabytes(memory / 512, 8, 64),
    // Nothing replicates from here; bulk loads into new tables then write no log.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: megabytes((disk.bavail * disk.bsize) / 10, 256, 4096),
    checkpoint_timeout: '15min',
    random_page_cost: '1.1',
    jit: 'off',
    // Files instead of POSIX shared memory: systemd-logind removes the latter when the user logs out (RemoveIPC), and
    // containers often have little of it.
    dynamic_shared_memory_type: 'mmap',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: '%m [%p] %q%a %d ',
    log_checkpoints: 'off',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = '${value.replaceAll("'", "''")}'`);
  const text = `# Written by Prometheus at every start. Put your own settings at the end of postgresql.conf.\n${lines.join('\n')}\n`;
  writeWhole(path.join(layout.dataFolder, SETTINGS), text, layout.account, 0o600);
}

/** What this machine, or the container we are in, has. */
function availableMemory(): number {
  const limit = process.constrainedMemory();
  return Math.min(totalmem(), limit > 0 ? limit : Number.POSITIVE_INFINITY);
}

/** One line from what a program printed: its first error, or a full disk. */
export function toolFailure(layout: Layout, what: string, result: ToolResult, log = ''): UserError {
  const text = `${log}\n${result.output}`;
  if (/No space left on device|Disk quota exceeded/.test(text) || isDiskFull(layout)) return diskFull(layout.base);
  if (/could not look up effective user ID/.test(text)) {
    return new UserError(
      `${what}: user ${layout.account?.uid ?? process.getuid?.()} has no name on this machine, which PostgreSQL's initdb needs`,
      'Give it an entry in /etc/passwd, run as another user, or give HISTORICAL_DB_URL and RUNTIME_DB_URL.',
    );
  }
  const line =
    /(?:FATAL|PANIC|ERROR):\s+(.*)/.exec(text)?.[1] ??
    /error:\s+(.*)/.exec(text)?.[1] ??
    text.trim().split('\n').at(-1) ??
    '';
  return new UserError(
    `${what}: ${line.trim() || 'the program says nothing'} (${layout.base})`,
    log ? `See ${layout.logFile}; mend what it names and run: prometheus db up` : 'Mend that and run: prometheus db up',
  );
}

function isDiskFull(layout: Layout): boolean {
  const { bavail, bsize, ffree, files } = statfsSync(layout.base);
  return bavail * bsize < MB || (files > 0 && ffree === 0);
}
