/** Tokenised texts in batches of about the same length, so that little of the work is padding. */

/** A batch as the graph takes it: rows × length. */
export interface PaddedBatch {
  readonly rows: number;
  readonly length: number;
  /** Token ids, 0 after a text's end. */
  readonly ids: BigInt64Array;
  /** 1 for a token, 0 for padding. */
  readonly mask: BigInt64Array;
  /** Tokens of each row. */
  readonly lengths: readonly number[];
}

/** Positions of the texts that have tokens, by length, then position, in groups. */
export function batchesByLength(tokens: readonly (Int32Array | null)[], size: number): number[][] {
  const order = [...tokens.keys()]
    .filter((k) => tokens[k] !== null)
    .sort((a, b) => tokens[a]!.length - tokens[b]!.length || a - b);
  const batches: number[][] = [];
  for (let at = 0; at < order.length; at += size) batches.push(order.slice(at, at + size));
  return batches;
}

/** Texts side by side, padded at the end to the longest, or to `length`. */
export function padded(
  texts: readonly Int32Array[],
  length = Math.max(...texts.map((one) => one.length)),
): PaddedBatch {
  const ids = new BigInt64Array(texts.length * length);
  const mask = new BigInt64Array(texts.length * length);
  // Written through their lower halves (machines are little-endian): a BigInt for each token would cost more than the graph.
  const [lowIds, lowMask] = [new Int32Array(ids.buffer), new Int32Array(mask.buffer)];
  texts.forEach((text, row) => {
    for (let k = 0, at = 2 * row * length; k < text.length; k++, at += 2) {
      lowIds[at] = text[k];
      lowMask[at] = 1;
    }
  });
  return { rows: texts.length, length, ids, mask, lengths: texts.map((one) => one.length) };
}
