/** `configs/universe/core_long_eq_daily.yaml`: λ̂ in the universes of a strategy, as the plan configures it. */
import { z } from 'zod';
import type { Home } from '../../src/platform/home.ts';
import { loadLayers } from '../../src/platform/layers.ts';

const FILE = 'universe/core_long_eq_daily.yaml';

const entrySchema = z.strictObject({
  lambda_predictions_csv: z.string().min(1).optional(),
  lambda_experiment_id: z.string().min(1).optional(),
  lambda_score_column: z.string().min(1).optional(),
  lambda_score_weight: z.number().optional(),
});

/** Universe name, then region. */
const schema = z.record(z.string(), z.record(z.string(), entrySchema));

export type UniverseSettings = z.infer<typeof entrySchema>;

/**
 * The settings of a strategy: `US_CORE_LONG_EQ` reads `core_long_eq.US`. Empty when the file says nothing of it.
 * @throws UsageError that names file and key when a value cannot be accepted.
 */
export function universeSettings(
  home: Home,
  strategyId: string,
  env: Record<string, string | undefined> = process.env,
): UniverseSettings {
  const settings = loadLayers(FILE, schema, home, env);
  for (const [name, regions] of Object.entries(settings)) {
    for (const [region, entry] of Object.entries(regions)) {
      if (`${region}_${name}`.toUpperCase() === strategyId.toUpperCase()) return entry;
    }
  }
  return {};
}
