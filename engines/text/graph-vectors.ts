/** A text model's graph at work in ONNX Runtime: token ids in, vectors out. */
import type { Tensor } from 'onnxruntime-node';
import { UserError } from '../../src/platform/errors.ts';
import type { TextManifest } from '../models/manifest.model.ts';
import { type Device, makeTensor, type OnnxSession, openSession } from '../onnx/session.ts';
import { batchesByLength, type PaddedBatch, padded } from './batches.model.ts';
import type { TextModel } from './models.storage.ts';
import { normalize, pool } from './pooling.model.ts';
import { halfToFloat } from './safetensors.model.ts';
import { NO_KNOWN_WORD, type Vectorizer } from './vectorizer.model.ts';

/** What a session may ask for, and how it is made of a batch. */
const INPUTS: Readonly<Record<string, (batch: PaddedBatch) => BigInt64Array>> = {
  input_ids: ({ ids }) => ids,
  attention_mask: ({ mask }) => mask,
  token_type_ids: ({ ids }) => new BigInt64Array(ids.length),
};

/** Texts through the graph at a time. */
const BATCH = 32;
/** How far the length of a vector that is said to be normalised may be from 1. */
const NORM_TOLERANCE = 1e-3;

/** @throws Error when ONNX Runtime refuses the graph, or it has other inputs or outputs than such a model. */
export async function openGraph({ manifest, graph }: TextModel, device: Device): Promise<Vectorizer> {
  const session = await openSession(graph, device);
  const { dim } = manifest;
  const unknown = session.inputNames.find((name) => !(name in INPUTS));
  if (unknown || !session.outputNames.includes(manifest.output)) {
    await session.release();
    throw new Error(unknown ? `its graph asks for ${unknown}` : `its graph has no output ${manifest.output}`);
  }
  try {
    await runLongest(session, manifest);
  } catch (error) {
    await session.release();
    throw error;
  }
  return {
    provider: session.provider,
    fallback: session.fallback,
    write: async (tokens, vectors, problems) => {
      for (const rows of batchesByLength(tokens, BATCH)) {
        const found = await runBatch(session, manifest, padded(tokens, rows));
        for (let row = 0; row < rows.length; row++) {
          const vector = found.subarray(row * dim, (row + 1) * dim);
          const problem = problemOf(vector, manifest);
          if (problem) problems.set(rows[row], problem);
          else vectors.set(vector, rows[row] * dim);
        }
      }
    },
    close: () => session.release(),
  };
}

/** That the graph takes a text of as many pieces as the manifest says. @throws Error with ONNX Runtime's words when not. */
async function runLongest(session: OnnxSession, manifest: TextManifest): Promise<void> {
  const { max_length: length } = manifest;
  const longest = padded({ ids: new Int32Array(length), starts: [0, length] }, Int32Array.of(0));
  await runBatch(session, manifest, longest).catch((error: Error) => {
    if (error instanceof UserError) throw error;
    throw new Error(`its graph takes no text of ${length} pieces (${error.message.split('\n')[0]})`);
  });
}

/** One vector a row of the batch. @throws UserError when the graph's output has not the shape that it should have. */
async function runBatch(session: OnnxSession, manifest: TextManifest, batch: PaddedBatch): Promise<Float32Array> {
  const feeds = Object.fromEntries(
    await Promise.all(
      session.inputNames.map(
        async (name) => [name, await makeTensor('int64', INPUTS[name](batch), [batch.rows, batch.length])] as const,
      ),
    ),
  );
  const shape = manifest.pooling === 'none' ? [batch.rows, manifest.dim] : [batch.rows, batch.length, manifest.dim];
  const { [manifest.output]: output } = await session.run(feeds);
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

/** Why a vector cannot be stored, or null. */
function problemOf(vector: Float32Array, manifest: TextManifest): string | null {
  let square = 0;
  for (const value of vector) square += value * value;
  if (!Number.isFinite(square)) {
    return manifest.pooling === 'none' ? NO_KNOWN_WORD : 'the graph gave no finite number';
  }
  const norm = Math.sqrt(square);
  return Math.abs(norm - 1) > NORM_TOLERANCE ? `its vector has length ${norm.toPrecision(4)}, not 1` : null;
}
