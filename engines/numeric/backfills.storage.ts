/** Backfills in `console.backfills`: what is open, who lives, what was measured. */
import type pg from 'pg';
import type { Database } from '../../src/platform/db/databases.ts';
import { UserError } from '../../src/platform/errors.ts';
import type { Failure } from '../../src/queue/shard-marks.ts';
import type { BackfillSpec } from './plan.model.ts';

export interface Backfill {
  readonly id: string;
  readonly spec: BackfillSpec;
  /** Fingerprint of the panel that the plan was made over. */
  readonly dataFingerprint: string;
  /** Fingerprint of each model's folder, by id. */
  readonly models: Readonly<Record<string, string>>;
  readonly shards: number;
  /** Cells due. */
  readonly due: number;
}

const SELECT = `SELECT backfill_id AS id, spec, data_fingerprint AS "dataFingerprint", models, shards, due FROM console.backfills`;

/** Everyone who works on a backfill holds this lock, shared, as long as it lives. */
const livenessKey = (id: string) => `prometheus backfill ${id}`;

/** Runs `work` while this process counts as one that works on the backfill. */
export async function whileAlive<T>(database: Database, id: string, work: () => Promise<T>): Promise<T> {
  return database.client(async (client) => {
    await client.query('SELECT pg_advisory_lock_shared(hashtextextended($1, 0))', [livenessKey(id)]);
    try {
      return await work();
    } finally {
      await client
        .query('SELECT pg_advisory_unlock_shared(hashtextextended($1, 0))', [livenessKey(id)])
        .catch(() => {});
    }
  });
}

/**
 * Opens a backfill: a new one, or with `resume` the newest open one of the same request. Open ones of the same models and
 * days that nobody works on any more are replaced.
 * @throws UserError when somebody works on one of them, or when what is to be resumed was planned over other data.
 */
export async function openBackfill(
  database: Database,
  wanted: Backfill,
  { resume, build }: { resume: boolean; build: string | null },
): Promise<{ backfill: Backfill; resumed: boolean }> {
  return database.transaction(async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('prometheus backfills', 0))`);
    const others = await openOnes(client);
    const same = resume
      ? others.find(({ spec }) => JSON.stringify(ordered(spec)) === JSON.stringify(ordered(wanted.spec)))
      : undefined;
    if (same) {
      // Whoever works on it already may go on: the marks see to it that nothing is done twice.
      requireSame(same, wanted);
      return { backfill: same, resumed: true };
    }
    for (const other of others) {
      if (!overlap(other.spec, wanted.spec)) continue;
      await requireDead(client, other);
      await client.query(`UPDATE console.backfills SET state = 'replaced', ended_at = now() WHERE backfill_id = $1`, [
        other.id,
      ]);
    }
    await client.query(
      `INSERT INTO console.backfills (backfill_id, spec, data_fingerprint, models, shards, due, build)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [wanted.id, wanted.spec, wanted.dataFingerprint, wanted.models, wanted.shards, wanted.due, build],
    );
    return { backfill: wanted, resumed: false };
  });
}

/** The oldest open backfill that is none of these, or null. */
export async function oldestOpen(database: Database, except: ReadonlySet<string>): Promise<Backfill | null> {
  return database.client(async (client) => (await openOnes(client)).findLast(({ id }) => !except.has(id)) ?? null);
}

/** Whether a backfill is still open. */
export async function isOpen(database: Database, id: string): Promise<boolean> {
  return database.client(async (client) => {
    const { rows } = await client.query(`SELECT 1 FROM console.backfills WHERE backfill_id = $1 AND state = 'open'`, [
      id,
    ]);
    return rows.length > 0;
  });
}

export async function endBackfill(database: Database, id: string): Promise<void> {
  await database.client((client) =>
    client.query(
      `UPDATE console.backfills SET state = 'done', ended_at = now() WHERE backfill_id = $1 AND state = 'open'`,
      [id],
    ),
  );
}

async function openOnes(client: pg.ClientBase): Promise<Backfill[]> {
  const { rows } = await client.query<Backfill>(
    `${SELECT} WHERE state = 'open' ORDER BY created_at DESC, backfill_id COLLATE "C"`,
  );
  return rows;
}

/** jsonb keeps no order of keys. */
const ordered = (spec: BackfillSpec) => Object.fromEntries(Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1)));

const overlap = (a: BackfillSpec, b: BackfillSpec) =>
  a.start <= b.end && b.start <= a.end && a.models.some((model) => b.models.includes(model));

async function requireDead(client: pg.ClientBase, { id, spec }: Backfill): Promise<void> {
  const { rows } = await client.query<{ free: boolean }>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free',
    [livenessKey(id)],
  );
  if (rows[0].free) return;
  throw new UserError(
    `a backfill of ${spec.models.join(', ')} over ${spec.start} … ${spec.end} is running (${id})`,
    'Wait until it has ended, or join it with: prometheus worker',
  );
}

/**
 * That a plan made here is the plan of the backfill.
 * @throws UserError when prices, instruments or models are others.
 */
export function requireSame(backfill: Backfill, own: Pick<Backfill, 'dataFingerprint' | 'models'>): void {
  const model = Object.keys(backfill.models).find((id) => backfill.models[id] !== own.models[id]);
  if (model) {
    throw new UserError(
      `model ${model} is another one here than in backfill ${backfill.id}`,
      `Copy the folder models/${model} from the home that began it, or begin anew without --resume.`,
    );
  }
  if (backfill.dataFingerprint !== own.dataFingerprint) {
    throw new UserError(
      `prices, calendar or instruments have changed since backfill ${backfill.id} began`,
      'Begin anew, without --resume.',
    );
  }
}

export interface ModelTotals {
  readonly modelId: string;
  readonly rows: number;
  readonly skipped: number;
  readonly failed: number;
}

/** What a backfill has written, by model. */
export async function totalsByModel(database: Database, id: string): Promise<Map<string, ModelTotals>> {
  return database.client(async (client) => {
    const { rows } = await client.query<ModelTotals>(
      `SELECT model_id AS "modelId", sum(rows) AS rows, sum(skipped) AS skipped, sum(failed) AS failed
         FROM console.shard_done WHERE backfill_id = $1 GROUP BY 1`,
      [id],
    );
    return new Map(rows.map((row) => [row.modelId, row]));
  });
}

/** The first failures of a backfill, in the order of its shards' days. */
export async function failuresOf(
  database: Database,
  id: string,
  limit: number,
): Promise<(Failure & { model: string })[]> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ model: string; failures: Failure[] }>(
      `SELECT model_id AS model, failures FROM console.shard_done WHERE backfill_id = $1 AND failed > 0
        ORDER BY first_date, model_id COLLATE "C", shard_id COLLATE "C"`,
      [id],
    );
    return rows.flatMap(({ model, failures }) => failures.map((one) => ({ ...one, model }))).slice(0, limit);
  });
}

/** Rates as measured; null where nothing was measured yet. */
export interface Rates {
  /** Rows a second of one worker, by model. */
  readonly rowsPerSecond: ReadonlyMap<string, number>;
  /** Bytes on disk of a row, index included. */
  readonly bytesPerRow: number | null;
}

/** Newest shards of a model that a rate is taken from. */
const RATE_SHARDS = 200;
/** Fewer rows than this say nothing about the size of one. */
const LEAST_ROWS = 1000;

export async function measuredRates(database: Database, models: readonly string[]): Promise<Rates> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ model: string; rate: number }>(
      `SELECT model, sum(rows) / nullif(sum(seconds), 0) AS rate FROM unnest($1::text[]) AS wanted(model)
        CROSS JOIN LATERAL (SELECT rows, seconds FROM console.shard_done
          WHERE model_id = model AND rows > 0 AND seconds > 0 ORDER BY done_at DESC LIMIT ${RATE_SHARDS}) newest
        GROUP BY 1`,
      [models],
    );
    const size = await client.query<{ bytes: number; rows: number }>(
      `SELECT pg_total_relation_size('numeric_window_embeddings') AS bytes,
              (SELECT coalesce(sum(rows), 0) FROM console.numeric_coverage) AS rows`,
    );
    const { bytes, rows: count } = size.rows[0];
    return {
      rowsPerSecond: new Map(rows.map(({ model, rate }) => [model, Number(rate)])),
      bytesPerRow: count >= LEAST_ROWS ? bytes / count : null,
    };
  });
}
