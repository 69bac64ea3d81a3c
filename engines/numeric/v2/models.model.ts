/** The v2 models: which source feeds each, over which window, and how it is fitted. */
import type { STATISTICS } from './instrument.model.ts';

export const V2_MODELS = [
  'num-regime-core-v2',
  'num-stab-core-v2',
  'num-profile-core-v2',
  'num-scenario-core-v2',
  'num-portfolio-core-v2',
] as const;
export type V2ModelId = (typeof V2_MODELS)[number];

export type V2Source = 'instrument-window-v2' | 'group-window-v2' | 'shock-grid-v2' | 'portfolio-day-v2';

export interface V2Recipe {
  readonly source: V2Source;
  /** Trading days of a window. */
  readonly window: number;
  /** rocket: features of a window and statistics; components: principal components of one grid; schema: a fixed rotation. */
  readonly fit: 'rocket' | 'components' | 'schema';
  /** Importance of statistics that count for more or less than 1. */
  readonly importance: Readonly<Partial<Record<string, number>>>;
}

/** Stability is about falls, tails and what it costs to get out. */
const STABILITY: Readonly<Partial<Record<(typeof STATISTICS)[number], number>>> = {
  log_downside_middle: 1.5,
  log_downside: 1.5,
  worst_day: 1.25,
  expected_shortfall: 1.5,
  large_fall_share: 1.5,
  deepest_drawdown: 1.5,
  drawdown: 1.25,
  mean_drawdown: 1.25,
  volume_spread: 1.25,
  log_illiquidity_change: 1.25,
};

export const V2_RECIPES: Readonly<Record<V2ModelId, V2Recipe>> = {
  'num-stab-core-v2': { source: 'instrument-window-v2', window: 63, fit: 'rocket', importance: STABILITY },
  'num-profile-core-v2': { source: 'instrument-window-v2', window: 252, fit: 'rocket', importance: {} },
  'num-regime-core-v2': { source: 'group-window-v2', window: 63, fit: 'rocket', importance: {} },
  'num-scenario-core-v2': { source: 'shock-grid-v2', window: 63, fit: 'components', importance: {} },
  'num-portfolio-core-v2': { source: 'portfolio-day-v2', window: 63, fit: 'schema', importance: {} },
};

/** The recipe of an id: that of a v2 id, or of a refit under a name of its own (`num-stab-core-v2-2018`). Null: none. */
export function recipeOf(id: string): V2Recipe | null {
  const base = V2_MODELS.find((one) => id === one || id.startsWith(`${one}-`));
  return base ? V2_RECIPES[base] : null;
}
