/**
 * What an encoder is: the code that makes a model's inputs from prices and runs its graph. A model names its encoder in
 * `model.json`; `encoders.ts` lists them. A new one is a file of its own and a line there.
 */
import type { Databases } from '../../src/platform/db/databases.ts';
import type { Panel, PriceColumn } from '../market/panel.ts';
import type { EntityType } from '../models/manifest.model.ts';
import type { Device, Provider } from '../onnx/session.ts';
import type { NumericModel } from './models.storage.ts';

export interface Entity {
  readonly type: EntityType;
  /** `AAPL.US`, `US_EQ`, `US_EQ|Energy`, a portfolio id. */
  readonly id: string;
}

/** For which entities and days a vector is expected. What is not eligible is skipped and no failure. */
export interface Due {
  /** Ascending by type, then by byte order of the id. */
  readonly entities: readonly Entity[];
  /** E × T over the panel's trading days, entity-major (`due[e * T + t]`), 1 where a vector is expected; shared memory. */
  readonly due: Uint8Array;
}

/** Vectors of some cells. A cell is `e * T + t` for entity e and trading day t of the panel. */
interface Encoded {
  /** One row a cell, `dim` float32 each; numbers of a cell with a problem mean nothing. */
  readonly vectors: Float32Array;
  /** Why a cell that was due has no vector, by position among the cells. */
  readonly problems: ReadonlyMap<number, string>;
}

/** An encoder at work in one thread. The same cell gives the same bytes in any batch and any thread. */
export interface Encoder {
  readonly provider: Provider;
  /** Why CUDA does not run; empty when it does. */
  readonly fallback: string;
  encode(cells: Int32Array): Promise<Encoded>;
  close(): Promise<void>;
}

interface EncoderRequest {
  readonly panel: Panel;
  readonly model: NumericModel;
  /** Trading days of a window. */
  readonly window: number;
}

/**
 * One way to make vectors. `Inputs` is what it derives from the panel (and reads beside it) once a run: plain data and
 * typed arrays on shared memory, since every worker thread gets it.
 */
export interface EncoderKind<Inputs> {
  /** Columns of the panel that it reads. */
  readonly columns: readonly PriceColumn[];
  /** Trading days before the first day that it looks back on. */
  lookback(window: number): number;
  prepare(request: EncoderRequest, databases: Databases): Promise<Inputs>;
  /** Hash of what it read beside the panel, where that is something: a backfill is not resumed over another one. */
  fingerprint?(inputs: Inputs): string;
  due(request: EncoderRequest, inputs: Inputs): Due;
  open(request: EncoderRequest, inputs: Inputs, device: Device): Promise<Encoder>;
}
