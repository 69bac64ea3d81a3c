/** Of what type a text model's weights are. */
import type { TextManifest } from '../models/manifest.model.ts';
import { weightType } from '../onnx/inspect.ts';

const DTYPES: readonly string[] = ['float32', 'float16', 'int8'];
/** Quantised weights come as signed or unsigned bytes. */
const BYTE_TYPES: readonly string[] = ['int8', 'uint8'];

/** The type that most of a graph's weights have. @throws Error for no ONNX model, or another type. */
export function dtypeOf(graph: Uint8Array): TextManifest['dtype'] {
  const type = weightType(graph);
  const dtype = BYTE_TYPES.includes(type) ? 'int8' : type;
  if (!DTYPES.includes(dtype)) throw new Error(`its weights are ${type}, not ${DTYPES.join(', ')}`);
  return dtype as TextManifest['dtype'];
}
