/** `prometheus data digest TABLE…`. */
import { DATABASE_NAMES, type DatabaseName } from '../../../src/platform/db/targets.ts';
import { Exit, UserError } from '../../../src/platform/errors.ts';
import { stage } from '../../../src/platform/events.ts';
import type { Program } from '../../../src/platform/program.ts';
import { resolveTable, sqlTable, type TableName, type TablesByDatabase } from './names.ts';
import type { digestSpec } from './spec.ts';
import { digestTable, listTables } from './storage.ts';
import { DIGEST_TABLES } from './tables.ts';

export const program: Program<typeof digestSpec> = async (args, { databases, events, stdout }) => {
  const existing = {} as Record<DatabaseName, string[]>;
  for (const name of DATABASE_NAMES) existing[name] = await databases[name].client(listTables);
  const tables = args.table.map((text) => resolveTable(text, existing as TablesByDatabase));
  const results: { sha256: string; database: DatabaseName; table: string; rows: number }[] = [];
  for (const [i, name] of tables.entries()) {
    stage(events, `digest of ${name.table}`, i + 1, tables.length);
    const digest = await databases[name.database].transaction(async (client) => {
      await client.query('SET TRANSACTION READ ONLY');
      return digestTable(client, sqlTable(name), descriptionOf(name));
    });
    if (!digest) throw new UserError(`table ${name.table} has just been removed`, 'Run the command again.');
    results.push({ sha256: digest.sha256, ...name, rows: digest.rows });
    if (!args.json) stdout(`${digest.sha256}  ${name.table}  ${digest.rows}\n`);
  }
  const summary = `${results.length} ${results.length === 1 ? 'table' : 'tables'} digested`;
  return { exitCode: Exit.done, summary, data: { digests: results } };
};

/** The description of a table is about the database that owns it; a twin elsewhere has the same columns. */
const descriptionOf = ({ table }: TableName) => DIGEST_TABLES[table] ?? null;
