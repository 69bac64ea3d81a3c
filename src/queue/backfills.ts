/** Backfills in `console.backfills`: what is open, who lives, what was measured. */
import type pg from 'pg';
import type { Database } from '../platform/db/databases.ts';
import { UsageError, UserError } from '../platform/errors.ts';
import type { BackfillKind } from './shard-marks.ts';
import type { Throttle } from './throttle.ts';
import { writeThrottle } from './throttle-store.ts';

/** What every backfill is asked for, whatever else its kind adds. */
export interface BackfillRequest {
  /** `YYYY-MM-DD` */
  readonly start: string;
  readonly end: string;
  readonly models: readonly string[];
}

export interface Backfill<Spec extends BackfillRequest = BackfillRequest> {
  readonly id: string;
  readonly kind: BackfillKind;
  readonly spec: Spec;
  /** Fingerprint of the data that the plan was made over. */
  readonly dataFingerprint: string;
  /** Fingerprint of each model's folder, by id. */
  readonly models: Readonly<Record<string, string>>;
  readonly shards: number;
  /** Vectors due. */
  readonly due: number;
}

const SELECT = `SELECT backfill_id AS id, kind, spec, data_fingerprint AS "dataFingerprint", models, shards, due FROM console.backfills`;

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
 * days that nobody works on any more are replaced. What `throttle` names is how it goes from now on; a pause stays.
 * @throws UserError when somebody works on one of them, or when what is to be resumed was planned over other data.
 */
export async function openBackfill<Spec extends BackfillRequest>(
  database: Database,
  wanted: Backfill<Spec>,
  { resume, build, data, throttle }: { resume: boolean; build: string | null; data: string; throttle: Throttle },
): Promise<{ backfill: Backfill<Spec>; resumed: boolean }> {
  return database.transaction(async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('prometheus backfills', 0))`);
    const others = await openOnes<Spec>(client, wanted.kind);
    const same = resume ? others.find(({ spec }) => canonical(spec) === canonical(wanted.spec)) : undefined;
    if (same) {
      // Whoever works on it already may go on: the marks see to it that nothing is done twice.
      requireSame(same, wanted, data);
      await writeThrottle(client, same.id, { throttle });
      return { backfill: same, resumed: true };
    }
    const inTheWay = others.filter(({ spec }) => overlap(spec, wanted.spec));
    if (resume && inTheWay.length) throw notTheSame(inTheWay[0], wanted);
    for (const other of inTheWay) {
      await requireDead(client, other);
      await client.query(`UPDATE console.backfills SET state = 'replaced', ended_at = now() WHERE backfill_id = $1`, [
        other.id,
      ]);
    }
    await client.query(
      `INSERT INTO console.backfills (backfill_id, kind, spec, data_fingerprint, models, shards, due, build)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [wanted.id, wanted.kind, wanted.spec, wanted.dataFingerprint, wanted.models, wanted.shards, wanted.due, build],
    );
    await writeThrottle(client, wanted.id, { throttle });
    return { backfill: wanted, resumed: false };
  });
}

/** The oldest open backfill of a kind that is none of these, or null. */
export async function oldestOpen<Spec extends BackfillRequest>(
  database: Database,
  kind: BackfillKind,
  except: ReadonlySet<string>,
): Promise<Backfill<Spec> | null> {
  return database.client(
    async (client) => (await openOnes<Spec>(client, kind)).findLast(({ id }) => !except.has(id)) ?? null,
  );
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

async function openOnes<Spec extends BackfillRequest>(
  client: pg.ClientBase,
  kind: BackfillKind,
): Promise<Backfill<Spec>[]> {
  const { rows } = await client.query<Backfill<Spec>>(
    `${SELECT} WHERE state = 'open' AND kind = $1 ORDER BY created_at DESC, backfill_id COLLATE "C"`,
    [kind],
  );
  return rows;
}

/**
 * That the server has a connection for each of this process's threads; without this they would wait for one until they fail.
 * @throws UsageError naming how many there are.
 */
export async function requireConnections(database: Database, workers: number): Promise<void> {
  const { free, most } = await database.client(async (client) => {
    const { rows } = await client.query<{ free: number; most: number }>(
      `SELECT current_setting('max_connections')::int AS most, (current_setting('max_connections')::int
              - current_setting('superuser_reserved_connections')::int
              - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'))::int AS free`,
    );
    return rows[0];
  });
  if (workers <= free) return;
  throw new UsageError(
    `--workers ${workers} needs as many connections, and the ${database.target.label} has ${free} free of ${most}`,
    'Give fewer workers, or raise max_connections of that server.',
  );
}

/** The request as a text that does not depend on the order of keys, at any depth: jsonb keeps none. */
const canonical = (spec: BackfillRequest) =>
  JSON.stringify(spec, (_, value) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

const overlap = (a: BackfillRequest, b: BackfillRequest) =>
  a.start <= b.end && b.start <= a.end && a.models.some((model) => b.models.includes(model));

/** `--resume` goes on with what was asked for: it never throws another backfill's work away. */
function notTheSame(open: Backfill, wanted: Backfill): UserError {
  const [was, is] = [open.spec, wanted.spec].map((spec) => new Map(Object.entries(spec)));
  const keys = [...new Set([...was.keys(), ...is.keys()])].filter(
    (key) => JSON.stringify(was.get(key)) !== JSON.stringify(is.get(key)),
  );
  return new UserError(
    `backfill ${open.id} of these models and days is open and was begun with another ${keys.sort().join(', ')}`,
    'Give --resume with the arguments that it was begun with, or leave out --resume: what is here then replaces it.',
  );
}

async function requireDead(client: pg.ClientBase, { id, spec }: Backfill): Promise<void> {
  const { rows } = await client.query<{ free: boolean }>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free',
    [livenessKey(id)],
  );
  if (rows[0].free) return;
  throw new UserError(
    `a backfill of ${spec.models.join(', ')} over ${spec.start} … ${spec.end} is running (${id})`,
    'Wait until it has ended, join it with: prometheus worker, or go on with it: the same command with --resume',
  );
}

/**
 * That a plan made here is the plan of the backfill. `data` names what it was made over.
 * @throws UserError when that or a model is another one.
 */
export function requireSame(backfill: Backfill, own: Pick<Backfill, 'dataFingerprint' | 'models'>, data: string): void {
  const model = Object.keys(backfill.models).find((id) => backfill.models[id] !== own.models[id]);
  if (model) {
    throw new UserError(
      `model ${model} is another one here than in backfill ${backfill.id}`,
      `Copy the folder models/${model} from the home that began it, or begin anew without --resume.`,
    );
  }
  if (backfill.dataFingerprint !== own.dataFingerprint) {
    throw new UserError(`${data} have changed since backfill ${backfill.id} began`, 'Begin anew, without --resume.');
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
