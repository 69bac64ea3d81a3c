import { execFileSync } from 'node:child_process';

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
