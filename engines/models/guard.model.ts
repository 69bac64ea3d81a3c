/** The guard of fitted models: whoever judges or trades by vectors calls it before it reads them. */
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import { UserError } from '../../src/platform/errors.ts';
import type { Manifest } from './manifest.model.ts';

export const ALLOW_IN_SAMPLE = '--allow-in-sample';

/**
 * Refuses vectors of days on which the model had seen what came after them.
 * @param asOf first day (a day number) whose vectors are to be used.
 * @throws UserError when `asOf` lies within the model's training span, unless `allowInSample` is set.
 */
export function requireOutOfSample(manifest: Manifest, asOf: number, allowInSample: boolean): void {
  const fit = 'fit' in manifest ? manifest.fit : null;
  if (!fit || allowInSample || asOf > parseDay(fit.fit_end)) return;
  throw new UserError(
    `model ${manifest.model_id} was fitted on prices up to ${fit.fit_end}: its vectors of ${formatDay(asOf)} have seen their own future`,
    `Begin after that day, use a model that was fitted earlier, or say ${ALLOW_IN_SAMPLE}.`,
  );
}
