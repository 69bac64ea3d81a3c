/** The program `models eval`. */
import { writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import { formatCount } from '../../../src/format/numbers.ts';
import { formatDay, parseDay } from '../../../src/platform/dates.ts';
import type { Database } from '../../../src/platform/db/databases.ts';
import { Exit, UsageError, UserError } from '../../../src/platform/errors.ts';
import { log, stage } from '../../../src/platform/events.ts';
import { type Program, type ProgramContext, parseRange } from '../../../src/platform/program.ts';
import { htmlDocument, markdownDocument } from '../../../src/report/document.ts';
import { indexOnOrAfter } from '../../market/calendar.ts';
import { type LoadedPanel, loadPanel } from '../../market/storage.ts';
import { requireOutOfSample } from '../../models/guard.model.ts';
import { type Blas, openBlas } from '../../onnx/blas.ts';
import { encoderOf } from '../encoders.ts';
import { loadNumericModel, type NumericModel } from '../models.storage.ts';
import { instrumentSource } from '../v2/instrument.model.ts';
import { MARKET_WINDOW } from '../v2/rows.model.ts';
import {
  type InstrumentScores,
  type InstrumentTask,
  judge,
  judgePersistence,
  largestSectorShare,
} from './instrument-probes.ts';
import type { Scaling } from './neighbours.ts';
import { type OwnScore, ownProbe, splitRows } from './own-probes.ts';
import { type Evaluation, evaluationReport } from './report.model.ts';
import type { Matrix } from './ridge.ts';
import type { modelsEvalSpec } from './spec.ts';
import { type OpenModel, openModel, plainDue, plainInputs } from './subjects.ts';
import { type Future, futureOfInstrument, HORIZON } from './targets.model.ts';

type Args = z.infer<(typeof modelsEvalSpec)['args']>;

/** The v1 model that instrument models are compared with. All five are the same function. */
const V1 = 'num-stab-core-v1';

export const evaluateModels: Program<typeof modelsEvalSpec> = async (args, context) => {
  const { home, databases, events, signal } = context;
  const models: NumericModel[] = [];
  for (const id of new Set(args.model)) models.push(await loadNumericModel(home.models, id));
  stage(events, 'load prices', 1, 3);
  const range = await rangeOf(args, databases.historical);
  const kinds = models.map(encoderOf);
  const panel = await loadPanel(databases, {
    marketId: args.market,
    start: range.start,
    end: range.end,
    lookback: Math.max(
      instrumentSource.lookback(MARKET_WINDOW),
      ...kinds.map((kind, k) => kind.lookback(models[k].manifest.window_days)),
    ),
    columns: [...new Set([...instrumentSource.columns, ...kinds.flatMap(({ columns }) => columns)])],
    cacheFolder: home.cache,
    markUnusable: true,
  });
  const split = splitOf(args, panel, models);
  for (const { manifest } of models) requireOutOfSample(manifest, panel.calendar.days[split], args.allowInSample);
  const aboutInstruments = models.filter(({ manifest }) => manifest.entities.includes('INSTRUMENT'));
  const others = models.filter((model) => !aboutInstruments.includes(model));
  const blas = await openBlas();
  try {
    stage(events, 'judge instruments', 2, 3);
    const instrument = aboutInstruments.length
      ? await judgeInstruments(blas, panel, split, aboutInstruments, args, context)
      : { rows: [], train: 0, test: 0, leftOut: 0, step: 1, sectorShare: Number.NaN };
    stage(events, 'judge the others', 3, 3);
    const own = aboutInstruments.flatMap(({ manifest }) => sectorProbe(manifest.model_id, instrument));
    for (const model of others) {
      const open = await openModel(panel, model, databases);
      const score = await ownProbe(blas, panel, open, { first: panel.first, split }, signal);
      await open.close();
      if (score) own.push(score);
      else log(events, 'warn', `${model.manifest.model_id}: too few days in this database to judge it`);
    }
    const day = (t: number) => formatDay(panel.calendar.days[t]);
    const evaluation: Evaluation = {
      market: args.market,
      start: day(panel.first),
      split: day(split),
      end: day(panel.calendar.days.length - 1),
      instruments: panel.instruments.length,
      models: models.map(({ manifest: { model_id: id, fit } }) => ({
        id,
        fitted: fit ? `${fit.fit_start} … ${fit.fit_end}, seed ${fit.seed}` : 'a plain function',
      })),
      train: instrument.train,
      test: instrument.test,
      leftOut: instrument.leftOut,
      step: instrument.step,
      instrument: instrument.rows,
      sectorShare: instrument.sectorShare,
      own,
    };
    return await report(evaluation, args, context);
  } finally {
    await blas.release();
  }
};

/** Day numbers of the span: what was asked for, or all that has prices. */
async function rangeOf({ start, end }: Args, historical: Database): Promise<{ start: number; end: number }> {
  if (start !== undefined && end !== undefined) return parseRange({ start, end });
  const { rows } = await historical.client((client) =>
    client.query<{ first: string | null; last: string | null }>(
      'SELECT min(trade_date)::date AS first, max(trade_date)::date AS last FROM prices_daily',
    ),
  );
  const [{ first, last }] = rows;
  if (first === null || last === null) {
    throw new UserError('there are no prices to judge models on', 'Import them: prometheus data import --prices FILE');
  }
  return parseRange({ start: start ?? first, end: end ?? last });
}

/** The first judged day, a position in the calendar. @throws UsageError when one side of it would be empty. */
function splitOf({ split }: Args, panel: LoadedPanel, models: readonly NumericModel[]): number {
  const { days } = panel.calendar;
  const newest = Math.max(0, ...models.map(({ manifest }) => (manifest.fit ? parseDay(manifest.fit.fit_end) + 1 : 0)));
  const middle = days[panel.first + (panel.count >> 1)];
  const at = indexOnOrAfter(panel.calendar, split === undefined ? Math.max(middle, newest) : parseDay(split));
  if (at - panel.first < 2 * HORIZON || days.length - at < 2 * HORIZON) {
    throw new UsageError(
      `too few days lie before or after ${at < days.length ? formatDay(days[at]) : 'the end'}`,
      'Widen --start … --end, move --split, or use models that were fitted on earlier days.',
    );
  }
  return at;
}

interface InstrumentResult {
  readonly rows: { subject: string; scores: InstrumentScores }[];
  readonly train: number;
  readonly test: number;
  readonly leftOut: number;
  readonly step: number;
  readonly sectorShare: number;
}

/** The sector of names that a reader never saw, against always naming the most frequent one. */
function sectorProbe(model: string, { rows, sectorShare, test }: InstrumentResult): OwnScore[] {
  const found = rows.find(({ subject }) => subject === model);
  if (!found || Number.isNaN(found.scores.sector)) return [];
  return [
    {
      model,
      probe: 'share of rows of unseen names whose sector is found',
      score: found.scores.sector,
      baseline: 'the most frequent sector',
      baselineScore: sectorShare,
      rows: test,
    },
  ];
}

async function judgeInstruments(
  blas: Blas,
  panel: LoadedPanel,
  split: number,
  models: readonly NumericModel[],
  args: Args,
  { databases, events, home, signal }: ProgramContext,
): Promise<InstrumentResult> {
  const plain = plainDue(panel);
  const all = [await loadNumericModel(home.models, V1), ...models.filter(({ manifest }) => manifest.model_id !== V1)];
  const open: OpenModel[] = [];
  for (const model of all) open.push(await openModel(panel, model, databases));
  const chosen = chooseCells(panel, [plain.due.due, ...open.map(({ due }) => due.due)], args.maxWindows);
  const inputs = plainInputs(panel, plain.rows, chosen.cells);
  const failed = new Set(inputs.failed);
  const vectors: Matrix[] = [];
  for (const one of open) {
    const read = await one.vectors(chosen.cells, signal);
    for (const row of read.failed) failed.add(row);
    vectors.push(read.matrix);
    await one.close();
  }
  const T = panel.calendar.days.length;
  if (failed.size) {
    const [row] = [...failed].sort((a, b) => a - b);
    const [i, t] = [Math.floor(chosen.cells[row] / T), chosen.cells[row] % T];
    log(
      events,
      'warn',
      `left out ${formatCount(failed.size)} of ${formatCount(chosen.cells.length)} windows that cannot be used, for a price that no day can have: ${panel.instruments[i].id} on ${formatDay(panel.calendar.days[t])}, …`,
    );
  }
  const task: InstrumentTask = {
    panel,
    cells: chosen.cells,
    futures: chosen.futures,
    split: splitRows(chosen.cells, T, split, failed),
    step: chosen.step,
    seed: args.seed,
  };
  if (!task.split.train.length || !task.split.test.length) {
    throw new UserError('no window of an instrument lies on one side of the split', 'Widen --start … --end.');
  }
  const { data, width } = inputs.volatilities;
  const rows = [{ subject: 'persistence', scores: judgePersistence(task, (row) => data[row * width + 1]) }];
  const subjects: { subject: string; x: Matrix; scaling: Scaling }[] = [
    { subject: 'HAR(5,21,63)', x: inputs.volatilities, scaling: 'standardise' },
    { subject: `v1 zero-pad (${V1})`, x: vectors[0], scaling: 'centre' },
    { subject: '6 channels, flat', x: inputs.flat, scaling: 'centre' },
    { subject: '36 statistics', x: inputs.statistics, scaling: 'standardise' },
    ...open.slice(1).map(({ model }, k) => ({
      subject: model.manifest.model_id,
      x: vectors[k + 1],
      scaling: 'centre' as const,
    })),
  ];
  for (const [k, { subject, x, scaling }] of subjects.entries()) {
    signal.throwIfAborted();
    rows.push({ subject, scores: await judge(blas, task, x, scaling) });
    events.emit({ type: 'progress', done: k + 1, total: subjects.length, unit: 'encoders' });
  }
  return {
    rows,
    train: task.split.train.length,
    test: task.split.test.length,
    leftOut: failed.size,
    step: chosen.step,
    sectorShare: largestSectorShare(task),
  };
}

/** Whole days, evenly, so many that at most `most` cells have every vector and a known future; in the order of days. */
function chooseCells(panel: LoadedPanel, dues: readonly Uint8Array[], most: number) {
  const T = panel.calendar.days.length;
  const known = (cell: number) => dues.every((due) => due[cell] === 1);
  let total = 0;
  for (let cell = 0; cell < dues[0].length; cell++) if (cell % T >= panel.first && known(cell)) total++;
  const step = Math.max(1, Math.ceil(total / most));
  const cells: number[] = [];
  const futures: Future[] = [];
  for (let t = panel.first; t + HORIZON < T; t += step) {
    for (let i = 0; i < panel.instruments.length; i++) {
      const cell = i * T + t;
      const future = known(cell) ? futureOfInstrument(panel, cell) : null;
      if (!future) continue;
      cells.push(cell);
      futures.push(future);
    }
  }
  return { cells: Int32Array.from(cells), futures, step };
}

async function report(evaluation: Evaluation, args: Args, { events, home, stdout }: ProgramContext) {
  const asked = (['start', 'end', 'split', 'market', 'maxWindows', 'seed'] as const).flatMap((key) =>
    args[key] === undefined ? [] : [`--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${args[key]}`],
  );
  const command = [
    'prometheus models eval',
    ...args.model,
    ...asked,
    ...(args.allowInSample ? ['--allow-in-sample'] : []),
  ];
  const made = evaluationReport(evaluation, command.join(' '), home.demo);
  const text = markdownDocument(made);
  if (args.report !== undefined) {
    await writeFile(args.report, /\.html?$/i.test(args.report) ? htmlDocument(made) : text);
    events.emit({ type: 'artifact', kind: 'report', id: 'models eval', path: args.report });
  }
  if (!args.json) stdout(text);
  const summary = `${evaluation.models.length} models judged on ${evaluation.split} … ${evaluation.end}`;
  return { exitCode: Exit.done, summary, data: evaluation };
}
