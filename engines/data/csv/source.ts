/** Files to read: what a path on the command line means, and their bytes as text, whatever the name says about gzip. */
import { constants, createReadStream, openSync, type ReadStream, readdirSync, realpathSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errorCode, errorMessage, InterruptedError, UsageError } from '../../../src/platform/errors.ts';

const CHUNK = 256 * 1024;
const TABLE_FILE = /\.(csv|txt)(\.gz)?$/i;

/** A file that cannot be used as a whole; `reason` groups such files, `detail` says what was seen. */
export class FileProblem extends Error {
  readonly reason: string;
  readonly detail: string;

  constructor(reason: string, detail = '') {
    super(detail ? `${reason}: ${detail}` : reason);
    this.name = 'FileProblem';
    this.reason = reason;
    this.detail = detail;
  }
}

export interface SourceFile {
  /** As given on the command line, or the folder given joined with the name. */
  readonly path: string;
  /** Size on disk; null for a pipe. */
  readonly bytes: number | null;
}

/**
 * The files that paths stand for: a file itself, or the `*.csv`, `*.csv.gz`, `*.txt` (and `*.txt.gz`) of a folder by name,
 * without its subfolders and hidden files. A file reached twice is read once.
 * @throws UsageError for a path that does not exist and for a folder without such files.
 */
export function listSources(paths: readonly string[], flag: string): SourceFile[] {
  const found = new Map<string, SourceFile>();
  for (const given of paths) {
    let isFolder: boolean;
    try {
      isFolder = statSync(given).isDirectory();
    } catch (error) {
      const what = errorCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${errorMessage(error)})`;
      throw new UsageError(`${flag} ${given} ${what}`, 'Check the path.', { cause: error });
    }
    const files = isFolder ? tableFilesOf(given, flag) : [given];
    for (const file of files) {
      // A dangling link of a folder is one unreadable file among others: reading it will say so.
      const stat = statSync(file, { throwIfNoEntry: false });
      const key = stat ? realpathSync(file) : file;
      found.set(key, { path: file, bytes: !stat ? 0 : stat.isFile() ? stat.size : null });
    }
  }
  return [...found.values()];
}

function tableFilesOf(folder: string, flag: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new UsageError(`${flag} ${folder} cannot be listed (${errorMessage(error)})`, 'Check its rights.', {
      cause: error,
    });
  }
  const files = names
    .filter((name) => !name.startsWith('.') && TABLE_FILE.test(name))
    .sort()
    .map((name) => path.join(folder, name))
    .filter((file) => !statSync(file, { throwIfNoEntry: false })?.isDirectory());
  if (files.length === 0) {
    throw new UsageError(
      `${flag} ${folder} holds no .csv, .csv.gz or .txt file`,
      'Name the files, or the folder that holds them; subfolders are not searched.',
    );
  }
  return files;
}

/**
 * The text bytes of a file in chunks, unpacked when its first bytes say gzip. `onBytes` hears how many bytes were taken
 * from disk so far. An aborted `signal` ends the reading, also of a pipe that nobody writes to.
 * @throws FileProblem when the file cannot be read, is empty, is no UTF-8 text, or is a gzip stream that is cut or broken.
 */
export async function* readChunks(
  file: string,
  onBytes: (total: number) => void,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const raw = openBytes(file);
  const { aborted, release } = whenAborted(signal);
  try {
    const head = await Promise.race([firstBytes(raw), aborted]);
    if (head.length === 0) throw new FileProblem('the file is empty');
    const packed = head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
    const chunks = (packed ? unpacked(raw) : raw)[Symbol.asyncIterator]();
    let checked = false;
    for (;;) {
      const next = await Promise.race([chunks.next(), aborted]);
      if (next.done) break;
      const chunk = next.value as Buffer;
      if (!checked) assertText(chunk);
      checked = true;
      onBytes(raw.bytesRead);
      yield chunk;
    }
    if (!checked) throw new FileProblem('the file is empty', 'a gzip stream of nothing');
  } catch (error) {
    throw asFileProblem(error);
  } finally {
    release();
    raw.destroy();
  }
}

/**
 * A pipe is read as a socket: a file read that waits for its writer would sit in a thread of Node that nothing can stop,
 * so that Ctrl-C would end the import but not the process.
 */
function openBytes(file: string): ReadStream | Socket {
  if (!statSync(file, { throwIfNoEntry: false })?.isFIFO()) return createReadStream(file, { highWaterMark: CHUNK });
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    return new Socket({ fd, readable: true, writable: false });
  } catch (error) {
    throw asFileProblem(error);
  }
}

/**
 * A promise that rejects when the signal is aborted. The stream's own `signal` option does not do: the read that is under
 * way cannot be cancelled, and the stream reports nothing before it has come back.
 */
function whenAborted(signal: AbortSignal | undefined): { aborted: Promise<never>; release: () => void } {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new InterruptedError('reading'));
  });
  aborted.catch(() => {}); // whoever races with it reports it
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  return { aborted, release: () => signal?.removeEventListener('abort', stop) };
}

/** Peeks at the beginning without taking it from the stream; works for pipes as well. */
async function firstBytes(stream: Readable): Promise<Buffer> {
  await new Promise<void>((resolve, reject) => {
    stream.once('readable', resolve);
    stream.once('end', resolve);
    stream.once('error', reject);
  });
  const head = stream.read() as Buffer | null;
  if (!head) return Buffer.alloc(0);
  stream.unshift(head);
  return head;
}

function unpacked(raw: Readable): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  // The outcome reaches the reader of `gunzip` as an error; nothing is left to do here.
  pipeline(raw, gunzip, () => {});
  return gunzip;
}

/** Refuses what is plainly no UTF-8 table before its bytes are taken for columns. */
function assertText(head: Buffer): void {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
  if (starts(0xff, 0xfe) || starts(0xfe, 0xff)) throw new FileProblem('not UTF-8 text', 'UTF-16; save it as UTF-8');
  if (starts(0x50, 0x4b, 3, 4)) throw new FileProblem('not UTF-8 text', 'a zip archive; unpack it first');
  if (starts(0x1f, 0x8b)) throw new FileProblem('not UTF-8 text', 'gzip inside gzip; unpack it once');
  if (starts(0x50, 0x41, 0x52, 0x31)) throw new FileProblem('not UTF-8 text', 'Parquet; save it as CSV');
  if (head.subarray(0, 4096).includes(0)) throw new FileProblem('not UTF-8 text', 'binary data or UTF-16 (NUL bytes)');
}

function asFileProblem(error: unknown): unknown {
  const code = errorCode(error);
  if (error instanceof FileProblem || code === undefined) return error;
  if (code === 'Z_BUF_ERROR')
    return new FileProblem('gzip stream is cut off', 'the file is incomplete; fetch it again');
  if (code.startsWith('Z_')) return new FileProblem('gzip stream is broken', errorMessage(error));
  if (code === 'EISDIR') return new FileProblem('the file cannot be read', 'it is a folder');
  return new FileProblem('the file cannot be read', errorMessage(error));
}
