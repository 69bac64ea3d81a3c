/** What jobs are started with from a command line: the catalogue, this very build, this environment. */
import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PROGRAMS } from '../../engines/catalog.ts';
import { UsageError } from '../platform/errors.ts';
import { ownFiles } from '../platform/layers.ts';
import type { ProgramSpec } from '../platform/program.ts';
import { currentProvenance } from '../platform/provenance.ts';
import { loadSettings } from '../platform/settings.ts';
import type { JobRuntime, ParsedArguments } from '../supervisor/launch.ts';
import { catalogueOwn } from '../supervisor/programs.ts';
import { checkArguments, toArgv } from './arguments.ts';
import type { Cli } from './context.ts';

/** The runtime of this process: jobs run the code that runs here, in the folder it was started in. */
export function jobRuntime(cli: Cli): Omit<JobRuntime, 'data'> {
  return {
    catalog: () => [...PROGRAMS, ...catalogueOwn(cli.home, cli.env)],
    parse: parseProgramArguments,
    node: process.execPath,
    ...entryScripts(),
    cwd: process.cwd(),
    env: { ...cli.env, ...databaseEnvironment(cli.globals) },
    provenance: () => currentProvenance(cli.env),
    configHash: () => configHash(cli),
    settings: loadSettings(cli.home, cli.env),
    now: Date.now,
  };
}

/** Validates a program's arguments as its own command line does. @throws UsageError naming the flag and what is allowed. */
export function parseProgramArguments(program: ProgramSpec, argv: readonly string[]): ParsedArguments {
  const { args, globals, problems } = checkArguments(program.args, argv, program.positionals);
  // A command of the user's own is no command of `prometheus`: its help is elsewhere.
  const help = `See: prometheus ${program.script ? `job programs ${program.name}` : `${program.name} --help`}`;
  if (problems.length > 0) throw new UsageError(problems[0].message, help);
  if (!args) throw new UsageError('--help starts no job', help);
  const words = toArgv(program.args, args);
  return { args, argv: globals.debug ? [...words, '--debug'] : words, environment: databaseEnvironment(globals) };
}

/** URLs may carry a password, which must not stand in the command line of a process or in a record. */
export function databaseEnvironment(urls: {
  readonly historical?: string;
  readonly runtime?: string;
}): Record<string, string> {
  return {
    ...(urls.historical ? { HISTORICAL_DB_URL: urls.historical } : {}),
    ...(urls.runtime ? { RUNTIME_DB_URL: urls.runtime } : {}),
  };
}

/** In a build every script lies in one folder; from the sources they lie where they are written. */
export function entryScripts(): { main: string; shim: string } {
  const here = import.meta.dirname;
  const built = path.join(here, 'main.js');
  if (existsSync(built)) return { main: built, shim: path.join(here, 'shim.js') };
  return { main: path.join(here, 'main.ts'), shim: path.join(here, '..', 'supervisor', 'shim.ts') };
}

/** Fingerprint of the settings that count here: files that come with the code, and the user's own over them; null: none. */
function configHash({ home, env }: Pick<Cli, 'home' | 'env'>): string | null {
  // Two levels up from src/cli and from dist/<hash> alike.
  const folder = path.resolve(import.meta.dirname, '..', '..', 'configs');
  if (!existsSync(folder)) return null;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  const texts = files.sort().map((name) => `${name}\0${readFileSync(path.join(folder, name), 'utf8')}\0`);
  const own = ownFiles(files, home, env).map((file) => `${path.basename(file)}\0${textOf(file)}\0`);
  return hash('sha256', [...texts, ...own].join('')).slice(0, 12);
}

/** What cannot be read is refused by whoever needs it; it is no reason to make no job. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
