/**
 * The repairs of an adopted pair, one at a time. Nothing is dropped or rewritten: a repair makes the schema `console`, removes
 * copies of a row, or builds an index beside whoever works. Each can be killed at any point and asked for again.
 */
import type { Database } from '../platform/db/databases.ts';
import { migrate, type TableMigration } from '../platform/db/migrate.ts';
import { errorCode, errorMessage, UserError } from '../platform/errors.ts';
import { buildIndex } from './build-index.ts';
import { dedupe, type Keep } from './dedupe.ts';
import type { Step } from './types.ts';

/** One repair at a time in a database; an arbitrary number of ours. */
const LOCK = 7_361_482_096;

/**
 * Does one step; returns what was done, in a sentence. A step that is done already does nothing.
 * @throws UserError when another process repairs the same database, or the data or the server do not allow it.
 */
export async function applyStep(
  database: Database,
  step: Pick<Step, 'id'>,
  keep: Keep,
  migrations: Readonly<Record<string, TableMigration>>,
): Promise<string> {
  const [kind, subject] = step.id.split(':');
  if (kind === 'console') {
    const { applied } = await migrate(database, migrations);
    return applied.length ? `applied ${applied.join(', ')}` : 'was done already';
  }
  const work = database.client(async (client) => {
    const { rows } = await client.query<{ free: boolean }>('SELECT pg_try_advisory_lock($1) AS free', [LOCK]);
    if (!rows[0].free) {
      throw new UserError(
        `another repair of the ${database.target.label} is under way`,
        'Wait for it; one that was killed ends on the server by itself.',
      );
    }
    try {
      return kind === 'dedupe'
        ? await dedupe(client, database, subject, keep)
        : await buildIndex(client, database, subject);
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [LOCK]).catch(() => {});
    }
  });
  return work.catch((error: unknown) => {
    // What PostgreSQL does not allow in tables of another's making is no fault of this program.
    if (error instanceof UserError || !/^[0-9A-Z]{5}$/.test(errorCode(error) ?? '')) throw error;
    const { detail, hint } = error as { detail?: string; hint?: string };
    throw new UserError(
      `PostgreSQL does not allow ${step.id}: ${errorMessage(error)}`,
      [detail, hint, 'Settle it by hand, then ask for the step again.'].filter(Boolean).join(' '),
      { cause: error },
    );
  });
}
