/** What `db adopt` reports. Data only. */
import type { DatabaseName } from '../platform/db/targets.ts';

/** Who made a database. */
export type Origin = 'alembic' | 'prometheus' | 'empty' | 'unknown';

export interface ColumnProblem {
  readonly table: string;
  /** Null: the whole table. */
  readonly column: string | null;
  /** `is missing`, `is numeric, not double precision`. */
  readonly problem: string;
}

/** Rows that share a natural key. A count is null where it was not looked. */
export interface Duplicates {
  readonly table: string;
  readonly key: readonly string[];
  /** Keys that are there more than once. */
  readonly keys: number | null;
  /** Rows beyond the first of each key. */
  readonly rows: number | null;
  /** Of `keys`, those whose rows do not say the same. */
  readonly conflicting: number | null;
}

export interface Orphans {
  readonly what: string;
  readonly rows: number | null;
  /** The first few, by id. */
  readonly examples: readonly string[];
}

export interface ModelRows {
  readonly table: string;
  readonly model: string;
  readonly rows: number;
  readonly first: string | null;
  readonly last: string | null;
}

/** A table of the other database. */
export interface Twin {
  readonly table: string;
  /** Null: it may not be read. */
  readonly empty: boolean | null;
}

export interface HolidayCover {
  readonly market: string;
  readonly rows: number;
  readonly first: string;
  readonly last: string;
  /** Years with prices that have no holiday of this market. */
  readonly yearsWithout: readonly number[];
  /** Years with prices that have far fewer holidays than the market's other years. */
  readonly yearsWithFew: readonly number[];
  /** The longest stretch of the days with prices without a holiday, where it is longer than any year should have. */
  readonly longestGap: { readonly from: string; readonly to: string; readonly days: number } | null;
}

/** A part of the report that could not be made. */
export interface NotLookedAt {
  readonly database: DatabaseName;
  readonly what: string;
  /** `prices_daily.trade_date is missing`. */
  readonly why: string;
}

export interface Step {
  /** `dedupe:prices_daily`, `index:ix_fills_order`, `console:runtime`. */
  readonly id: string;
  readonly database: DatabaseName;
  readonly what: string;
  /** Why it cannot be applied as things are, or null. */
  readonly blocked: string | null;
}

export interface DatabaseReport {
  readonly name: DatabaseName;
  readonly database: string;
  readonly origin: Origin;
  /** Alembic's revision. */
  readonly revision: string | null;
  readonly serverVersion: string;
  readonly encoding: string;
  readonly collation: string;
  readonly columns: readonly ColumnProblem[];
  /** Tables of this build that the role may not read. */
  readonly unreadable: readonly string[];
  /** Tables of this build that the role may not write. */
  readonly unwritable: readonly string[];
  readonly missingIndexes: readonly { readonly name: string; readonly table: string; readonly purpose: string }[];
  readonly duplicates: readonly Duplicates[];
  readonly orphans: readonly Orphans[];
  readonly models: readonly ModelRows[];
  readonly holidays: readonly HolidayCover[];
  readonly twins: readonly Twin[];
  /** Tables that neither database of this build has. */
  readonly others: readonly string[];
}

export interface AdoptionReport {
  readonly databases: readonly DatabaseReport[];
  /** Instruments that have prices and are not in `instruments`; null when one side cannot be read. */
  readonly pricesWithoutInstrument: Orphans;
  readonly notLookedAt: readonly NotLookedAt[];
  readonly steps: readonly Step[];
}
