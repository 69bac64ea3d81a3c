/** The graphs of the v2 models, written by our own writer: inputs → `vector` float32 [N, 384]. */
import { GraphBuilder, type Value } from '../../onnx/graph.ts';
import { float32, int64 } from '../../onnx/tensor.ts';
import { BIASES, DILATIONS, FEATURES, KERNEL_LENGTH, KERNELS, kernelWeights } from './kernels.model.ts';

/** Length of a vector. */
export const DIM = 384;
/** Standardised statistics are cut at this. */
export const STATS_CLIP = 6;

/** What a window is: channels × steps. */
export interface WindowShape {
  readonly channels: number;
  readonly steps: number;
}

/** x → (x − mean) · scale for each of its values; a scale of 0 leaves a value out. */
export interface Standardised {
  readonly mean: Float32Array;
  readonly scale: Float32Array;
}

/** An affine map: x [p] → x · weights [p, d] + bias [d]. */
export interface Affine {
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

export interface RocketParts {
  readonly shape: WindowShape;
  readonly seed: number;
  /** Thresholds [4 dilations, 84, 4]. */
  readonly biases: Float32Array;
}

export interface RocketModel extends RocketParts {
  /** 1,344 features → 384 − S values. */
  readonly rotation: Affine;
  readonly stats: Standardised;
  /** S: what each standardised statistic is multiplied by, and what is then taken off. */
  readonly statsWeight: Float32Array;
  readonly statsCentre: Float32Array;
}

/** Convolutions alone: `window` → `values` [N, 336, steps], in the order of dilations, then kernels. */
export function convolutionGraph(shape: WindowShape, seed: number): Uint8Array {
  const graph = new GraphBuilder({ name: 'convolutions' });
  const window = graph.input('window', 'float32', ['N', shape.channels, shape.steps]);
  const all = graph.node('Concat', convolutions(graph, window, shape, seed), { axis: { int: 1 } });
  graph.output('values', all, 'float32', ['N', KERNELS * DILATIONS.length, shape.steps]);
  return graph.build();
}

/** Features alone: `window` → `features` [N, 1344]. */
export function featureGraph(parts: RocketParts): Uint8Array {
  const graph = new GraphBuilder({ name: 'features' });
  const window = graph.input('window', 'float32', ['N', parts.shape.channels, parts.shape.steps]);
  graph.output('features', features(graph, window, parts), 'float32', ['N', FEATURES]);
  return graph.build();
}

/** The whole encoder: `window` and `stats` → `vector`. */
export function rocketGraph(name: string, model: RocketModel): Uint8Array {
  const { shape, rotation, stats, statsWeight, statsCentre } = model;
  const graph = new GraphBuilder({ name });
  const window = graph.input('window', 'float32', ['N', shape.channels, shape.steps]);
  const figures = graph.input('stats', 'float32', ['N', statsWeight.length]);
  const rotated = affine(graph, features(graph, window, model), rotation);
  const weighted = graph.node('Mul', [
    standardised(graph, figures, stats),
    graph.constant(float32([statsWeight.length], statsWeight), 'stats_weight'),
  ]);
  const centred = graph.node('Sub', [
    weighted,
    graph.constant(float32([statsCentre.length], statsCentre), 'stats_centre'),
  ]);
  graph.output('vector', graph.node('Concat', [rotated, centred], { axis: { int: 1 } }), 'float32', ['N', DIM]);
  return graph.build();
}

/** One affine map of one input: `input` [N, …dims] → `vector`. Values are standardised and cut first when `scale` is given. */
export function linearGraph(
  name: string,
  input: { readonly name: string; readonly dims: readonly number[] },
  scale: Standardised | null,
  map: Affine,
): Uint8Array {
  const graph = new GraphBuilder({ name });
  const given = graph.input(input.name, 'float32', ['N', ...input.dims]);
  const flat = graph.node('Flatten', [given], { axis: { int: 1 } });
  const values = scale ? standardised(graph, flat, scale) : flat;
  graph.output('vector', affine(graph, values, map), 'float32', ['N', DIM]);
  return graph.build();
}

function standardised(graph: GraphBuilder, values: Value, { mean, scale }: Standardised): Value {
  const centred = graph.node('Sub', [values, graph.constant(float32([mean.length], mean), 'mean')]);
  const scaled = graph.node('Mul', [centred, graph.constant(float32([scale.length], scale), 'scale')]);
  const [low, high] = [-STATS_CLIP, STATS_CLIP].map((limit) => graph.constant(float32([], [limit])));
  return graph.node('Clip', [scaled, low, high]);
}

function affine(graph: GraphBuilder, values: Value, { weights, bias }: Affine): Value {
  const d = bias.length;
  return graph.node('Gemm', [
    values,
    graph.constant(float32([weights.length / d, d], weights), 'rotation'),
    graph.constant(float32([d], bias), 'offset'),
  ]);
}

/** One convolution a dilation: [N, 84, steps], zeros beyond both ends of the window. */
function convolutions(graph: GraphBuilder, window: Value, { channels }: WindowShape, seed: number): Value[] {
  return DILATIONS.map((dilation) => {
    const reach = ((KERNEL_LENGTH - 1) / 2) * dilation;
    const weights = float32([KERNELS, channels, KERNEL_LENGTH], kernelWeights(channels, seed, dilation));
    return graph.node('Conv', [window, graph.constant(weights, `kernels_${dilation}`)], {
      dilations: { ints: [dilation] },
      kernel_shape: { ints: [KERNEL_LENGTH] },
      pads: { ints: [reach, reach] },
    });
  });
}

/**
 * The share of the window in which each convolution lies above each of its thresholds: convolutions, then thresholds. Those are
 * laid out as the values are, one a step: ONNX Runtime then compares rows of 84 × steps, not of steps, which takes two fifths
 * off what follows the convolutions (measured).
 */
function features(graph: GraphBuilder, window: Value, { shape, seed, biases }: RocketParts): Value {
  const size = KERNELS * BIASES;
  const axis = graph.constant(int64(1), 'threshold_axis');
  const laidOut = graph.constant(int64(BIASES, KERNELS, shape.steps), 'threshold_shape');
  const shares = convolutions(graph, window, shape, seed).map((values, d) => {
    const thresholds = transposed(biases.subarray(d * size, (d + 1) * size), BIASES);
    const above = graph.node('Greater', [
      graph.node('Unsqueeze', [values, axis]),
      graph.node('Expand', [
        graph.constant(float32([BIASES, KERNELS, 1], thresholds), `biases_${DILATIONS[d]}`),
        laidOut,
      ]),
    ]);
    const share = graph.node('ReduceMean', [graph.node('Cast', [above], { to: { int: 1 } })], {
      axes: { ints: [3] },
      keepdims: { int: 0 },
    });
    const byKernel = graph.node('Transpose', [share], { perm: { ints: [0, 2, 1] } });
    return graph.node('Flatten', [byKernel], { axis: { int: 1 } });
  });
  return graph.node('Concat', shares, { axis: { int: 1 } });
}

/** Rows of `columns` values, column by column. */
const transposed = (values: Float32Array, columns: number): Float32Array =>
  values.map((_, i) => {
    const rows = values.length / columns;
    return values[(i % rows) * columns + Math.floor(i / rows)];
  });
