/** The program `models fit` for text models. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { formatCount } from '../../../src/format/numbers.ts';
import { dayOfInstant, formatDay, MS_PER_DAY } from '../../../src/platform/dates.ts';
import { Exit, errorMessage, UsageError, UserError } from '../../../src/platform/errors.ts';
import { stage } from '../../../src/platform/events.ts';
import { type Program, parseRange } from '../../../src/platform/program.ts';
import { modelId } from '../../models/manifest.model.ts';
import { writeModel } from '../../models/storage.ts';
import { newsExtent, newsFingerprint, readArticles, textOf } from '../backfill/news.storage.ts';
import { openTextEncoder, unverified } from '../encoder.ts';
import { loadTextModel, type TextModelFiles } from '../models.storage.ts';
import type { textFitSpec } from '../spec.ts';
import { fitStaticModel, STATIC_MODEL } from './fit.ts';

/** Texts whose vectors are kept with the model, so that a later build that runs it otherwise is found out. */
const GOLDEN_TEXTS = 3;
const GOLDEN_TOLERANCE = 1e-4;

export const fitTextModel: Program<typeof textFitSpec> = async (args, { home, databases, events, signal }) => {
  const id = idOf(args.model, args.as);
  if (!args.replace && existsSync(path.join(home.models, id))) {
    throw new UserError(
      `there is a model ${id} already`,
      `Keep it, write over it with --replace, or fit under another name: --as ${STATIC_MODEL}-NAME`,
    );
  }
  stage(events, 'read news', 1, 2);
  const extent = await newsExtent(databases.historical);
  if (!extent) throw new UserError('news_articles is empty', 'Import news: prometheus data import --news FILE');
  const { start, end } = parseRange(
    {
      start: args.trainStart ?? formatDay(dayOfInstant(extent.first)),
      end: args.trainEnd ?? formatDay(dayOfInstant(extent.last)),
    },
    ['--train-start', '--train-end'],
  );
  const [from, to] = [start * MS_PER_DAY, (end + 1) * MS_PER_DAY];
  const articles = await databases.historical.client((client) => readArticles(client, from, to, null));
  const hash = await newsFingerprint(databases.historical, from, to, false);
  signal.throwIfAborted();
  stage(events, `fit ${id}`, 2, 2);
  const fit = { fit_start: formatDay(start), fit_end: formatDay(end), universe_hash: hash, seed: args.seed };
  let made: TextModelFiles;
  try {
    made = await fitStaticModel(
      articles.map(textOf),
      { modelId: id, vocabulary: args.vocabulary, fit },
      (done, total) => {
        events.emit({ type: 'progress', done, total, unit: 'rounds' });
        signal.throwIfAborted();
      },
    );
  } catch (error) {
    if (signal.aborted) throw error;
    throw new UserError(`${id} cannot be fitted: ${errorMessage(error)}`, 'Import more news, or choose a longer span.');
  }
  await writeModel(home.models, await withGolden(made, articles.map(textOf)), args.replace);
  const { manifest, fingerprint } = await loadTextModel(home.models, id);
  const { texts, words } = manifest.fit?.probes ?? {};
  const summary = `${id}: ${formatCount(words)} words out of ${formatCount(texts)} texts, ${fit.fit_start} → ${fit.fit_end}`;
  events.emit({ type: 'artifact', kind: 'model', id, path: path.join(home.models, id) });
  return { exitCode: Exit.done, summary, data: { manifest, fingerprint } };
};

/** @throws UsageError for several models, one that is not fitted on news, or a name that is not its own. */
function idOf(models: readonly string[], as: string | undefined): string {
  if (models.length !== 1 || models[0] !== STATIC_MODEL) {
    throw new UsageError(`${models.join(', ')} is not fitted on news`, `Name ${STATIC_MODEL}, and nothing beside it.`);
  }
  if (as === undefined) return STATIC_MODEL;
  if (!modelId.safeParse(as).success || !as.startsWith(`${STATIC_MODEL}-`)) {
    throw new UsageError(`'${as}' is no name for ${STATIC_MODEL}`, `Begin it with ${STATIC_MODEL}-`);
  }
  return as;
}

/** The model with the vectors that it gives for the first texts that it can read. */
async function withGolden(made: TextModelFiles, texts: readonly string[]): Promise<TextModelFiles> {
  const encoder = await openTextEncoder(unverified(made), 'cpu');
  try {
    const some = [...new Set(texts.filter((text) => text.trim()))].slice(0, GOLDEN_TEXTS * 10);
    const { vectors, problems } = await encoder.encode(some);
    const golden = some.flatMap((text, k) =>
      problems.has(k)
        ? []
        : { text, first8: [...vectors.subarray(k * encoder.dim, k * encoder.dim + 8)], tolerance: GOLDEN_TOLERANCE },
    );
    return { ...made, manifest: { ...made.manifest, golden: golden.slice(0, GOLDEN_TEXTS) } };
  } finally {
    await encoder.close();
  }
}
