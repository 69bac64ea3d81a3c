/** What `verify numeric-embeddings` reads of the table: keys of all rows, vectors of some days. */
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { copyOut, sqlLiteral } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { LAST_VECTOR_WRITE } from '../../src/platform/db/vector-writes.ts';

/** Every row of a model over `[first, last]` (day numbers): its key, the bytes of its vector (−1 without one), days of its window (−1). */
export async function eachKey(
  historical: Database,
  modelId: string,
  first: number,
  last: number,
  onRow: (entityType: string, entityId: string, day: number, bytes: number, window: number) => void,
): Promise<void> {
  await historical.client((client) =>
    copyOut(
      client,
      // A window that is no whole number is another one: it must not end the reading.
      `SELECT entity_type::text, entity_id::text, as_of_date::date, coalesce(octet_length(vector), -1),
              CASE WHEN window_spec->>'window_days' ~ '^\\d{1,9}$' THEN (window_spec->>'window_days')::int ELSE -1 END
         FROM numeric_window_embeddings
        WHERE model_id = ${sqlLiteral(modelId)}
          AND as_of_date::date BETWEEN ${sqlLiteral(formatDay(first))} AND ${sqlLiteral(formatDay(last))}`,
      (row) => onRow(row.text()!, row.text()!, row.date(), row.int32(), row.int32()),
    ),
  );
}

/** Every vector of a model on one day that has `dim` values; the bytes are a view that is valid only during the call. */
export async function eachVector(
  historical: Database,
  { modelId, dim, day }: { modelId: string; dim: number; day: number },
  onRow: (entityType: string, entityId: string, vector: Buffer) => void,
): Promise<void> {
  await historical.client((client) =>
    copyOut(
      client,
      `SELECT entity_type::text, entity_id::text, vector FROM numeric_window_embeddings
        WHERE model_id = ${sqlLiteral(modelId)} AND as_of_date::date = ${sqlLiteral(formatDay(day))} AND octet_length(vector) = ${dim * 4}`,
      (row) => onRow(row.text()!, row.text()!, row.bytes()!),
    ),
  );
}

/** What the board compares a proof with, to see that something changed after it. */
interface Counted {
  /** Rows of instruments by model and year, in the whole calendar years of the span. */
  readonly rowsByYear: ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** Instrument days with prices by year, up to the end of the last year. */
  readonly priceDaysByYear: Readonly<Record<string, number>>;
  /** When a backfill last wrote vectors of these models and days (ISO, UTC); null without one. */
  readonly writtenAt: string | null;
}

/** Counts before anything is read: what changes from then on is a change after the proof. */
export async function countForProof(
  historical: Database,
  models: readonly string[],
  { start, end }: { start: string; end: string },
): Promise<Counted> {
  const [from, to] = [`${start.slice(0, 4)}-01-01`, `${end.slice(0, 4)}-12-31`];
  return historical.client(async (client) => {
    const { rows: write } = await client.query<{ at: string | null }>(LAST_VECTOR_WRITE, [models, start, end]);
    const { rows: vectors } = await client.query<{ model: string; year: number; rows: number }>(
      `SELECT model_id AS model, extract(year FROM as_of_date::date)::int AS year, count(*) AS rows
         FROM numeric_window_embeddings
        WHERE entity_type = 'INSTRUMENT' AND model_id = ANY ($1) AND as_of_date::date BETWEEN $2 AND $3 GROUP BY 1, 2 ORDER BY 2`,
      [models, from, to],
    );
    const { rows: prices } = await client.query<{ year: number; days: number }>(
      // A table without its key may repeat a day.
      `SELECT extract(year FROM day)::int AS year, count(*) AS days
         FROM (SELECT DISTINCT instrument_id, trade_date::date AS day FROM prices_daily WHERE trade_date::date <= $1) p GROUP BY 1 ORDER BY 1`,
      [to],
    );
    const byModel = Map.groupBy(vectors, ({ model }) => model);
    return {
      rowsByYear: new Map(
        models.map((id) => [id, Object.fromEntries((byModel.get(id) ?? []).map(({ year, rows }) => [year, rows]))]),
      ),
      priceDaysByYear: Object.fromEntries(prices.map(({ year, days }) => [year, days])),
      writtenAt: write[0].at,
    };
  });
}

/** Why a backfill did not write a vector, as far as its marks tell. */
export async function recordedCause(
  historical: Database,
  modelId: string,
  entityId: string,
  date: string,
): Promise<string | null> {
  return historical.client(async (client) => {
    const { rows: failed } = await client.query<{ reason: string }>(
      `SELECT f->>'reason' AS reason FROM console.shard_done, jsonb_array_elements(failures) AS f
        WHERE model_id = $1 AND $3::date BETWEEN first_date AND last_date AND f->>'entity' = $2 AND f->>'date' = $3::text
        ORDER BY done_at DESC LIMIT 1`,
      [modelId, entityId, date],
    );
    if (failed.length) return failed[0].reason;
    const { rows: open } = await client.query<{ id: string; done: number; shards: number }>(
      `SELECT backfill_id AS id, shards, (SELECT count(*) FROM console.shard_done d WHERE d.backfill_id = b.backfill_id) AS done
         FROM console.backfills b WHERE state = 'open' AND spec->'models' ? $1
          AND $2::text BETWEEN spec->>'start' AND spec->>'end' ORDER BY created_at DESC LIMIT 1`,
      [modelId, date],
    );
    if (open.length && open[0].done < open[0].shards) {
      return `backfill ${open[0].id} has done ${formatCount(open[0].done)} of its ${formatCount(open[0].shards)} shards; --resume goes on with it`;
    }
    return null;
  });
}

/** Those of these ids that no row of `instruments` has, of whatever market and status. */
export async function unknownInstruments(runtime: Database, ids: readonly string[]): Promise<string[]> {
  return runtime.client(async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `SELECT id FROM unnest($1::text[]) AS id
        WHERE NOT EXISTS (SELECT 1 FROM instruments WHERE instrument_id = id) ORDER BY id COLLATE "C"`,
      [ids],
    );
    return rows.map(({ id }) => id);
  });
}
