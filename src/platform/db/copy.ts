/**
 * COPY in PostgreSQL's binary format, both ways, by typed columns.
 * Format: PostgreSQL documentation, "COPY", section "Binary Format": an 11-byte signature, flags and an extension length,
 * then per row an int16 field count and per field an int32 length (-1 = null) with the value in network byte order.
 */
import { once } from 'node:events';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { PG_EPOCH_DAY } from '../dates.ts';
import { KINDS, readTargets, type Target, TypeCheck } from './copy-types.ts';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const PG_EPOCH_MS = PG_EPOCH_DAY * 86_400_000;
const CHUNK = 256 * 1024;
/** Room for the row that crosses the chunk's end. */
const SLACK = 64 * 1024;
/** Buffers that were sent and are written into again by any writer of this thread: fresh ones cost more than filling them. */
const spare: Buffer[] = [];
const SPARES = 8;

/**
 * Writes rows of a COPY … FROM STDIN (FORMAT binary). Call `row(fields)`, then one method a field in column order;
 * `await writer.flushed()` now and then keeps memory flat.
 */
export class CopyWriter {
  rows = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #sink: NodeJS.WritableStream;
  #blocked = false;
  /** Null between rows that need none. */
  #check: TypeCheck | null = null;
  readonly #types: TypeCheck;

  constructor(sink: NodeJS.WritableStream, targets: readonly (Target | undefined)[]) {
    this.#sink = sink;
    this.#types = new TypeCheck(targets);
    this.#use(freshBuffer());
    this.#at = SIGNATURE.copy(this.#buffer);
  }

  row(fields: number): void {
    if (this.#at >= CHUNK) this.#send();
    this.rows++;
    this.#check = this.#types.startRow() ? this.#types : null;
    this.#view.setInt16(this.#at, fields);
    this.#at += 2;
  }

  null(): void {
    this.#check?.field(null);
    this.#reserve(4);
    this.#view.setInt32(this.#at, -1);
    this.#at += 4;
  }

  int32(value: number): void {
    this.#check?.field(KINDS.int32);
    this.#int32(value);
  }

  #int32(value: number): void {
    this.#reserve(8);
    this.#view.setInt32(this.#at, 4);
    this.#view.setInt32(this.#at + 4, value);
    this.#at += 8;
  }

  /** A whole number within ±2^53. */
  int64(value: number): void {
    this.#check?.field(KINDS.int64);
    this.#int64(value);
  }

  #int64(value: number): void {
    this.#reserve(12);
    this.#view.setInt32(this.#at, 8);
    this.#view.setInt32(this.#at + 4, Math.floor(value / 2 ** 32));
    this.#view.setUint32(this.#at + 8, value % 2 ** 32 < 0 ? (value % 2 ** 32) + 2 ** 32 : value % 2 ** 32);
    this.#at += 12;
  }

  /** A double; NaN is written as SQL null, which is what an absent figure is. */
  float64(value: number): void {
    if (Number.isNaN(value)) {
      this.null();
      return;
    }
    this.#check?.field(KINDS.float64);
    this.#reserve(12);
    this.#view.setInt32(this.#at, 8);
    this.#view.setFloat64(this.#at + 4, value);
    this.#at += 12;
  }

  bool(value: boolean): void {
    this.#check?.field(KINDS.bool);
    this.#reserve(5);
    this.#view.setInt32(this.#at, 1);
    this.#buffer[this.#at + 4] = value ? 1 : 0;
    this.#at += 5;
  }

  /** A date as a day number (days since 1970-01-01). */
  date(dayNumber: number): void {
    this.#check?.field(KINDS.date);
    this.#int32(dayNumber - PG_EPOCH_DAY);
  }

  /** A timestamp or timestamptz as milliseconds since 1970 UTC. */
  timestamp(epochMs: number): void {
    this.#check?.field(KINDS.timestamp);
    this.#int64(Math.round((epochMs - PG_EPOCH_MS) * 1000));
  }

  text(value: string | null): void {
    if (value === null) {
      this.null();
      return;
    }
    this.#check?.field(KINDS.text);
    this.#reserve(4 + value.length * 3);
    const written = this.#buffer.write(value, this.#at + 4);
    this.#buffer.writeInt32BE(written, this.#at);
    this.#at += 4 + written;
  }

  /** Ready bytes of a text (or bytea) field: saves encoding a value that repeats. */
  bytes(value: Uint8Array): void {
    this.#check?.field(KINDS.bytes);
    const length = value.length;
    this.#reserve(4 + length);
    this.#view.setInt32(this.#at, length);
    this.#at += 4;
    // A loop is several times faster than set() for the short ids that most fields are.
    if (length <= 48) for (let k = 0; k < length; k++) this.#buffer[this.#at + k] = value[k];
    else this.#buffer.set(value, this.#at);
    this.#at += length;
  }

  /** A jsonb value given as JSON text; null is SQL null. */
  jsonb(json: string | null): void {
    if (json === null) {
      this.null();
      return;
    }
    this.#check?.field(KINDS.jsonb);
    this.#reserve(5 + json.length * 3);
    const written = this.#buffer.write(json, this.#at + 5);
    this.#buffer.writeInt32BE(written + 1, this.#at);
    this.#buffer[this.#at + 4] = 1; // version of the jsonb wire format
    this.#at += 5 + written;
  }

  /** Waits while the connection cannot take more. */
  async flushed(): Promise<void> {
    if (!this.#blocked) return;
    await once(this.#sink as unknown as NodeJS.EventEmitter, 'drain');
    this.#blocked = false;
  }

  /** Sends what is left and the end mark. */
  end(): void {
    this.#reserve(2);
    this.#view.setInt16(this.#at, -1);
    this.#at += 2;
    this.#send();
    this.#sink.end();
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#use(larger);
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  #send(): void {
    if (this.#at === 0) return;
    const sent = this.#buffer;
    // The stream keeps what it was given until it calls back. What is above its high-water mark has left by then; of less
    // (the last piece) nobody knows. One that a large row made longer is not kept.
    const again = this.#at >= CHUNK && sent.length === CHUNK + SLACK;
    this.#blocked = !this.#sink.write(sent.subarray(0, this.#at), (error) => {
      if (again && !error && spare.length < SPARES) spare.push(sent);
    });
    this.#use(freshBuffer());
    this.#at = 0;
  }
}

const freshBuffer = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK + SLACK);

/**
 * COPY rows into a table. `produce` writes rows and awaits `writer.flushed()` between batches.
 * Returns the number of rows. Identifiers must come from code, never from input.
 * @throws UserError when a column is of another type than is written.
 */
export async function copyInto(
  client: pg.ClientBase,
  table: string,
  columns: readonly string[],
  produce: (writer: CopyWriter) => Promise<void> | void,
): Promise<number> {
  const targets = await readTargets(client, table, columns);
  const stream = client.query(copyFrom(`COPY ${table} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`));
  const finished = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    // For good: a stream that is ended after its connection broke reports a second error, which would end the process.
    letGoOnError(stream);
    stream.on('error', reject);
  });
  finished.catch(() => {}); // reported by the await below, also when `produce` fails first
  const writer = new CopyWriter(stream, targets);
  try {
    // A failing connection must also end a producer that waits for room.
    await Promise.race([Promise.resolve(produce(writer)), finished]);
  } catch (error) {
    stream.destroy(error as Error);
    await finished.catch(() => {});
    throw error;
  }
  writer.end();
  await finished;
  return writer.rows;
}

/**
 * After an error the library lets go of the connection, yet what waits for the socket to drain would still be written to it: an
 * exception that nobody catches.
 */
export const letGoOnError = (stream: NodeJS.WritableStream): void =>
  void stream.once('error', () => Object.assign(stream, { chunks: [], flushChunk: () => true }));

/** One row of a binary COPY: reads fields in column order from the current position. */
export class RowReader {
  buffer: Buffer = Buffer.alloc(0);
  at = 0;
  #length = 0;

  /** Length of the next field in bytes, or -1 for null; the field itself is then read by one of the methods below. */
  #open(): boolean {
    this.#length = this.buffer.readInt32BE(this.at);
    this.at += 4;
    return this.#length >= 0;
  }

  /** A double; null becomes NaN. */
  float64(): number {
    if (!this.#open()) return Number.NaN;
    const value = this.buffer.readDoubleBE(this.at);
    this.at += 8;
    return value;
  }

  /** An int4; null becomes `absent`. */
  int32(absent = 0): number {
    if (!this.#open()) return absent;
    const value = this.buffer.readInt32BE(this.at);
    this.at += 4;
    return value;
  }

  /** An int8 within ±2^53; null becomes NaN. */
  int64(): number {
    if (!this.#open()) return Number.NaN;
    // In halves: a BigInt for each value would cost more than the rest of its row.
    const value = this.buffer.readInt32BE(this.at) * 2 ** 32 + this.buffer.readUInt32BE(this.at + 4);
    this.at += 8;
    return value;
  }

  bool(): boolean {
    return this.#open() && this.buffer[this.at++] === 1;
  }

  /** A date as a day number; null becomes NaN. */
  date(): number {
    if (!this.#open()) return Number.NaN;
    const value = this.buffer.readInt32BE(this.at) + PG_EPOCH_DAY;
    this.at += 4;
    return value;
  }

  /** A timestamp or timestamptz as milliseconds since 1970 UTC; null becomes NaN. */
  timestamp(): number {
    const micros = this.int64();
    return micros / 1000 + PG_EPOCH_MS;
  }

  text(): string | null {
    if (!this.#open()) return null;
    const value = this.buffer.toString('utf8', this.at, this.at + this.#length);
    this.at += this.#length;
    return value;
  }

  /** A view of the field's bytes, valid only until the next row; null for SQL null. */
  bytes(): Buffer | null {
    if (!this.#open()) return null;
    const value = this.buffer.subarray(this.at, this.at + this.#length);
    this.at += this.#length;
    return value;
  }

  /** A jsonb value as JSON text. */
  jsonb(): string | null {
    const value = this.bytes();
    return value ? value.toString('utf8', 1) : null;
  }
}

/**
 * Reads `COPY (query) TO STDOUT (FORMAT binary)`; `onRow` is called once a row and must read every field.
 * `query` carries no parameters (COPY takes none): build it from validated values through `sqlLiteral`.
 */
export async function copyOut(
  client: pg.ClientBase,
  query: string,
  onRow: (row: RowReader, fields: number) => void,
): Promise<number> {
  const stream = client.query(copyTo(`COPY (${query}) TO STDOUT (FORMAT binary)`));
  const rows = new RowSplitter(onRow);
  let failure: unknown = null;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    // The server sends to the end whatever we do: a connection left in the middle of a COPY answers nothing any more,
    // not even ROLLBACK. What comes after a failure is read and dropped.
    if (failure !== null) continue;
    try {
      rows.push(chunk);
    } catch (error) {
      failure = error ?? new Error('reading a row failed');
    }
  }
  if (failure !== null) throw failure;
  return rows.count;
}

/** Cuts the byte stream of a binary COPY into rows. */
class RowSplitter {
  count = 0;
  readonly #row = new RowReader();
  readonly #onRow: (row: RowReader, fields: number) => void;
  #carry: Buffer | null = null;
  #headerSeen = false;

  constructor(onRow: (row: RowReader, fields: number) => void) {
    this.#onRow = onRow;
  }

  push(chunk: Buffer): void {
    const buffer: Buffer = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk;
    let at = 0;
    this.#carry = null;
    if (!this.#headerSeen) {
      if (buffer.length < 19) {
        this.#carry = buffer;
        return;
      }
      at = 19 + buffer.readInt32BE(15);
      this.#headerSeen = true;
    }
    this.#row.buffer = buffer;
    for (;;) {
      const end = rowEnd(buffer, at);
      if (end === -1) {
        if (at < buffer.length) this.#carry = buffer.subarray(at);
        return;
      }
      const fields = buffer.readInt16BE(at);
      if (fields === -1) return;
      this.#row.at = at + 2;
      this.#onRow(this.#row, fields);
      this.count++;
      at = end;
    }
  }
}

/** Where the row that starts at `at` ends, or -1 when the buffer does not hold all of it. */
function rowEnd(buffer: Buffer, at: number): number {
  if (at + 2 > buffer.length) return -1;
  const fields = buffer.readInt16BE(at);
  let end = at + 2;
  for (let i = 0; i < fields; i++) {
    if (end + 4 > buffer.length) return -1;
    const length = buffer.readInt32BE(end);
    end += 4 + (length > 0 ? length : 0);
  }
  return end <= buffer.length ? end : -1;
}

/** A text literal for statements that take no parameters (COPY). */
export function sqlLiteral(text: string): string {
  return /\\/.test(text) ? ` E'${text.replace(/\\/g, '\\\\').replace(/'/g, "''")}'` : `'${text.replace(/'/g, "''")}'`;
}
