/** Numeric models out of the registry. The v1 ids need no fitting: they are written there when they are first asked for. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../src/platform/errors.ts';
import type { NumericManifest } from '../models/manifest.model.ts';
import { loadModel, type VerifiedModel, writeModel } from '../models/storage.ts';
import { isV1, v1Graph, v1Model } from './v1.model.ts';

export interface NumericModel extends VerifiedModel {
  readonly manifest: NumericManifest;
}

/**
 * The numeric model `id`, verified. A v1 id must also be the contract's own graph, whatever its folder says.
 * @throws UserError when it is not there, not whole, or of another kind.
 */
export async function loadNumericModel(folder: string, id: string): Promise<NumericModel> {
  if (isV1(id) && !existsSync(path.join(folder, id))) await writeModel(folder, v1Model(id));
  const model = await loadModel(folder, id);
  const { manifest } = model;
  if (manifest.kind !== 'numeric') {
    throw new UserError(`model ${id} is a ${manifest.kind} model`, 'Name numeric models; see: prometheus models ls');
  }
  if (isV1(id) && Buffer.compare(model.graph, v1Graph()) !== 0) {
    throw new UserError(
      `model ${id} in ${folder} is not the function that this id stands for`,
      'Remove its folder; it is written again when it is needed.',
    );
  }
  return { ...model, manifest };
}
