/**
 * Reads a safetensors file: a length, a JSON header, and the tensors' bytes.
 * Format: github.com/huggingface/safetensors, README, "Format".
 */

/** A tensor as float32, row-major. */
export interface Weights {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const ITEM_BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

export interface Safetensors {
  readonly names: readonly string[];
  /** @throws Error when there is none of that name, its shape differs, or its numbers are of another kind. */
  read(name: string, dims: readonly number[]): Weights;
}

/** @throws Error when the bytes are no safetensors file. */
export function openSafetensors(bytes: Uint8Array): Safetensors {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? -1 : Number(view.getBigUint64(0, true));
  if (length < 2 || length > bytes.length - 8) throw new Error('is no safetensors file');
  let header: Record<string, HeaderEntry>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw new Error('its header cannot be read');
  }
  const body = bytes.subarray(8 + length);
  return {
    names: Object.keys(header).filter((name) => name !== '__metadata__'),
    read: (name, dims) => {
      const entry = header[name];
      if (!entry) throw new Error(`it has no tensor ${name}`);
      if (entry.shape.join() !== dims.join()) {
        throw new Error(`tensor ${name} is [${entry.shape.join(', ')}], not [${dims.join(', ')}]`);
      }
      const [from, to] = entry.data_offsets;
      const count = dims.reduce((product, dim) => product * dim, 1);
      if (to > body.length || to - from !== count * ITEM_BYTES[entry.dtype]) {
        throw new Error(`tensor ${name} (${entry.dtype}) has ${to - from} bytes for ${count} numbers`);
      }
      return { dims, data: toFloat32(entry.dtype, new Uint8Array(body.subarray(from, to))) };
    },
  };
}

/** `raw` is a copy of its own (a slice of a Buffer would be none), so that it is aligned. */
function toFloat32(dtype: string, raw: Uint8Array): Float32Array {
  if (dtype === 'F32') return new Float32Array(raw.buffer, raw.byteOffset, raw.length / 4);
  const bits = new Uint16Array(raw.buffer, raw.byteOffset, raw.length / 2);
  if (dtype === 'F16') return Float32Array.from(bits, halfToFloat);
  // bfloat16 is the upper half of a float32.
  const wide = Uint32Array.from(bits, (bit) => bit << 16);
  return new Float32Array(wide.buffer);
}

/** A number from its 16 bits (IEEE 754 binary16). */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
