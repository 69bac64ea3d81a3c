/** What the nearest vectors of the past tell: the mean target of the k most similar training rows, by cosine. */
import type { Blas } from '../../onnx/blas.ts';
import { type Matrix, moments } from './ridge.ts';

const NEIGHBOURS = 50;
/** Test rows compared at a time. */
const BLOCK = 256;

/** How rows are made comparable before their cosines: about the training mean, and by column where units differ. */
export type Scaling = 'centre' | 'standardise';

/** Predictions of `target` for each test row. */
export async function nearestMean(
  blas: Blas,
  x: Matrix,
  target: Float64Array,
  train: Int32Array,
  test: Int32Array,
  scaling: Scaling,
): Promise<Float64Array> {
  const [mean, scale] = moments(x, train);
  if (scaling === 'centre') scale.fill(1);
  const known = unitRows(x, train, mean, scale);
  const asked = unitRows(x, test, mean, scale);
  const result = new Float64Array(test.length);
  const best = new Float64Array(NEIGHBOURS);
  const values = new Float64Array(NEIGHBOURS);
  for (let from = 0; from < test.length; from += BLOCK) {
    const rows = Math.min(BLOCK, test.length - from);
    const block = asked.subarray(from * x.width, (from + rows) * x.width);
    const cosines = await blas.productTransposed(block, known, rows, x.width, train.length);
    for (let k = 0; k < rows; k++) {
      // The smallest of the kept ones lies at `least`: few candidates beat it.
      best.fill(Number.NEGATIVE_INFINITY);
      let least = 0;
      for (let j = 0, at = k * train.length; j < train.length; j++, at++) {
        if (cosines[at] <= best[least]) continue;
        best[least] = cosines[at];
        values[least] = target[train[j]];
        for (let q = 0; q < NEIGHBOURS; q++) if (best[q] < best[least]) least = q;
      }
      const found = Math.min(NEIGHBOURS, train.length);
      let sum = 0;
      for (let q = 0; q < NEIGHBOURS; q++) if (best[q] > Number.NEGATIVE_INFINITY) sum += values[q];
      result[from + k] = sum / found;
    }
  }
  return result;
}

/** Rows of length 1 about the mean, [rows, width]. */
function unitRows(x: Matrix, rows: Int32Array, mean: Float64Array, scale: Float64Array): Float32Array {
  const { data, width } = x;
  const result = new Float32Array(rows.length * width);
  rows.forEach((row, k) => {
    let square = 0;
    for (let c = 0; c < width; c++) square += ((data[row * width + c] - mean[c]) * scale[c]) ** 2;
    const length = Math.sqrt(square) || 1;
    for (let c = 0; c < width; c++) result[k * width + c] = ((data[row * width + c] - mean[c]) * scale[c]) / length;
  });
  return result;
}
