/** The encoder of any v2 model: its source writes the inputs, its graph does the rest. */
import { makeTensor, openSession } from '../../onnx/session.ts';
import type { EncoderKind } from '../encoder.model.ts';
import { type Source, sizeOf } from './source.model.ts';

/** Rows through the graph at a time: its intermediate values then stay in the cache (measured). */
const BATCH = 16;

export function sourceEncoder<Inputs>(source: Source<Inputs>): EncoderKind<Inputs> {
  return {
    columns: source.columns,
    lookback: source.lookback,
    prepare: source.prepare,
    fingerprint: source.fingerprint,
    due: source.due,
    open: async (request, inputs, device) => {
      const { dim } = request.model.manifest;
      const session = await openSession(request.model.graph, device);
      const write = source.writer(request, inputs);
      return {
        provider: session.provider,
        fallback: session.fallback,
        encode: async (cells) => {
          const vectors = new Float32Array(cells.length * dim);
          const problems = new Map<number, string>();
          for (let from = 0; from < cells.length; from += BATCH) {
            const rows = Math.min(BATCH, cells.length - from);
            const targets = source.inputs.map((input) => new Float32Array(rows * sizeOf(input)));
            for (let k = 0; k < rows; k++) {
              const problem = write(cells[from + k], targets, k);
              if (problem) problems.set(from + k, problem);
            }
            const feeds = await Promise.all(
              source.inputs.map(
                async ({ name, dims }, at) =>
                  [name, await makeTensor('float32', targets[at], [rows, ...dims])] as const,
              ),
            );
            const { vector } = await session.run(Object.fromEntries(feeds));
            vectors.set(vector.data as Float32Array, from * dim);
          }
          return { vectors, problems };
        },
        close: () => session.release(),
      };
    },
  };
}
