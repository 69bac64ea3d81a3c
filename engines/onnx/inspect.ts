/** Looks into a model file: its weights, and of what type they are. Field numbers as in onnx.proto3. */
import { TYPE_CODES } from './tensor.ts';

/** A field of a protocol buffer message: its number, and its bytes or value. */
interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array | null;
}

/** A weight of a graph. */
export interface Weight {
  /** Element type: `float32`, `float16`, `int8`, … */
  readonly type: string;
  readonly dims: readonly number[];
  /** Little-endian, row by row; empty where the file keeps it otherwise than as raw data. */
  readonly data: Uint8Array;
}

/** The weights of a model file, in its order. @throws Error for no ONNX model. */
export function* weightsOf(model: Uint8Array): Generator<Weight> {
  for (const tensor of initializers(model)) {
    let type = 0;
    const dims: number[] = [];
    let data: Uint8Array = new Uint8Array(0);
    for (const { number, value, bytes } of fields(tensor)) {
      if (number === 1 && !bytes) dims.push(value);
      else if (number === 2) type = value;
      else if (number === 9 && bytes) data = bytes;
    }
    yield { type: typeName(type), dims, data };
  }
}

/** The element type that most bytes of the weights have. @throws Error for no ONNX model. */
export function weightType(model: Uint8Array): string {
  const sizes = new Map<number, number>();
  for (const tensor of initializers(model)) {
    let type = 0;
    for (const field of fields(tensor)) if (field.number === 2) type = field.value; // TensorProto.data_type
    sizes.set(type, (sizes.get(type) ?? 0) + tensor.length);
  }
  const [largest] = [...sizes].sort((a, b) => b[1] - a[1]);
  if (!largest) throw new Error('is no ONNX model with weights');
  return typeName(largest[0]);
}

const typeName = (type: number): string =>
  Object.entries(TYPE_CODES).find(([, code]) => code === type)?.[0] ?? `type ${type}`;

function* initializers(model: Uint8Array): Generator<Uint8Array> {
  for (const part of fields(model)) {
    if (part.number !== 7 || !part.bytes) continue; // ModelProto.graph
    for (const { number, bytes } of fields(part.bytes)) if (number === 5 && bytes) yield bytes; // GraphProto.initializer
  }
}

function* fields(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = () => {
    // Multiplied, not shifted: lengths may pass 2^31.
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = message[at++];
      if (byte === undefined || weight > 2 ** 63) throw new Error('is no ONNX model');
      value += (byte & 127) * weight;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    let value = 0;
    let bytes: Uint8Array | null = null;
    if (key % 8 === 0) value = varint();
    else {
      const length = key % 8 === 2 ? varint() : key % 8 === 5 ? 4 : key % 8 === 1 ? 8 : Number.NaN;
      if (!(at + length <= message.length)) throw new Error('is no ONNX model');
      bytes = message.subarray(at, at + length);
      at += length;
    }
    yield { number, value, bytes };
  }
}
