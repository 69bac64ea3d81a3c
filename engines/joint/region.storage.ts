/** The region of a market. */
import type { Database } from '../../src/platform/db/databases.ts';
import { UserError } from '../../src/platform/errors.ts';

/** @throws UserError for a market that is not there. */
export async function readRegion(runtime: Database, marketId: string): Promise<string> {
  const { rows } = await runtime.client((client) =>
    client.query<{ region: string }>('SELECT region FROM markets WHERE market_id = $1', [marketId]),
  );
  if (!rows[0]) throw new UserError(`there is no market ${marketId}`, 'Import its instruments: prometheus data import');
  return rows[0].region;
}
