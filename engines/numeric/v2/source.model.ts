/** Where a v2 model's inputs come from: who its entities are, when they are due, and what the graph is fed. */
import type { Databases } from '../../../src/platform/db/databases.ts';
import type { Panel, PriceColumn } from '../../market/panel.ts';
import type { EntityType } from '../../models/manifest.model.ts';
import type { Due } from '../encoder.model.ts';

/** A graph input without its batch: `window` [6, 63]. */
export interface InputShape {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface SourceRequest {
  readonly panel: Panel;
  /** Trading days of a window. */
  readonly window: number;
}

/** `Inputs` is derived from the panel once a run: typed arrays on shared memory and plain data. */
export interface Source<Inputs> {
  readonly entities: readonly EntityType[];
  readonly columns: readonly PriceColumn[];
  /** Trading days before the first day that it looks back on. */
  lookback(window: number): number;
  readonly inputs: readonly InputShape[];
  /** Names of the values of the `stats` input, in order; empty for a source without one. */
  readonly features: readonly string[];
  prepare(request: SourceRequest, databases: Databases): Promise<Inputs>;
  /** Hash of what it read beside the panel, where that is something: a backfill is not resumed over another one. */
  fingerprint?(inputs: Inputs): string;
  due(request: SourceRequest, inputs: Inputs): Due;
  /** A writer of one thread: it may keep scratch space. */
  writer(request: SourceRequest, inputs: Inputs): InputWriter;
}

/**
 * Writes the inputs of cell `e * T + t` as row `k` of `targets`, which are in the order of the source's inputs and hold
 * zeros there. It reads nothing after t. Returns why the cell has no vector, or null.
 */
export type InputWriter = (cell: number, targets: readonly Float32Array[], k: number) => string | null;

export const sizeOf = ({ dims }: InputShape): number => dims.reduce((product, dim) => product * dim, 1);
