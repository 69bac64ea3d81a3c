/** Numeric models out of the registry. Plain functions need no fitting: they are written there when they are first asked for. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../src/platform/errors.ts';
import type { NumericManifest } from '../models/manifest.model.ts';
import { hashedManifest, loadModel, type VerifiedModel, writeModel } from '../models/storage.ts';
import { isV1, v1Model } from './v1.model.ts';
import { PORTFOLIO_MODEL, portfolioModel } from './v2/portfolio-model.ts';

export interface NumericModel extends VerifiedModel {
  readonly manifest: NumericManifest;
}

/** Whether an id stands for a plain function of this build. */
export const isPlainModel = (id: string): boolean => isV1(id) || id === PORTFOLIO_MODEL;

const plainModel = (id: string) => (isV1(id) ? v1Model(id) : portfolioModel());

/**
 * The numeric model `id`, verified. The id of a plain function must also be that function, whatever its folder says.
 * @throws UserError when it is not there, not whole, or of another kind.
 */
export async function loadNumericModel(folder: string, id: string): Promise<NumericModel> {
  if (isPlainModel(id) && !existsSync(path.join(folder, id))) await writeModel(folder, plainModel(id));
  const model = await loadModel(folder, id);
  const { manifest } = model;
  if (manifest.kind !== 'numeric') {
    throw new UserError(`model ${id} is a ${manifest.kind} model`, 'Name numeric models; see: prometheus models ls');
  }
  if (isPlainModel(id) && manifest.manifest_sha256 !== hashedManifest(plainModel(id)).manifest_sha256) {
    throw new UserError(
      `model ${id} in ${folder} is not the function that this id stands for`,
      'Remove its folder; it is written again when it is needed.',
    );
  }
  return { ...model, manifest };
}
