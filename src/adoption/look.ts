/** Looks at rows of tables that may be of another make: what cannot be looked at is told, and the rest goes on. */
import type pg from 'pg';
import type { DatabaseName } from '../platform/db/targets.ts';
import { errorCode, errorMessage } from '../platform/errors.ts';
import { type Catalogue, lacks } from './catalogue.ts';
import type { NotLookedAt } from './types.ts';

/** One database under report, inside a transaction. */
export interface Looker {
  readonly name: DatabaseName;
  readonly client: pg.ClientBase;
  readonly catalogue: Catalogue;
  /** Grows by what could not be looked at. */
  readonly notLookedAt: NotLookedAt[];
}

/**
 * What `read` returns; null, with the reason noted, when a column or right is lacking, or values are of a type or form that
 * its query cannot take.
 */
export async function look<T>(
  { name, client, catalogue, notLookedAt }: Looker,
  what: string,
  needs: Readonly<Record<string, readonly string[]>>,
  read: () => Promise<T>,
): Promise<T | null> {
  const why = lacks(catalogue, needs);
  if (why) {
    notLookedAt.push({ database: name, what, why });
    return null;
  }
  await client.query('SAVEPOINT look');
  try {
    const result = await read();
    await client.query('RELEASE SAVEPOINT look');
    return result;
  } catch (error) {
    // 22: a value of another form; 42: an operator that a column's type does not have. Anything else is no matter of columns.
    if (!/^(22|42)...$/.test(errorCode(error) ?? '')) throw error;
    await client.query('ROLLBACK TO SAVEPOINT look');
    notLookedAt.push({ database: name, what, why: errorMessage(error) });
    return null;
  }
}
