/** `prometheus models fit`: one command, and for each kind of model the program that fits it. */
import type { z } from 'zod';
import { modelsFitSpec } from '../../engines/models/spec.ts';
import { numericFitSpec } from '../../engines/numeric/fit/spec.ts';
import { textFitSpec } from '../../engines/text/spec.ts';
import { UsageError } from '../platform/errors.ts';
import type { Program } from '../platform/program.ts';
import { parseArguments, toArgv } from './arguments.ts';
import { programCommand } from './program-command.ts';

const fitModels: Program<typeof modelsFitSpec> = async (args, context) => {
  const isText = (id: string) => id.startsWith('text-');
  if (args.model.some(isText) !== args.model.every(isText)) {
    throw new UsageError('models of text and of numbers are fitted apart', 'Give the models of one kind.');
  }
  if (isText(args.model[0])) {
    const { fitTextModel } = await import('../../engines/text/static/program.ts');
    return fitTextModel(argumentsOf(textFitSpec.args, args), context);
  }
  const isHead = (id: string) => id.startsWith('assessment-');
  if (args.model.some(isHead)) {
    const { fitHead, headFitSpec } = await import('../../engines/assessment/fit.ts');
    return fitHead(argumentsOf(headFitSpec.args, args), context);
  }
  const { fitModels } = await import('../../engines/numeric/fit/program.ts');
  return fitModels(argumentsOf(numericFitSpec.args, args), context);
};

/** The arguments as the program of one kind knows them. @throws UsageError for one that it lacks or does not have. */
function argumentsOf<Args extends z.ZodObject>(
  schema: Args,
  args: z.infer<(typeof modelsFitSpec)['args']>,
): z.infer<Args> {
  return parseArguments('models fit', schema, toArgv(modelsFitSpec.args, args)).args!;
}

export const modelsFit = programCommand(modelsFitSpec, async () => ({ program: fitModels }));
