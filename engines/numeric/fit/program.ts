/** The program `models fit`. */
import { formatCount } from '../../../src/format/numbers.ts';
import { formatDay } from '../../../src/platform/dates.ts';
import { Exit, UsageError, UserError } from '../../../src/platform/errors.ts';
import { log, stage } from '../../../src/platform/events.ts';
import { type Program, type ProgramContext, parseRange } from '../../../src/platform/program.ts';
import { type LoadedPanel, loadPanel } from '../../market/storage.ts';
import { FITTED_MODELS } from '../../models/makers.model.ts';
import { modelId } from '../../models/manifest.model.ts';
import { listModels, loadModel, writeModel } from '../../models/storage.ts';
import { openBlas } from '../../onnx/blas.ts';
import { isPlainModel, loadNumericModel } from '../models.storage.ts';
import { recipeOf, V2_MODELS, type V2Recipe } from '../v2/models.model.ts';
import { V2_SOURCES } from '../v2/sources.ts';
import { fitGraph } from './fit.ts';
import type { numericFitSpec } from './spec.ts';

const ALL = 'all-v2';

interface Fitted {
  readonly model_id: string;
  readonly windows: number | null;
  /** Windows that were drawn and could not be used, for a price that no day can have. */
  readonly left_out: number;
  readonly fit_start: string | null;
  readonly fit_end: string | null;
  readonly bytes: number;
  readonly fingerprint: string;
}

export const fitModels: Program<typeof numericFitSpec> = async (args, context) => {
  const { home, databases, events } = context;
  const { start, end } = parseRange({ start: args.trainStart, end: args.trainEnd }, ['--train-start', '--train-end']);
  const ids = idsOf(args.model, args.as);
  for (const { id } of ids) await requireFree(home.models, id, args.replace);
  stage(events, 'load prices', 1, ids.length + 1);
  const sources = ids.map(({ recipe }) => V2_SOURCES[recipe.source]);
  const panel = await loadPanel(databases, {
    marketId: args.market,
    start,
    end,
    lookback: Math.max(...ids.map(({ recipe }, k) => sources[k].lookback(recipe.window))),
    columns: [...new Set(sources.flatMap(({ columns }) => columns))],
    cacheFolder: home.cache,
    markUnusable: true,
  });
  const blas = await openBlas();
  const fitted: Fitted[] = [];
  try {
    for (const [k, { id, recipe }] of ids.entries()) {
      stage(events, `fit ${id}`, k + 2, ids.length + 1);
      fitted.push(
        recipe.fit === 'schema'
          ? await plainFunction(context, id)
          : await fitOne(context, { id, recipe, panel, blas, ...args }),
      );
    }
  } finally {
    await blas.release();
  }
  if (!args.json) {
    const lines = fitted.map((one) =>
      [one.model_id, one.windows ?? '', one.fit_start ?? '', one.fit_end ?? '', one.bytes, one.fingerprint].join(),
    );
    context.stdout(`${['model_id,windows,fit_start,fit_end,bytes,fingerprint', ...lines].join('\n')}\n`);
  }
  const leftOut = fitted.reduce((sum, one) => sum + one.left_out, 0);
  const without = leftOut ? `; windows that could not be used: ${formatCount(leftOut)}` : '';
  const summary = `${fitted.length} model${fitted.length === 1 ? '' : 's'} in ${home.models}${without}`;
  return { exitCode: Exit.done, summary, data: { models: fitted } };
};

/** @throws UsageError for an id that is none of this build, or a name that is not the model's own. */
function idsOf(models: readonly string[], as: string | undefined): { id: string; recipe: V2Recipe }[] {
  const names = [...new Set(models.flatMap((name) => (name === ALL ? V2_MODELS : [name])))];
  if (as !== undefined) {
    if (names.length !== 1) throw new UsageError('--as names one model', 'Fit one model at a time under another name.');
    if (!as.startsWith(`${names[0]}-`) || !modelId.safeParse(as).success || as.length > 64) {
      throw new UsageError(`--as ${as} is no name for ${names[0]}`, `Let it begin with the id: ${names[0]}-2018`);
    }
    if (isPlainModel(names[0])) {
      throw new UsageError(`${names[0]} is fitted on nothing: a refit would be the same`, 'Leave out --as.');
    }
  }
  return names.map((name) => {
    const recipe = recipeOf(name);
    if (recipe) return { id: as ?? name, recipe };
    throw new UsageError(
      `'${name}' is no model that can be fitted`,
      `Name some of: ${FITTED_MODELS.join(', ')}, ${ALL}.`,
    );
  });
}

async function requireFree(folder: string, id: string, replace: boolean): Promise<void> {
  if (replace || isPlainModel(id) || !(await listModels(folder)).some((one) => one.id === id)) return;
  throw new UserError(
    `there is a model ${id} already, and its vectors may be in use`,
    `Fit under another name (--as ${id}-2018), or write over it with --replace and embed anew.`,
  );
}

async function plainFunction(context: ProgramContext, id: string): Promise<Fitted> {
  const { manifest, fingerprint } = await loadNumericModel(context.home.models, id);
  log(context.events, 'info', `${id} is a plain function: nothing to fit`);
  return {
    model_id: id,
    windows: null,
    left_out: 0,
    fit_start: null,
    fit_end: null,
    bytes: manifest.bytes,
    fingerprint,
  };
}

interface FitJob {
  readonly id: string;
  readonly recipe: V2Recipe;
  readonly panel: LoadedPanel;
  readonly blas: Awaited<ReturnType<typeof openBlas>>;
  readonly seed: number;
  readonly maxWindows: number;
  readonly replace: boolean;
}

async function fitOne(context: ProgramContext, job: FitJob): Promise<Fitted> {
  const { id, recipe, panel, seed } = job;
  const { home, databases, events, signal } = context;
  const source = V2_SOURCES[recipe.source];
  const { graph, windows, leftOut, probes } = await fitGraph(
    { name: id, recipe, source, panel, maxWindows: job.maxWindows },
    databases,
    {
      blas: job.blas,
      seed,
      signal,
      progress: (done, total) => events.emit({ type: 'progress', done, total, unit: 'windows', label: id }),
    },
  );
  if (leftOut.count) {
    log(
      events,
      'warn',
      `${id}: left out ${formatCount(leftOut.count)} of ${formatCount(windows + leftOut.count)} windows: ${leftOut.first}, …`,
    );
  }
  const days = panel.calendar.days;
  const fit = {
    fit_start: formatDay(days[panel.first]),
    fit_end: formatDay(days[days.length - 1]),
    universe_hash: panel.fingerprint,
    seed,
    features: [...source.features],
    probes: { windows, ...(leftOut.count > 0 && { left_out: leftOut.count }), ...probes },
  };
  await writeModel(
    home.models,
    {
      manifest: {
        schema: 1,
        model_id: id,
        kind: 'numeric',
        encoder: recipe.source,
        entities: [...source.entities],
        window_days: recipe.window,
        inputs: source.inputs.map(({ name, dims }) => ({ name, type: 'float32', dims: ['N', ...dims] })),
        dim: graph.dim,
        fit,
        file: 'model.onnx',
      },
      files: { 'model.onnx': graph.bytes },
    },
    job.replace,
  );
  const { manifest, fingerprint } = await loadModel(home.models, id);
  return {
    model_id: id,
    windows,
    left_out: leftOut.count,
    fit_start: fit.fit_start,
    fit_end: fit.fit_end,
    bytes: manifest.bytes,
    fingerprint,
  };
}
