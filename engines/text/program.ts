/** The program `models install`. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Exit, errorMessage, UsageError, UserError } from '../../src/platform/errors.ts';
import { stage } from '../../src/platform/events.ts';
import type { Program } from '../../src/platform/program.ts';
import { FITTED_MODELS } from '../models/makers.model.ts';
import { writeModel } from '../models/storage.ts';
import { openTextEncoder, unverified } from './encoder.ts';
import { checkGeneralTokenizer, GENERAL_MODEL, GENERAL_REPO } from './general.model.ts';
import { checkGeneralWeights } from './general-weights.ts';
import { type GeneralFiles, generalFromSource } from './install.ts';
import { loadTextModel } from './models.storage.ts';
import { openSource } from './source/source.ts';
import type { textInstallSpec } from './spec.ts';
import { TOKENIZER_FILE } from './tokenizer.ts';

export const installTextModel: Program<typeof textInstallSpec> = async (args, { home, events, signal }) => {
  if (args.model !== GENERAL_MODEL) {
    throw new UsageError(
      `${args.model} is not installed from files`,
      `Only ${GENERAL_MODEL} is. Fitted with prometheus models fit ID are: ${FITTED_MODELS.join(', ')}`,
    );
  }
  if (!args.replace && existsSync(path.join(home.models, args.model))) {
    throw new UserError(`model ${args.model} is installed`, 'Give --replace to take its place.');
  }
  stage(events, 'read and convert', 1, 2);
  const source = await openSource(args.from, GENERAL_REPO, signal);
  let made: GeneralFiles;
  try {
    made = await generalFromSource(source);
  } finally {
    await source.close();
  }
  signal.throwIfAborted();
  stage(events, 'check and store', 2, 2);
  // Before anything is stored, the pieces and then the vectors of golden texts must come out as they are known to.
  const notIt = (what: string, lacks: string) =>
    new UserError(
      `${source.origin} is not ${args.model}: ${what}`,
      `Name a source of ${GENERAL_REPO} with its own ${lacks}.`,
    );
  try {
    checkGeneralTokenizer(new Map(Object.entries(made.files)));
  } catch (error) {
    throw notIt(errorMessage(error), TOKENIZER_FILE);
  }
  const model = unverified(made);
  await (await openTextEncoder(model, 'cpu', (what) => notIt(what, 'weights and settings'))).close();
  try {
    await checkGeneralWeights(model, made.weights);
  } catch (error) {
    throw notIt(errorMessage(error), 'weights');
  }
  await writeModel(home.models, made, args.replace);
  const { manifest, fingerprint } = await loadTextModel(home.models, args.model);
  const summary = `${manifest.model_id} installed from ${source.origin}: ${manifest.dtype}, ${manifest.source.licence}`;
  events.emit({ type: 'artifact', kind: 'model', id: manifest.model_id, path: path.join(home.models, args.model) });
  return { exitCode: Exit.done, summary, data: { manifest, fingerprint } };
};
