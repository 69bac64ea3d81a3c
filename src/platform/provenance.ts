import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { statSync } from 'node:fs';
import path from 'node:path';

/** The code a run came from: the git commit and whether the tree had changes, or the build's own hash. */
export interface Provenance {
  readonly version: string;
  /** Hash of the build that runs; null when the sources run directly (tests). */
  readonly build: string | null;
  /** Commit of the checkout, null outside one. */
  readonly gitSha: string | null;
  readonly gitDirty: boolean | null;
}

const VERSION = '0.1.0';

let cached: Provenance | null = null;

/** Reads provenance lazily: git is asked only when a figure is looked at, and once. */
export function readProvenance(env: NodeJS.ProcessEnv): Provenance {
  const checkout = env.PROMETHEUS_CHECKOUT;
  const build = env.PROMETHEUS_BUILD || null;
  let git: { sha: string | null; dirty: boolean | null } | null = null;
  const ask = () => (git ??= readGit(checkout));
  cached ??= {
    version: VERSION,
    build,
    get gitSha() {
      return ask().sha;
    },
    get gitDirty() {
      return ask().dirty;
    },
  };
  return cached;
}

/** As of now, for a process that lives on while the tree changes: git is asked each time. */
export function currentProvenance(env: NodeJS.ProcessEnv): Provenance {
  const { sha: gitSha, dirty: gitDirty } = readGit(env.PROMETHEUS_CHECKOUT);
  return { version: VERSION, build: env.PROMETHEUS_BUILD || null, gitSha, gitDirty };
}

/** The code of a command that is not ours: the checkout that its folder is in, null for all of it when that is none. */
export interface TreeState {
  readonly gitSha: string | null;
  readonly gitDirty: boolean | null;
  /** Hash of what differs from the commit: changed lines, and untracked files by name, size and time; null: nothing does. */
  readonly changes: string | null;
}

/** A tree that takes longer to look at, or differs by more, counts as not known: a start is not to wait for it. */
const TREE_PATIENCE_MS = 5000;
const MAX_DIFFERENCES = 64 * 1024 * 1024;

/** The checkout that a folder is in, as it is now. */
export function readTree(folder: string): TreeState {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: TREE_PATIENCE_MS,
      maxBuffer: MAX_DIFFERENCES,
    });
  try {
    const [gitSha, root] = git('rev-parse', 'HEAD', '--show-toplevel').toString().trim().split('\n');
    const untracked = git('ls-files', '--others', '--exclude-standard', '--full-name', '-z', '--', ':/').toString();
    const differences = git('diff', 'HEAD', '--no-ext-diff', '--no-textconv', '--binary');
    if (untracked === '' && differences.length === 0) return { gitSha, gitDirty: false, changes: null };
    const files = untracked.split('\0').filter(Boolean);
    const words = files.map((name) => `${name} ${sizeAndTime(path.join(root, name))}\n`).join('');
    const changes = hash('sha256', Buffer.concat([differences, Buffer.from(`\0${words}`)])).slice(0, 12);
    return { gitSha, gitDirty: true, changes };
  } catch {
    // No checkout (or one without a commit), no git, or a folder that is gone: unknown, and said so.
    return { gitSha: null, gitDirty: null, changes: null };
  }
}

function sizeAndTime(file: string): string {
  try {
    const { size, mtimeMs } = statSync(file);
    return `${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}

/** The commit that a folder has checked out, and whether files differ from it; null outside a git checkout. */
export function readGit(checkout: string | undefined): { sha: string | null; dirty: boolean | null } {
  if (!checkout) return { sha: null, dirty: null };
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', checkout, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return { sha: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain') !== '' };
  } catch {
    // Not a git checkout, or no git on this machine: unknown, and said so.
    return { sha: null, dirty: null };
  }
}
