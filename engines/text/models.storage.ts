/** Text models out of the registry. */
import { UserError } from '../../src/platform/errors.ts';
import type { TextManifest, Unhashed } from '../models/manifest.model.ts';
import { loadModel, type VerifiedModel } from '../models/storage.ts';

export interface TextModel extends VerifiedModel {
  readonly manifest: TextManifest;
}

/** A text model that was just made, to be written. */
export interface TextModelFiles {
  readonly manifest: Unhashed<TextManifest>;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** The text model `id`, verified. @throws UserError when it is not there, not whole, or of another kind. */
export async function loadTextModel(folder: string, id: string): Promise<TextModel> {
  const model = await loadModel(folder, id);
  const { manifest } = model;
  if (manifest.kind !== 'text') {
    throw new UserError(`model ${id} is a ${manifest.kind} model`, 'Name a text model; see: prometheus models ls');
  }
  return { ...model, manifest };
}
