/**
 * A static word table at work: the sum of a text's rows, brought to length 1. What `staticGraph` says, in one order of
 * additions a text, whatever other texts there are (docs/adr/0015).
 */
import { NO_KNOWN_WORD, type Vectorizer } from '../vectorizer.model.ts';
import { LANES, type SumLayout, sumModule } from './sum.wasm.ts';
import type { WordTable } from './table.model.ts';

/** The part of WebAssembly that is used; Node's types leave it out. */
declare const WebAssembly: {
  Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { readonly exports: { readonly sum: (end: number) => number } };
};

const PAGE = 65_536;
const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;
const ID_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** Whether rows of this width can be added up here. */
export const canAddUp = ({ dim }: WordTable): boolean => dim % LANES === 0;

/** @param most ids of a text at most */
export function openWords(table: WordTable, most: number): Vectorizer {
  const { rows, scales, dim } = table;
  // Rows fill multiples of 16 bytes, so that everything behind them lies where it may.
  const sumAt = Math.ceil((rows.length + scales.length * FLOAT_BYTES) / LANES) * LANES;
  const layout: SumLayout = { scales: rows.length, sum: sumAt, ids: sumAt + dim * FLOAT_BYTES, dim };
  const bytes = layout.ids + most * ID_BYTES;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  new Int8Array(memory.buffer, 0, rows.length).set(rows);
  new Float32Array(memory.buffer, layout.scales, scales.length).set(scales);
  const given = new Int32Array(memory.buffer, layout.ids, most);
  const made = new Float32Array(memory.buffer, layout.sum, dim);
  const { sum } = new WebAssembly.Instance(new WebAssembly.Module(sumModule(layout)), { m: { m: memory } }).exports;

  /** Adds the rows of the ids `from … to − 1` up. Returns the square of the sum's length; 0 where no word is known. */
  const addUp = (ids: Int32Array, from: number, to: number): number => {
    let count = 0;
    for (let k = from; k < to; k++) {
      if (ids[k] >= scales.length)
        throw new Error(`the tokenizer gives id ${ids[k]}, the table has ${scales.length} rows`);
      // The rows of words that are not known are zeros.
      if (scales[ids[k]] !== 0) given[count++] = ids[k];
    }
    return count === 0 ? 0 : sum(layout.ids + count * ID_BYTES);
  };
  return {
    provider: 'cpu',
    fallback: '',
    write: async ({ ids, starts }, vectors, problems) => {
      for (let k = 0; k + 1 < starts.length; k++) {
        if (starts[k] === starts[k + 1]) continue;
        const square = addUp(ids, starts[k], starts[k + 1]);
        if (square > 0 && Number.isFinite(square)) vectors.set(made, k * dim);
        else problems.set(k, NO_KNOWN_WORD);
      }
    },
    close: async () => {},
  };
}
