/** A name that fails over night while a sleeve holds it, and whether it left the book at what it was worth then. */
import type { Databases } from '../../src/platform/db/databases.ts';

interface SuddenFailure {
  readonly instrumentId: string;
  /** Last day with a price, `YYYY-MM-DD`. */
  readonly lastDay: string;
  readonly lastClose: number;
  /** What a share was worth afterwards. */
  readonly value: number;
}

/** A share of a failed company is worth so much of its last close. */
const RECOVERY = 0.4;

/**
 * The largest holding in the middle of the newest campaign has no price any more after that day, and a delisting value well
 * under its last close. @throws Error when nothing was held.
 */
export async function failSuddenly({ historical, runtime }: Databases): Promise<SuddenFailure> {
  const { rows: held } = await runtime.client((client) =>
    client.query<{ id: string; day: string }>(
      `SELECT instrument_id AS id, as_of_date::text AS day FROM positions_snapshots
        WHERE as_of_date = (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY as_of_date) FROM positions_snapshots)
        ORDER BY market_value DESC, instrument_id LIMIT 1`,
    ),
  );
  if (!held[0]) throw new Error('no sleeve of the campaign holds anything in the middle of its days');
  const { id, day } = held[0];
  const lastClose = await historical.client(async (client) => {
    await client.query('DELETE FROM prices_daily WHERE instrument_id = $1 AND trade_date > $2', [id, day]);
    const { rows } = await client.query<{ close: number }>(
      'SELECT close FROM prices_daily WHERE instrument_id = $1 AND trade_date = $2',
      [id, day],
    );
    return rows[0].close;
  });
  const value = Math.round(lastClose * RECOVERY * 100) / 100;
  await runtime.client((client) =>
    client.query(
      `UPDATE instruments SET metadata = coalesce(metadata, '{}') || jsonb_build_object('delisting_value', $2::float8) WHERE instrument_id = $1`,
      [id, value],
    ),
  );
  return { instrumentId: id, lastDay: day, lastClose, value };
}

/** How it left the book, in a sentence. @throws Error unless a sleeve of the newest campaign held it and got that value. */
export async function requireDelisted(
  { runtime }: Databases,
  { instrumentId, lastDay, lastClose, value }: SuddenFailure,
): Promise<string> {
  const { rows } = await runtime.client((client) =>
    client.query<{ day: string; size: number; price: number }>(
      `SELECT trade_date::text AS day, size, price FROM backtest_trades
        WHERE ticker = $1 AND trade_date > $2 AND decision_metadata_json->>'cause' = 'delisted'
          AND run_id IN (SELECT run_id FROM backtest_runs WHERE config_json->>'campaign_id' =
                (SELECT config_json->>'campaign_id' FROM backtest_runs ORDER BY created_at DESC LIMIT 1))`,
      [instrumentId, lastDay],
    ),
  );
  if (rows.length === 0) throw new Error(`${instrumentId} was held on ${lastDay} and never left the book as delisted`);
  const wrong = rows.find(({ price }) => price !== value);
  if (wrong) throw new Error(`${instrumentId} left the book at ${wrong.price}, not at its delisting value ${value}`);
  return `${instrumentId}, held on its last day ${lastDay} (close ${lastClose}), left ${rows.length} books on ${rows[0].day} at its delisting value ${value}`;
}
