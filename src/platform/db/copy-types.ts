/** Holds what a binary COPY writes against the types of the table's columns. */
import type pg from 'pg';
import { UserError } from '../errors.ts';

/** A column that is written, as the server describes it. */
export interface Target {
  /** `prices_daily.volume`. */
  readonly name: string;
  readonly table: string;
  readonly column: string;
  readonly type: string;
  /** The server's function that reads what is sent. */
  readonly receives: string;
}

/** What a method writes: the type to name, and the functions of the server that read those bytes. */
interface Kind {
  readonly type: string;
  readonly receivers: readonly string[];
}

export const KINDS = {
  int32: { type: 'integer', receivers: ['int4recv'] },
  int64: { type: 'bigint', receivers: ['int8recv'] },
  float64: { type: 'double precision', receivers: ['float8recv'] },
  bool: { type: 'boolean', receivers: ['boolrecv'] },
  date: { type: 'date', receivers: ['date_recv'] },
  timestamp: { type: 'timestamp with time zone', receivers: ['timestamp_recv', 'timestamptz_recv'] },
  text: { type: 'text', receivers: ['textrecv', 'varcharrecv', 'bpcharrecv', 'citextrecv', 'enum_recv'] },
  bytes: {
    type: 'bytea',
    receivers: ['bytearecv', 'textrecv', 'varcharrecv', 'bpcharrecv', 'citextrecv', 'enum_recv'],
  },
  jsonb: { type: 'jsonb', receivers: ['jsonb_recv'] },
} satisfies Record<string, Kind>;

/**
 * Refuses a column of another type than is written: a bigint takes the eight bytes of a double and holds another number.
 * Each column is looked at until it has had its first value.
 */
export class TypeCheck {
  #field = 0;
  #open: number;
  readonly #targets: readonly (Target | undefined)[];
  readonly #seen: Uint8Array;

  constructor(targets: readonly (Target | undefined)[]) {
    this.#targets = targets;
    this.#open = targets.length;
    this.#seen = new Uint8Array(targets.length);
  }

  /** Whether any column has had no value yet. */
  startRow(): boolean {
    this.#field = 0;
    return this.#open > 0;
  }

  /** The next field; null for SQL null. @throws UserError when its column is of another type. */
  field(kind: Kind | null): void {
    const at = this.#field++;
    if (!kind || this.#seen[at]) return;
    this.#seen[at] = 1;
    this.#open--;
    const target = this.#targets[at];
    if (!target || kind.receivers.includes(target.receives)) return;
    const { name, table, column, type } = target;
    throw new UserError(
      `${name} is ${type}, and ${kind.type} is written there`,
      `Change the column: ALTER TABLE ${table} ALTER COLUMN ${column} TYPE ${kind.type} USING ${column}::${kind.type}. See all of them: prometheus db adopt --dry-run`,
    );
  }
}

/** The columns of a table in the order in which they are written. */
export async function readTargets(
  client: pg.ClientBase,
  table: string,
  columns: readonly string[],
): Promise<(Target | undefined)[]> {
  // What a domain is made of is what its values are read by.
  const { rows } = await client.query<{ column: string; type: string; receives: string }>(
    `SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, coalesce(base.typreceive, t.typreceive)::regproc::text AS receives
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type base ON base.oid = t.typbasetype
      WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped`,
    [table],
  );
  const found = new Map(rows.map((row) => [row.column, { ...row, table, name: `${table}.${row.column}` }]));
  return columns.map((column) => found.get(column.replaceAll('"', '')));
}
