/** Removes copies of a row: one transaction, readers go on. */
import type pg from 'pg';
import { formatCount } from '../format/numbers.ts';
import type { Database } from '../platform/db/databases.ts';
import { UserError } from '../platform/errors.ts';
import { type Catalogue, readCatalogue } from './catalogue.ts';
import { KEYS, type WantedKey } from './expected.ts';
import { contentOf, present, quote } from './figures.ts';

/** Which row of a key stays where they do not say the same; null, or where rows have no age: they are left alone. */
export type Keep = 'newest' | 'oldest' | null;

/**
 * Removes the copies of rows of one table; returns what was done, in a sentence.
 * @throws UserError when rows of another table point at a copy.
 */
export async function dedupe(client: pg.ClientBase, database: Database, table: string, keep: Keep): Promise<string> {
  const wanted = KEYS[database.target.name].find((one) => one.table === table)!;
  const catalogue = await readCatalogue(client);
  const { age, surplus, isSurplus } = copiesOf(catalogue, wanted, keep);
  await client.query('BEGIN');
  try {
    // Readers go on; a writer would make copies behind our back.
    await client.query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
    const references = await readReferences(client, catalogue, table);
    if (references.length) {
      // Whoever is about to point at a copy has done so, or waits until it is gone.
      await client.query(
        `WITH ${surplus} SELECT count(*) FROM (SELECT FROM ${table} t JOIN ranked ON ${isSurplus} FOR UPDATE OF t) locked`,
      );
    }
    const pointed = await pointedAt(client, catalogue, wanted, keep);
    if (pointed) {
      throw new UserError(
        `${pointed}, so that none was removed`,
        `Let them point at the row that stays, or remove them yourself, then: prometheus db adopt --apply dedupe:${table}`,
      );
    }
    const { rowCount } = await client.query(`WITH ${surplus} DELETE FROM ${table} t USING ranked WHERE ${isSurplus}`);
    const { rows } = await client.query<{ left: number }>(`WITH ${twice(wanted)} SELECT count(*) AS left FROM twice`);
    await client.query('COMMIT');
    const said = rowCount ? `removed ${formatCount(rowCount)} rows` : 'nothing to remove';
    if (rows[0].left === 0) return said;
    const how = age ? 'say --keep newest or --keep oldest' : 'settle them by hand';
    return `${said}; ${rows[0].left} keys have rows that do not say the same and are left alone: ${how}`;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * Rows that point at copies of a table's rows, in words, of the first foreign key that has such; null: none do. Deleting
 * such a copy would fail, or take rows with it, or change them.
 */
export async function pointedAt(
  client: pg.ClientBase,
  catalogue: Catalogue,
  wanted: WantedKey,
  keep: Keep,
): Promise<string | null> {
  const { surplus, isSurplus } = copiesOf(catalogue, wanted, keep);
  for (const { name, from, columns } of await readReferences(client, catalogue, wanted.table)) {
    const same = columns.map((pair) => `surplus.${quote(pair.to)} = r.${quote(pair.from)}`).join(' AND ');
    const { rows } = await client.query<{ n: number }>(
      `WITH ${surplus}, surplus AS (SELECT t.* FROM ${wanted.table} t JOIN ranked ON ${isSurplus})
       SELECT count(*) AS n FROM ${from} r WHERE EXISTS (SELECT FROM surplus WHERE ${same})`,
    );
    if (rows[0].n > 0)
      return `${formatCount(rows[0].n)} rows of ${from} point at copies in ${wanted.table} (foreign key ${name})`;
  }
  return null;
}

/** The rows to go: `ranked` of the queries `surplus`, where `isSurplus` holds of it and the table as `t`. */
function copiesOf(catalogue: Catalogue, wanted: WantedKey, keep: Keep) {
  const { table, keys } = wanted;
  const age = wanted.surrogate.find((name) => catalogue.tables.get(table)!.columns.some((one) => one.name === name));
  const copies = keep && age ? keys.join(', ') : contentOf(catalogue, wanted);
  const order = `${age ? `${quote(age)} ${keep === 'newest' ? 'DESC' : 'ASC'}, ` : ''}tableoid, ctid`;
  // A place is unique in one relation only: partitions and children count theirs from the start.
  const surplus = `${twice(wanted)},
    ranked AS (SELECT tableoid AS part, ctid AS place, row_number() OVER (PARTITION BY ${copies} ORDER BY ${order}) AS n
                 FROM ${table} WHERE (${keys.join(', ')}) IN (SELECT * FROM twice))`;
  return { age, surplus, isSurplus: 't.tableoid = ranked.part AND t.ctid = ranked.place AND ranked.n > 1' };
}

const twice = ({ table, keys }: WantedKey) =>
  `twice AS (SELECT ${keys.join(', ')} FROM ${table} WHERE ${present(keys)} GROUP BY ${keys.join(', ')} HAVING count(*) > 1)`;

/** A foreign key that points at the table. */
interface Reference {
  readonly name: string;
  /** The table that points, as SQL names it. */
  readonly from: string;
  readonly columns: readonly { readonly from: string; readonly to: string }[];
}

/** Foreign keys of any schema that point at a table, or at a part of it. */
async function readReferences(client: pg.ClientBase, { tables }: Catalogue, table: string): Promise<Reference[]> {
  const { rows } = await client.query<Reference>(
    `SELECT f.conname AS name, format('%I.%I', n.nspname, c.relname) AS from,
            (SELECT json_agg(json_build_object('from', mine.attname, 'to', theirs.attname))
               FROM unnest(f.conkey, f.confkey) AS pair(mine, theirs)
               JOIN pg_attribute mine ON mine.attrelid = f.conrelid AND mine.attnum = pair.mine
               JOIN pg_attribute theirs ON theirs.attrelid = f.confrelid AND theirs.attnum = pair.theirs) AS columns
       FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE f.contype = 'f' AND f.conparentid = 0 AND f.confrelid = ANY ($1::oid[]) ORDER BY 2, 1`,
    [tables.get(table)!.parts.map(({ oid }) => oid)],
  );
  return rows;
}
