/** Which column of a file is which field: header names of the vendors, in any order and any case. */
import { FileProblem } from '../csv/source.ts';

interface ColumnSpec {
  /** Names after `normaliseName`; the first one present wins. */
  readonly aliases: readonly string[];
  readonly required?: boolean;
}

export type ColumnSpecs<Field extends string> = Readonly<Record<Field, ColumnSpec>>;

export interface ColumnMap<Field extends string> {
  /** Position of each field, -1 when the file does not carry it. */
  readonly at: Readonly<Record<Field, number>>;
  /** Number of columns of the header. */
  readonly count: number;
  /** Named columns that are none of the fields, by position. */
  readonly others: readonly { readonly name: string; readonly index: number }[];
}

/** `Adj Close`, `adj_close`, `<ADJ.CLOSE>` → `adj_close`. */
export function normaliseName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^<(.*)>$/, '$1')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '');
}

/**
 * Maps a header onto fields. An unnamed column (the index that pandas writes) is passed over.
 * @throws FileProblem when a required field has no column, a name stands twice, or the line is no header at all.
 */
export function mapColumns<Field extends string>(
  header: readonly string[],
  specs: ColumnSpecs<Field>,
): ColumnMap<Field> {
  const positions = new Map<string, number>();
  for (const [index, original] of header.entries()) {
    const name = normaliseName(original);
    if (name === '') continue;
    if (positions.has(name)) throw new FileProblem('a column stands twice', `'${original.trim()}'`);
    positions.set(name, index);
  }
  const at = {} as Record<Field, number>;
  const missing: string[] = [];
  const known = new Set<string>();
  for (const [field, spec] of Object.entries(specs) as [Field, ColumnSpec][]) {
    const present = spec.aliases.filter((alias) => positions.has(alias));
    for (const alias of present) known.add(alias);
    at[field] = present.length > 0 ? positions.get(present[0])! : -1;
    if (present.length === 0 && spec.required) missing.push(field);
  }
  if (missing.length > 0) {
    const isData = known.size === 0 && header.some((name) => /^[+-]?\d/.test(name.trim()));
    if (isData) throw new FileProblem('no header line', `the first line is '${shorten(header.join(','))}'`);
    throw new FileProblem('columns are missing', `${missing.join(', ')}; the header is '${shorten(header.join(','))}'`);
  }
  const others = [...positions].filter(([name]) => !known.has(name)).map(([name, index]) => ({ name, index }));
  return { at, count: header.length, others };
}

/** Text for a message: one line, no control characters, cut to `limit` characters. */
export function shorten(text: string, limit = 80): string {
  const plain = text.replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return plain.length > limit ? `${plain.slice(0, limit)}…` : plain;
}

/** What every kind of file calls the instrument of a row. */
export const INSTRUMENT_ALIASES = ['instrument_id', 'instrument', 'ticker', 'symbol', 'code'] as const;
