/** `prometheus worker`. */
import { availableParallelism } from 'node:os';
import { workerSpec } from '../../engines/numeric/spec.ts';
import type { Program } from '../platform/program.ts';
import { programCommand } from './program-command.ts';

export const worker = programCommand(workerSpec, async () => {
  const { joinBackfills, joinerOf } = await import('../queue/join.ts');
  const { joinNumeric } = await import('../../engines/numeric/program.ts');
  const { joinJoint } = await import('../../engines/joint/program.ts');
  const { joinCampaign } = await import('../../engines/backtest/distributed.ts');
  const { joinText } = await import('../../engines/text/backfill/program.ts');
  const program: Program<typeof workerSpec> = (args, context) =>
    joinBackfills(
      {
        numeric: joinerOf((backfill: Parameters<typeof joinNumeric>[0]) => joinNumeric(backfill, args, context)),
        joint: joinerOf((backfill: Parameters<typeof joinJoint>[0]) =>
          joinJoint(backfill, args.workers ?? availableParallelism(), context),
        ),
        campaign: joinerOf((backfill: Parameters<typeof joinCampaign>[0]) =>
          joinCampaign(backfill, args.workers ?? availableParallelism(), context),
        ),
        text: joinerOf((backfill: Parameters<typeof joinText>[0]) => joinText(backfill, args, context)),
      },
      args.untilIdle,
      context,
    );
  return { program };
});
