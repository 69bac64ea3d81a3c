/** Shared by the tests of import, export and digest: runs the programs and reads tables. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll } from 'vitest';
import { program as digestProgram } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { program as exportProgram } from '../../engines/data/export/program.ts';
import { exportSpec } from '../../engines/data/export/spec.ts';
import { type ImportResult, program as importProgram } from '../../engines/data/import/program.ts';
import { importSpec } from '../../engines/data/import/spec.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import type { TestDatabases } from '../helpers/databases.ts';
import { runProgram } from '../helpers/run-program.ts';

interface ImportFlags {
  readonly instruments?: string;
  readonly holidays?: string;
  readonly prices?: string[];
  readonly news?: string[];
  readonly market?: string;
  readonly dryRun?: boolean;
}

/** Runs `data import … --json`. */
export async function runImport(pair: TestDatabases, flags: ImportFlags, signal?: AbortSignal) {
  const run = await runProgram(importSpec, importProgram, { ...flags, json: true }, pair.databases, signal);
  return { ...run, exitCode: run.result.exitCode, data: run.result.data as ImportResult };
}

export async function runExport(pair: TestDatabases, output: string, flags: { market?: string; gzip?: boolean } = {}) {
  return runProgram(exportSpec, exportProgram, { output, ...flags }, pair.databases);
}

/** Digests of tables, by the name given. */
export async function digests(pair: TestDatabases, ...tables: string[]): Promise<Record<string, string>> {
  const { result } = await runProgram(digestSpec, digestProgram, { table: tables, json: true }, pair.databases);
  const found = (result.data as { digests: { table: string; sha256: string; rows: number }[] }).digests;
  return Object.fromEntries(found.map(({ table, sha256, rows }) => [table, `${sha256} ${rows}`]));
}

/** Tables that an import fills. */
export const IMPORTED = [
  'prices_daily',
  'market_holidays',
  'news_articles',
  'news_links',
  'markets',
  'issuers',
  'instruments',
];

/** Empties what an import fills; cheaper than a fresh pair for each test. */
export async function emptyTables({ databases }: TestDatabases): Promise<void> {
  await databases.historical.client((client) =>
    client.query('TRUNCATE prices_daily, market_holidays, news_articles, news_links'),
  );
  await databases.runtime.client((client) => client.query('TRUNCATE markets, issuers, instruments CASCADE'));
}

/** Rows of a query as arrays of values. */
export async function rowsOf(database: Database, sql: string): Promise<unknown[][]> {
  return database.client(async (client) => (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows);
}

export async function scalarOf<T>(database: Database, sql: string): Promise<T> {
  return (await rowsOf(database, sql))[0][0] as T;
}

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder of its own for a test's files; removed after the tests of the file. */
export class Files {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'prometheus-files-'));

  constructor() {
    folders.push(this.folder);
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** Writes lines (or bytes), packed when the name ends in `.gz`; returns the path. */
  write(name: string, content: readonly string[] | Buffer): string {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(`${content.join('\n')}\n`);
    writeFileSync(this.path(name), name.endsWith('.gz') ? gzipSync(bytes) : bytes);
    return this.path(name);
  }

  instruments(...ids: string[]): string {
    const rows = ids.map((id) => {
      const symbol = id.slice(0, id.lastIndexOf('.'));
      return `${id},${symbol},${symbol},${symbol} Inc.,Energy,US_EQ,USD`;
    });
    return this.write('instruments.csv', ['instrument_id,issuer_id,symbol,name,sector,market_id,currency', ...rows]);
  }

  holidays(...dates: string[]): string {
    return this.write('holidays.csv', ['market_id,holiday_date', ...dates.map((date) => `US_EQ,${date}`)]);
  }
}

export const PRICE_HEADER = 'instrument_id,trade_date,open,high,low,close,adjusted_close,volume';

/** A sound row of our own form. */
export function priceRow(id: string, date: string, close: number, adjusted = close): string {
  return `${id},${date},${close},${close * 1.01},${close * 0.99},${close},${adjusted},1000`;
}
