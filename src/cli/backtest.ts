/** `prometheus backtest …`: sleeves and campaigns. */
import { z } from 'zod';
import { canonicalSleeves, formatSleeve, sleeveJson } from '../../engines/backtest/sleeves.ts';
import { campaignAndMetaSpec, campaignSpec, sweepSpec } from '../../engines/backtest/spec.ts';
import { Exit } from '../platform/errors.ts';
import { defineCommand } from './command.ts';
import { printFigures } from './json.ts';
import { programCommand } from './program-command.ts';

export const backtestSleeves = defineCommand({
  name: 'backtest sleeves',
  summary: "print the plan's three sleeves",
  description: 'One line a sleeve, as --sleeve takes it: sleeve:strategy:market:universe:portfolio:assess:horizon.',
  args: z.object({
    strategyId: z.string().min(1).max(40).default('US_CORE_LONG_EQ').describe('strategy'),
    marketId: z.string().min(1).default('US_EQ').describe('market'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  run: async (args, cli) => {
    const sleeves = canonicalSleeves(args.strategyId, args.marketId);
    if (args.json) printFigures(cli, { sleeves: sleeves.map(sleeveJson) });
    else {
      // stdout is for other programs.
      if (cli.home.demo) cli.err('DEMO: synthetic market, not real prices\n');
      cli.out(`${sleeves.map(formatSleeve).join('\n')}\n`);
    }
    return Exit.done;
  },
});

export const backtestCampaign = programCommand(campaignSpec, async () => ({
  program: (await import('../../engines/backtest/program.ts')).campaign,
}));

export const backtestCampaignAndMeta = programCommand(campaignAndMetaSpec, async () => ({
  program: (await import('../../engines/backtest/program.ts')).campaignAndMeta,
}));

export const sweep = programCommand(sweepSpec, async () => ({
  program: (await import('../../engines/backtest/sweep-program.ts')).sweep,
}));
