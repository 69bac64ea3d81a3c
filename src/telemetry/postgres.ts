/**
 * What a database and its server do, over one read-only connection with short statements. Each probe fails on its own:
 * one that may not look is left out for a while, with the reason, and tried again.
 */
import { type Database, openDatabase } from '../platform/db/databases.ts';
import type { Target } from '../platform/db/targets.ts';
import { errorMessage, UserError } from '../platform/errors.ts';
import { rate } from './proc-io.ts';
import type { PostgresSample } from './types.ts';

export interface PostgresSamplerOptions {
  /** A statement that takes longer is broken off. */
  readonly statementTimeoutMs?: number;
  /** How long a reading waits for the server before its figures are unknown. */
  readonly patienceMs?: number;
  /** How long a server that cannot be reached is left alone, and how long a probe that failed on one that can. */
  readonly retryMs?: number;
  readonly restMs?: number;
  /** Between two looks at the size: the server walks all files of the database for it. */
  readonly sizeEveryMs?: number;
}

const DEFAULTS: Required<PostgresSamplerOptions> = {
  statementTimeoutMs: 1000,
  patienceMs: 1500,
  retryMs: 5000,
  restMs: 60_000,
  sizeEveryMs: 60_000,
};

/** The probe without which no other is worth trying. */
const REACH = 'database';

interface Counters {
  readonly at: number;
  readonly rows: number;
  readonly blocksHit: number;
  readonly blocksRead: number;
}

interface Wal {
  readonly at: number;
  readonly bytes: number;
}

type Figures = Omit<PostgresSample, 'name' | 'database' | 'up' | 'problems'>;

const UNKNOWN_FIGURES: Figures = {
  connections: null,
  serverConnections: null,
  maxConnections: null,
  active: null,
  longestSeconds: null,
  waitingLocks: null,
  rowsPerSecond: null,
  cacheHitShare: null,
  walBytesPerSecond: null,
  sizeBytes: null,
};

/** Samples one database from its construction until `close`. Rates are over the time since the reading before. */
export class PostgresSampler {
  readonly #target: Target;
  readonly #options: Required<PostgresSamplerOptions>;
  readonly #database: Database & { abort(): void; close(): Promise<void> };
  readonly #resting = new Map<string, { readonly until: number; readonly reason: string }>();
  #reading: Promise<void> | null = null;
  #latest: PostgresSample;
  #counters: Counters | null = null;
  #wal: Wal | null = null;
  #size: { readonly at: number; readonly bytes: number } | null = null;
  #pids: readonly number[] = [];

  constructor(target: Target, options: PostgresSamplerOptions = {}) {
    this.#target = target;
    this.#options = { ...DEFAULTS, ...options };
    this.#database = openDatabase(target, {
      application: 'telemetry',
      readOnly: true,
      statementTimeoutMs: this.#options.statementTimeoutMs,
      maxConnections: 1,
    });
    this.#latest = this.#sample({}, false, ['not looked at yet']);
  }

  /** Pids of the server's sessions and workers, as it tells them; empty for a server on another machine. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  /** Looks, and waits for the answer, but not for a server that hangs: its figures are then unknown until it answers. */
  async read(): Promise<PostgresSample> {
    this.#reading ??= this.#look().finally(() => (this.#reading = null));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, this.#options.patienceMs, 'late')));
    const late = (await Promise.race([this.#reading, patience])) === 'late';
    clearTimeout(timer);
    return late ? this.#sample({}, false, ['the server does not answer']) : this.#latest;
  }

  async close(): Promise<void> {
    const closed = this.#database.close();
    if (!this.#reading) return await closed;
    // A connection that is still being made ends at its own deadline; nobody waits for that.
    closed.catch(() => {});
    this.#database.abort();
  }

  async #look(): Promise<void> {
    const problems: string[] = [];
    // When the database cannot be reached, the other probes would only say so again.
    const base = await this.#probe(REACH, problems, () => this.#readDatabase());
    if (!base) {
      this.#counters = null;
      this.#wal = null;
      this.#pids = [];
      this.#latest = this.#sample({}, false, problems);
      return;
    }
    const activity = await this.#probe('activity', problems, () => this.#readActivity(problems));
    const waitingLocks = await this.#probe('locks', problems, () => this.#readLocks());
    const walBytesPerSecond = await this.#probe('WAL', problems, () => this.#readWal());
    const sizeBytes = await this.#probe('size', problems, () => this.#readSize());
    this.#latest = this.#sample({ ...base, ...activity, waitingLocks, walBytesPerSecond, sizeBytes }, true, problems);
  }

  #sample(figures: Partial<Figures>, up: boolean, problems: readonly string[]): PostgresSample {
    const { name, config } = this.#target;
    return { name, database: config.database ?? name, up, ...UNKNOWN_FIGURES, ...figures, problems };
  }

  /** Null when the probe fails or rests; `problems` then says why. */
  async #probe<T>(name: string, problems: string[], work: () => Promise<T>): Promise<T | null> {
    const rest = this.#resting.get(name);
    if (rest && performance.now() < rest.until) {
      problems.push(rest.reason);
      return null;
    }
    this.#resting.delete(name);
    try {
      return await work();
    } catch (error) {
      const message = error instanceof UserError ? error.message : errorMessage(error);
      const reason = name === REACH ? message : `${name}: ${message}`;
      const rest = name === REACH ? this.#options.retryMs : this.#options.restMs;
      this.#resting.set(name, { until: performance.now() + rest, reason });
      problems.push(reason);
      return null;
    }
  }

  async #one<Row extends object>(sql: string): Promise<Row> {
    return await this.#database.client(async (client) => (await client.query<Row>(sql)).rows[0]);
  }

  async #readDatabase(): Promise<Partial<Figures>> {
    const row = await this.#one<{
      connections: number;
      max: number;
      rows: number;
      hit: number;
      read: number;
    }>(
      `SELECT numbackends AS connections, current_setting('max_connections')::int AS max,
              tup_inserted + tup_updated + tup_deleted AS rows, blks_hit AS hit, blks_read AS read
         FROM pg_stat_database WHERE datname = current_database()`,
    );
    const at = performance.now();
    const before = this.#counters;
    this.#counters = { at, rows: row.rows, blocksHit: row.hit, blocksRead: row.read };
    const seconds = before ? (at - before.at) / 1000 : 0;
    const hits = before ? row.hit - before.blocksHit : -1;
    const reads = before ? row.read - before.blocksRead : -1;
    return {
      connections: row.connections,
      maxConnections: row.max,
      rowsPerSecond: rate(before?.rows, row.rows, seconds),
      // Counters that were reset run backwards.
      cacheHitShare: hits >= 0 && reads >= 0 && hits + reads > 0 ? hits / (hits + reads) : null,
    };
  }

  async #readActivity(problems: string[]): Promise<Partial<Figures>> {
    const row = await this.#one<{
      all: boolean;
      server: number;
      active: number;
      longest: number | null;
      pids: number[];
    }>(
      `SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS all,
              count(*) FILTER (WHERE backend_type = 'client backend') AS server,
              count(*) FILTER (WHERE own AND state = 'active') AS active,
              max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE own AND state = 'active') AS longest,
              array_agg(pid) AS pids
         FROM (SELECT *, datname = current_database() AND pid <> pg_backend_pid() AS own FROM pg_stat_activity) AS sessions`,
    );
    this.#pids = isLocal(this.#target) ? row.pids : [];
    const known = { serverConnections: row.server };
    if (!row.all) {
      // To an ordinary role the sessions of others show no state: a count would be too small.
      problems.push('activity: the role may not see what other sessions do (GRANT pg_read_all_stats)');
      return known;
    }
    return { ...known, active: row.active, longestSeconds: row.longest };
  }

  async #readLocks(): Promise<number> {
    const row = await this.#one<{ waiting: number }>(
      `SELECT count(*) AS waiting FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()`,
    );
    return row.waiting;
  }

  async #readWal(): Promise<number | null> {
    const { bytes } = await this.#one<{ bytes: number }>(
      `SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                              '0/0') AS bytes`,
    );
    const at = performance.now();
    const before = this.#wal;
    this.#wal = { at, bytes };
    return rate(before?.bytes, bytes, before ? (at - before.at) / 1000 : 0);
  }

  async #readSize(): Promise<number> {
    const now = performance.now();
    if (this.#size && now - this.#size.at < this.#options.sizeEveryMs) return this.#size.bytes;
    const { bytes } = await this.#one<{ bytes: number }>('SELECT pg_database_size(current_database()) AS bytes');
    this.#size = { at: now, bytes };
    return bytes;
  }
}

/** Whether the server's processes may be looked for on this machine. */
function isLocal({ config }: Target): boolean {
  return (
    config.host === undefined || config.host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(config.host)
  );
}
