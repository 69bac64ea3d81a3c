/**
 * Sessions of ONNX Runtime: one thread each (the product scales by workers), CUDA when its libraries load, and always a
 * word on what runs and why.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { errorMessage } from '../../src/platform/errors.ts';

/** What a caller asks for: `auto` takes the GPU when it can. */
export type Device = 'auto' | 'cpu';
/** What runs. */
export type Provider = 'cpu' | 'cuda';

export interface OnnxSession {
  readonly provider: Provider;
  /** Why CUDA does not run; empty when it does, or was not asked for. */
  readonly fallback: string;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Feeds every input and returns every output; tensors are made by `makeTensor`. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

/** ONNX Runtime is native code and takes its time to load: only sessions load it. */
const runtime = () => import('onnxruntime-node');

/** A tensor to feed. The data are not copied: leave them alone until the run has ended. */
export async function makeTensor(type: Tensor.Type, data: TensorData, dims: readonly number[]): Promise<Tensor> {
  const { Tensor } = await runtime();
  return new Tensor(type as 'float32', data as Float32Array, dims);
}

/**
 * Opens a session over a model's bytes. Take them from the model registry, which has verified them.
 * @throws Error with ONNX Runtime's own words when it refuses the model.
 */
export async function openSession(model: Uint8Array, device: Device = 'auto'): Promise<OnnxSession> {
  const { session, provider, fallback } = await create(model, device);
  return {
    provider,
    fallback,
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds) => session.run(feeds),
    release: () => session.release(),
  };
}

async function create(
  model: Uint8Array,
  device: Device,
): Promise<{ session: InferenceSession; provider: Provider; fallback: string }> {
  const { InferenceSession } = await runtime();
  const open = (provider: Provider) =>
    InferenceSession.create(model, {
      executionProviders: [provider],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      // Waiting threads must not burn the cores that other workers need.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
      // What goes wrong comes as an error; ONNX Runtime need not write it to stderr as well.
      logSeverityLevel: 4,
    });
  if (device === 'cpu') return { session: await open('cpu'), provider: 'cpu', fallback: '' };
  const missing = cudaMissing();
  if (missing) return { session: await open('cpu'), provider: 'cpu', fallback: missing };
  try {
    return { session: await open('cuda'), provider: 'cuda', fallback: '' };
  } catch (error) {
    return { session: await open('cpu'), provider: 'cpu', fallback: `CUDA did not load: ${errorMessage(error)}` };
  }
}

/**
 * Why CUDA cannot run here, or null when its library is installed. Looked up before trying: a failed try writes to stderr
 * past every reporter of ours.
 */
function cudaMissing(): string | null {
  const { platform, arch } = process;
  if (platform !== 'linux') return `ONNX Runtime has no CUDA on ${platform}`;
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const root = path.resolve(path.dirname(entry), '..');
  const library = path.join(root, 'bin', 'napi-v6', platform, arch, 'libonnxruntime_providers_cuda.so');
  return existsSync(library) ? null : 'the CUDA libraries of ONNX Runtime are not installed';
}
