/** Looks into a model file from elsewhere: of what type its weights are. Field numbers as in onnx.proto3. */
import { TYPE_CODES } from './tensor.ts';

/** A field of a protocol buffer message: its number, and its bytes or value. */
interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array | null;
}

/** The element type (`float32`, `float16`, `int8`, …) that most bytes of the weights have. @throws Error for no ONNX model. */
export function weightType(model: Uint8Array): string {
  const sizes = new Map<number, number>();
  for (const part of fields(model)) {
    if (part.number !== 7 || !part.bytes) continue; // ModelProto.graph
    for (const tensor of fields(part.bytes)) {
      if (tensor.number !== 5 || !tensor.bytes) continue; // GraphProto.initializer
      let type = 0;
      for (const field of fields(tensor.bytes)) if (field.number === 2) type = field.value; // TensorProto.data_type
      sizes.set(type, (sizes.get(type) ?? 0) + tensor.bytes.length);
    }
  }
  const [largest] = [...sizes].sort((a, b) => b[1] - a[1]);
  if (!largest) throw new Error('is no ONNX model with weights');
  return Object.entries(TYPE_CODES).find(([, code]) => code === largest[0])?.[0] ?? `type ${largest[0]}`;
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
