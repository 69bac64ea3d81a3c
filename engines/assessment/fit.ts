/** `models fit assessment-context-v2`: the head of the context backend, fitted on joint vectors and what came after them. */
import { z } from 'zod';
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { Exit, UsageError, UserError } from '../../src/platform/errors.ts';
import { log, stage } from '../../src/platform/events.ts';
import { LEAST_HEAD_DAYS } from '../../src/platform/least-training.ts';
import { dateArg, defineProgram, type Program, parseRange } from '../../src/platform/program.ts';
import { columnOf } from '../market/panel.ts';
import { loadPanel } from '../market/storage.ts';
import { modelId } from '../models/manifest.model.ts';
import { listModels, loadModel, writeModel } from '../models/storage.ts';
import { solveSymmetric } from '../numeric/fit/linear.model.ts';
import { ASSESSMENT_CONTEXT_V2 } from './context.model.ts';
import { contextDays, requireVectors } from './context.storage.ts';
import { HeadTrainer, headVerdict, LEARNT_FIRST, usedIc } from './head.model.ts';
import { headGraph } from './head.storage.ts';

/** Joint model of the head, and how far ahead it looks in trading days. */
const CONTEXT = 'joint-assessment-context-v2';
const HORIZON = 21;

export const headFitSpec = defineProgram({
  name: 'models fit',
  phase: 'P4',
  summary: 'fit the head of the context backend',
  args: z.object({
    model: z.array(z.string()).min(1, { message: 'names no model' }).describe('assessment-context-v2'),
    trainStart: dateArg().describe('first day of training'),
    trainEnd: dateArg().describe('last day that the fit may see'),
    market: z.string().min(1).default('US_EQ').describe('market'),
    seed: z.number().int().min(0).default(1).describe('not used: the fit is in closed form'),
    as: z.string().optional().describe('write the model under this id, which begins with its own'),
    replace: z.boolean().default(false).describe('write over a model that is there'),
    json: z.boolean().default(false).describe('print JSON instead of the CSV'),
  }),
  reads: [
    'historical.prices_daily',
    'historical.market_holidays',
    'historical.joint_embeddings',
    'runtime.instruments',
  ],
  writes: [],
  resource: 'cpu',
});

export const fitHead: Program<typeof headFitSpec> = async (args, { databases, home, events, signal, stdout }) => {
  const id = nameOf(args.model, args.as);
  const { start, end } = parseRange({ start: args.trainStart, end: args.trainEnd }, ['--train-start', '--train-end']);
  if (!args.replace && (await listModels(home.models)).some((one) => one.id === id)) {
    throw new UserError(
      `there is a model ${id} already`,
      `Fit under another name (--as ${id}-2018), or write over it with --replace.`,
    );
  }
  stage(events, 'load prices', 1, 2);
  const panel = await loadPanel(databases, {
    marketId: args.market,
    start,
    end,
    lookback: 0,
    columns: ['close'],
    cacheFolder: home.cache,
  });
  const close = columnOf(panel, 'close');
  const total = panel.calendar.days.length;
  // The last days have no future within the span.
  const days = panel.calendar.days.subarray(panel.first, Math.max(panel.first, panel.first + panel.count - HORIZON));
  if (days.length === 0)
    throw new UserError(
      `${args.trainStart} … ${args.trainEnd} is shorter than ${HORIZON} trading days`,
      'Give a longer span.',
    );
  stage(events, 'fit and judge', 2, 2);
  const request = { modelId: CONTEXT, instruments: panel.instruments, days };
  let trainer: HeadTrainer | null = null;
  let cells = 0;
  for await (const { day, instruments, vectors, dim } of contextDays(databases.historical, request)) {
    signal.throwIfAborted();
    if (dim > 0) trainer ??= new HeadTrainer(dim, HORIZON, (a, b, n) => solveSymmetric(a, b, n, 1));
    const t = panel.first + day;
    const forward = Float64Array.from(instruments, (i) => close[i * total + t + HORIZON] / close[i * total + t] - 1);
    const known = [...forward.keys()].filter((row) => Number.isFinite(forward[row]));
    const kept = new Float32Array(known.length * dim);
    known.forEach((row, k) => {
      kept.set(vectors.subarray(row * dim, (row + 1) * dim), k * dim);
    });
    trainer?.take({ vectors: kept, returns: Float64Array.from(known, (row) => forward[row]) });
    cells += known.length;
    events.emit({ type: 'progress', done: day + 1, total: days.length, unit: 'days' });
  }
  requireVectors(cells, request);
  const fitted = trainer?.finish();
  if (!fitted)
    throw new UserError(
      `no day of ${args.trainStart} … ${args.trainEnd} has enough names to learn from`,
      'Give a longer span, or more names.',
    );
  const { days: judged, figures } = fitted.judgment;
  if (judged === 0) throw neverJudged(args, panel.count);
  const probes = { ...figures, horizon: HORIZON, days_judged: judged, rows: fitted.rows };
  const fit = {
    fit_start: formatDay(days[0]),
    // The returns of the last learned day end here.
    fit_end: formatDay(panel.calendar.days[panel.first + panel.count - 1]),
    universe_hash: panel.fingerprint,
    seed: args.seed,
    features: [CONTEXT],
    probes,
  };
  await writeModel(
    home.models,
    {
      manifest: {
        schema: 1,
        model_id: id,
        kind: 'head',
        inputs: [{ name: 'context', type: 'float32', dims: ['N', fitted.weights.length] }],
        dim: 1,
        fit,
        file: 'model.onnx',
      },
      files: { 'model.onnx': headGraph(fitted.weights, id) },
    },
    args.replace,
  );
  const { manifest, fingerprint } = await loadModel(home.models, id);
  const verdict = headVerdict(probes);
  if (usedIc(probes) === 0) log(events, 'warn', verdict);
  if (!args.json) {
    const line = [id, fitted.rows, fit.fit_start, fit.fit_end, manifest.bytes, fingerprint].join();
    stdout(`model_id,windows,fit_start,fit_end,bytes,fingerprint\n${line}\n`);
  }
  return { exitCode: Exit.done, summary: `${id}: ${verdict}`, data: { model_id: id, ...fit, fingerprint, verdict } };
};

/** Nothing was scored, so that nothing can be said of the head. */
function neverJudged({ trainStart, trainEnd }: { trainStart: string; trainEnd: string }, days: number): UserError {
  return new UserError(
    `no day of ${trainStart} … ${trainEnd} (${formatCount(days)} trading days) is left to judge a head by: ${LEARNT_FIRST} are learnt from first, and the last ${HORIZON} have no future`,
    `Give a span of ${LEAST_HEAD_DAYS} trading days at least, with contexts from its beginning on: --train-start, --train-end (context.start and context.headEnd of phases.yaml).`,
  );
}

function nameOf(models: readonly string[], as: string | undefined): string {
  if (models.length !== 1 || models[0] !== ASSESSMENT_CONTEXT_V2) {
    throw new UsageError(`'${models.join(' ')}' is no head that can be fitted`, `Allowed: ${ASSESSMENT_CONTEXT_V2}.`);
  }
  if (as === undefined) return ASSESSMENT_CONTEXT_V2;
  if (!as.startsWith(`${ASSESSMENT_CONTEXT_V2}-`) || !modelId.safeParse(as).success) {
    throw new UsageError(
      `--as ${as} is no name for ${ASSESSMENT_CONTEXT_V2}`,
      `Let it begin with the id: ${ASSESSMENT_CONTEXT_V2}-2018`,
    );
  }
  return as;
}
