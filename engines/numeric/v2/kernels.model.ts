/**
 * The convolutions of MiniRocket (A. Dempster, D. Schmidt, G. Webb, KDD 2021): all 84 kernels of length 9 with six weights −1
 * and three weights 2, at four dilations, each over one to three channels that the seed picks.
 */
import { Random } from '../../../src/platform/random.ts';

export const KERNELS = 84;
export const KERNEL_LENGTH = 9;
export const DILATIONS = [1, 2, 4, 7] as const;
/** Thresholds a convolution: each gives one feature, the share of the window that lies above it. */
export const BIASES = 4;
export const FEATURES = KERNELS * DILATIONS.length * BIASES;
const MOST_CHANNELS = 3;
/** Name of this use of the seed. */
const KERNEL_STREAM = 1;

/** Weights of one dilation, [84, channels, 9]: zero for a channel that a kernel does not look at. */
export function kernelWeights(channels: number, seed: number, dilation: number): Float32Array {
  const weights = new Float32Array(KERNELS * channels * KERNEL_LENGTH);
  kernelPositions().forEach((twos, k) => {
    const random = new Random(seed, KERNEL_STREAM, dilation, k);
    const count = 1 + random.below(Math.min(MOST_CHANNELS, channels));
    for (const channel of random.permutation(channels).slice(0, count)) {
      const at = (k * channels + channel) * KERNEL_LENGTH;
      weights.fill(-1, at, at + KERNEL_LENGTH);
      for (const position of twos) weights[at + position] = 2;
    }
  });
  return weights;
}

/** Every choice of three of the nine positions. */
function kernelPositions(): number[][] {
  const all: number[][] = [];
  for (let a = 0; a < KERNEL_LENGTH; a++) {
    for (let b = a + 1; b < KERNEL_LENGTH; b++) for (let c = b + 1; c < KERNEL_LENGTH; c++) all.push([a, b, c]);
  }
  return all;
}

/** The quantile at which threshold `j` of convolution `k` lies: a low-discrepancy sequence, as in MiniRocket. */
export function biasQuantile(k: number, j: number): number {
  const golden = (Math.sqrt(5) + 1) / 2;
  return ((k * BIASES + j + 1) * golden) % 1;
}
