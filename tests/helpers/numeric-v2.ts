/** v2 models fitted on small made-up panels, without a database. */
import { columnOf, makeColumn, type Panel } from '../../engines/market/panel.ts';
import type { LoadedPanel } from '../../engines/market/storage.ts';
import { writeModel } from '../../engines/models/storage.ts';
import type { Due, Encoder } from '../../engines/numeric/encoder.model.ts';
import { encoderOf } from '../../engines/numeric/encoders.ts';
import { type FittedGraph, fitGraph } from '../../engines/numeric/fit/fit.ts';
import { loadNumericModel } from '../../engines/numeric/models.storage.ts';
import { recipeOf } from '../../engines/numeric/v2/models.model.ts';
import { V2_SOURCES } from '../../engines/numeric/v2/sources.ts';
import { openBlas } from '../../engines/onnx/blas.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { type Databases, openDatabases } from '../../src/platform/db/databases.ts';
import { makeTarget } from '../../src/platform/db/targets.ts';
import { smallMarket } from './small-market.ts';

/** Never connected: these encoders read nothing beside the panel. */
function nowhere(): Databases {
  const target = (name: 'historical' | 'runtime') => makeTarget(name, { host: '/nowhere' }, 'nobody');
  return openDatabases({ historical: target('historical'), runtime: target('runtime') }, { application: 'test' });
}

/** A small market with all columns that v2 reads, every day of it part of the range asked for. */
export function fullMarket(options: Parameters<typeof smallMarket>[0]): LoadedPanel {
  const panel = smallMarket(options);
  const [open, close] = [columnOf(panel, 'open'), columnOf(panel, 'close')];
  const column = (of: (at: number) => number) => {
    const result = makeColumn(close.length);
    for (let at = 0; at < close.length; at++) result[at] = of(at);
    return result;
  };
  return withColumns(panel, {
    adjusted_close: column((at) => close[at]),
    high: column((at) => Math.max(open[at], close[at]) * 1.004),
    low: column((at) => Math.min(open[at], close[at]) * 0.996),
  });
}

/** The panel with some columns replaced, loaded from its first day on. */
export function withColumns(panel: Panel, columns: Panel['columns']): LoadedPanel {
  const count = panel.calendar.days.length;
  return { ...panel, columns: { ...panel.columns, ...columns }, first: 0, count, fromCache: false };
}

/** The panel without its first `days`. */
export function withoutDays(panel: LoadedPanel, days: number): LoadedPanel {
  const T = panel.calendar.days.length;
  const kept = T - days;
  const columns = Object.fromEntries(
    Object.entries(panel.columns).map(([name, column]) => {
      const result = makeColumn(panel.instruments.length * kept);
      for (let i = 0; i < panel.instruments.length; i++) {
        result.set(column.subarray(i * T + days, (i + 1) * T), i * kept);
      }
      return [name, result];
    }),
  );
  const calendar = { ...panel.calendar, days: panel.calendar.days.slice(days) };
  return { ...panel, calendar, columns, count: kept };
}

/** Fits `id` on the whole panel. */
export async function fitOn(panel: LoadedPanel, id: string, seed = 1): Promise<FittedGraph> {
  const blas = await openBlas();
  const recipe = recipeOf(id)!;
  const { signal } = new AbortController();
  try {
    return await fitGraph({ name: id, recipe, source: V2_SOURCES[recipe.source], panel, maxWindows: 1500 }, nowhere(), {
      blas,
      seed,
      signal,
      progress: () => {},
    });
  } finally {
    await blas.release();
  }
}

/** Fits `id` on the panel and writes it into the registry in `folder`. */
export async function fitInto(folder: string, panel: LoadedPanel, id: string): Promise<FittedGraph> {
  const fitted = await fitOn(panel, id);
  const recipe = recipeOf(id)!;
  const source = V2_SOURCES[recipe.source];
  const { days } = panel.calendar;
  await writeModel(folder, {
    manifest: {
      schema: 1,
      model_id: id,
      kind: 'numeric',
      encoder: recipe.source,
      entities: [...source.entities],
      window_days: recipe.window,
      inputs: source.inputs.map(({ name, dims }) => ({ name, type: 'float32', dims: ['N', ...dims] })),
      dim: fitted.graph.dim,
      fit: {
        fit_start: formatDay(days[0]),
        fit_end: formatDay(days[days.length - 1]),
        universe_hash: 'test',
        seed: 1,
      },
      file: 'model.onnx',
    },
    files: { 'model.onnx': fitted.graph.bytes },
  });
  return fitted;
}

/** Opens a model of the registry over a panel. */
export async function openOn(folder: string, panel: LoadedPanel, id: string): Promise<Encoder & { readonly due: Due }> {
  const model = await loadNumericModel(folder, id);
  const request = { panel, model, window: model.manifest.window_days };
  const kind = encoderOf(model);
  const inputs = await kind.prepare(request, nowhere());
  return { ...(await kind.open(request, inputs, 'cpu')), due: kind.due(request, inputs) };
}

/** Vectors of some cells of a panel. */
export async function vectorsOf(
  folder: string,
  panel: LoadedPanel,
  id: string,
  cells: readonly number[],
): Promise<Float32Array> {
  const encoder = await openOn(folder, panel, id);
  try {
    const { vectors, problems } = await encoder.encode(Int32Array.from(cells));
    if (problems.size) throw new Error([...problems.values()][0]);
    return vectors;
  } finally {
    await encoder.close();
  }
}
