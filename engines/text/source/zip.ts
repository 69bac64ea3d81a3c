/**
 * Reads files out of a ZIP archive, which is what wheels and jars are.
 * Format: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification" 6.3.10, sections 4.3 and 4.4.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import { UserError } from '../../../src/platform/errors.ts';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;
/** A size that stands for "see the ZIP64 record": archives over 4 GiB, which no text model here needs. */
const ZIP64 = 0xffffffff;

const LONGEST_READ = 2 ** 31 - 1;

interface Entry {
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly at: number;
}

export interface ZipArchive {
  /** Paths inside the archive, folders left out. */
  readonly names: readonly string[];
  /** A file, unpacked, its checksum compared. @throws UserError when the archive is damaged. */
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens an archive. @throws UserError when it is none, or of a kind that this reader does not know. */
export async function openZip(path: string): Promise<ZipArchive> {
  const file = await open(path, 'r');
  const damaged = (what: string) => new UserError(`${path}: ${what}`, 'Fetch the file again.');
  try {
    const entries = await readEntries(file, damaged);
    return {
      names: [...entries.keys()],
      read: (name) => readEntry(file, name, entries.get(name), damaged),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readEntries(file: FileHandle, damaged: (what: string) => Error): Promise<Map<string, Entry>> {
  const { size } = await file.stat();
  const tailAt = Math.max(0, size - END_BYTES - LONGEST_COMMENT);
  const tail = await readAt(file, tailAt, size - tailAt);
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end--;
  if (end < 0) throw damaged('is not a ZIP archive, or is cut off');
  const count = tail.readUInt16LE(end + 10);
  const bytes = tail.readUInt32LE(end + 12);
  const at = tail.readUInt32LE(end + 16);
  if (at === ZIP64 || at + bytes > size) throw damaged('its table of contents does not lie in the file');
  const table = await readAt(file, at, bytes);
  const entries = new Map<string, Entry>();
  for (let k = 0, from = 0; k < count; k++) {
    if (from + ENTRY_BYTES > table.length || table.readUInt32LE(from) !== ENTRY_SIGNATURE) {
      throw damaged('its table of contents cannot be read');
    }
    const nameBytes = table.readUInt16LE(from + 28);
    const rest = table.readUInt16LE(from + 30) + table.readUInt16LE(from + 32);
    const name = table.toString('utf8', from + ENTRY_BYTES, from + ENTRY_BYTES + nameBytes);
    if (!name.endsWith('/')) {
      entries.set(name, {
        flags: table.readUInt16LE(from + 8),
        method: table.readUInt16LE(from + 10),
        crc: table.readUInt32LE(from + 16),
        packed: table.readUInt32LE(from + 20),
        size: table.readUInt32LE(from + 24),
        at: table.readUInt32LE(from + 42),
      });
    }
    from += ENTRY_BYTES + nameBytes + rest;
  }
  return entries;
}

async function readEntry(
  file: FileHandle,
  name: string,
  entry: Entry | undefined,
  damaged: (what: string) => Error,
): Promise<Uint8Array> {
  if (!entry) throw damaged(`holds no ${name}`);
  if (entry.flags & ENCRYPTED) throw damaged(`${name} is encrypted`);
  if (entry.method !== STORED && entry.method !== DEFLATED) throw damaged(`${name} is packed in an unknown way`);
  // The local header repeats the name, and its lengths may differ from those of the table.
  const local = await readAt(file, entry.at, LOCAL_BYTES);
  if (local.length < LOCAL_BYTES || local.readUInt32LE(0) !== LOCAL_SIGNATURE) throw damaged(`${name} is not there`);
  const from = entry.at + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  // A damaged size is told here: Node ends the process when it is asked for more than 2 GiB at once.
  const { size } = await file.stat();
  if (from + entry.packed > size || entry.packed > LONGEST_READ) throw damaged(`${name} does not lie in the file`);
  const packed = await readAt(file, from, entry.packed);
  let content: Buffer;
  try {
    // One byte more than it should have: a longer content is found out without being unpacked whole.
    content =
      entry.method === STORED ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.size + 1) });
  } catch {
    throw damaged(`${name} cannot be unpacked`);
  }
  if (content.length !== entry.size || crc32(content) !== entry.crc) throw damaged(`${name} is damaged`);
  return content;
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
