/**
 * How the board reads a database: one connection, one read-only snapshot, every look bounded in time, and a look that
 * fails is an answer too: unknown, with the cause. Nothing here ever throws a database error.
 */
import type pg from 'pg';
import type { Database } from '../platform/db/databases.ts';
import { describeFailure } from '../platform/db/failures.ts';
import { errorCode, errorMessage, InterruptedError, UserError } from '../platform/errors.ts';

interface Look {
  /** When it was true (milliseconds since 1970). */
  readonly at: number;
  readonly costMs: number;
  /** What was asked: SQL, or a file. */
  readonly source: string;
}

export interface Known<T> extends Look {
  readonly known: true;
  readonly value: T;
}

export interface Unknown extends Look {
  readonly known: false;
  /** Why there is no figure, in one line. */
  readonly cause: string;
  /** The same in a few words: without the place of the database. */
  readonly brief: string;
  /** Command that would mend it, without the leading `prometheus`; null when only a person can. */
  readonly fix: string | null;
}

/** One look at the world. */
export type Probe<T> = Known<T> | Unknown;

export interface ProbeOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** A statement that takes longer is broken off by the server. */
  readonly timeoutMs: number;
}

/** Runs one statement; rows as objects. */
export type Query = <Row extends object>(sql: string, values?: readonly unknown[]) => Promise<Row[]>;

export interface Prober {
  /**
   * Looks once. `source` names the figure for people; the SQL is added to it. A figure that was true at an earlier time
   * (a roll-up) says so through `trueAt` (milliseconds since 1970).
   */
  probe<T>(source: string, read: (query: Query, trueAt: (at: number) => void) => Promise<T>): Promise<Probe<T>>;
}

/**
 * The settings of a look: no writes, a time limit (the pool's own when that is shorter), no JIT (it costs more than it
 * saves here), and a server that notices within a second when we hang up. Settings that an older server lacks are left out.
 */
const SETTINGS = `SELECT set_config(name, CASE name
    WHEN 'jit' THEN 'off'
    WHEN 'client_connection_check_interval' THEN '1000'
    ELSE CASE WHEN setting::int = 0 OR setting::int > $1::int THEN ($1::int)::text ELSE setting END END, true)
  FROM pg_settings WHERE name IN ('jit', 'client_connection_check_interval', 'statement_timeout')`;

/**
 * Lends `work` a prober over one connection and one snapshot of a database. When the database cannot be reached, every
 * probe answers unknown with that cause. @throws InterruptedError when the signal aborts.
 */
export async function withProber<T>(
  database: Database,
  options: ProbeOptions,
  work: (prober: Prober) => Promise<T>,
): Promise<T> {
  let started = false;
  try {
    return await database.client(async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      try {
        await client.query(SETTINGS, [options.timeoutMs]);
        started = true;
        return await work(new LiveProber(client, database, options));
      } finally {
        await client.query('ROLLBACK').catch(() => {});
      }
    });
  } catch (error) {
    if (started || error instanceof InterruptedError) throw error;
    if (options.signal.aborted) throw new InterruptedError('reading the evidence');
    return work(new DeadProber(error, database, options));
  }
}

/** A look at something that is no database: a file. Errors become unknown with the cause. */
export async function probeFile<T>(source: string, now: () => number, read: () => Promise<T>): Promise<Probe<T>> {
  const at = now();
  try {
    const value = await read();
    return { known: true, value, at, costMs: now() - at, source };
  } catch (error) {
    const [cause, fix] =
      error instanceof UserError ? [error.message, commandIn(error.fix)] : [errorMessage(error), null];
    return { known: false, cause, brief: cause, fix, at, costMs: now() - at, source };
  }
}

class LiveProber implements Prober {
  readonly #client: pg.ClientBase;
  readonly #database: Database;
  readonly #options: ProbeOptions;

  constructor(client: pg.ClientBase, database: Database, options: ProbeOptions) {
    this.#client = client;
    this.#database = database;
    this.#options = options;
  }

  async probe<T>(source: string, read: (query: Query, trueAt: (at: number) => void) => Promise<T>): Promise<Probe<T>> {
    const { now, signal } = this.#options;
    if (signal.aborted) throw new InterruptedError('reading the evidence');
    const started = now();
    let at = started;
    const statements: string[] = [];
    const query: Query = async (sql, values = []) => {
      statements.push(sql.replace(/\s+/g, ' ').trim());
      return (await this.#client.query(sql, values as unknown[])).rows;
    };
    const look = () => ({
      at,
      costMs: now() - started,
      source: [`${this.#database.target.name} · ${source}`, ...statements].join('\n'),
    });
    try {
      // A failing statement must not take the snapshot and the looks after it along.
      await this.#client.query('SAVEPOINT look');
      const value = await read(query, (earlier) => {
        at = Math.min(at, earlier);
      });
      await this.#client.query('RELEASE SAVEPOINT look');
      return { known: true, value, ...look() };
    } catch (error) {
      if (signal.aborted) throw new InterruptedError('reading the evidence');
      await this.#client.query('ROLLBACK TO SAVEPOINT look').catch(() => {});
      return { known: false, ...explain(error, this.#database, source), ...look() };
    }
  }
}

class DeadProber implements Prober {
  readonly #failure: Failure;
  readonly #database: Database;
  readonly #options: ProbeOptions;

  constructor(error: unknown, database: Database, options: ProbeOptions) {
    this.#failure = explain(error, database);
    this.#database = database;
    this.#options = options;
  }

  async probe<T>(source: string): Promise<Probe<T>> {
    const at = this.#options.now();
    return { known: false, ...this.#failure, at, costMs: 0, source: `${this.#database.target.name} · ${source}` };
  }
}

type Failure = Pick<Unknown, 'cause' | 'brief' | 'fix'>;

/** The cause of a failed look, and the command that would mend it when the error names one. */
function explain(error: unknown, { target }: Database, source = ''): Failure {
  const described = describeFailure(error, target);
  const known = described instanceof UserError;
  const message = known ? described.message : `${target.label}: ${errorMessage(described)}`;
  // PostgreSQL says which column is gone, and not of which table.
  const lacksColumn = errorCode(error) === '42703';
  const cause = lacksColumn ? message.replace(`${target.label}: `, `${target.label}: ${source}: `) : message;
  const brief = cause.replace(target.label, `${target.name} database`);
  return { cause, brief, fix: known ? commandIn(described.fix) : null };
}

/** `Start it with: prometheus db up` → `db up`. */
function commandIn(text: string): string | null {
  return /\bprometheus ([a-z][^.]*)/.exec(text)?.[1].trim() ?? null;
}
