/** The graph and the tokenizer of a static word table: the mean of the words' rows, brought to length 1. */
import { GraphBuilder } from '../../onnx/graph.ts';
import { weightsOf } from '../../onnx/inspect.ts';
import { float32, int8, int64 } from '../../onnx/tensor.ts';
import type { WordTable } from './table.model.ts';

export const STATIC_OUTPUT = 'sentence_embedding';
const PAD = '[PAD]';
const UNKNOWN = '[UNK]';
/** Ids that are no words, in the order of their ids; their rows are zeros. */
export const BLANKS: readonly string[] = [PAD, UNKNOWN];
/** Longer words are unknown without a search. */
const LONGEST_WORD = 100;

/** Inputs `input_ids`, `attention_mask`: int64 [N, L]; output float32 [N, dim]. */
export function staticGraph({ rows, scales, dim }: WordTable): Uint8Array {
  const graph = new GraphBuilder({ name: 'static-words' });
  const ids = graph.input('input_ids', 'int64', ['N', 'L']);
  const mask = graph.input('attention_mask', 'int64', ['N', 'L']);
  const words = scales.length;
  const floats = { to: { int: 1 } };
  // The table is made floats before it is read from: ONNX Runtime does that once, when the session opens, not for each text.
  const table = graph.node('Mul', [
    graph.node('Cast', [graph.constant(int8([words, dim], rows))], floats),
    graph.constant(float32([words, 1], scales)),
  ]);
  const vectors = graph.node('Gather', [table, ids]);
  const alongText = graph.constant(int64(1));
  const sum = graph.node('ReduceSum', [vectors, alongText], { keepdims: { int: 0 } });
  const count = graph.node('ReduceSum', [graph.node('Cast', [mask], floats), alongText], { keepdims: { int: 1 } });
  const mean = graph.node('Div', [sum, count]);
  const norm = graph.node('ReduceL2', [mean], { axes: { ints: [1] }, keepdims: { int: 1 } });
  graph.output(STATIC_OUTPUT, graph.node('Div', [mean, norm]), 'float32', ['N', dim]);
  return graph.build();
}

/**
 * The table of a model file; null unless `staticGraph` makes exactly this file of it: only of that graph is it known without
 * running it what it gives. @throws Error for no ONNX model.
 */
export function readStaticGraph(model: Uint8Array): WordTable | null {
  const weights = [...weightsOf(model)];
  const rows = weights.find(({ type }) => type === 'int8');
  const scales = weights.find(({ type }) => type === 'float32');
  if (rows?.dims.length !== 2 || !scales || rows.data.length !== rows.dims[0] * rows.dims[1]) return null;
  if (scales.data.length !== rows.dims[0] * Float32Array.BYTES_PER_ELEMENT) return null;
  const table: WordTable = {
    rows: new Int8Array(rows.data.buffer, rows.data.byteOffset, rows.data.length),
    // Copied: it need not lie where floats may.
    scales: new Float32Array(new Uint8Array(scales.data).buffer),
    dim: rows.dims[1],
  };
  return Buffer.compare(staticGraph(table), model) === 0 ? table : null;
}

/** `tokenizer.json`: whole lower-case words, cut as BERT cuts them. */
export function staticTokenizer(words: readonly string[]): object {
  const vocab = Object.fromEntries([...BLANKS, ...words].map((word, id) => [word, id]));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: null,
    // Without pieces that continue a word, a word is found whole or not at all.
    model: {
      type: 'WordPiece',
      unk_token: UNKNOWN,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: LONGEST_WORD,
      vocab,
    },
  };
}
