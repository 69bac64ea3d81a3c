import { accessSync, chmodSync, constants, readFileSync, statfsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { errorCode, errorMessage, UsageError, UserError } from './errors.ts';
import { makeFolders } from './folders.ts';

/** The one folder that holds everything a user's installation knows; two homes never meet. */
export interface Home {
  readonly root: string;
  readonly jobs: string;
  readonly postgres: string;
  readonly models: string;
  readonly cache: string;
  readonly logs: string;
  /** True for the home of `prometheus demo`: every frame, report and JSON says DEMO. */
  readonly demo: boolean;
}

type Env = Record<string, string | undefined>;

/**
 * The home folder: `PROMETHEUS_HOME`, else `state.dir` of `~/.config/prometheus/console.yaml`, else
 * `$XDG_DATA_HOME/prometheus`, else `~/.local/share/prometheus`. Nothing is created here.
 */
export async function resolveHomeRoot(env: Env = process.env): Promise<string> {
  if (env.PROMETHEUS_HOME) return path.resolve(env.PROMETHEUS_HOME);
  return (
    (await configuredStateDir(env)) ??
    path.join(env.XDG_DATA_HOME || path.join(homedir(), '.local', 'share'), 'prometheus')
  );
}

async function configuredStateDir(env: Env): Promise<string | null> {
  const file = path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'prometheus', 'console.yaml');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw new UserError(`${file} cannot be read: ${errorMessage(error)}`, 'Make it readable or move it away.');
  }
  // Loaded only when there is a file to read: the console's first frame does not wait for a parser.
  const { firstLine, parseYaml } = await import('./yaml.ts');
  let dir: unknown;
  try {
    dir = (parseYaml(text) as { state?: { dir?: unknown } } | null)?.state?.dir;
  } catch (error) {
    throw new UserError(`${file} is not valid YAML: ${firstLine(error)}`, 'Mend the line named above.');
  }
  if (dir === undefined || dir === null) return null;
  if (typeof dir !== 'string' || !dir) {
    throw new UserError(`state.dir in ${file} is not a path`, 'Write it as text, for example /mnt/data/prometheus.');
  }
  return path.resolve(dir.startsWith('~/') ? path.join(homedir(), dir.slice(2)) : dir);
}

/** The rooms of a home; creates nothing. */
export function homeAt(root: string, options: { demo?: boolean } = {}): Home {
  const at = (name: string) => path.join(root, name);
  return {
    root,
    jobs: at('jobs'),
    postgres: at('postgres'),
    models: at('models'),
    cache: at('cache'),
    logs: at('logs'),
    demo: options.demo ?? false,
  };
}

/** File systems that hold no files of anybody (`statfs`): /proc and /sys, which let even root ask in vain. */
const NO_ROOM_FOR_FILES = [0x9fa0, 0x62656572];

/**
 * A home that is not there yet has nothing to tell, and that is no error; one that can never be there is.
 * @throws UsageError when its path, or the folder that it would be made in, is none that can hold it.
 */
export function assertHomePossible(home: Home): void {
  const refuse = (why: string) => {
    throw new UsageError(`${home.root} is no home: ${why}`, 'Set PROMETHEUS_HOME to a folder that you may write.');
  };
  for (let place = home.root; ; place = path.dirname(place)) {
    try {
      if (!statSync(place).isDirectory()) refuse(`${place === home.root ? 'it' : place} is a file`);
      accessSync(place, place === home.root ? constants.R_OK | constants.X_OK : constants.W_OK | constants.X_OK);
      if (place === home.root) return;
      if (NO_ROOM_FOR_FILES.includes(statfsSync(place).type)) refuse(`nothing can be made in ${place}`);
      return;
    } catch (error) {
      if (error instanceof UserError) throw error;
      // Not there, or below a file: what is above it decides.
      if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '') || place === path.dirname(place))
        refuse(errorMessage(error));
    }
  }
}

/**
 * Makes the home's folders (0700; folders that exist keep their mode). Under root the way to the embedded PostgreSQL is
 * searchable for others (0711), since the server runs as another user.
 * @throws UserError when it cannot be written, or holds jobs of another user.
 */
export function createHome(home: Home, user = process.getuid?.()): void {
  const passage = user === 0 ? [home.root, home.postgres] : [];
  for (const dir of [home.root, home.jobs, home.postgres, home.models, home.cache, home.logs]) {
    const mode = passage.includes(dir) ? 0o711 : 0o700;
    try {
      // A strict umask takes away more than is meant; only folders made just now are touched.
      for (const made of makeFolders(dir, mode)) chmodSync(made, mode);
    } catch (error) {
      throw new UserError(
        `the home ${dir} cannot be created: ${errorMessage(error)}`,
        'Set PROMETHEUS_HOME to a folder that you may write.',
        { cause: error },
      );
    }
  }
  const owner = statSync(home.jobs).uid;
  if (user && owner !== user) {
    throw new UserError(
      `the home ${home.root} belongs to another user (uid ${owner})`,
      'Set PROMETHEUS_HOME to a folder of your own.',
    );
  }
  try {
    for (const dir of [home.root, home.jobs]) accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new UserError(
      `the home ${home.root} cannot be written: ${errorMessage(error)}`,
      'Make it writable, or set PROMETHEUS_HOME to a folder that you may write.',
      { cause: error },
    );
  }
}
