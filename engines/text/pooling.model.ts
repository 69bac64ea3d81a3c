/** From the states of tokens to the vector of a text. */
import type { TextManifest } from '../models/manifest.model.ts';
import type { PaddedBatch } from './batches.model.ts';

/**
 * One vector a row. `states` is [rows, length, dim], of which `mean` averages the tokens and `cls` takes the first; for
 * `none` it is [rows, dim] already.
 */
export function pool(
  states: Float32Array,
  { rows, length, lengths }: PaddedBatch,
  dim: number,
  pooling: TextManifest['pooling'],
): Float32Array {
  if (pooling === 'none') return states;
  const vectors = new Float32Array(rows * dim);
  const sum = new Float64Array(dim);
  for (let row = 0; row < rows; row++) {
    const count = pooling === 'cls' ? 1 : lengths[row];
    sum.fill(0);
    for (let k = 0; k < count; k++) {
      const at = (row * length + k) * dim;
      for (let d = 0; d < dim; d++) sum[d] += states[at + d];
    }
    for (let d = 0; d < dim; d++) vectors[row * dim + d] = sum[d] / count;
  }
  return vectors;
}

/** Brings every row to length 1, in place; a row of zeros becomes NaN. */
export function normalize(vectors: Float32Array, dim: number): void {
  for (let at = 0; at < vectors.length; at += dim) {
    let square = 0;
    for (let d = at; d < at + dim; d++) square += vectors[d] * vectors[d];
    const norm = Math.sqrt(square);
    for (let d = at; d < at + dim; d++) vectors[d] /= norm;
  }
}
