/** `prometheus backfill …`. */
import { jointAssessmentSpec, jointProfilesSpec, jointRegimeSpec, jointStabSpec } from '../../engines/joint/spec.ts';
import { backfillDensitySpec } from '../../engines/lambda/spec.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { backfillRegimeSpec } from '../../engines/regime/spec.ts';
import { backfillStabilitySpec } from '../../engines/stability/spec.ts';
import { textBackfillSpec } from '../../engines/text/spec.ts';
import { programCommand } from './program-command.ts';

export const backfillStability = programCommand(backfillStabilitySpec, async () => ({
  program: (await import('../../engines/stability/program.ts')).backfillStability,
}));

export const backfillDensity = programCommand(backfillDensitySpec, async () => ({
  program: (await import('../../engines/lambda/program.ts')).backfillDensity,
}));

export const backfillRegime = programCommand(backfillRegimeSpec, async () => ({
  program: (await import('../../engines/regime/program.ts')).backfillRegime,
}));

export const backfillNumeric = programCommand(numericBackfillSpec, async () => ({
  program: (await import('../../engines/numeric/program.ts')).backfillNumeric,
}));

export const backfillText = programCommand(textBackfillSpec, async () => ({
  program: (await import('../../engines/text/backfill/program.ts')).backfillText,
}));

export const backfillJointProfiles = programCommand(jointProfilesSpec, async () => ({
  program: (await import('../../engines/joint/program.ts')).backfillJointProfiles,
}));

export const backfillJointRegime = programCommand(jointRegimeSpec, async () => ({
  program: (await import('../../engines/joint/program.ts')).backfillJointRegime,
}));

export const backfillJointStab = programCommand(jointStabSpec, async () => ({
  program: (await import('../../engines/joint/program.ts')).backfillJointStab,
}));

export const backfillJointAssessment = programCommand(jointAssessmentSpec, async () => ({
  program: (await import('../../engines/joint/program.ts')).backfillJointAssessment,
}));
