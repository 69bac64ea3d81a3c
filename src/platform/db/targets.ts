/** Where the two databases are: flags, the environment, a `.env` file, or the embedded server of the home. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import type pg from 'pg';
import { errorCode, errorMessage, UsageError, UserError } from '../errors.ts';

export type DatabaseName = 'historical' | 'runtime';
export const DATABASE_NAMES: readonly DatabaseName[] = ['historical', 'runtime'];

export interface Target {
  readonly name: DatabaseName;
  readonly config: pg.ClientConfig;
  readonly embedded: boolean;
  /** For messages: `historical database (prometheus_historical on localhost:5432)`; never a password. */
  readonly label: string;
  /** Where the setting came from, for messages: a file, `the environment`, `--historical`. */
  readonly source: string;
}

export type Targets = Record<DatabaseName, Target>;

type Env = Record<string, string | undefined>;

export interface TargetOptions {
  /** `--historical URL`, `--runtime URL`. */
  readonly urls?: Partial<Record<DatabaseName, string>>;
  readonly env?: Env;
  /** Folders whose `.env` is read, first one that has any database setting wins. */
  readonly envFolders?: readonly string[];
}

/**
 * The user's own settings for a database, or null when there are none (the embedded server is meant then).
 * Order: flag, process environment, `.env` files. `HISTORICAL_DB_URL` or `HISTORICAL_DB_HOST/PORT/NAME/USER/PASSWORD`;
 * `RUNTIME_DB_…` likewise. @throws UsageError on a malformed URL or port.
 */
export function configuredTarget(name: DatabaseName, options: TargetOptions): Target | null {
  const url = options.urls?.[name];
  if (url) return targetFromUrl(name, url, `--${name}`);
  const env = options.env ?? process.env;
  const fromEnv = targetFromEnv(name, env, 'the environment');
  if (fromEnv) return fromEnv;
  for (const folder of options.envFolders ?? []) {
    const file = path.join(folder, '.env');
    const values = readEnvFile(file);
    const target = values && targetFromEnv(name, values, file);
    if (target) return target;
  }
  return null;
}

function readEnvFile(file: string): Env | null {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new UserError(`${file} cannot be read: ${errorMessage(error)}`, 'Make it readable or move it away.');
  }
}

function targetFromEnv(name: DatabaseName, env: Env, source: string): Target | null {
  const prefix = name === 'historical' ? 'HISTORICAL_DB' : 'RUNTIME_DB';
  if (env[`${prefix}_URL`]) return targetFromUrl(name, env[`${prefix}_URL`]!, `${prefix}_URL in ${source}`);
  const [host, portText, database, user, password] = ['HOST', 'PORT', 'NAME', 'USER', 'PASSWORD'].map(
    (key) => env[`${prefix}_${key}`],
  );
  if (!host && !database && !user) return null;
  const port = Number(portText || 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new UsageError(`${prefix}_PORT in ${source} is '${portText}'`, 'Give a port number from 1 to 65535.');
  }
  return makeTarget(
    name,
    {
      host: host || 'localhost',
      port,
      database: database || `prometheus_${name}`,
      user: user || undefined,
      password: password || undefined,
    },
    source,
  );
}

/** A target from a libpq URL; socket folders are given as `?host=/folder`. */
export function targetFromUrl(name: DatabaseName, text: string, source: string): Target {
  let url: URL;
  try {
    // libpq allows an empty host (`//user@/name?host=/folder`), WHATWG URLs do not.
    url = new URL(text.replace(/^(\w+:\/\/(?:[^/?#]*@)?)(?=[/?#]|$)/, '$1localhost'));
  } catch {
    throw new UsageError(
      `the URL of the ${name} database (${source}) cannot be read`,
      'Write postgresql://user@host:port/name',
    );
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new UsageError(
      `the URL of the ${name} database (${source}) is not a PostgreSQL one`,
      'Write postgresql://user@host:port/name',
    );
  }
  const passfile = url.searchParams.get('passfile');
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname || 'localhost');
  const sslmode = url.searchParams.get('sslmode');
  const config: pg.ClientConfig = {
    host,
    port: Number(url.port || url.searchParams.get('port') || 5432),
    database: decodeURIComponent(url.pathname.slice(1)) || `prometheus_${name}`,
    user: decodeURIComponent(url.username) || url.searchParams.get('user') || undefined,
    password:
      decodeURIComponent(url.password) ||
      url.searchParams.get('password') ||
      (passfile ? () => passwordFrom(passfile, source) : undefined),
  };
  if (sslmode && sslmode !== 'disable')
    config.ssl = { rejectUnauthorized: sslmode === 'verify-full' || sslmode === 'verify-ca' };
  return makeTarget(name, config, source);
}

/** The password of a libpq passfile with a single line `host:port:database:user:password`. */
export function passwordFrom(file: string, source: string): string {
  let line: string;
  try {
    line =
      readFileSync(file, 'utf8')
        .split('\n')
        .find((l) => l && !l.startsWith('#')) ?? '';
  } catch (error) {
    throw new UserError(
      `the password file ${file} (${source}) cannot be read: ${errorMessage(error)}`,
      'Check its path and mode.',
    );
  }
  return line.split(':').slice(4).join(':').replace(/\\(.)/g, '$1');
}

export function makeTarget(name: DatabaseName, config: pg.ClientConfig, source: string, embedded = false): Target {
  const where = config.host?.startsWith('/') ? config.host : `${config.host}:${config.port}`;
  return { name, config, embedded, source, label: `${name} database (${config.database} on ${where})` };
}
