/**
 * Fits a window encoder in closed form (`embeddings.md` §3): thresholds as quantiles of the training windows, features
 * standardised and rotated to their principal components without whitening, statistics standardised and weighted to three
 * quarters of the energy, the whole centred, with a mean square length of 1.
 */
import { Random } from '../../../src/platform/random.ts';
import type { Blas } from '../../onnx/blas.ts';
import { makeTensor, openSession } from '../../onnx/session.ts';
import {
  convolutionGraph,
  DIM,
  featureGraph,
  type RocketModel,
  type RocketParts,
  STATS_CLIP,
  type Standardised,
  type WindowShape,
} from '../v2/graph.ts';
import { BIASES, biasQuantile, DILATIONS, FEATURES, KERNELS } from '../v2/kernels.model.ts';
import { leadingComponents } from './pca.ts';

/** Training windows whose convolutions give the thresholds. */
const BIAS_WINDOWS = 256;
/** Windows through the feature graph at a time, and features summed at a time. */
const BATCH = 64;
const BLOCK = 2048;
/** Share of the energy E‖z‖² that the statistics carry. */
const STATS_ENERGY = 0.75;
/** Features are shares: they lie about this, and sums of squares about it lose less. */
const FEATURE_CENTRE = 0.5;
const FLAT = 1e-6;
/** Names of the uses of the seed. */
const ORDER_STREAM = 2;
const PCA_STREAM = 3;

export interface TrainingWindows {
  readonly count: number;
  readonly shape: WindowShape;
  /** [count, channels, steps] */
  readonly windows: Float32Array;
  /** [count, S] */
  readonly stats: Float32Array;
  /** S: importance of each statistic, 1 for most. */
  readonly importance: Float32Array;
}

export interface FitSetting {
  readonly blas: Blas;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number) => void;
}

export async function fitRocket(training: TrainingWindows, setting: FitSetting): Promise<RocketModel> {
  const { shape, importance } = training;
  const { seed, blas, signal } = setting;
  const parts: RocketParts = { shape, seed, biases: await fitBiases(training, seed) };
  const { mean, covariance } = await featureMoments(parts, training, setting);
  const scale = Float64Array.from({ length: FEATURES }, (_, k) => {
    const variance = covariance[k * FEATURES + k];
    return variance > FLAT ? 1 / Math.sqrt(variance) : 0;
  });
  for (let i = 0; i < FEATURES; i++) {
    for (let j = 0; j < FEATURES; j++) covariance[i * FEATURES + j] *= scale[i] * scale[j];
  }
  const count = DIM - importance.length;
  const random = new Random(seed, PCA_STREAM);
  const { values, vectors } = await leadingComponents(blas, covariance, FEATURES, count, random, signal);
  const energy = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const size = energy > 0 ? Math.sqrt((1 - STATS_ENERGY) / energy) : 0;
  const weights = new Float32Array(FEATURES * count);
  const bias = new Float64Array(count);
  for (let k = 0; k < FEATURES; k++) {
    for (let c = 0; c < count; c++) {
      const weight = size * scale[k] * vectors[c * FEATURES + k];
      weights[k * count + c] = weight;
      bias[c] -= weight * mean[k];
    }
  }
  return { ...parts, rotation: { weights, bias: Float32Array.from(bias) }, ...fitStats(training) };
}

/** Thresholds [4, 84, 4]: quantiles of each convolution over some of the windows. */
async function fitBiases({ windows, count, shape }: TrainingWindows, seed: number): Promise<Float32Array> {
  const chosen = new Random(seed, ORDER_STREAM).permutation(count).slice(0, BIAS_WINDOWS);
  const size = shape.channels * shape.steps;
  const sample = new Float32Array(chosen.length * size);
  chosen.forEach((k, at) => {
    sample.set(windows.subarray(k * size, (k + 1) * size), at * size);
  });
  const session = await openSession(convolutionGraph(shape, seed), 'cpu');
  try {
    const { values } = await session.run({
      window: await makeTensor('float32', sample, [chosen.length, shape.channels, shape.steps]),
    });
    const data = values.data as Float32Array;
    const kernels = KERNELS * DILATIONS.length;
    const one = new Float32Array(chosen.length * shape.steps);
    const biases = new Float32Array(kernels * BIASES);
    for (let k = 0; k < kernels; k++) {
      for (let n = 0; n < chosen.length; n++) {
        const at = (n * kernels + k) * shape.steps;
        one.set(data.subarray(at, at + shape.steps), n * shape.steps);
      }
      one.sort();
      for (let j = 0; j < BIASES; j++) biases[k * BIASES + j] = one[Math.floor(biasQuantile(k, j) * one.length)];
    }
    return biases;
  } finally {
    await session.release();
  }
}

/** Mean and covariance of the 1,344 features over all windows, without keeping the features. */
async function featureMoments(
  parts: RocketParts,
  { windows, count, shape }: TrainingWindows,
  { blas, signal, progress }: FitSetting,
): Promise<{ mean: Float64Array; covariance: Float64Array }> {
  const size = shape.channels * shape.steps;
  const sum = new Float64Array(FEATURES);
  const squares = new Float64Array(FEATURES * FEATURES);
  const block = new Float32Array(BLOCK * FEATURES);
  const session = await openSession(featureGraph(parts), 'cpu');
  try {
    for (let from = 0; from < count; from += BLOCK) {
      signal.throwIfAborted();
      const rows = Math.min(BLOCK, count - from);
      for (let at = 0; at < rows; at += BATCH) {
        const batch = Math.min(BATCH, rows - at);
        const { features } = await session.run({
          window: await makeTensor('float32', windows.subarray((from + at) * size, (from + at + batch) * size), [
            batch,
            shape.channels,
            shape.steps,
          ]),
        });
        block.set(features.data as Float32Array, at * FEATURES);
      }
      for (let at = 0, k = 0; at < rows * FEATURES; at++, k = k + 1 === FEATURES ? 0 : k + 1) {
        block[at] -= FEATURE_CENTRE;
        sum[k] += block[at];
      }
      const gram = await blas.gram(block, rows, FEATURES);
      for (let k = 0; k < squares.length; k++) squares[k] += gram[k];
      progress(from + rows);
    }
  } finally {
    await session.release();
  }
  for (let i = 0; i < FEATURES; i++) {
    for (let j = 0; j < FEATURES; j++) {
      squares[i * FEATURES + j] = squares[i * FEATURES + j] / count - (sum[i] / count) * (sum[j] / count);
    }
  }
  return { mean: sum.map((value) => value / count + FEATURE_CENTRE), covariance: squares };
}

/** Weights that give the statistics their share of the energy, and the centre of what they become. */
function fitStats({
  stats,
  count,
  importance,
}: TrainingWindows): Pick<RocketModel, 'stats' | 'statsWeight' | 'statsCentre'> {
  const s = importance.length;
  const scaled = fitStandardised(stats, count, s);
  const { mean, variance } = momentsAfter(stats, count, scaled);
  let energy = 0;
  for (let k = 0; k < s; k++) energy += importance[k] ** 2 * variance[k];
  const size = energy > 0 ? Math.sqrt(STATS_ENERGY / energy) : 0;
  const statsWeight = importance.map((weight) => weight * size);
  return { stats: scaled, statsWeight, statsCentre: statsWeight.map((weight, k) => weight * mean[k]) };
}

/** Mean and inverse deviation of each of `p` values over `count` rows; a value that does not move is left out. */
export function fitStandardised(x: Float32Array, count: number, p: number): Standardised {
  const sum = new Float64Array(p);
  const squares = new Float64Array(p);
  for (let at = 0; at < count * p; at++) sum[at % p] += x[at];
  for (let at = 0; at < count * p; at++) squares[at % p] += (x[at] - sum[at % p] / count) ** 2;
  return {
    mean: Float32Array.from(sum, (value) => value / count),
    scale: Float32Array.from(squares, (value) => (value / count > FLAT ** 2 ? 1 / Math.sqrt(value / count) : 0)),
  };
}

/** Mean and variance of standardised values after the cut that the graph makes. */
function momentsAfter(x: Float32Array, count: number, { mean, scale }: Standardised) {
  const p = mean.length;
  const [sum, squares] = [new Float64Array(p), new Float64Array(p)];
  for (let at = 0; at < count * p; at++) {
    const k = at % p;
    const value = Math.max(-STATS_CLIP, Math.min(STATS_CLIP, (x[at] - mean[k]) * scale[k]));
    sum[k] += value;
    squares[k] += value * value;
  }
  return {
    mean: sum.map((value) => value / count),
    variance: squares.map((value, k) => value / count - (sum[k] / count) ** 2),
  };
}
