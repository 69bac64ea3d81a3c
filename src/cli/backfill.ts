/** `prometheus backfill …`. */
import { backfillStabilitySpec } from '../../engines/stability/spec.ts';
import { programCommand } from './program-command.ts';

export const backfillStability = programCommand(backfillStabilitySpec, async () => ({
  program: (await import('../../engines/stability/program.ts')).backfillStability,
}));
