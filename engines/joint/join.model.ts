/** Joining branches into one vector. Pure, over float32. */
import { Random } from '../../src/platform/random.ts';
import { type Branch, JOINT_DIM } from './ids.model.ts';

export interface Part {
  readonly branch: Branch;
  readonly vector: Float32Array;
  readonly weight: number;
}

/** Mean of vectors, in float32 after sums in float64. */
export function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0].length);
  for (let j = 0; j < mean.length; j++) {
    let sum = 0;
    for (const vector of vectors) sum += vector[j];
    mean[j] = sum / vectors.length;
  }
  return mean;
}

/**
 * v1: the weighted mean of the branches that are there, each step rounded to float32 (contracts §5). The weights of absent
 * branches do not count.
 */
export function weightedMean(parts: readonly Part[]): Float32Array {
  const joined = new Float32Array(JOINT_DIM);
  let total = 0;
  for (const { vector, weight } of parts) {
    total += weight;
    const w = Math.fround(weight);
    for (let j = 0; j < JOINT_DIM; j++) joined[j] += Math.fround(w * vector[j]);
  }
  for (let j = 0; j < JOINT_DIM; j++) joined[j] /= Math.fround(total);
  return joined;
}

/** One fixed orthogonal matrix a branch: vectors of different branches share no direction but by chance. */
const STREAMS: Readonly<Record<Branch, number>> = { numeric: 1, profile: 2, regime: 3, stab: 4, text: 5 };
const SEED = 384;
const made = new Map<Branch, Float32Array>();

/** The branch's rotation, row-major 384 × 384: Gram–Schmidt of normal rows from a fixed seed, the same on every machine. */
export function rotationOf(branch: Branch): Float32Array {
  const known = made.get(branch);
  if (known) return known;
  const n = JOINT_DIM;
  const random = new Random(SEED, STREAMS[branch]);
  const rows = Array.from({ length: n }, () => Float64Array.from({ length: n }, () => random.normal()));
  for (let i = 0; i < n; i++) {
    const row = rows[i];
    // Twice is enough: what the first pass leaves of the rows before is rounding.
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < i; k++) {
        const other = rows[k];
        let dot = 0;
        for (let j = 0; j < n; j++) dot += row[j] * other[j];
        for (let j = 0; j < n; j++) row[j] -= dot * other[j];
      }
    }
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let j = 0; j < n; j++) row[j] /= length;
  }
  const rotation = new Float32Array(n * n);
  for (const [i, row] of rows.entries()) rotation.set(row, i * n);
  made.set(branch, rotation);
  return rotation;
}

/** A branch made ready for v2: of length 1, turned by its own rotation. Null for a vector of length 0. */
export function turned(branch: Branch, vector: Float32Array): Float32Array | null {
  let squares = 0;
  for (let j = 0; j < JOINT_DIM; j++) squares += vector[j] * vector[j];
  if (!(squares > 0)) return null;
  const scale = 1 / Math.sqrt(squares);
  const rotation = rotationOf(branch);
  const result = new Float32Array(JOINT_DIM);
  // Four rows side by side: their sums do not wait for each other, and each adds up in the same order as alone.
  for (let i = 0; i < JOINT_DIM; i += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => (i + k) * JOINT_DIM);
    let [x, y, z, w] = [0, 0, 0, 0];
    for (let j = 0; j < JOINT_DIM; j++) {
      const value = vector[j];
      x += rotation[a + j] * value;
      y += rotation[b + j] * value;
      z += rotation[c + j] * value;
      w += rotation[d + j] * value;
    }
    result[i] = x * scale;
    result[i + 1] = y * scale;
    result[i + 2] = z * scale;
    result[i + 3] = w * scale;
  }
  return result;
}

/**
 * v2: the sum of √weight times each turned branch, of length 1 again. The cosine of two joined vectors is then about the
 * weighted mean of the cosines of their branches. Null when no branch is there.
 */
export function joinTurned(parts: readonly Part[]): Float32Array | null {
  if (parts.length === 0) return null;
  const joined = new Float64Array(JOINT_DIM);
  for (const { vector, weight } of parts) {
    const w = Math.sqrt(weight);
    for (let j = 0; j < JOINT_DIM; j++) joined[j] += w * vector[j];
  }
  let squares = 0;
  for (let j = 0; j < JOINT_DIM; j++) squares += joined[j] * joined[j];
  if (!(squares > 0)) return null;
  const scale = 1 / Math.sqrt(squares);
  return Float32Array.from(joined, (value) => value * scale);
}
