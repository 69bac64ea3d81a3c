/** Computes the digest of a table: SHA-256 over a binary COPY of its content in the order of its natural key. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { sqlIdentifier } from './names.ts';
import { CLOCKS, type DigestTable, UNLISTED_WITHOUT } from './tables.ts';

export interface Digest {
  readonly sha256: string;
  readonly rows: number;
}

/** Type numbers of PostgreSQL that need care when sorted. */
const TEXT_TYPES = new Set([18, 19, 25, 1042, 1043]);
const JSON_TYPES = new Set([114, 3802]);
/** A random UUID (version 4), the form of run ids. */
const RANDOM_ID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

interface Column {
  readonly name: string;
  /** Filled by the database: identity or a sequence. */
  readonly numbered: boolean;
}

/** Columns of a table, or null when it does not exist. `qualified` is quoted already. */
async function columnsOf(client: pg.ClientBase, qualified: string): Promise<Column[] | null> {
  const { rows: found } = await client.query<{ oid: string | null }>('SELECT to_regclass($1)::oid AS oid', [qualified]);
  if (found[0].oid === null) return null;
  const { rows } = await client.query<Column>(
    `SELECT a.attname AS name,
       a.attidentity <> '' OR COALESCE(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false) AS numbered
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped`,
    [found[0].oid],
  );
  return rows;
}

/**
 * The digest of a table; `description` is null for one that is not listed. Returns null when the table does not exist.
 * Rows are sorted by the natural key and then by everything else (text by bytes, JSON by its text), so that the order is
 * settled but for rows that are equal; columns are put in the order of their names, since adopted tables may have another.
 */
export async function digestTable(
  client: pg.ClientBase,
  qualified: string,
  description: DigestTable | null,
): Promise<Digest | null> {
  const columns = await columnsOf(client, qualified);
  if (!columns) return null;
  const inner = innerQuery(qualified, columns, description);
  const { fields } = await client.query(`${inner} LIMIT 0`);
  const typeOf = new Map(fields.map((field) => [field.name, field.dataTypeID]));
  const names = [...typeOf.keys()].sort();
  const key = description?.key ?? [];
  const sorted = description?.unique ? key : [...key, ...names.filter((name) => !key.includes(name))];
  const order = sorted.map((name) => sortExpression(name, typeOf.get(name)!));
  const query = `SELECT ${names.map(sqlIdentifier).join(', ')} FROM (${inner}) q ORDER BY ${order.join(', ')}`;

  const stream = client.query(copyTo(`COPY (${query}) TO STDOUT (FORMAT binary)`));
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  // The row count comes with the end of the command, which the next answer of the connection is behind.
  await client.query('SELECT 1');
  return { sha256: hash.digest('hex'), rows: stream.rowCount };
}

function innerQuery(qualified: string, columns: readonly Column[], description: DigestTable | null): string {
  const derived = new Map(Object.entries(description?.derived ?? {}));
  const without = new Set([...CLOCKS, ...(description?.without ?? UNLISTED_WITHOUT)]);
  const kept = columns.filter(
    ({ name, numbered }) => !without.has(name) && !derived.has(name) && (description !== null || !numbered),
  );
  const values = kept.map(({ name }) => `${contentOf(name, description)} AS ${sqlIdentifier(name)}`);
  for (const [name, expression] of derived) values.push(`${expression} AS ${sqlIdentifier(name)}`);
  return `SELECT ${values.join(', ')} FROM ${qualified} t ${description?.join ?? ''}`;
}

function contentOf(name: string, description: DigestTable | null): string {
  const column = `t.${sqlIdentifier(name)}`;
  if (description?.owned?.includes(name))
    return `CASE jsonb_typeof(${column}) WHEN 'object' THEN ${column} - 'run_id' ELSE ${column} END`;
  if (description?.blotted?.includes(name)) return `regexp_replace(${column}::text, '${RANDOM_ID}', '*', 'g')`;
  return column;
}

function sortExpression(name: string, type: number): string {
  const column = `q.${sqlIdentifier(name)}`;
  if (TEXT_TYPES.has(type)) return `${column} COLLATE "C"`;
  if (JSON_TYPES.has(type)) return `${column}::text COLLATE "C"`;
  return column;
}

/** Every table of a database as `table` or `schema.table`, without PostgreSQL's own and temporary ones. */
export async function listTables(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT CASE WHEN table_schema = 'public' THEN table_name ELSE table_schema || '.' || table_name END AS name
     FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
       AND table_schema NOT LIKE 'pg\\_%' ORDER BY 1`,
  );
  return rows.map((row) => row.name);
}
