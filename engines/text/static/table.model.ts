/**
 * From eigenvectors to the stored word table.
 * Source of the weights: S. Arora, Y. Liang, T. Ma, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", 2017.
 */
import type { Eigen } from './eigen.model.ts';
import type { Vocabulary } from './vocabulary.model.ts';

/** A word of share p weighs SIF/(SIF + p): frequent words say little. */
const SIF = 1e-3;

/** Rows of whole numbers in −127 … 127; a row times its scale is the word's vector. */
export interface WordTable {
  readonly rows: Int8Array;
  readonly scales: Float32Array;
  readonly dim: number;
}

/**
 * One row a word, weighted, less the mean over the corpus, so that what all texts share does not make them alike.
 * `blank` rows of zeros come first (padding, unknown words).
 */
export function wordTable({ counts }: Vocabulary, eigen: Eigen, dim: number, blank: number): WordTable {
  const size = counts.length;
  const total = counts.reduce((sum, one) => sum + one, 0);
  const vectors = new Float64Array(size * dim);
  const mean = new Float64Array(dim);
  let weights = 0;
  for (let w = 0; w < size; w++) {
    const share = counts[w] / total;
    const weight = SIF / (SIF + share);
    weights += share * weight;
    for (let k = 0; k < eigen.count; k++) {
      const value = eigen.vectors[w * eigen.count + k] * Math.sqrt(Math.max(0, eigen.values[k]));
      vectors[w * dim + k] = value;
      mean[k] += share * weight * value;
    }
  }
  const rows = new Int8Array((size + blank) * dim);
  const scales = new Float32Array(size + blank);
  const row = new Float64Array(dim);
  for (let w = 0; w < size; w++) {
    const weight = SIF / (SIF + counts[w] / total);
    let largest = 0;
    for (let k = 0; k < dim; k++) {
      row[k] = weight * (vectors[w * dim + k] - mean[k] / weights);
      largest = Math.max(largest, Math.abs(row[k]));
    }
    if (largest === 0) continue;
    scales[w + blank] = largest / 127;
    for (let k = 0; k < dim; k++) rows[(w + blank) * dim + k] = Math.round((row[k] / largest) * 127);
  }
  return { rows, scales, dim };
}
