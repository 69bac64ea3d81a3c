/** `prometheus db …`: the two databases, and the embedded server that holds them unless they are the user's own. */
import { z } from 'zod';
import { type Database, type Databases, openDatabases } from '../platform/db/databases.ts';
import {
  databaseUrl,
  dropServer,
  embeddedServer,
  serverStatus,
  startServer,
  stopServer,
} from '../platform/db/embedded.ts';
import { type MigrationOutcome, migrate, migrationState } from '../platform/db/migrate.ts';
import { DATABASE_NAMES, type Targets } from '../platform/db/targets.ts';
import { Exit, UsageError, UserError } from '../platform/errors.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { readStatus, statusPage } from './db-status.ts';
import { printJson } from './json.ts';
import { MIGRATIONS } from './schema.ts';

export const dbUp = defineCommand({
  name: 'db up',
  summary: 'start and migrate the databases',
  description: [
    'Starts the embedded PostgreSQL, makes both databases and brings their tables up to this build. A second call changes',
    'nothing. Databases of your own (HISTORICAL_DB_URL, RUNTIME_DB_URL, .env, --historical, --runtime) are only checked;',
    'prometheus db migrate migrates them.',
  ].join('\n'),
  args: z.object({
    tcpPort: z.number().int().optional().describe('also listen on 127.0.0.1 at this port (default: socket only)'),
  }),
  run: async (args, cli) => {
    const targets = await cli.targets();
    if (args.tcpPort !== undefined && !usesEmbedded(targets)) {
      throw new UsageError('--tcp-port is for the embedded server, but both databases are your own', 'Leave it out.');
    }
    await withDatabases(cli, targets, { application: 'db up', tcpPort: args.tcpPort }, async (databases) => {
      for (const name of DATABASE_NAMES) cli.out(`${name}: ${await bringUp(databases[name])}\n`);
    });
    if (usesEmbedded(targets)) {
      const { pid, server } = await serverStatus(cli.home);
      cli.out(
        `PostgreSQL ${server.version} runs (process ${pid}) in ${server.base}, socket in ${server.socketFolder}\n`,
      );
    }
    return Exit.done;
  },
});

export const dbDown = defineCommand({
  name: 'db down',
  summary: 'stop the embedded server',
  description: 'Open transactions roll back; data is flushed. Jobs that use the databases fail.',
  args: z.object({}),
  run: async (_args, cli) => {
    const ran = await stopServer(cli.home);
    cli.out(ran ? 'the embedded PostgreSQL is stopped\n' : 'the embedded PostgreSQL was not running\n');
    return Exit.done;
  },
});

export const dbStatus = defineCommand({
  name: 'db status',
  summary: 'server, databases, migrations, sizes, vacuum',
  description: [
    'Starts nothing. Of the largest tables it says how many rows are dead and whether a vacuum is due by the settings of the',
    'server. Exit code 1 when a figure of a database is unknown, for example because its server is down.',
  ].join('\n'),
  args: z.object({ json: z.boolean().default(false).describe('print JSON') }),
  run: async (args, cli) => {
    const status = await readStatus(cli);
    if (args.json) printJson(cli, status);
    else cli.out(statusPage(status, Date.now()));
    return status.databases.every((database) => database.problems.length === 0) ? Exit.done : Exit.failed;
  },
});

export const dbMigrate = defineCommand({
  name: 'db migrate',
  summary: 'bring both schemas up to this build',
  description: [
    'In a database that Alembic made (table alembic_version) no table of yours is touched: only the schema console is made,',
    'and tables that are missing are named.',
  ].join('\n'),
  args: z.object({}),
  run: async (_args, cli) => {
    await withDatabases(cli, await cli.targets(), { application: 'db migrate' }, async (databases) => {
      for (const name of DATABASE_NAMES) {
        const outcome = await migrate(databases[name], MIGRATIONS[name]);
        cli.out(`${name}: ${outcomeLine(outcome)}\n`);
        if (!outcome.adopted && outcome.missing.length) {
          throw new UserError(
            `${databases[name].target.label} lacks ${outcome.missing.join(', ')}, which an earlier migration made`,
            'Somebody dropped it: restore it from a backup, or make a new database and import again.',
          );
        }
      }
    });
    return Exit.done;
  },
});

export const dbUrl = defineCommand({
  name: 'db url',
  summary: 'a libpq URL for psql',
  description:
    'psql "$(prometheus db url runtime)". The URL holds no password; for the embedded server it names its password file.',
  args: z.object({ database: z.enum(DATABASE_NAMES).describe('which of the two databases') }),
  positionals: ['database'],
  run: async (args, cli) => {
    const target = (await cli.targets())[args.database];
    cli.out(`${databaseUrl(target, embeddedServer(cli.home))}\n`);
    if (target.embedded) {
      const { running } = await serverStatus(cli.home);
      if (!running) cli.err('the embedded PostgreSQL does not run; start it with: prometheus db up\n');
    } else if (target.config.password) {
      cli.err(`the password of ${target.source} is left out; psql takes it from PGPASSWORD or ~/.pgpass\n`);
    }
    return Exit.done;
  },
});

export const dbDrop = defineCommand({
  name: 'db drop',
  summary: 'remove the embedded server with all its data',
  description:
    'Stops the server and removes cluster and binaries. There is no way back. Databases of your own are never dropped.',
  args: z.object({ yes: z.boolean().default(false).describe('really do it') }),
  run: async (args, cli) => {
    const targets = await cli.targets();
    for (const name of DATABASE_NAMES) {
      const { label, embedded, source } = targets[name];
      if (embedded) continue;
      throw new UserError(
        `the ${label} is your own (from ${source}) and is not dropped`,
        'Drop it with your own tools; to remove the embedded server, run this without that setting.',
      );
    }
    const { base } = embeddedServer(cli.home);
    if (!args.yes) {
      throw new UsageError(
        `db drop would remove both databases with all their data in ${base}`,
        'Say --yes if you mean it.',
      );
    }
    const removed = await dropServer(cli.home);
    cli.out(
      removed.length ? removed.map((folder) => `removed ${folder}\n`).join('') : `nothing to remove in ${base}\n`,
    );
    return Exit.done;
  },
});

const usesEmbedded = (targets: Targets): boolean => DATABASE_NAMES.some((name) => targets[name].embedded);

/** An embedded database is migrated; one of the user's is only looked at. */
async function bringUp(database: Database): Promise<string> {
  const { name, label, embedded, source } = database.target;
  if (embedded) return outcomeLine(await migrate(database, MIGRATIONS[name]));
  const { pending, adopted } = await migrationState(database, MIGRATIONS[name]);
  const due = pending.length ? `; ${pending.length} migrations are due: prometheus db migrate` : '';
  return `your own ${label} (from ${source}) answers${adopted ? ', made by Alembic' : ''}${due}`;
}

/**
 * Lends both databases as they are: unlike `cli.databases` this says what a first start of the embedded server does, which
 * takes seconds, and leaves migrating (and telling about it) to the command. No
 * statement_timeout of the server cuts a migration short.
 */
async function withDatabases(
  cli: Cli,
  targets: Targets,
  options: { application: string; tcpPort?: number },
  work: (databases: Databases) => Promise<void>,
): Promise<void> {
  if (usesEmbedded(targets)) {
    const onProgress = (text: string) => cli.err(`${text}\n`);
    await startServer(cli.home, { tcpPort: options.tcpPort, onProgress, signal: cli.signal });
  }
  const databases = openDatabases(targets, { application: options.application, statementTimeoutMs: 0 });
  cli.signal.addEventListener('abort', () => databases.abort(), { once: true });
  try {
    await work(databases);
  } finally {
    await databases.close();
  }
}

function outcomeLine({ applied, adopted, missing }: MigrationOutcome): string {
  const ran = applied.length ? `applied ${applied.join(', ')}` : 'up to date';
  const lacks = missing.length ? `; missing: ${missing.join(', ')}` : '';
  if (!adopted) return `${ran}${lacks}`;
  return `made by Alembic, its tables are left as they are; schema console: ${ran}${lacks}`;
}
