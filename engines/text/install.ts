/** Makes the folder of `text-fin-general-v1` out of the files that a source holds. */
import { errorMessage, UserError } from '../../src/platform/errors.ts';
import type { TextManifest } from '../models/manifest.model.ts';
import { BERT_OUTPUT, bertGraph, parseBertConfig } from './bert.model.ts';
import { dtypeOf } from './dtype.model.ts';
import {
  GENERAL_DIM,
  GENERAL_LICENCE,
  GENERAL_MAX_LENGTH,
  GENERAL_MODEL,
  GENERAL_REPO,
  generalGolden,
} from './general.model.ts';
import type { TextModelFiles } from './models.storage.ts';
import { openSafetensors } from './safetensors.model.ts';
import type { ModelSource } from './source/source.ts';
import { CONFIG_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from './tokenizer.ts';

const GRAPH_FILE = 'onnx/model.onnx';

/** What a source makes, and the file of weights that it was made of. */
export interface GeneralFiles extends TextModelFiles {
  readonly weights: Uint8Array;
}

/**
 * Reads tokenizer and weights; safetensors become a graph of ours, a graph is taken as it is.
 * @throws UserError when the source lacks one, or what it has is no BERT model of the right shape.
 */
export async function generalFromSource(source: ModelSource): Promise<GeneralFiles> {
  const lacks = (what: string) =>
    new UserError(
      `${source.origin} holds no ${what}`,
      `Name a source of ${GENERAL_REPO}: tokenizer.json with model.safetensors or onnx/model.onnx.`,
    );
  const tokenizer = shortest(source.names.filter((name) => name.endsWith(TOKENIZER_FILE)));
  if (tokenizer === undefined) throw lacks(TOKENIZER_FILE);
  const root = tokenizer.slice(0, tokenizer.lastIndexOf('/') + 1);
  const weights = weightsIn(source.names, root);
  if (weights === undefined) throw lacks('weights');
  const optional = async (name: string) => (source.names.includes(root + name) ? source.read(root + name) : null);
  const config = await optional(CONFIG_FILE);
  const bytes = await source.read(weights);
  let made: { graph: Uint8Array; dtype: TextManifest['dtype'] };
  try {
    made = await graphOf(bytes, weights.endsWith('.safetensors') ? config : undefined);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${weights} of ${source.origin}: ${errorMessage(error)}`,
      `Name a source of ${GENERAL_REPO}, fetched whole.`,
    );
  }
  const { graph, dtype } = made;
  return {
    weights: bytes,
    manifest: {
      schema: 1,
      model_id: GENERAL_MODEL,
      kind: 'text',
      source: { repo: GENERAL_REPO, revision: source.origin, licence: GENERAL_LICENCE },
      file: GRAPH_FILE,
      dtype,
      dim: GENERAL_DIM,
      max_length: GENERAL_MAX_LENGTH,
      pooling: 'mean',
      normalize: true,
      output: BERT_OUTPUT,
      prefix: { query: '', document: '' },
      // Dynamic quantisation scales by what else is in the batch.
      batch_invariant: dtype === 'float32',
      golden: generalGolden(dtype),
      fit: null,
    },
    files: {
      [GRAPH_FILE]: graph,
      [TOKENIZER_FILE]: await source.read(tokenizer),
      [TOKENIZER_CONFIG_FILE]: (await optional(TOKENIZER_CONFIG_FILE)) ?? Buffer.from('{}\n'),
      ...(config && { [CONFIG_FILE]: config }),
    },
  };
}

/** The fp32 graph, else the weights that become one, else the only graph that there is. */
function weightsIn(names: readonly string[], root: string): string | undefined {
  const wanted = [`${root}onnx/model.onnx`, `${root}model.onnx`, `${root}model.safetensors`];
  const graphs = names.filter((name) => name.endsWith('.onnx'));
  return wanted.find((name) => names.includes(name)) ?? (graphs.length === 1 ? graphs[0] : undefined);
}

/** `config` is undefined where the bytes are a graph, null where it is needed and missing. */
async function graphOf(
  bytes: Uint8Array,
  config: Uint8Array | null | undefined,
): Promise<{ graph: Uint8Array; dtype: TextManifest['dtype'] }> {
  if (config === undefined) {
    return { graph: bytes, dtype: dtypeOf(bytes) };
  }
  if (config === null) throw new Error(`${CONFIG_FILE} is missing beside it`);
  const settings = parseBertConfig(new TextDecoder().decode(config));
  if (settings.hidden_size !== GENERAL_DIM || settings.max_position_embeddings < GENERAL_MAX_LENGTH) {
    throw new Error(
      `it is another model: ${settings.hidden_size} values, ${settings.max_position_embeddings} positions`,
    );
  }
  return { graph: bertGraph(settings, openSafetensors(bytes)), dtype: 'float32' };
}

const shortest = (names: readonly string[]): string | undefined =>
  [...names].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))[0];
