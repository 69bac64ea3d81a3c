/** The sources of the v2 models, by the name under which models ask for them. */
import { instrumentSource } from './instrument.model.ts';
import type { V2Source } from './models.model.ts';
import { portfolioSource } from './portfolio.ts';
import { regimeSource } from './regime.model.ts';
import { scenarioSource } from './scenario.model.ts';
import type { Source } from './source.model.ts';

export const V2_SOURCES: Readonly<Record<V2Source, Source<unknown>>> = {
  'instrument-window-v2': instrumentSource as Source<unknown>,
  'group-window-v2': regimeSource as Source<unknown>,
  'shock-grid-v2': scenarioSource as Source<unknown>,
  'portfolio-day-v2': portfolioSource as Source<unknown>,
};
