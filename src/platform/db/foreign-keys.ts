import type pg from 'pg';
import type { Target } from './targets.ts';

/**
 * Runs a bulk COPY without the per-row checks of foreign keys, where the caller has written the referenced row in the
 * same transaction and so knows that they hold. Measured: the check is three quarters of the cost of a trade's row.
 * Only on the embedded server, whose tables carry no triggers but those checks and whose role may; elsewhere `work`
 * simply runs.
 */
export async function withKnownReferences(
  client: pg.ClientBase,
  target: Target,
  work: () => Promise<void>,
): Promise<void> {
  if (!target.embedded) return work();
  await client.query('SET LOCAL session_replication_role = replica');
  await work();
  // After an error the transaction rolls back, and the setting with it.
  await client.query('SET LOCAL session_replication_role = origin');
}
