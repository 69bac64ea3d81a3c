/** `prometheus models fit`: one command, and for each kind of model the program that fits it. */
import { textFitSpec } from '../../engines/text/spec.ts';
import { programCommand } from './program-command.ts';

export const modelsFit = {
  ...programCommand(textFitSpec, async () => ({
    program: (await import('../../engines/text/static/program.ts')).fitTextModel,
  })),
  positionals: ['model'] as const,
};
