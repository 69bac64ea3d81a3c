/** Constant tensors of a graph: weights, shapes, thresholds. Data and their type code in ONNX. */
import { Message } from './protobuf.ts';

/** Codes of `TensorProto.DataType` (onnx.proto3). */
export const TYPE_CODES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;

export type ElementType = keyof typeof TYPE_CODES;

/** A size, or the name of one that is free (`N`, the batch). */
export type Dim = number | string;

export interface ConstantTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Row-major elements; float16 as its 16 bits, bool as 0 and 1. */
  readonly data: ArrayBufferView;
}

const ITEM_BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
};

export const typeCode = (type: ElementType): number => TYPE_CODES[type];

/** A constant. @throws RangeError when the data do not fill the shape. */
export function constantTensor(type: ElementType, dims: readonly number[], data: ArrayBufferView): ConstantTensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (data.byteLength !== count * ITEM_BYTES[type]) {
    throw new RangeError(`${data.byteLength} bytes do not fill ${type} [${dims.join(', ')}]`);
  }
  return { type, dims, data };
}

export const float32 = (dims: readonly number[], data: ArrayLike<number>): ConstantTensor =>
  constantTensor('float32', dims, data instanceof Float32Array ? data : Float32Array.from(data));

export const float64 = (dims: readonly number[], data: ArrayLike<number>): ConstantTensor =>
  constantTensor('float64', dims, data instanceof Float64Array ? data : Float64Array.from(data));

/** A vector of whole numbers: shapes, axes, indices. */
export const int64 = (...values: readonly number[]): ConstantTensor =>
  constantTensor('int64', [values.length], BigInt64Array.from(values, BigInt));

export const int8 = (dims: readonly number[], data: Int8Array): ConstantTensor => constantTensor('int8', dims, data);

/** `TensorProto`; a name only where the tensor is an initializer. */
export function tensorProto(tensor: ConstantTensor, name?: string): Message {
  const message = new Message();
  for (const dim of tensor.dims) message.int(1, dim);
  message.int(2, TYPE_CODES[tensor.type]);
  if (name !== undefined) message.text(8, name);
  // raw_data is little-endian, as every machine that this runs on is.
  return message.bytes(9, new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
}
