/** Names of tables as people write them. */
import { DATABASE_NAMES, type DatabaseName } from '../../../src/platform/db/targets.ts';
import { UsageError } from '../../../src/platform/errors.ts';
import { DIGEST_TABLES } from './tables.ts';

export interface TableName {
  readonly database: DatabaseName;
  /** `prices_daily`, or with its schema `console.evidence`. */
  readonly table: string;
}

/** What a database holds, by its name: the list that a name is looked up in. */
export type TablesByDatabase = Readonly<Record<DatabaseName, readonly string[]>>;

/** A quoted SQL identifier. */
export const sqlIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A table's name for SQL, each part quoted. */
export const sqlTable = ({ table }: TableName): string => table.split('.').map(sqlIdentifier).join('.');

/**
 * Finds the table that a text means: `prices_daily`, `historical.prices_daily`, `runtime.console.evidence`. A listed table
 * without a database belongs to the one that owns it, whatever empty twin the other holds.
 * @throws UsageError for a name that is not there, with the nearest ones, and for one that both databases hold.
 */
export function resolveTable(text: string, existing: TablesByDatabase): TableName {
  const [first, ...rest] = text.split('.');
  const prefix = DATABASE_NAMES.find((name) => name === first);
  const table = (prefix && rest.length > 0 ? rest.join('.') : text).replace(/^public\./, '');
  const holders = (prefix && rest.length > 0 ? [prefix] : DATABASE_NAMES).filter((name) =>
    existing[name].includes(table),
  );
  if (holders.length === 1) return { database: holders[0], table };
  if (holders.length === 0) {
    const known = [...new Set(DATABASE_NAMES.flatMap((name) => existing[name]))];
    const near = nearest(table, known);
    throw new UsageError(
      `there is no table '${text}'`,
      near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'The tables are named in docs/data.md.',
    );
  }
  const owner = DIGEST_TABLES[table]?.database;
  if (owner) return { database: owner, table };
  throw new UsageError(`both databases hold a table '${table}'`, `Write historical.${table} or runtime.${table}.`);
}

/** Up to three names that resemble a text: those that hold it or are held by it, then those few changes away. */
export function nearest(text: string, names: readonly string[]): string[] {
  const wanted = text.toLowerCase();
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  return names
    .map((name) => {
      const holds = wanted.length >= 3 && (name.includes(wanted) || wanted.includes(name));
      return { name, distance: holds ? 0 : editDistance(wanted, name) };
    })
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}
