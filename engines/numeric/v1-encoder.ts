/** The encoder of the v1 models: windows of raw prices through their one graph. */
import { makeTensor, openSession } from '../onnx/session.ts';
import type { EncoderKind } from './encoder.model.ts';
import { V1_FEATURES } from './v1.model.ts';
import { eligible, lookbackOf, type PriceRows, priceRows, writeWindow } from './windows.model.ts';

export const priceWindowEncoder: EncoderKind<PriceRows> = {
  columns: ['close', 'volume'],
  lookback: lookbackOf,
  prepare: async ({ panel }) => priceRows(panel),
  due: ({ panel, window }, rows) => ({
    entities: panel.instruments.map(({ id }) => ({ type: 'INSTRUMENT', id })),
    due: eligible(rows, panel, window),
  }),
  open: async ({ panel, model, window }, rows, device) => {
    const session = await openSession(model.graph, device);
    return {
      provider: session.provider,
      fallback: session.fallback,
      encode: async (cells) => {
        const size = window * V1_FEATURES;
        const windows = new Float32Array(cells.length * size);
        const problems = new Map<number, string>();
        for (let k = 0; k < cells.length; k++) {
          const problem = writeWindow(rows, panel, window, cells[k], windows, k * size);
          if (problem) problems.set(k, problem);
        }
        const { vector } = await session.run({
          window: await makeTensor('float32', windows, [cells.length, window, V1_FEATURES]),
        });
        return { vectors: vector.data as Float32Array, problems };
      },
      close: () => session.release(),
    };
  },
};
