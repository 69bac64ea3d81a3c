/** Reads an export out of the databases and writes its files. */
import { createWriteStream, readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { errorCode, errorMessage, InterruptedError, UsageError, UserError } from '../../../src/platform/errors.ts';
import { makeFolders } from '../../../src/platform/folders.ts';
import type { Column, FileQuery } from './queries.ts';

/** One snapshot for all queries, and values printed so that they read back exactly. */
export async function beginSnapshot(client: pg.ClientBase): Promise<void> {
  await client.query(
    `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
     SET LOCAL extra_float_digits = 1; SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'`,
  );
}

/** The columns of a file: the usual ones and those optional ones that some row needs. */
export async function columnsNeeded(client: pg.ClientBase, query: FileQuery): Promise<Column[]> {
  if (query.options.length === 0) return [...query.columns];
  const flags = query.options.map((option, i) => `COALESCE(bool_or(${option.needed}), false) AS "${i}"`);
  const { rows } = await client.query<Record<string, boolean>>(`SELECT ${flags.join(', ')} ${query.from}`);
  return [...query.columns, ...query.options.filter((_, i) => rows[0][String(i)])];
}

/** Rows of a file query by calendar year of a date expression. */
export async function rowsByYear(client: pg.ClientBase, query: FileQuery, date: string): Promise<Map<number, number>> {
  const { rows } = await client.query<{ year: number; count: number }>(
    `SELECT extract(year FROM ${date})::int AS year, count(*) AS count ${query.from} GROUP BY 1 ORDER BY 1`,
  );
  return new Map(rows.map((row) => [row.year, row.count]));
}

export interface ExportFile {
  /** Relative to the folder of the export. */
  readonly name: string;
  readonly query: FileQuery;
  readonly columns: readonly Column[];
  /** Condition that picks the rows of this file, added to the query's own. */
  readonly where?: string;
}

/**
 * Writes one file: under a name of its own first, renamed when it is complete and on disk.
 * @throws UserError when it cannot be written; nothing of it is left then.
 */
export async function writeFile(
  client: pg.ClientBase,
  folder: string,
  file: ExportFile,
  signal: AbortSignal,
): Promise<number> {
  const { query, columns, name } = file;
  const select = columns.map((column) => `${column.sql} AS ${column.name}`).join(', ');
  const where = file.where ? ` AND ${file.where}` : '';
  const statement = `SELECT ${select} ${query.from}${where} ORDER BY ${query.order}`;
  const target = path.join(folder, name);
  const partial = `${target}.part`;
  const stream = client.query(copyTo(`COPY (${statement}) TO STDOUT (FORMAT csv, HEADER)`));
  try {
    const sink = createWriteStream(partial);
    if (name.endsWith('.gz')) await pipeline(stream, createGzip(), sink, { signal });
    else await pipeline(stream, sink, { signal });
    const handle = await open(partial, 'r+');
    await handle.sync();
    await handle.close();
    renameSync(partial, target);
  } catch (error) {
    // The rest of the COPY is under way and nobody reads it: without this the ROLLBACK would wait behind it for ever.
    breakOff(client);
    removePartial(partial);
    throw asFileError(error, target, signal);
  }
  // The row count comes with the end of the command, which the next answer of the connection is behind.
  await client.query('SELECT 1');
  return stream.rowCount;
}

function breakOff(client: pg.ClientBase): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

function removePartial(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // What stopped the writing is what the user must hear of.
  }
}

/**
 * Makes the folders of an export.
 * @throws UsageError when they hold CSV files that this export would leave standing beside its own: an import of the folder
 * would take both.
 */
export function prepareFolder(folder: string, names: readonly string[]): void {
  const expected = new Set(names);
  try {
    for (const sub of ['', 'prices_daily', 'news']) {
      makeFolders(path.resolve(folder, sub));
      for (const found of readdirSync(path.join(folder, sub))) {
        const name = path.join(sub, found);
        if (!/\.(csv|txt)(\.gz)?$/i.test(found) || expected.has(name)) continue;
        throw new UsageError(
          `${path.join(folder, name)} is not part of this export and would stand beside it`,
          'Give an empty or a new folder, or remove that file.',
        );
      }
    }
  } catch (error) {
    throw asFileError(error, folder, null);
  }
}

/** A full disk is told by the command line; other failures of the file system are told here. */
function asFileError(error: unknown, file: string, signal: AbortSignal | null): unknown {
  if (signal?.aborted) return new InterruptedError('the export');
  const code = errorCode(error);
  const ofFiles = (error as NodeJS.ErrnoException | null)?.syscall !== undefined && 'path' in (error as object);
  if (error instanceof UserError || code === 'ENOSPC' || code === 'EFBIG' || !ofFiles) return error;
  return new UserError(`${file} cannot be written: ${errorMessage(error)}`, 'Choose a folder that you may write.', {
    cause: error,
  });
}
