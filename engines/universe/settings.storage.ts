/** `configs/universe/core_long_eq_daily.yaml`: λ̂ in the universes of a strategy, as the plan configures it. */
import { z } from 'zod';
import type { Home } from '../../src/platform/home.ts';
import { loadLayers, originOf } from '../../src/platform/layers.ts';
import { LARGEST_LAMBDA_WEIGHT } from './model.ts';

const FILE = 'universe/core_long_eq_daily.yaml';

const entrySchema = z.strictObject({
  lambda_predictions_csv: z.string().min(1).optional(),
  lambda_experiment_id: z.string().min(1).optional(),
  lambda_score_column: z.string().min(1).optional(),
  lambda_score_weight: z.number().min(-LARGEST_LAMBDA_WEIGHT).max(LARGEST_LAMBDA_WEIGHT).optional(),
});

/** Universe name, then region. */
const schema = z.record(z.string(), z.record(z.string(), entrySchema));

export type UniverseSettings = z.infer<typeof entrySchema>;

/**
 * The settings of a strategy: `US_CORE_LONG_EQ` reads `core_long_eq.US`. Empty when the file says nothing of it.
 * @throws UsageError that names file and key when a value cannot be accepted.
 */
export const universeSettings = (
  home: Home,
  strategyId: string,
  env: Record<string, string | undefined> = process.env,
): UniverseSettings => entryOf(home, strategyId, env)?.entry ?? {};

/** The file that names the predictions of a strategy; null when none does. */
export function universeSettingsFile(
  home: Home,
  strategyId: string,
  env: Record<string, string | undefined> = process.env,
): string | null {
  const found = entryOf(home, strategyId, env);
  return found && originOf(FILE, [...found.keys, 'lambda_predictions_csv'], home, env);
}

function entryOf(home: Home, strategyId: string, env: Record<string, string | undefined>) {
  const settings = loadLayers(FILE, schema, home, env);
  for (const [name, regions] of Object.entries(settings)) {
    for (const [region, entry] of Object.entries(regions)) {
      if (`${region}_${name}`.toUpperCase() === strategyId.toUpperCase()) return { entry, keys: [name, region] };
    }
  }
  return null;
}
