/**
 * The panel's columns on disk, raw little-endian doubles behind a JSON header, one file a key. The key holds the version
 * of the table's rows, so a stale file is never read; old files are removed.
 */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { draftOf, removeDeadDrafts } from '../../src/platform/drafts.ts';
import { shortHash } from '../../src/platform/ids.ts';
import { makeColumn, type PriceColumn } from './panel.ts';

export interface CacheKey {
  readonly version: string;
  readonly instruments: readonly string[];
  readonly days: Int32Array;
  readonly columns: readonly PriceColumn[];
}

export interface CachedColumns {
  readonly columns: Partial<Record<PriceColumn, Float64Array>>;
  readonly rows: number;
  readonly offCalendarRows: number;
}

/** 2: prices and volumes were checked before they were kept. */
const SCHEMA = 2;
const KEEP_FILES = 8;
const HEADER_BYTES = 256;

function fileOf(folder: string, key: CacheKey): string {
  const text = JSON.stringify([
    SCHEMA,
    key.version,
    key.instruments,
    key.columns,
    key.days[0],
    key.days.length,
    shortHash(key.days.join()),
  ]);
  return path.join(folder, `panel-${shortHash(text, 32)}.bin`);
}

/** The cached columns of exactly this key, or null. A file that is not whole counts as absent. */
export async function readCachedColumns(folder: string, key: CacheKey): Promise<CachedColumns | null> {
  const file = fileOf(folder, key);
  const handle = await open(file, 'r').catch(() => null);
  if (!handle) return null;
  try {
    const length = key.instruments.length * key.days.length;
    const size = (await handle.stat()).size;
    if (size !== HEADER_BYTES + length * 8 * key.columns.length) return null;
    const header = Buffer.alloc(HEADER_BYTES);
    await handle.read(header, 0, HEADER_BYTES, 0);
    const { rows, offCalendarRows } = JSON.parse(header.toString('utf8').trim()) as {
      rows: number;
      offCalendarRows: number;
    };
    const columns: Partial<Record<PriceColumn, Float64Array>> = {};
    let at = HEADER_BYTES;
    for (const name of key.columns) {
      const column = makeColumn(length);
      const bytes = new Uint8Array(column.buffer);
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, done, Math.min(bytes.length - done, 1 << 24), at + done);
        if (bytesRead === 0) return null;
        done += bytesRead;
      }
      columns[name] = column;
      at += bytes.length;
    }
    return { columns, rows, offCalendarRows };
  } catch {
    return null; // an unreadable cache is no cache
  } finally {
    await handle.close();
  }
}

/** Keeps the columns for the next run. The cache is a convenience: when it cannot be written, nothing is. */
export async function writeCachedColumns(folder: string, key: CacheKey, read: CachedColumns): Promise<void> {
  const file = fileOf(folder, key);
  const temporary = draftOf(file);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const handle = await open(temporary, 'w', 0o600);
    try {
      const header = Buffer.alloc(HEADER_BYTES, ' ');
      header.write(JSON.stringify({ rows: read.rows, offCalendarRows: read.offCalendarRows }));
      await handle.write(header);
      for (const name of key.columns) {
        const column = read.columns[name]!;
        const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
        for (let at = 0; at < bytes.length; ) {
          at += (await handle.write(bytes, at, Math.min(bytes.length - at, 1 << 24))).bytesWritten;
        }
      }
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await removeOldest(folder);
  } catch {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

async function removeOldest(folder: string): Promise<void> {
  removeDeadDrafts(folder);
  const names = (await readdir(folder)).filter((name) => name.startsWith('panel-') && name.endsWith('.bin'));
  if (names.length <= KEEP_FILES) return;
  const files = await Promise.all(
    names.map(async (name) => ({ file: path.join(folder, name), at: (await stat(path.join(folder, name))).mtimeMs })),
  );
  files.sort((a, b) => b.at - a.at);
  for (const { file } of files.slice(KEEP_FILES)) await rm(file, { force: true });
}
