/**
 * How much more often two words stand near each other than chance has it.
 * Source: O. Levy, Y. Goldberg, I. Dagan, "Improving Distributional Similarity with Lessons Learned from Word Embeddings",
 * 2015: positive pointwise mutual information with context distribution smoothing.
 */
import { exp, log } from '../../../src/platform/random.ts';

/** Words on each side that count as near. */
const WINDOW = 7;
/** Weight of a word k places away: 1/(1 + DECAY·(k−1)). */
const DECAY = 0.25;
/** Exponent of a context's frequency: rare contexts weigh less than they would. */
const SMOOTHING = 0.75;

/** A symmetric matrix with few entries, row by row, columns ascending. */
export interface SparseMatrix {
  readonly size: number;
  /** Row r has the entries `starts[r] … starts[r + 1] − 1`. */
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/** Positive pointwise mutual information of `size` words over texts of positions. Smoothed on either side, and averaged. */
export function ppmi(texts: readonly Int32Array[], size: number): SparseMatrix {
  const pairs = new PairCounts(size);
  const sums = new Float64Array(size);
  for (const text of texts) {
    for (let at = 0; at < text.length; at++) {
      for (let k = 1; k <= WINDOW && at + k < text.length; k++) {
        const weight = 1 / (1 + DECAY * (k - 1));
        pairs.add(text[at], text[at + k], weight);
        sums[text[at]] += weight;
        sums[text[at + k]] += weight;
      }
    }
  }
  const total = sums.reduce((sum, one) => sum + one, 0);
  const smooth = sums.map((sum) => (sum > 0 ? exp(SMOOTHING * log(sum)) : 0));
  const smoothTotal = smooth.reduce((sum, one) => sum + one, 0);
  // log of a word's share, as word and as context: half of each on either side keeps the matrix symmetric.
  const shares = sums.map((sum, w) => (sum > 0 ? (log(sum / total) + log(smooth[w] / smoothTotal)) / 2 : 0));
  const entries = pairs.entries().flatMap(({ a, b, weight }) => {
    // A pair of one word with itself was counted once, and is met from both sides.
    const value = log(((a === b ? 2 : 1) * weight) / total) - shares[a] - shares[b];
    return value > 0 ? [{ a, b, value }] : [];
  });
  return symmetric(entries, size);
}

interface Entry {
  readonly a: number;
  readonly b: number;
  readonly value: number;
}

function symmetric(entries: readonly Entry[], size: number): SparseMatrix {
  const starts = new Int32Array(size + 1);
  for (const { a, b } of entries) {
    starts[a + 1]++;
    if (a !== b) starts[b + 1]++;
  }
  for (let r = 0; r < size; r++) starts[r + 1] += starts[r];
  const columns = new Int32Array(starts[size]);
  const values = new Float64Array(starts[size]);
  const next = starts.slice();
  const put = (row: number, column: number, value: number) => {
    columns[next[row]] = column;
    values[next[row]++] = value;
  };
  // Entries come by (a, b), a ≤ b: first all columns below the diagonal, then the others, so that columns ascend.
  for (const { a, b, value } of entries) if (a !== b) put(b, a, value);
  for (const { a, b, value } of entries) put(a, b, value);
  return { size, starts, columns, values };
}

/** Weights of unordered pairs in an open hash table: some ten million pairs in 12 bytes each. */
class PairCounts {
  readonly #size: number;
  #keys = new Float64Array(1 << 16).fill(-1);
  #weights = new Float64Array(1 << 16);
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(a: number, b: number, weight: number): void {
    const slot = this.#slot(a < b ? a * this.#size + b : b * this.#size + a);
    this.#weights[slot] += weight;
  }

  /** Ascending by (a, b), a ≤ b. */
  entries(): { a: number; b: number; weight: number }[] {
    const slots = [...this.#keys.keys()].filter((slot) => this.#keys[slot] >= 0);
    slots.sort((x, y) => this.#keys[x] - this.#keys[y]);
    return slots.map((slot) => {
      const key = this.#keys[slot];
      return { a: Math.floor(key / this.#size), b: key % this.#size, weight: this.#weights[slot] };
    });
  }

  #slot(key: number): number {
    let slot = this.#find(key);
    if (this.#keys[slot] === key) return slot;
    if (++this.#used > this.#keys.length * 0.6) {
      this.#grow();
      slot = this.#find(key);
    }
    this.#keys[slot] = key;
    return slot;
  }

  #find(key: number): number {
    const mask = this.#keys.length - 1;
    let slot = Math.imul(key | 0, 0x9e3779b1) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    while (this.#keys[slot] !== key && this.#keys[slot] >= 0) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [keys, weights] = [this.#keys, this.#weights];
    this.#keys = new Float64Array(keys.length * 2).fill(-1);
    this.#weights = new Float64Array(keys.length * 2);
    for (let k = 0; k < keys.length; k++) {
      if (keys[k] < 0) continue;
      const slot = this.#find(keys[k]);
      this.#keys[slot] = keys[k];
      this.#weights[slot] = weights[k];
    }
  }
}
