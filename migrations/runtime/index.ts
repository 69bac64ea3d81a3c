import type { Migration } from 'kysely/migration';
import * as reference from './0001_reference.ts';
import * as states from './0002_states.ts';
import * as portfolios from './0003_portfolios.ts';
import * as backtests from './0004_backtests.ts';
import * as execution from './0005_execution.ts';
import * as decisions from './0006_decisions.ts';
import * as operations from './0007_operations.ts';
import * as evidence from './0008_evidence.ts';
import * as opportunityDensity from './0009_opportunity_density.ts';
import * as phaseDecisions from './0010_decisions.ts';
import * as phaseSkips from './0011_phase_skips.ts';
import * as campaignRuns from './0012_campaign_runs.ts';

/** The steps of the runtime database, in order; each names the tables it makes. Imported statically: the product is one bundle. */
export const migrations: Record<string, Migration & { readonly tables: readonly string[] }> = {
  '0001_reference': reference,
  '0002_states': states,
  '0003_portfolios': portfolios,
  '0004_backtests': backtests,
  '0005_execution': execution,
  '0006_decisions': decisions,
  '0007_operations': operations,
  '0008_evidence': evidence,
  '0009_opportunity_density': opportunityDensity,
  '0010_decisions': phaseDecisions,
  '0011_phase_skips': phaseSkips,
  '0012_campaign_runs': campaignRuns,
};
