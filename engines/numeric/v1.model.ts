/**
 * The five v1 models: one function under five ids (`contracts.md` §5), a plain graph that was fitted on nothing. The last
 * rows of a window (close, volume, log return) are flattened, then padded with zeros or cut to the vector's length.
 */
import type { NewModel } from '../models/storage.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import { float32, int64 } from '../onnx/tensor.ts';
import { V1_MODELS } from './v1-ids.model.ts';

export const V1_ENCODER = 'price-window-v1';
/** Length of a vector: the column holds so many float32. */
const V1_DIM = 384;
/** Values of a row: close, volume, log return. */
export const V1_FEATURES = 3;
const V1_WINDOW = 63;

/** The graph: `window` float32 [N, W, 3] → `vector` float32 [N, 384], for any window length W. */
function v1Graph(): Uint8Array {
  const graph = new GraphBuilder({ name: V1_ENCODER });
  const window = graph.input('window', 'float32', ['N', 'W', V1_FEATURES]);
  const flat = graph.node('Flatten', [window], { axis: { int: 1 } });
  // Zeros for a whole vector behind the values, then a cut: right for windows shorter and longer than the vector.
  const padding = graph.constant(int64(0, 0, 0, V1_DIM), 'padding');
  const padded = graph.node('Pad', [flat, padding, graph.constant(float32([], [0]), 'zero')]);
  const [start, end, axis] = [0, V1_DIM, 1].map((value) => graph.constant(int64(value)));
  graph.output('vector', graph.node('Slice', [padded, start, end, axis]), 'float32', ['N', V1_DIM]);
  return graph.build();
}

export type V1ModelId = (typeof V1_MODELS)[number];

export const isV1 = (id: string): id is V1ModelId => (V1_MODELS as readonly string[]).includes(id);

/** The model `id` as it is written into the registry; equal bytes everywhere. */
export function v1Model(id: V1ModelId): NewModel {
  return {
    manifest: {
      schema: 1,
      model_id: id,
      kind: 'numeric',
      encoder: V1_ENCODER,
      entities: ['INSTRUMENT'],
      window_days: V1_WINDOW,
      inputs: [{ name: 'window', type: 'float32', dims: ['N', 'W', V1_FEATURES] }],
      dim: V1_DIM,
      fit: null,
      file: 'model.onnx',
    },
    files: { 'model.onnx': v1Graph() },
  };
}
