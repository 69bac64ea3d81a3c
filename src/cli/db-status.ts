/** What `prometheus db status` shows: the server, and of each database the figures that can be had; the rest is unknown. */
import path from 'node:path';
import { formatAge, formatInstant } from '../format/age.ts';
import { formatBytes, UNKNOWN } from '../format/numbers.ts';
import { openDatabase } from '../platform/db/databases.ts';
import { type ServerStatus, serverStatus } from '../platform/db/embedded.ts';
import { type MigrationState, migrationState, type TableMigration } from '../platform/db/migrate.ts';
import { DATABASE_NAMES, type DatabaseName, type Target } from '../platform/db/targets.ts';
import { errorMessage } from '../platform/errors.ts';
import type { Cli } from './context.ts';
import { largestTables, type TableFigures, tableLine } from './db-tables.ts';
import { MIGRATIONS } from './schema.ts';

/** A probe must answer or be given up before a person loses patience. */
const STATEMENT_TIMEOUT_MS = 5_000;

/** One database. A figure that could not be had is null, and `problems` says why. */
interface DatabaseFigures {
  readonly name: DatabaseName;
  readonly database: string;
  readonly where: string;
  readonly embedded: boolean;
  readonly source: string;
  readonly version: string | null;
  readonly sizeBytes: number | null;
  readonly migrations: MigrationState | null;
  /** The largest ones. */
  readonly tables: readonly TableFigures[] | null;
  readonly problems: readonly string[];
}

export interface DbStatus {
  /** Null when both databases are the user's own. */
  readonly server: ServerStatus | null;
  readonly databases: readonly DatabaseFigures[];
}

/** Looks; starts and changes nothing. */
export async function readStatus(cli: Cli): Promise<DbStatus> {
  const targets = await cli.targets();
  const embedded = DATABASE_NAMES.some((name) => targets[name].embedded);
  const server = embedded ? await serverStatus(cli.home) : null;
  const databases = await Promise.all(
    DATABASE_NAMES.map((name) => readDatabase(targets[name], MIGRATIONS[name], server?.running ?? false)),
  );
  return { server, databases };
}

async function readDatabase(
  target: Target,
  migrations: Readonly<Record<string, TableMigration>>,
  serverRuns: boolean,
): Promise<DatabaseFigures> {
  const { config, name, embedded, source } = target;
  const where = config.host?.startsWith('/') ? config.host : `${config.host}:${config.port}`;
  const known = { name, database: config.database ?? UNKNOWN, where, embedded, source };
  const none = { version: null, sizeBytes: null, migrations: null, tables: null };
  if (embedded && !serverRuns) return { ...known, ...none, problems: ['the embedded server does not run'] };
  const database = openDatabase(target, {
    application: 'db status',
    readOnly: true,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    maxConnections: 1,
  });
  const problems = new Set<string>();
  const figure = async <T>(read: () => Promise<T>): Promise<T | null> => {
    try {
      return await read();
    } catch (error) {
      problems.add(errorMessage(error));
      return null;
    }
  };
  const one = <T>(sql: string) =>
    figure(() => database.client(async (client) => (await client.query<{ value: T }>(sql)).rows[0].value));
  try {
    // The first figure tells whether the database can be reached at all; if not, the others would only say it again.
    const version = await one<string>("SELECT current_setting('server_version') AS value");
    if (version === null) return { ...known, ...none, problems: [...problems] };
    const sizeBytes = await one<number>('SELECT pg_database_size(current_database()) AS value');
    const state = await figure(() => migrationState(database, migrations));
    const tables = await figure(() => database.client(largestTables));
    return { ...known, version, sizeBytes, migrations: state, tables, problems: [...problems] };
  } finally {
    await database.close();
  }
}

/** The same for people. */
export function statusPage(status: DbStatus, now: number): string {
  const lines: [string, string][] = [];
  if (status.server) {
    const { running, pid, startedAt, server } = status.server;
    const since = startedAt === null ? UNKNOWN : `${formatInstant(startedAt)} UTC (${formatAge(now - startedAt)})`;
    lines.push(
      [
        'server',
        `PostgreSQL ${server.version}, ${running ? `process ${pid ?? UNKNOWN}, since ${since}` : 'not running'}`,
      ],
      ['binaries', path.join(server.base, server.version)],
      ['cluster', server.dataFolder],
      ['socket', server.socketFolder],
      ['password', server.passfile],
      ['log', server.logFile],
    );
  } else lines.push(['server', 'your own; no database is in the embedded one']);
  for (const database of status.databases) {
    const place = database.embedded ? '' : ` on ${database.where} (from ${database.source})`;
    lines.push(
      [database.name, `${database.database}${place}`],
      [
        '',
        `PostgreSQL ${database.version ?? UNKNOWN} · ${formatBytes(database.sizeBytes)} · ${migrationLine(database.migrations)}`,
      ],
      ...(database.tables ?? []).map((table): [string, string] => ['', tableLine(table, now)]),
      ...database.problems.map((problem): [string, string] => ['', `unknown: ${problem}`]),
    );
  }
  return `${lines.map(([label, text]) => `${label.padEnd(11)} ${text}`).join('\n')}\n`;
}

function migrationLine(state: MigrationState | null): string {
  if (!state) return `migrations ${UNKNOWN}`;
  const parts = [`${state.applied.length} migrations applied`, `${state.pending.length} pending`];
  if (state.adopted) parts.push('tables made by Alembic');
  if (state.missing.length) parts.push(`missing: ${state.missing.join(', ')}`);
  return parts.join(' · ');
}
