/**
 * The wire format of protocol buffers, writing side: varints, little-endian 32-bit values, length-delimited fields.
 * Source: "Encoding", Protocol Buffers documentation (protobuf.dev/programming-guides/encoding).
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** A message under construction. Its parts are joined once, at the end: a weight of 90 MB is copied a single time. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** A whole number (int32, int64, enum). Negative numbers take ten bytes, as the format has it. */
  int(field: number, value: number | bigint): this {
    return this.#add(key(field, VARINT), varint(BigInt(value)));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#add(key(field, FIXED32), bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#add(key(field, LENGTH_DELIMITED), varint(BigInt(value.length)), value);
  }

  message(field: number, value: Message): this {
    return this.#add(key(field, LENGTH_DELIMITED), varint(BigInt(value.#length)), ...value.#parts);
  }

  /** The message as bytes. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #add(...parts: Uint8Array[]): this {
    for (const part of parts) {
      this.#parts.push(part);
      this.#length += part.length;
    }
    return this;
  }
}

const key = (field: number, type: number) => varint(BigInt((field << 3) | type));

/** Seven bits a byte, least significant first; negative numbers as their 64-bit two's complement. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
