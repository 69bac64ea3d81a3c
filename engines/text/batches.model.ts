/** Tokenised texts in batches of about the same length, so that little of the work is padding. */

/** Token ids of texts, one text after the other: those of text k from `starts[k]` to `starts[k + 1]`. */
export interface Tokens {
  readonly ids: Int32Array;
  readonly starts: ArrayLike<number>;
}

/** A batch as the graph takes it: rows × length. */
export interface PaddedBatch {
  readonly rows: number;
  readonly length: number;
  /** Token ids, 0 after a text's end. */
  readonly ids: BigInt64Array;
  /** 1 for a token, 0 for padding. */
  readonly mask: BigInt64Array;
  /** Tokens of each row. */
  readonly lengths: Int32Array;
}

/** Positions of the texts that have tokens, by length, then position, in groups. */
export function batchesByLength({ starts }: Tokens, size: number): Int32Array[] {
  const texts = starts.length - 1;
  const longest = longestOf(starts);
  // Sorted by counting: first how many texts are shorter, then each to its place.
  const places = new Int32Array(longest + 2);
  for (let k = 0; k < texts; k++) places[starts[k + 1] - starts[k] + 1]++;
  const silent = places[1];
  for (let length = 1; length < places.length; length++) places[length] += places[length - 1];
  const order = new Int32Array(texts);
  for (let k = 0; k < texts; k++) order[places[starts[k + 1] - starts[k]]++] = k;
  const batches: Int32Array[] = [];
  for (let at = silent; at < texts; at += size) batches.push(order.subarray(at, at + size));
  return batches;
}

function longestOf(starts: ArrayLike<number>): number {
  let longest = 0;
  for (let k = 1; k < starts.length; k++) longest = Math.max(longest, starts[k] - starts[k - 1]);
  return longest;
}

/** The texts at `rows` side by side, padded at the end to the longest, or to `length`. */
export function padded({ ids: tokens, starts }: Tokens, rows: Int32Array, length?: number): PaddedBatch {
  const lengths = rows.map((k) => starts[k + 1] - starts[k]);
  const width = length ?? lengths.reduce((longest, one) => Math.max(longest, one), 0);
  const ids = new BigInt64Array(rows.length * width);
  const mask = new BigInt64Array(rows.length * width);
  // Written through their lower halves (machines are little-endian): a BigInt for each token would cost more than the graph.
  const [lowIds, lowMask] = [new Int32Array(ids.buffer), new Int32Array(mask.buffer)];
  for (let row = 0; row < rows.length; row++) {
    let at = 2 * row * width;
    for (let k = starts[rows[row]]; k < starts[rows[row] + 1]; k++, at += 2) {
      lowIds[at] = tokens[k];
      lowMask[at] = 1;
    }
  }
  return { rows: rows.length, length: width, ids, mask, lengths };
}
