/** `prometheus verify …`: programs that compute evidence. */
import { numericEmbeddingsSpec, pointInTimeSpec } from '../../engines/verify/spec.ts';
import { programCommand } from './program-command.ts';

export const verifyPointInTime = programCommand(pointInTimeSpec, async () => ({
  program: (await import('../../engines/verify/program.ts')).verifyPointInTime,
}));

export const verifyNumeric = programCommand(numericEmbeddingsSpec, async () => ({
  program: (await import('../../engines/verify/numeric.ts')).verifyNumeric,
}));
