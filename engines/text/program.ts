/** The program `models install`. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Exit, UsageError, UserError } from '../../src/platform/errors.ts';
import { stage } from '../../src/platform/events.ts';
import type { Program } from '../../src/platform/program.ts';
import { writeModel } from '../models/storage.ts';
import { openTextEncoder, unverified } from './encoder.ts';
import { GENERAL_MODEL, GENERAL_REPO } from './general.model.ts';
import { generalFromSource } from './install.ts';
import { loadTextModel, type TextModelFiles } from './models.storage.ts';
import { openSource } from './source/source.ts';
import type { textInstallSpec } from './spec.ts';

export const installTextModel: Program<typeof textInstallSpec> = async (args, { home, events, signal }) => {
  if (args.model !== GENERAL_MODEL) {
    throw new UsageError(
      `${args.model} is not installed from files`,
      `Only ${GENERAL_MODEL} is; for a fitted model: prometheus models fit ${args.model}`,
    );
  }
  if (!args.replace && existsSync(path.join(home.models, args.model))) {
    throw new UserError(`model ${args.model} is installed`, 'Give --replace to take its place.');
  }
  stage(events, 'read and convert', 1, 2);
  const source = await openSource(args.from, GENERAL_REPO, signal);
  let made: TextModelFiles;
  try {
    made = await generalFromSource(source);
  } finally {
    await source.close();
  }
  signal.throwIfAborted();
  stage(events, 'check and store', 2, 2);
  // Runs the golden texts before anything is stored.
  await (await openTextEncoder(unverified(made), 'cpu')).close();
  await writeModel(home.models, made, args.replace);
  const { manifest, fingerprint } = await loadTextModel(home.models, args.model);
  const summary = `${manifest.model_id} installed from ${source.origin}: ${manifest.dtype}, ${manifest.source.licence}`;
  events.emit({ type: 'artifact', kind: 'model', id: manifest.model_id, path: path.join(home.models, args.model) });
  return { exitCode: Exit.done, summary, data: { manifest, fingerprint } };
};
