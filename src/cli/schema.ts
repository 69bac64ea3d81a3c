/** The schema of this build, and bringing embedded databases up to it. */
import { migrations as historical } from '../../migrations/historical/index.ts';
import { migrations as runtime } from '../../migrations/runtime/index.ts';
import { openDatabase } from '../platform/db/databases.ts';
import { migrate, type TableMigration } from '../platform/db/migrate.ts';
import { DATABASE_NAMES, type DatabaseName, type Targets } from '../platform/db/targets.ts';

/** The schema of each database, step by step. */
export const MIGRATIONS: Readonly<Record<DatabaseName, Readonly<Record<string, TableMigration>>>> = {
  historical,
  runtime,
};

/** Migrates those databases that are embedded: they are the product's own and always fit the build that opens them. */
export async function migrateEmbedded(targets: Targets): Promise<void> {
  for (const name of DATABASE_NAMES) {
    if (!targets[name].embedded) continue;
    const database = openDatabase(targets[name], { application: 'migrate', maxConnections: 1, statementTimeoutMs: 0 });
    try {
      await migrate(database, MIGRATIONS[name]);
    } finally {
      await database.close();
    }
  }
}
