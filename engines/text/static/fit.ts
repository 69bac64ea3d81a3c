/** Fits `text-fin-static-v1` on texts: which words, what they stand near, and their vectors. */
import type { TextManifest } from '../../models/manifest.model.ts';
import type { TextModelFiles } from '../models.storage.ts';
import { openWordSplitter, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../tokenizer.ts';
import { type OnRound, topEigen } from './eigen.model.ts';
import { BLANKS, STATIC_OUTPUT, staticGraph, staticTokenizer } from './graph.model.ts';
import { ppmi } from './ppmi.model.ts';
import { wordTable } from './table.model.ts';
import { Corpus } from './vocabulary.model.ts';

export const STATIC_MODEL = 'text-fin-static-v1';
const DIM = 384;
const MAX_LENGTH = 256;
const GRAPH_FILE = 'onnx/model.onnx';
/** Fewer words than this make no space of their own. */
const LEAST_WORDS = 50;

export interface StaticFit {
  readonly modelId: string;
  /** Words at most. */
  readonly vocabulary: number;
  readonly fit: NonNullable<TextManifest['fit']>;
}

/**
 * Equal texts in equal order, sizes and seeds give equal bytes. The model has no golden texts yet: the caller adds what it
 * gives. @throws Error when the texts hold too few words.
 */
export async function fitStaticModel(
  texts: AsyncIterable<string> | Iterable<string>,
  { modelId, vocabulary: most, fit }: StaticFit,
  onRound: OnRound,
): Promise<TextModelFiles> {
  const split = openWordSplitter(staticTokenizer([]));
  const corpus = new Corpus();
  for await (const text of texts) corpus.add(split(text));
  const { vocabulary, texts: coded } = corpus.close(most);
  const { words } = vocabulary;
  if (words.length < LEAST_WORDS) throw new Error(`only ${words.length} words occur often enough`);
  const eigen = topEigen(ppmi(coded, words.length), DIM, fit.seed, onRound);
  const table = wordTable(vocabulary, eigen, DIM, BLANKS.length);
  return {
    manifest: {
      schema: 1,
      model_id: modelId,
      kind: 'text',
      source: {
        repo: 'the news_articles of this home',
        revision: fit.universe_hash,
        licence: 'that of the news it was fitted on',
      },
      file: GRAPH_FILE,
      dtype: 'int8',
      dim: DIM,
      max_length: MAX_LENGTH,
      pooling: 'none',
      // The graph does it.
      normalize: false,
      output: STATIC_OUTPUT,
      prefix: { query: '', document: '' },
      batch_invariant: true,
      golden: [],
      fit: { ...fit, probes: { texts: coded.length, words: words.length } },
    },
    files: {
      [GRAPH_FILE]: staticGraph(table),
      [TOKENIZER_FILE]: Buffer.from(`${JSON.stringify(staticTokenizer(words))}\n`),
      [TOKENIZER_CONFIG_FILE]: Buffer.from('{}\n'),
    },
  };
}
