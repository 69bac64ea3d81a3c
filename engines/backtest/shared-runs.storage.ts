/** Runs that whichever worker came first has recorded: `console.campaign_runs`, written with the run itself. */
import type pg from 'pg';
import type { Database } from '../../src/platform/db/databases.ts';
import type { RunMetrics } from './metrics.ts';

/** What the recorder of a run says of it. Kept as text: figures to the last bit, keys in their order. */
interface SharedRecord {
  readonly config: Record<string, unknown>;
  readonly metrics: RunMetrics;
  /** Rows written by table. */
  readonly rows: Record<string, number>;
}

/** What is recorded of a run, inside the transaction that would write it; null: nothing yet. */
export async function sharedRecord(client: pg.ClientBase, runId: string): Promise<SharedRecord | null> {
  const { rows } = await client.query<{ record: SharedRecord }>(
    'SELECT record FROM console.campaign_runs WHERE run_id = $1',
    [runId],
  );
  return rows[0]?.record ?? null;
}

export async function keepSharedRecord(client: pg.ClientBase, runId: string, record: SharedRecord): Promise<void> {
  await client.query('INSERT INTO console.campaign_runs (run_id, record) VALUES ($1, $2)', [
    runId,
    JSON.stringify(record),
  ]);
}

/** A run as recorded, with its equity at the end of each day; null when it is not there. */
export async function readSharedRun(
  runtime: Database,
  runId: string,
): Promise<(SharedRecord & { readonly equity: Float64Array }) | null> {
  return runtime.client(async (client) => {
    const record = await sharedRecord(client, runId);
    if (!record) return null;
    const { rows } = await client.query<{ value: number }>(
      'SELECT equity_curve_value AS value FROM backtest_daily_equity WHERE run_id = $1 ORDER BY date',
      [runId],
    );
    return { ...record, equity: Float64Array.from(rows, ({ value }) => value) };
  });
}
