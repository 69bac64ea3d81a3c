/** `prometheus lambda …`: λ̂ experiments and training. */
import { lambdaExperimentSpec, lambdaTrainSpec } from '../../engines/lambda/spec.ts';
import { programCommand } from './program-command.ts';

export const lambdaExperiment = programCommand(lambdaExperimentSpec, async () => ({
  program: (await import('../../engines/lambda/experiment/program.ts')).lambdaExperiment,
}));

export const lambdaTrain = programCommand(lambdaTrainSpec, async () => ({
  program: (await import('../../engines/lambda/forecast/program.ts')).lambdaTrain,
}));
