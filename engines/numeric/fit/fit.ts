/** From a panel to a fitted graph: which windows it learns from, and the recipe that makes the graph of them. */
import { formatCount } from '../../../src/format/numbers.ts';
import { formatDay } from '../../../src/platform/dates.ts';
import type { Databases } from '../../../src/platform/db/databases.ts';
import { UserError } from '../../../src/platform/errors.ts';
import { Random } from '../../../src/platform/random.ts';
import type { LoadedPanel } from '../../market/storage.ts';
import type { Blas } from '../../onnx/blas.ts';
import { makeTensor, openSession } from '../../onnx/session.ts';
import type { Due } from '../encoder.model.ts';
import { DIM, linearGraph, rocketGraph } from '../v2/graph.ts';
import type { V2Recipe } from '../v2/models.model.ts';
import { type Source, sizeOf } from '../v2/source.model.ts';
import { leadingComponents } from './pca.ts';
import { fitRocket, fitStandardised, type TrainingWindows } from './rocket.ts';

/** Fewer windows say nothing about 384 directions. */
const LEAST_WINDOWS = 400;
/** Windows that are encoded to measure the finished model. */
const MEASURED = 2048;
const SAMPLE_STREAM = 4;
const COMPONENT_STREAM = 5;

export interface FitRequest {
  readonly name: string;
  readonly recipe: V2Recipe;
  readonly source: Source<unknown>;
  readonly panel: LoadedPanel;
  readonly maxWindows: number;
}

export interface FitControl {
  readonly blas: Blas;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

export interface FittedGraph {
  readonly graph: { readonly bytes: Uint8Array; readonly dim: number };
  readonly windows: number;
  /** Windows that were drawn and could not be used. */
  readonly leftOut: LeftOut;
  /** Figures of the training windows: mean square length (1 by construction), length of the mean vector (0). */
  readonly probes: Readonly<Record<string, number>>;
}

interface LeftOut {
  readonly count: number;
  /** Why the first of them: `AAPL.US on 2014-01-02: prices of 2013-12-30: close is 0`; empty when there is none. */
  readonly first: string;
}

/** @throws UserError when the span holds too few windows that can be used. */
export async function fitGraph(request: FitRequest, databases: Databases, control: FitControl): Promise<FittedGraph> {
  const { name, recipe, source, panel } = request;
  const { seed, blas, signal } = control;
  const asked = { panel, window: recipe.window };
  const inputs = await source.prepare(asked, databases);
  const due = source.due(asked, inputs);
  const { data, count, leftOut } = readInputs(
    source,
    asked,
    inputs,
    { due, cells: trainingCells(due, panel, request.maxWindows, seed) },
    signal,
  );
  if (count < LEAST_WINDOWS) {
    const without = leftOut.count ? ` that can be used (not: ${formatCount(leftOut.count)}; ${leftOut.first})` : '';
    throw new UserError(
      `the span holds ${formatCount(count)} windows for ${name}${without}, fewer than ${LEAST_WINDOWS}`,
      `Choose a longer --train-start … --train-end, or import more prices${without && ', or correct those'}.`,
    );
  }
  let bytes: Uint8Array;
  if (recipe.fit === 'rocket') {
    const [channels, steps] = source.inputs[0].dims;
    const importance = Float32Array.from(source.features, (feature) => recipe.importance[feature] ?? 1);
    const training: TrainingWindows = {
      count,
      shape: { channels, steps },
      windows: data[0],
      stats: data[1],
      importance,
    };
    const progress = (done: number) => control.progress(done, count);
    bytes = rocketGraph(name, await fitRocket(training, { blas, seed, signal, progress }));
  } else bytes = await fitComponents(request, data[0], count, control);
  return { graph: { bytes, dim: DIM }, windows: count, leftOut, probes: await measure(bytes, source, data, count) };
}

/** Due cells of the span, at most `most`: a sample that the seed draws, in ascending order. */
function trainingCells({ due }: Due, panel: LoadedPanel, most: number, seed: number): Int32Array {
  const T = panel.calendar.days.length;
  const all: number[] = [];
  for (let cell = 0; cell < due.length; cell++) if (due[cell] && cell % T >= panel.first) all.push(cell);
  if (all.length <= most) return Int32Array.from(all);
  const order = new Random(seed, SAMPLE_STREAM).permutation(all.length).slice(0, most);
  return Int32Array.from(order, (k) => all[k]).sort();
}

/** The inputs of the cells, one array an input; cells that cannot be used are left out and counted. */
function readInputs<Inputs>(
  source: Source<Inputs>,
  asked: { panel: LoadedPanel; window: number },
  inputs: Inputs,
  { due, cells }: { due: Due; cells: Int32Array },
  signal: AbortSignal,
): { data: Float32Array[]; count: number; leftOut: LeftOut } {
  const { days } = asked.panel.calendar;
  const write = source.writer(asked, inputs);
  const data = source.inputs.map((input) => new Float32Array(cells.length * sizeOf(input)));
  let count = 0;
  let first = '';
  for (const cell of cells) {
    if (count % 4096 === 0) signal.throwIfAborted();
    const problem = write(cell, data, count);
    if (problem === null) count++;
    else
      first ||= `${due.entities[Math.floor(cell / days.length)].id} on ${formatDay(days[cell % days.length])}: ${problem}`;
  }
  return {
    data: source.inputs.map((input, k) => data[k].subarray(0, count * sizeOf(input))),
    count,
    leftOut: { count: cells.length - count, first },
  };
}

/** One grid, standardised and turned to its 384 leading components, with a mean square length of 1. */
async function fitComponents(
  { name, source }: FitRequest,
  grid: Float32Array,
  count: number,
  { blas, seed, signal, progress }: FitControl,
): Promise<Uint8Array> {
  const [input] = source.inputs;
  const p = sizeOf(input);
  const scale = fitStandardised(grid, count, p);
  const standard = new Float32Array(count * p);
  for (let at = 0; at < standard.length; at++) standard[at] = (grid[at] - scale.mean[at % p]) * scale.scale[at % p];
  const covariance = (await blas.gram(standard, count, p)).map((value) => value / count);
  progress(count, count);
  const random = new Random(seed, COMPONENT_STREAM);
  const { values, vectors } = await leadingComponents(blas, covariance, p, DIM, random, signal);
  const energy = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const weights = new Float32Array(p * DIM);
  for (let k = 0; k < p; k++)
    for (let c = 0; c < DIM; c++) weights[k * DIM + c] = vectors[c * p + k] / Math.sqrt(energy);
  return linearGraph(name, input, scale, { weights, bias: new Float32Array(DIM) });
}

/** Mean square length and length of the mean over some of the training windows. */
async function measure(
  graph: Uint8Array,
  source: Source<unknown>,
  data: readonly Float32Array[],
  count: number,
): Promise<Record<string, number>> {
  const step = Math.max(1, Math.floor(count / MEASURED));
  const rows = Math.floor((count - 1) / step) + 1;
  const session = await openSession(graph, 'cpu');
  try {
    const mean = new Float64Array(DIM);
    let square = 0;
    for (let k = 0; k < rows; k++) {
      const feeds = await Promise.all(
        source.inputs.map(async (input, at) => {
          const from = k * step * sizeOf(input);
          return [
            input.name,
            await makeTensor('float32', data[at].subarray(from, from + sizeOf(input)), [1, ...input.dims]),
          ] as const;
        }),
      );
      const vector = (await session.run(Object.fromEntries(feeds))).vector.data as Float32Array;
      for (let d = 0; d < DIM; d++) {
        mean[d] += vector[d] / rows;
        square += vector[d] ** 2 / rows;
      }
    }
    return { mean_square_length: square, mean_length: Math.hypot(...mean) };
  } finally {
    await session.release();
  }
}
