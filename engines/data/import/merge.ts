/**
 * The way rows get from a staging table into a table of the product: UPDATE of what differs, INSERT of what is new,
 * nothing for what is equal. Neither ON CONFLICT nor a unique index is relied on, since adopted tables may lack them;
 * an advisory lock keeps two imports from inserting the same row.
 */
import type pg from 'pg';

/** Key of the advisory lock that all imports into one database share. */
const IMPORT_LOCK = 7_203_114;

export interface MergeColumn {
  readonly name: string;
  /** Value of a new row, an SQL expression over `s` (the staged row). */
  readonly insert: string;
  /** Value of an existing row, over `s` and `t` (the stored row); absent when the file does not carry the column. */
  readonly update?: string;
}

export interface Merge {
  readonly stage: string;
  readonly table: string;
  /** Condition that pairs a staged row `s` with a stored row `t`. */
  readonly match: string;
  /** Columns of the staging table that `match` uses. */
  readonly key: readonly string[];
  /** Columns that tell stored rows apart. */
  readonly identity: readonly string[];
  /** Further condition on `t` that helps the planner (a date range, a few instruments). */
  readonly within?: string;
  readonly columns: readonly MergeColumn[];
  /** Columns set to now() with every insert (`created`, `updated`) and update (`updated`). */
  readonly created?: readonly string[];
  readonly updated?: readonly string[];
}

export interface MergeCounts {
  readonly inserted: number;
  readonly updated: number;
}

/**
 * Where merges go: the tables themselves, or with `--dry-run` temporary copies of the rows concerned, so that the same
 * statements give the same counts, across files too, and nothing is written.
 */
export class MergeTarget {
  readonly #client: pg.ClientBase;
  readonly #dryRun: boolean;
  readonly #copies = new Set<string>();

  constructor(client: pg.ClientBase, dryRun: boolean) {
    this.#client = client;
    this.#dryRun = dryRun;
  }

  get dryRun(): boolean {
    return this.#dryRun;
  }

  /** The name to write to; with `--dry-run` the temporary table, made empty at the first call. */
  async table(name: string): Promise<string> {
    if (!this.#dryRun) return name;
    const copy = `dry_run_${name}`;
    if (!this.#copies.has(name)) {
      await this.#client.query(`CREATE TEMP TABLE ${copy} (LIKE ${name})`);
      this.#copies.add(name);
    }
    return copy;
  }

  /** The table's rows as an import sees them: with `--dry-run` what earlier files would have changed comes last. */
  rowSources(name: string): string[] {
    return this.#copies.has(name) ? [name, `dry_run_${name}`] : [name];
  }

  /** With `--dry-run`, brings the stored rows that staged rows meet into the temporary copy, once each. */
  async #bring(merge: Merge, copy: string): Promise<void> {
    const same = merge.identity.map((column) => `d.${column} = t.${column}`).join(' AND ');
    await this.#client.query(
      `INSERT INTO ${copy} SELECT t.* FROM ${merge.table} t WHERE ${merge.within ?? 'true'}
       AND EXISTS (SELECT 1 FROM ${merge.stage} s WHERE ${merge.match})
       AND NOT EXISTS (SELECT 1 FROM ${copy} d WHERE ${same})`,
    );
    await this.#client.query(`ANALYZE ${copy} (${merge.identity.join(', ')})`);
  }

  /**
   * Merges the staged rows; call it inside a transaction that holds `lock()`. Stored rows are joined once, to find what
   * differs and what is new; where nothing is stored yet the staged rows go in as they are.
   */
  async merge(merge: Merge): Promise<MergeCounts> {
    const target = await this.table(merge.table);
    if (this.#dryRun) {
      await this.#client.query(analyzeStage(merge));
      await this.#bring(merge, target);
    }
    const { match, within = 'true' } = merge;
    const { rows } = await this.#client.query<{ some: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM ${target} t WHERE ${within}) AS some`,
    );
    if (!rows[0].some) return { inserted: await this.#insert(merge, target, `${merge.stage} s`), updated: 0 };

    await this.#client.query(analyzeStage(merge));
    const carried = merge.columns.filter((column) => column.update !== undefined);
    const differs =
      carried.length === 0
        ? 'false'
        : `ROW(${carried.map((column) => `t.${column.name}`).join(', ')})
           IS DISTINCT FROM ROW(${carried.map((column) => column.update).join(', ')})`;
    // `tableoid` is null exactly where the outer join found no stored row.
    const changes = await this.#client.query(
      `CREATE TEMP TABLE merge_changes ON COMMIT DROP AS
       SELECT s.*, t.tableoid IS NOT NULL AS is_stored FROM ${merge.stage} s LEFT JOIN ${target} t ON ${match} AND ${within}
       WHERE t.tableoid IS NULL OR ${differs}`,
    );
    let counts: MergeCounts = { inserted: 0, updated: 0 };
    if (changes.rowCount !== 0) {
      counts = {
        updated: await this.#update(
          merge,
          target,
          carried,
          `merge_changes s WHERE s.is_stored AND ${match} AND ${within}`,
        ),
        inserted: await this.#insert(merge, target, 'merge_changes s WHERE NOT s.is_stored'),
      };
    }
    await this.#client.query('DROP TABLE merge_changes');
    return counts;
  }

  async #update(merge: Merge, target: string, carried: readonly MergeColumn[], from: string): Promise<number> {
    if (carried.length === 0) return 0;
    const assignments = carried.map((column) => `${column.name} = ${column.update}`);
    for (const column of merge.updated ?? []) assignments.push(`${column} = now()`);
    const result = await this.#client.query(`UPDATE ${target} t SET ${assignments.join(', ')} FROM ${from}`);
    return result.rowCount ?? 0;
  }

  async #insert(merge: Merge, target: string, from: string): Promise<number> {
    const stamps = [...(merge.created ?? []), ...(merge.updated ?? [])];
    const names = [...merge.columns.map((column) => column.name), ...stamps];
    const values = [...merge.columns.map((column) => column.insert), ...stamps.map(() => 'now()')];
    const result = await this.#client.query(
      `INSERT INTO ${target} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${from}`,
    );
    return result.rowCount ?? 0;
  }

  /** Keeps other imports out until the transaction ends. */
  async lock(): Promise<void> {
    if (!this.#dryRun) await this.#client.query('SELECT pg_advisory_xact_lock($1)', [IMPORT_LOCK]);
  }
}

/** Without statistics of the keys the planner may join a filled staging table row by row. */
const analyzeStage = (merge: Merge) => `ANALYZE ${merge.stage} (${merge.key.join(', ')})`;

/** Runs `work` in a transaction on a client that is already lent. */
export async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // The connection may be what broke; the server then rolls back by itself.
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
