/** A text model at work in one thread: texts in, vectors out. The same text gives the same vector in any company. */
import type { Tensor } from 'onnxruntime-node';
import { UserError } from '../../src/platform/errors.ts';
import type { TextManifest } from '../models/manifest.model.ts';
import { type Device, makeTensor, type OnnxSession, openSession, type Provider } from '../onnx/session.ts';
import { batchesByLength, type PaddedBatch, padded, type Tokens } from './batches.model.ts';
import type { TextModel, TextModelFiles } from './models.storage.ts';
import { normalize, pool } from './pooling.model.ts';
import { halfToFloat } from './safetensors.model.ts';
import { openTokenizer, type TextTokenizer } from './tokenizer.ts';

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

/** What a session may ask for, and how it is made of a batch. */
const INPUTS: Readonly<Record<string, (batch: PaddedBatch) => BigInt64Array>> = {
  input_ids: ({ ids }) => ids,
  attention_mask: ({ mask }) => mask,
  token_type_ids: ({ ids }) => new BigInt64Array(ids.length),
};

/** Texts through the graph at a time: more of them where it only adds rows up. */
const BATCH = 32;
const LIGHT_BATCH = 128;
/** Tokens a text that there is room for at first. */
const FEW_TOKENS = 24;
/** How far the length of a vector that is said to be normalised may be from 1. */
const NORM_TOLERANCE = 1e-3;

/**
 * Opens a verified model and runs its golden texts: a model that does not give what it is known to give is not used.
 * @throws UserError when the tokenizer or the graph cannot be used, or a golden text comes out otherwise.
 */
export async function openTextEncoder(model: TextModel, device: Device): Promise<TextEncoder> {
  const { manifest } = model;
  const refuse = (what: string) =>
    new UserError(`model ${manifest.model_id} is not used: ${what}`, 'Remove its folder and install or fit it again.');
  const tokenizer = attempt(() => openTokenizer(model.files, manifest.max_length), refuse);
  const session = await openSession(model.graph, device).catch((error: Error) => {
    throw refuse(error.message);
  });
  const { dim } = manifest;
  // What the graph writes of a light batch, time and again.
  const room = manifest.pooling === 'none' && manifest.dtype !== 'float16' ? new Float32Array(LIGHT_BATCH * dim) : null;
  const encoder: TextEncoder = {
    dim,
    provider: session.provider,
    fallback: session.fallback,
    encode: async (texts, vectors = new Float32Array(texts.length * dim)) => {
      const problems = new Map<number, string>();
      const tokens = tokensOf(texts, tokenizer, manifest.max_length, problems);
      for (const rows of batchesByLength(tokens, manifest.pooling === 'none' ? LIGHT_BATCH : BATCH)) {
        const found = await runBatch(session, manifest, padded(tokens, rows), room);
        for (let row = 0; row < rows.length; row++) {
          const problem = problemOf(squareSum(found, row * dim, dim), manifest);
          if (problem) problems.set(rows[row], problem);
          else vectors.set(found.subarray(row * dim, (row + 1) * dim), rows[row] * dim);
        }
      }
      return { vectors, problems };
    },
    close: () => session.release(),
  };
  try {
    const unknown = session.inputNames.find((name) => !(name in INPUTS));
    if (unknown) throw refuse(`its graph asks for ${unknown}`);
    if (!session.outputNames.includes(manifest.output)) throw refuse(`its graph has no output ${manifest.output}`);
    await checkGolden(encoder, manifest, refuse);
  } catch (error) {
    await session.release();
    throw error;
  }
  return encoder;
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

/** Sum of the squares of `dim` values; no finite number where one of them is none. */
function squareSum(vectors: Float32Array, at: number, dim: number): number {
  // Four sums side by side: each addition would wait for the one before it.
  let [a, b, c, d] = [0, 0, 0, 0];
  let k = at;
  const end = at + dim;
  for (; k + 3 < end; k += 4) {
    a += vectors[k] * vectors[k];
    b += vectors[k + 1] * vectors[k + 1];
    c += vectors[k + 2] * vectors[k + 2];
    d += vectors[k + 3] * vectors[k + 3];
  }
  for (; k < end; k++) a += vectors[k] * vectors[k];
  return a + b + (c + d);
}

/** One vector a row of the batch. @throws UserError when the graph's output has not the shape that it should have. */
async function runBatch(
  session: OnnxSession,
  manifest: TextManifest,
  batch: PaddedBatch,
  room: Float32Array | null,
): Promise<Float32Array> {
  const feeds = Object.fromEntries(
    await Promise.all(
      session.inputNames.map(
        async (name) => [name, await makeTensor('int64', INPUTS[name](batch), [batch.rows, batch.length])] as const,
      ),
    ),
  );
  const shape = manifest.pooling === 'none' ? [batch.rows, manifest.dim] : [batch.rows, batch.length, manifest.dim];
  const given = room && {
    [manifest.output]: await makeTensor('float32', room.subarray(0, batch.rows * manifest.dim), shape),
  };
  const { [manifest.output]: output } = await session.run(feeds, given ?? undefined);
  const states = floatsOf(output);
  if (!states || output.dims.join() !== shape.join()) {
    throw new UserError(
      `model ${manifest.model_id} gave ${output.type} [${output.dims.join(', ')}], not floats [${shape.join(', ')}]`,
      'Remove its folder and install or fit it again.',
    );
  }
  const vectors = pool(states, batch, manifest.dim, manifest.pooling);
  if (manifest.normalize) normalize(vectors, manifest.dim);
  return vectors;
}

/** Half floats come as their bits, or as numbers where the engine has an array of them. */
function floatsOf({ type, data }: Tensor): Float32Array | null {
  if (type === 'float32') return data as Float32Array;
  if (type !== 'float16') return null;
  return data instanceof Uint16Array ? Float32Array.from(data, halfToFloat) : Float32Array.from(data as Float32Array);
}

/** Why a vector cannot be stored, or null. @param square sum of the squares of its values */
function problemOf(square: number, manifest: TextManifest): string | null {
  if (!Number.isFinite(square)) {
    return manifest.pooling === 'none' ? 'no word of it is known to the model' : 'the graph gave no finite number';
  }
  const norm = Math.sqrt(square);
  return Math.abs(norm - 1) > NORM_TOLERANCE ? `its vector has length ${norm.toPrecision(4)}, not 1` : null;
}

async function checkGolden(
  encoder: TextEncoder,
  { golden }: TextManifest,
  refuse: (what: string) => Error,
): Promise<void> {
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
