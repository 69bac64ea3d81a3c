/** What is judged: the vectors of models, and the plain inputs that they must not be worse than. */
import type { Databases } from '../../../src/platform/db/databases.ts';
import type { LoadedPanel } from '../../market/storage.ts';
import type { Due } from '../encoder.model.ts';
import { encoderOf } from '../encoders.ts';
import type { NumericModel } from '../models.storage.ts';
import { CHANNELS, instrumentSource, STATISTICS, STEPS } from '../v2/instrument.model.ts';
import { type InstrumentRows, instrumentRows, MARKET_WINDOW } from '../v2/rows.model.ts';
import type { Matrix } from './ridge.ts';

/** Cells through an encoder at a time. */
const BATCH = 1024;

/** An encoder that is open, with its entities and the cells that it gives vectors for. */
export interface OpenModel {
  readonly model: NumericModel;
  readonly due: Due;
  /** What its source derived from the panel. */
  readonly inputs: unknown;
  /** Vectors of some cells, and the positions of those that have none. */
  vectors(cells: Int32Array, signal: AbortSignal): Promise<{ matrix: Matrix; failed: ReadonlySet<number> }>;
  close(): Promise<void>;
}

export async function openModel(panel: LoadedPanel, model: NumericModel, databases: Databases): Promise<OpenModel> {
  const kind = encoderOf(model);
  const request = { panel, model, window: model.manifest.window_days };
  const inputs = await kind.prepare(request, databases);
  const encoder = await kind.open(request, inputs, 'auto');
  const width = model.manifest.dim;
  return {
    model,
    due: kind.due(request, inputs),
    inputs,
    vectors: async (cells, signal) => {
      const data = new Float32Array(cells.length * width);
      const failed = new Set<number>();
      for (let at = 0; at < cells.length; at += BATCH) {
        signal.throwIfAborted();
        const { vectors, problems } = await encoder.encode(cells.subarray(at, at + BATCH));
        data.set(vectors, at * width);
        for (const k of problems.keys()) failed.add(at + k);
      }
      return { matrix: { data, width }, failed };
    },
    close: () => encoder.close(),
  };
}

/** The plain inputs of the instrument models over windows of 63 days. */
export interface PlainInputs {
  readonly flat: Matrix;
  readonly statistics: Matrix;
  /** ln volatility of 5, 21 and 63 days. */
  readonly volatilities: Matrix;
  readonly failed: ReadonlySet<number>;
}

export function plainDue(panel: LoadedPanel): { rows: InstrumentRows; due: Due } {
  const rows = instrumentRows(panel);
  return { rows, due: instrumentSource.due({ panel, window: MARKET_WINDOW }, rows) };
}

export function plainInputs(panel: LoadedPanel, rows: InstrumentRows, cells: Int32Array): PlainInputs {
  const write = instrumentSource.writer({ panel, window: MARKET_WINDOW }, rows);
  const s = STATISTICS.length;
  const flat = new Float32Array(cells.length * CHANNELS * STEPS);
  const statistics = new Float32Array(cells.length * s);
  const failed = new Set<number>();
  cells.forEach((cell, k) => {
    if (write(cell, [flat, statistics], k) !== null) failed.add(k);
  });
  const columns = (['log_vol_short', 'log_vol_middle', 'log_vol'] as const).map((name) => STATISTICS.indexOf(name));
  const volatilities = new Float32Array(cells.length * columns.length);
  for (let k = 0; k < cells.length; k++) {
    columns.forEach((column, c) => {
      volatilities[k * columns.length + c] = statistics[k * s + column];
    });
  }
  return {
    flat: { data: flat, width: CHANNELS * STEPS },
    statistics: { data: statistics, width: s },
    volatilities: { data: volatilities, width: columns.length },
    failed,
  };
}
