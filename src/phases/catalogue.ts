/** The phases of the plan: what each is for, what it needs, its checks and its commands. */
import type { Phase } from '../platform/program.ts';
import { campaignArgv, proofArgv } from './campaign.ts';
import type { CheckSpec } from './check.ts';
import { LATER_COMMANDS, lambdaCampaignArgv, P3_CHECKS } from './checks/later.ts';
import { P0_CHECKS } from './checks/p0.ts';
import { P1_CHECKS } from './checks/p1.ts';
import { p2Checks, p2Commands } from './checks/p2.ts';
import { p4Checks } from './checks/p4.ts';
import { p4Commands } from './checks/p4-plan.ts';
import { P5_CHECKS } from './checks/p5.ts';
import type { Requirements } from './config.ts';
import type { Prerequisite } from './derive.ts';
import type { PhaseCommand } from './types.ts';

export interface PhaseSpec {
  readonly phase: Phase;
  readonly title: string;
  readonly goal: string;
  readonly optional: boolean;
  readonly needs: readonly Prerequisite[];
  readonly mainCheck: string;
  readonly checks: readonly CheckSpec[];
  readonly commands: readonly PhaseCommand[];
}

/** The catalogue for a home's requirements. */
export function phaseSpecs(need: Requirements): PhaseSpec[] {
  const numeric = p2Checks(need);
  return [
    {
      phase: 'P0',
      title: 'Sanity: tests and data',
      goal: 'Tests pass, prices are continuous, and there are several years of news.',
      optional: false,
      needs: [],
      mainCheck: 'P0.prices',
      checks: P0_CHECKS,
      // The import needs file names and `bin/test` is no program of ours: nothing here can be launched by a key.
      commands: [],
    },
    {
      phase: 'P1',
      title: 'Baseline backtest',
      goal: 'The whole backtest stack works over a real period, without embeddings.',
      optional: false,
      needs: [['P0']],
      mainCheck: 'P1.runs',
      checks: P1_CHECKS,
      commands: [
        { label: `campaign ${need.campaign.start} → ${need.campaign.end}`, argv: campaignArgv(need) },
        { label: 'prove point in time', argv: proofArgv(need) },
      ],
    },
    {
      phase: 'P2',
      title: 'Numeric embeddings',
      goal: 'Five numeric models cover the backtest window.',
      optional: false,
      needs: [['P1']],
      mainCheck: numeric[0].id,
      checks: numeric,
      commands: p2Commands(need),
    },
    {
      phase: 'P3',
      title: 'Opportunity density λ',
      goal: 'λ for each cluster and day, a λ̂ that beats persistence, and runs with it: universes that prefer clusters whose members will lie apart. Optional.',
      optional: true,
      needs: [['P2']],
      mainCheck: 'P3.lambda',
      checks: P3_CHECKS,
      commands: [...laterCommands('P3', need), { label: 'campaign with λ̂', argv: lambdaCampaignArgv(need) }],
    },
    {
      phase: 'P4',
      title: 'Context assessment',
      goal: 'Assessment reads joint context embeddings and is compared with the baseline.',
      optional: false,
      needs: [['P2']],
      mainCheck: 'P4.runs',
      checks: p4Checks(need),
      commands: p4Commands(need),
    },
    {
      phase: 'P5',
      title: 'Full-horizon decision',
      goal: 'Decide whether embeddings go back to 1997, on the evidence of the phases before.',
      optional: false,
      needs: [['P1'], ['P2'], ['P3', 'P4']],
      mainCheck: 'P5.decision',
      checks: P5_CHECKS,
      // A decision needs words of its own: nothing here can be launched by a key.
      commands: [],
    },
  ];
}

/** Commands that this version has; the others would only be refused. */
function laterCommands(phase: Phase, need: Requirements): PhaseCommand[] {
  return Object.entries(LATER_COMMANDS)
    .filter(([, one]) => one.phase === phase && one.available)
    .map(([name, one]) => ({ label: name, argv: [...name.split(' '), ...one.argv(need)] }));
}
