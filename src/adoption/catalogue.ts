/** What PostgreSQL's catalogue says of a database: nothing here reads a row of the user's. */
import type pg from 'pg';
import type { DatabaseName } from '../platform/db/targets.ts';
import { type Column, EXPECTED, type WantedIndex } from './expected.ts';
import type { ColumnProblem, Origin } from './types.ts';

interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
}

export interface FoundIndex {
  /** Of its table. */
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly unique: boolean;
  readonly valid: boolean;
  /** A part of a partitioned table's index. */
  readonly attached: boolean;
  readonly keys: readonly string[];
  readonly where: string | null;
}

/** A relation that a table consists of: itself, a partition, or a table that inherits from it. */
export interface Part {
  readonly oid: number;
  /** The one that it is a partition or child of; null for the table itself. */
  readonly parent: number | null;
  readonly schema: string;
  /** As SQL names it. */
  readonly relation: string;
  /** Whether rows lie in it: a partitioned table has none of its own. */
  readonly stores: boolean;
}

interface FoundTable {
  readonly oid: number;
  readonly name: string;
  readonly partitioned: boolean;
  /** Itself first, then what lies below, level by level. */
  readonly parts: readonly Part[];
  readonly readable: boolean;
  readonly writable: boolean;
  /** May make indexes. */
  readonly owned: boolean;
  readonly columns: readonly FoundColumn[];
}

export interface Catalogue {
  readonly tables: ReadonlyMap<string, FoundTable>;
  readonly indexes: readonly FoundIndex[];
}

/** Tables of the schema public with columns, rights of the current role, and indexes. */
export async function readCatalogue(client: pg.ClientBase): Promise<Catalogue> {
  const tables = await client.query<FoundTable>(
    `SELECT c.oid, c.relname AS name, c.relkind = 'p' AS partitioned,
            (WITH RECURSIVE tree AS (SELECT c.oid, NULL::oid AS parent, 0 AS depth
                              UNION ALL SELECT i.inhrelid, i.inhparent, tree.depth + 1 FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid)
             SELECT json_agg(json_build_object('oid', p.oid::bigint, 'parent', tree.parent::bigint, 'schema', s.nspname,
                      'relation', format('%I.%I', s.nspname, p.relname), 'stores', p.relkind <> 'p')
                      ORDER BY tree.depth, s.nspname COLLATE "C", p.relname COLLATE "C")
               FROM (SELECT DISTINCT ON (oid) * FROM tree ORDER BY oid, depth) tree JOIN pg_class p ON p.oid = tree.oid JOIN pg_namespace s ON s.oid = p.relnamespace) AS parts,
            has_table_privilege(c.oid, 'SELECT') AS readable,
            has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'DELETE') AS writable,
            pg_has_role(c.relowner, 'USAGE') AS owned,
            (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                      'notNull', a.attnotnull, 'hasDefault', a.atthasdef OR a.attidentity <> '') ORDER BY a.attnum)
               FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname COLLATE "C"`,
  );
  const indexes = await client.query<FoundIndex>(
    `WITH RECURSIVE mine AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'
                       UNION SELECT i.inhrelid FROM pg_inherits i JOIN mine ON i.inhparent = mine.oid)
     SELECT i.indrelid AS oid, n.nspname AS schema, c.relname AS name, i.indisunique AS unique, i.indisvalid AS valid,
            EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid) AS attached,
            ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k ORDER BY k) AS keys,
            pg_get_expr(i.indpred, i.indrelid) AS where
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE i.indrelid IN (SELECT oid FROM mine) ORDER BY c.relname COLLATE "C"`,
  );
  return {
    tables: new Map(tables.rows.map((table) => [table.name, { ...table, columns: table.columns ?? [] }])),
    indexes: indexes.rows,
  };
}

/** Whether indexes that are there do the wanted one's work in all of a table. */
export function isServed({ tables, indexes }: Catalogue, wanted: WantedIndex, unique: boolean): boolean {
  const table = tables.get(wanted.table);
  if (!table) return false;
  const has = (oid: number) => indexes.some((found) => found.oid === oid && serves(found, wanted, unique));
  const everywhere = table.parts.filter(({ stores }) => stores).every(({ oid }) => has(oid));
  // Each partition's own unique index says nothing of two rows in two of them.
  return table.partitioned ? has(table.oid) || (!unique && table.parts.length > 1 && everywhere) : everywhere;
}

/** Whether no two rows of a table can share the key. Tables that inherit share no index with their parent. */
export function isUnique(catalogue: Catalogue, wanted: WantedIndex): boolean {
  const table = catalogue.tables.get(wanted.table);
  return isServed(catalogue, wanted, true) && (table!.partitioned || table!.parts.length === 1);
}

/** Whether an index of one relation does the wanted one's work there. */
export function serves(found: FoundIndex, wanted: WantedIndex, unique: boolean): boolean {
  return (
    found.valid &&
    plain(found.where ?? '') === plain(wanted.where ?? '') &&
    (unique
      ? found.unique && found.keys.map(plain).toSorted().join() === wanted.keys.map(plain).toSorted().join()
      : wanted.keys.every((name, i) => plain(found.keys[i] ?? '') === plain(name)))
  );
}

/** An expression without what depends on whether a column is text or varchar: casts to text, and their brackets. */
const plain = (sql: string): string => sql.replaceAll('::text', '').replace(/[()\s]/g, '');

/** Why a query cannot use these columns, in words; null when it can. A table that is missing altogether is told elsewhere. */
export function lacks({ tables }: Catalogue, needs: Readonly<Record<string, readonly string[]>>): string | null {
  for (const [table, columns] of Object.entries(needs)) {
    const found = tables.get(table);
    if (!found) return `${table} is missing`;
    if (!found.readable) return `the role may not read ${table}`;
    const missing = columns.find((column) => !found.columns.some(({ name }) => name === column));
    if (missing) return `${table}.${missing} is missing`;
  }
  return null;
}

/** The columns that a wanted index or key is made of. */
export const columnsOf = ({ keys, needs }: WantedIndex): readonly string[] => needs ?? keys;

/** Columns relied on that are missing or of another kind, and theirs that no row of ours would fill. */
export function columnProblems(name: DatabaseName, { tables }: Catalogue): ColumnProblem[] {
  return Object.entries(EXPECTED[name]).flatMap(([table, expected]): ColumnProblem[] => {
    const found = tables.get(table);
    if (!found) return [{ table, column: null, problem: 'is missing' }];
    const wrong = expected.flatMap((column) => {
      const problem = problemOf(
        column,
        found.columns.find((one) => one.name === column.name),
      );
      return problem ? [{ table, column: column.name, problem }] : [];
    });
    const known = new Set(expected.map((column) => column.name));
    const unfilled = found.columns
      .filter((one) => !known.has(one.name) && one.notNull && !one.hasDefault)
      .map((one) => ({
        table,
        column: one.name,
        problem: 'is not ours, must not be null and has no default: no row can be written',
      }));
    return [...wrong, ...unfilled];
  });
}

function problemOf(wanted: Column, found: FoundColumn | undefined): string | null {
  if (!found) return 'is missing';
  if (!isWideEnough(wanted.type, found.type)) return `is ${found.type}, not ${wanted.type}`;
  // Serial ids and created_at are left to the server.
  const isLeftToServer =
    wanted.name === 'created_at' ? wanted.type.endsWith('with time zone') : wanted.type === 'bigint' && wanted.notNull;
  if (isLeftToServer && found.notNull && !found.hasDefault && wanted.name !== 'article_id') return 'has no default';
  if (!wanted.notNull && found.notNull && !found.hasDefault) return 'must not be null, but is not always known';
  return null;
}

function isWideEnough(wanted: string, found: string): boolean {
  if (wanted === found) return true;
  const width = (type: string) => Number(/^character varying\((\d+)\)$/.exec(type)?.[1]);
  if (!width(wanted)) return false;
  return found === 'text' || found === 'character varying' || width(found) >= width(wanted);
}

/** Who made it, and Alembic's revision. */
export async function readOrigin(
  client: pg.ClientBase,
  { tables }: Catalogue,
): Promise<{ origin: Origin; revision: string | null }> {
  const alembic = tables.get('alembic_version');
  if (alembic) {
    const { rows } = alembic.readable
      ? await client.query<{ revision: string }>('SELECT version_num AS revision FROM alembic_version')
      : { rows: [] };
    return { origin: 'alembic', revision: rows.map((row) => row.revision).join(', ') || null };
  }
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = 'console' AND c.relname = 'migrations') AS ours`,
  );
  return { origin: rows[0].ours ? 'prometheus' : tables.size === 0 ? 'empty' : 'unknown', revision: null };
}
