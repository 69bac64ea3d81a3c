/**
 * A PostgreSQL of another release for a test run: `PROMETHEUS_TEST_POSTGRES=FOLDER bin/test FILE…`, FOLDER holding
 * `bin/initdb` and `bin/pg_ctl`. Adoption says that servers from 13 on serve; this is how that is tried.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestServer } from './test-server.ts';

/** Under root the server runs as nobody: PostgreSQL refuses to run as root. */
const ACCOUNT = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

const run = (binaries: string, program: string, argv: readonly string[]) =>
  // A server that stays must not hold our pipes open.
  execFileSync(path.join(binaries, 'bin', program), argv, { ...ACCOUNT, stdio: 'ignore', cwd: '/' });

/** Makes a cluster in `folder` with the binaries, and starts it on a socket there. */
export function startOtherServer(binaries: string, folder: string): TestServer {
  const passfile = path.join(folder, 'passfile');
  const secret = path.join(folder, 'secret');
  const data = dataOf(folder);
  const password = randomBytes(16).toString('hex');
  mkdirSync(data, { recursive: true });
  writeFileSync(secret, password);
  for (const one of [folder, data, secret]) if (ACCOUNT.uid) chownSync(one, ACCOUNT.uid, ACCOUNT.gid);
  chmodSync(data, 0o700);
  run(binaries, 'initdb', [
    ...['-D', data, '-U', 'prometheus', '-E', 'UTF8', '--no-sync'],
    ...['--locale=C', `--pwfile=${secret}`, '--auth=scram-sha-256'],
  ]);
  appendFileSync(
    path.join(data, 'postgresql.conf'),
    `listen_addresses = ''\nunix_socket_directories = '${folder}'\nfsync = off\nfull_page_writes = off\nsynchronous_commit = off\n`,
  );
  writeFileSync(passfile, `*:*:*:prometheus:${password}\n`, { mode: 0o600 });
  run(binaries, 'pg_ctl', ['start', '-s', '-w', '-D', data, '-l', path.join(folder, 'log')]);
  return { socketFolder: folder, passfile };
}

/** Stops the server of `folder`, if one was started there. */
export function stopOtherServer(binaries: string, folder: string): void {
  if (existsSync(path.join(dataOf(folder), 'postmaster.pid')))
    run(binaries, 'pg_ctl', ['stop', '-s', '-m', 'immediate', '-D', dataOf(folder)]);
}

const dataOf = (folder: string) => path.join(folder, 'data');
