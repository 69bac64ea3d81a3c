/** A text model at work in one thread: texts in, vectors out. The same text gives the same vector in any company. */
import { UserError } from '../../src/platform/errors.ts';
import { MANIFEST_FILE, type TextManifest } from '../models/manifest.model.ts';
import type { Device, Provider } from '../onnx/session.ts';
import type { Tokens } from './batches.model.ts';
import { dtypeOf } from './dtype.model.ts';
import { GENERAL_MODEL, generalGolden } from './general.model.ts';
import { openGraph } from './graph-vectors.ts';
import type { TextModel, TextModelFiles } from './models.storage.ts';
import { readStaticGraph } from './static/graph.model.ts';
import { canAddUp, openWords } from './static/words.ts';
import { CONFIG_FILE, openTokenizer, type TextTokenizer } from './tokenizer.ts';
import type { Vectorizer } from './vectorizer.model.ts';

/** Vectors of some texts. */
interface EncodedTexts {
  /** One row a text, `dim` float32 each; rows with a problem mean nothing. */
  readonly vectors: Float32Array;
  /** Why a text has no vector, by position. */
  readonly problems: ReadonlyMap<number, string>;
}

export interface TextEncoder {
  readonly dim: number;
  readonly provider: Provider;
  /** Why CUDA does not run; empty when it does. */
  readonly fallback: string;
  /** @param vectors where they are written, one row a text; by default a new array. */
  encode(texts: readonly string[], vectors?: Float32Array): Promise<EncodedTexts>;
  close(): Promise<void>;
}

/** Tokens a text that there is room for at first. */
const FEW_TOKENS = 24;

const notUsed =
  ({ manifest }: TextModel) =>
  (what: string) =>
    new UserError(`model ${manifest.model_id} is not used: ${what}`, 'Remove its folder and install or fit it again.');

/**
 * Opens a verified model and runs its golden texts: a model that does not give what it is known to give is not used.
 * @param refuse how a refusal is put: by default of a model of the registry.
 * @throws UserError when the tokenizer or the graph cannot be used, or a golden text comes out otherwise.
 */
export async function openTextEncoder(
  model: TextModel,
  device: Device,
  refuse: (what: string) => UserError = notUsed(model),
): Promise<TextEncoder> {
  const { manifest } = model;
  const tokenizer = attempt(() => {
    requireClaims(model);
    return openTokenizer(model.files, manifest.max_length);
  }, refuse);
  const vectorizer = await openVectorizer(model, device).catch((error: Error) => {
    throw refuse(error.message);
  });
  const { dim } = manifest;
  const encoder: TextEncoder = {
    dim,
    provider: vectorizer.provider,
    fallback: vectorizer.fallback,
    encode: async (texts, vectors = new Float32Array(texts.length * dim)) => {
      const problems = new Map<number, string>();
      await vectorizer.write(tokensOf(texts, tokenizer, manifest.max_length, problems), vectors, problems);
      return { vectors, problems };
    },
    close: () => vectorizer.close(),
  };
  try {
    await checkGolden(encoder, manifest, refuse);
  } catch (error) {
    await encoder.close();
    throw error;
  }
  return encoder;
}

/** That what the manifest says of the graph is so. @throws Error when graph or settings say otherwise. */
function requireClaims({ manifest, graph, files }: TextModel): void {
  const dtype = dtypeOf(graph);
  if (dtype !== manifest.dtype) throw new Error(`its weights are ${dtype}, ${MANIFEST_FILE} says ${manifest.dtype}`);
  const config = files.get(CONFIG_FILE);
  const positions = config && JSON.parse(new TextDecoder().decode(config)).max_position_embeddings;
  if (typeof positions === 'number' && positions < manifest.max_length) {
    throw new Error(
      `its texts have ${positions} positions (${CONFIG_FILE}), ${MANIFEST_FILE} says ${manifest.max_length}`,
    );
  }
}

/** A static table adds its rows up by itself; every other graph, and a table of another make, runs in ONNX Runtime. */
async function openVectorizer(model: TextModel, device: Device): Promise<Vectorizer> {
  const { pooling, normalize, max_length } = model.manifest;
  const table = pooling === 'none' && !normalize ? readStaticGraph(model.graph) : null;
  return table && canAddUp(table) ? openWords(table, max_length) : openGraph(model, device);
}

/** A model that was just made and is not stored yet, as one to be opened. */
export const unverified = ({ manifest, files }: TextModelFiles): TextModel => ({
  manifest: { ...manifest, sha256: {}, bytes: 0 },
  fingerprint: '',
  graph: files[manifest.file],
  files: new Map(Object.entries(files)),
});

/** Token ids of all texts; why one has none goes to `problems`. */
function tokensOf(
  texts: readonly string[],
  tokenizer: TextTokenizer,
  maxLength: number,
  problems: Map<number, string>,
): Tokens {
  const starts = new Int32Array(texts.length + 1);
  let ids = new Int32Array(texts.length * FEW_TOKENS + maxLength);
  for (const [k, text] of texts.entries()) {
    const at = starts[k];
    if (at + maxLength > ids.length) {
      const larger = new Int32Array(2 * ids.length);
      larger.set(ids);
      ids = larger;
    }
    const count = tokenizer.write(text, ids, at);
    starts[k + 1] = at + count;
    if (count === 0)
      problems.set(k, text.trim() ? 'the text has nothing that can be read as a word' : 'the text is empty');
  }
  return { ids, starts };
}

async function checkGolden(
  encoder: TextEncoder,
  { model_id, dtype, golden: own }: TextManifest,
  refuse: (what: string) => Error,
): Promise<void> {
  // An id of the product's is what the product knows it to give, whatever its folder says.
  const golden = model_id === GENERAL_MODEL ? [...generalGolden(dtype), ...own] : own;
  const { vectors, problems } = await encoder.encode(golden.map(({ text }) => text));
  golden.forEach(({ text, first8, tolerance }, k) => {
    const distance = Math.max(...first8.map((value, at) => Math.abs(value - vectors[k * encoder.dim + at])));
    const what = problems.get(k) ?? (distance <= tolerance ? null : `is off by ${distance.toExponential(1)}`);
    if (what) throw refuse(`its golden text '${text}': ${what}`);
  });
}

function attempt<T>(make: () => T, refuse: (what: string) => Error): T {
  try {
    return make();
  } catch (error) {
    throw refuse((error as Error).message);
  }
}
