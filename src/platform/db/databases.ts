/** Connections to the two databases. Everything that talks to PostgreSQL goes through here. */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { describeFailure } from './failures.ts';
import type { Target, Targets } from './targets.ts';

export interface Database {
  readonly target: Target;
  /** Typed queries for control data. `Tables` is the caller's own description of the tables it uses. */
  kysely<Tables>(): Kysely<Tables>;
  /** Lends one connection for the time of `work`. */
  client<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  /** Lends one connection inside BEGIN … COMMIT; any error rolls back. */
  transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T>;
}

export interface Databases {
  readonly historical: Database;
  readonly runtime: Database;
  /** Breaks off whatever runs: open transactions roll back on the server. */
  abort(): void;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Shown in pg_stat_activity. */
  readonly application: string;
  /** Sets default_transaction_read_only: for probes that must never write. */
  readonly readOnly?: boolean;
  /** Longest time of a statement; 0: none, whatever the server says. Default: the server's own setting. */
  readonly statementTimeoutMs?: number;
  readonly maxConnections?: number;
  /** Work before the first connection, once for both databases: starting the embedded server. */
  readonly prepare?: () => Promise<void>;
}

const OID = { int8: 20, date: 1082, timestamp: 1114, numeric: 1700 };

/** Text parsers: dates stay `YYYY-MM-DD` (never a local-time Date); counts become numbers. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === OID.date || oid === OID.timestamp) return (text: string) => text;
    if (oid === OID.int8 || oid === OID.numeric) return Number;
    return pg.types.getTypeParser(oid, format as 'text');
  },
} as pg.CustomTypesConfig;

/** Opens (lazily) pools on both databases; nothing connects before the first query. */
export function openDatabases(targets: Targets, options: ConnectOptions): Databases {
  const historical = openDatabase(targets.historical, options);
  const runtime = openDatabase(targets.runtime, options);
  return {
    historical,
    runtime,
    abort: () => {
      historical.abort();
      runtime.abort();
    },
    close: async () => {
      await Promise.all([historical.close(), runtime.close()]);
    },
  };
}

/** Opens (lazily) one database. */
export function openDatabase(
  target: Target,
  options: ConnectOptions,
): Database & { abort(): void; close(): Promise<void> } {
  const settings = [
    process.env.PGOPTIONS ?? '',
    // Times without a zone are UTC: what they mean must not hang on where a server, a database or a role is set to.
    '-c TimeZone=UTC',
    options.readOnly ? '-c default_transaction_read_only=on' : '',
    options.statementTimeoutMs !== undefined ? `-c statement_timeout=${options.statementTimeoutMs}` : '',
  ]
    .filter(Boolean)
    .join(' ');
  const pool = new pg.Pool({
    ...target.config,
    application_name: `prometheus ${options.application}`,
    options: settings,
    max: options.maxConnections ?? 4,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    types,
  });
  // An idle connection that the server drops must not end the process; the next query reports the failure.
  pool.on('error', () => {});
  // Nor one that it drops with the very bytes that made it ready, before anybody holds it; while it is lent, a broken one
  // surfaces through the query that was running.
  pool.on('connect', (connection) => connection.on('error', () => {}));
  const lent = new Set<pg.PoolClient>();

  const client = async <T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> => {
    let connection: pg.PoolClient;
    try {
      await options.prepare?.();
      connection = await pool.connect();
    } catch (error) {
      throw describeFailure(error, target);
    }
    lent.add(connection);
    let broken = false;
    try {
      return await work(connection);
    } catch (error) {
      broken = true;
      throw describeFailure(error, target);
    } finally {
      lent.delete(connection);
      connection.release(broken);
    }
  };

  return {
    target,
    client,
    kysely: <Tables>() =>
      new Kysely<Tables>({
        dialect: new PostgresDialect({
          pool: async () => {
            await options.prepare?.();
            return pool;
          },
        }),
      }),
    transaction: (work) =>
      client(async (connection) => {
        await connection.query('BEGIN');
        try {
          const result = await work(connection);
          await connection.query('COMMIT');
          return result;
        } catch (error) {
          // The connection may be the thing that broke; the server then rolls back by itself.
          await connection.query('ROLLBACK').catch(() => {});
          throw error;
        }
      }),
    abort: () => {
      for (const connection of lent) {
        (connection as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      }
    },
    close: () => pool.end(),
  };
}
